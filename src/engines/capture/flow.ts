/**
 * Flows: who talks to whom. Keyed by address words and ports in one open-addressing table with
 * an LRU list through the flows, so that memory is bound by live flows, not by the capture.
 */
import { formatIpv4, formatIpv6 } from "../../codecs/ip-text.ts";
import type { Fixed } from "../../codecs/json-writer.ts";
import type { DatagramDissector, Direction, StreamDissector } from "./dissector.ts";
import type { Heads } from "./identify.ts";
import type { Mark } from "./mark.ts";
import type { TcpState } from "./tcp.ts";

export const TCP = 6;
export const UDP = 17;

/** Flows kept at once of each transport; past that the one idle longest is closed. Streams cost more. */
export const MAX_FLOWS = { udp: 65_536, tcp: 8192 } as const;
/** Idle seconds after which the same endpoints make a new flow. */
export const IDLE_SECONDS = { udp: 600, tcp: 3600 } as const;

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
  lastSeconds = 0;
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
  hash = 0;
  newer: Flow | undefined = undefined;
  older: Flow | undefined = undefined;
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
    this.aText = undefined;
    this.bText = undefined;
    this.records[0] = 0;
    this.records[1] = 0;
    this.envelopes[0] = undefined;
    this.envelopes[1] = undefined;
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

/** The transport endpoints of one packet, as the flow table looks them up. */
export interface Endpoints {
  family: number;
  s0: number;
  s1: number;
  s2: number;
  s3: number;
  d0: number;
  d1: number;
  d2: number;
  d3: number;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
}

export class FlowTable {
  /** Direction of the packet of the last lookup. */
  direction: Direction = 0;
  private readonly slots: (Flow | undefined)[];
  private readonly mask: number;
  private readonly limit: number;
  private count = 0;
  /** The flow closed last, used again: a full table then makes no garbage. */
  private spare: Flow | undefined = undefined;
  private oldest: Flow | undefined = undefined;
  private newest: Flow | undefined = undefined;
  private readonly streams = { udp: 0, tcp: 0 };
  private readonly onClose: (flow: Flow) => void;

  /** `onClose` is told of each flow that leaves the table, before its state is dropped. */
  /** `limit`: flows kept at once, a power of two. */
  constructor(onClose: (flow: Flow) => void, limit: number) {
    this.onClose = onClose;
    this.limit = limit;
    this.slots = new Array(limit * 4).fill(undefined);
    this.mask = limit * 4 - 1;
  }

  /** Closes the flow idle longest, if there is one. */
  closeOldest(): void {
    if (this.oldest !== undefined) this.close(this.oldest);
  }

  get size(): number {
    return this.count;
  }

  /** Flows seen so far per transport. */
  get seen(): { readonly udp: number; readonly tcp: number } {
    return this.streams;
  }

  /** The flow of a packet, made when there is none. Sets `direction`. */
  lookup(p: Endpoints, seconds: number): Flow {
    const hash = hashOf(p);
    let at = hash & this.mask;
    for (;;) {
      const flow = this.slots[at];
      if (flow === undefined) break;
      if (flow.hash === hash && flow.protocol === p.protocol && flow.family === p.family) {
        const direction = directionIn(flow, p);
        if (direction >= 0) {
          const limit = flow.protocol === UDP ? IDLE_SECONDS.udp : IDLE_SECONDS.tcp;
          if (seconds - flow.lastSeconds > limit) {
            this.close(flow);
            break;
          }
          // The order of idleness is kept by the second: a busy flow is not moved for each packet.
          if (seconds > flow.lastSeconds) {
            flow.lastSeconds = seconds;
            if (flow !== this.newest) this.touch(flow);
          }
          this.direction = direction as Direction;
          return flow;
        }
      }
      at = (at + 1) & this.mask;
    }
    return this.add(p, hash, seconds);
  }

  private add(p: Endpoints, hash: number, seconds: number): Flow {
    if (this.count >= this.limit) this.close(this.oldest as Flow);
    const flow = this.spare ?? new Flow();
    if (this.spare !== undefined) {
      this.spare = undefined;
      flow.reset();
    }
    flow.family = p.family;
    flow.a0 = p.s0;
    flow.a1 = p.s1;
    flow.a2 = p.s2;
    flow.a3 = p.s3;
    flow.b0 = p.d0;
    flow.b1 = p.d1;
    flow.b2 = p.d2;
    flow.b3 = p.d3;
    flow.aPort = p.sourcePort;
    flow.bPort = p.destinationPort;
    flow.protocol = p.protocol;
    flow.hash = hash;
    flow.stream = p.protocol === UDP ? this.streams.udp++ : this.streams.tcp++;
    flow.lastSeconds = seconds;
    let at = hash & this.mask;
    while (this.slots[at] !== undefined) at = (at + 1) & this.mask;
    this.slots[at] = flow;
    this.count++;
    this.link(flow);
    this.direction = 0;
    return flow;
  }

  /** Takes a flow out of the table and tells the owner. */
  close(flow: Flow): void {
    this.onClose(flow);
    this.unlink(flow);
    let hole = flow.hash & this.mask;
    while (this.slots[hole] !== flow) hole = (hole + 1) & this.mask;
    this.slots[hole] = undefined;
    this.count--;
    // A stream's state may still be referred to by who is being told of its end.
    if (flow.tcp === undefined) this.spare = flow;
    // Keep probe chains whole: move back what would no longer be found (Knuth 6.4 R).
    let at = (hole + 1) & this.mask;
    for (;;) {
      const other = this.slots[at];
      if (other === undefined) return;
      const home = other.hash & this.mask;
      if (((at - home) & this.mask) >= ((at - hole) & this.mask)) {
        this.slots[hole] = other;
        this.slots[at] = undefined;
        hole = at;
      }
      at = (at + 1) & this.mask;
    }
  }

  /** Closes all flows, the one idle longest first. */
  closeAll(): void {
    while (this.oldest !== undefined) this.close(this.oldest);
  }

  private touch(flow: Flow): void {
    this.unlink(flow);
    this.link(flow);
  }

  private link(flow: Flow): void {
    flow.older = this.newest;
    flow.newer = undefined;
    if (this.newest !== undefined) this.newest.newer = flow;
    else this.oldest = flow;
    this.newest = flow;
  }

  private unlink(flow: Flow): void {
    if (flow.older !== undefined) flow.older.newer = flow.newer;
    else this.oldest = flow.newer;
    if (flow.newer !== undefined) flow.newer.older = flow.older;
    else this.newest = flow.older;
    flow.older = undefined;
    flow.newer = undefined;
  }
}

/** The same for both directions. */
function hashOf(p: Endpoints): number {
  let s = p.s0 ^ Math.imul(p.sourcePort, 0x9e3779b1);
  let d = p.d0 ^ Math.imul(p.destinationPort, 0x9e3779b1);
  if (p.family === 6) {
    s = Math.imul(s ^ p.s1, 0x85ebca6b) ^ Math.imul(p.s2, 0xc2b2ae35) ^ p.s3;
    d = Math.imul(d ^ p.d1, 0x85ebca6b) ^ Math.imul(p.d2, 0xc2b2ae35) ^ p.d3;
  }
  s = Math.imul(s ^ (s >>> 16), 0x7feb352d);
  d = Math.imul(d ^ (d >>> 16), 0x7feb352d);
  let h = (s ^ (s >>> 15)) + (d ^ (d >>> 15)) + p.protocol;
  h = Math.imul(h ^ (h >>> 16), 0x846ca68b);
  return (h ^ (h >>> 16)) | 0;
}

/** Which side of the flow sent the packet; -1 when it is not of the flow. */
function directionIn(flow: Flow, p: Endpoints): number {
  if (
    flow.a0 === p.s0 &&
    flow.b0 === p.d0 &&
    flow.aPort === p.sourcePort &&
    flow.bPort === p.destinationPort &&
    (p.family === 4 ||
      (flow.a1 === p.s1 &&
        flow.a2 === p.s2 &&
        flow.a3 === p.s3 &&
        flow.b1 === p.d1 &&
        flow.b2 === p.d2 &&
        flow.b3 === p.d3))
  ) {
    return 0;
  }
  if (
    flow.a0 === p.d0 &&
    flow.b0 === p.s0 &&
    flow.aPort === p.destinationPort &&
    flow.bPort === p.sourcePort &&
    (p.family === 4 ||
      (flow.a1 === p.d1 &&
        flow.a2 === p.d2 &&
        flow.a3 === p.d3 &&
        flow.b1 === p.s1 &&
        flow.b2 === p.s2 &&
        flow.b3 === p.s3))
  ) {
    return 1;
  }
  return -1;
}
