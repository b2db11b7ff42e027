/** Flows: who talks to whom, and what is known of their protocol. The table of them is flow-table. */
import { formatIpv4, formatIpv6 } from "../../codecs/ip-text.ts";
import type { Fixed } from "../../codecs/json-writer.ts";
import type { DatagramDissector, Direction, StreamDissector } from "./dissector.ts";
import type { Heads } from "./heads.ts";
import type { Mark } from "./mark.ts";
import type { TcpState } from "./tcp.ts";

export const TCP = 6;
export const UDP = 17;

export class Flow {
  /** 4 or 6. */
  family = 4;
  /** Addresses as big-endian 32-bit words: IPv4 in the first. `a` is the side of direction 0. */
  a0 = 0;
  a1 = 0;
  a2 = 0;
  a3 = 0;
  b0 = 0;
  b1 = 0;
  b2 = 0;
  b3 = 0;
  aPort = 0;
  bPort = 0;
  /** IP protocol number: TCP or UDP. */
  protocol = UDP;
  /** Number per transport, in order of appearance. */
  stream = 0;
  /** Set once the protocol is known (or given up: see `unnamed`). */
  dissector: DatagramDissector | undefined = undefined;
  /** Name of the dissector's protocol. */
  app: string | undefined = undefined;
  /** Further datagram protocols multiplexed on the flow, by name. */
  others: Map<string, DatagramDissector> | undefined = undefined;
  streamDissector: StreamDissector | undefined = undefined;
  tcp: TcpState | undefined = undefined;
  /** Payload bytes seen that nobody could name, and the last of their places. */
  unknownBytes = 0;
  unknownMark: Mark | undefined = undefined;
  /** What is kept of a stream until its protocol is known, and how often it was looked at. */
  heads: Heads | undefined = undefined;
  probes = 0;
  /** Datagrams that no protocol recognised. */
  misses = 0;
  /** Set by `nameFlow`: the record of a named protocol has been emitted. */
  named = false;
  /** Bytes that the stream's dissector keeps of unfinished messages. */
  held = 0;
  /** State of the registry of announced media when this flow was last looked up there. */
  mediaVersion = 0;
  /** Records written in each direction, and the text of the endpoints once there were some. */
  readonly records: [number, number] = [0, 0];
  readonly envelopes: [Fixed | undefined, Fixed | undefined] = [undefined, undefined];
  /** Of the endpoints, alike for both directions; its upper bits are the partition (see flow-table). */
  hash = 0;
  /** Place in the table. */
  entry = 0;
  /**
   * True for an object that stands for another flow with the next packet: one whose protocol
   * keeps no state of flows. `FlowTable.keep` makes it last.
   */
  passing = false;
  private aText: string | undefined = undefined;
  private bText: string | undefined = undefined;

  /** As new, for other endpoints. */
  reset(): void {
    this.dissector = undefined;
    this.app = undefined;
    this.others = undefined;
    this.unknownBytes = 0;
    this.unknownMark = undefined;
    this.misses = 0;
    this.named = false;
    this.mediaVersion = 0;
    this.forgetText();
    this.records[0] = 0;
    this.records[1] = 0;
    this.envelopes[0] = undefined;
    this.envelopes[1] = undefined;
  }

  /** The addresses are others now. */
  forgetText(): void {
    this.aText = undefined;
    this.bText = undefined;
  }

  get transport(): "tcp" | "udp" {
    return this.protocol === TCP ? "tcp" : "udp";
  }

  /** Canonical text (RFC 5952) of the sender's address. */
  source(direction: Direction): string {
    if (direction === 0) {
      this.aText ??= addressText(this.family, this.a0, this.a1, this.a2, this.a3);
      return this.aText;
    }
    this.bText ??= addressText(this.family, this.b0, this.b1, this.b2, this.b3);
    return this.bText;
  }

  destination(direction: Direction): string {
    return this.source(direction === 0 ? 1 : 0);
  }

  sourcePort(direction: Direction): number {
    return direction === 0 ? this.aPort : this.bPort;
  }

  destinationPort(direction: Direction): number {
    return direction === 0 ? this.bPort : this.aPort;
  }
}

const scratch = new Uint8Array(16);
const scratchView = new DataView(scratch.buffer);

export function addressText(
  family: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): string {
  scratchView.setInt32(0, w0);
  if (family === 4) return formatIpv4(scratch);
  scratchView.setInt32(4, w1);
  scratchView.setInt32(8, w2);
  scratchView.setInt32(12, w3);
  return formatIpv6(scratch);
}
