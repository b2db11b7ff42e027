/** A TCP connection as a capture shows it: its handshake, its segments, and what it carried. */
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import type { Packet } from "../../codecs/link/packet.ts";
import { clientHello } from "../../codecs/tls/client-hello.ts";
import { concat } from "../../codecs/writer.ts";
import { judgeStart } from "../capture/dissect/http-start.ts";
import type { Direction } from "../capture/dissector.ts";
import { addressText, Flow, TCP } from "../capture/flow.ts";
import type { Mark } from "../capture/mark.ts";
import type { StreamOwner } from "../capture/tcp.ts";
import { TcpState } from "../capture/tcp.ts";
import type { OnNote } from "./exchanges.ts";
import { ExchangeReader } from "./exchanges.ts";
import { SegmentLog } from "./segments.ts";
import { RecordReader } from "./tls-records.ts";

/** Octets that are looked at to tell the protocol. */
const MAX_HEAD_BYTES = 16_384;

export type Carried = "nothing" | "http" | "tls" | "other";

export interface Handshake {
  /** First SYN, and how many there were. */
  readonly synMs: number;
  syns: number;
  /** First SYN with ACK, and how many there were. */
  synAckMs: number | undefined;
  synAcks: number;
  /** First ACK of the client after it. */
  ackMs: number | undefined;
}

export class ObservedConnection {
  readonly id: number;
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  handshake: Handshake | undefined = undefined;
  carried: Carried = "nothing";
  /** From client to server, and back. */
  readonly up = new SegmentLog();
  readonly down = new SegmentLog();
  readonly http: ExchangeReader;
  readonly tls = new RecordReader();
  /** Name that the client asked TLS for. */
  serverName: string | undefined = undefined;
  firstMs = 0;
  lastMs = 0;
  /** A side sent FIN or RST. */
  closedMs: number | undefined = undefined;
  missing = 0;
  private readonly stream: TcpState;
  /** Direction of the flow in which the client sends. */
  private readonly clientDirection: Direction;
  private heads: [Uint8Array[], Uint8Array[]] = [[], []];
  private headBytes = 0;

  /** `fromClient`: whether the first packet, which this is, came from the client. */
  constructor(
    id: number,
    packet: Packet,
    fromClient: boolean,
    timeOf: (mark: Mark) => number,
    note: OnNote,
    keepBodies = false,
  ) {
    this.id = id;
    const { family } = packet;
    const source = addressText(family, packet.s0, packet.s1, packet.s2, packet.s3);
    const target = addressText(family, packet.d0, packet.d1, packet.d2, packet.d3);
    this.client = fromClient ? source : target;
    this.server = fromClient ? target : source;
    this.clientPort = fromClient ? packet.sourcePort : packet.destinationPort;
    this.serverPort = fromClient ? packet.destinationPort : packet.sourcePort;
    this.clientDirection = fromClient ? 0 : 1;
    this.http = new ExchangeReader(note, keepBodies);
    const flow = new Flow();
    flow.protocol = TCP;
    const owner: StreamOwner = {
      data: (_flow, direction, bytes, start, end, mark) =>
        this.data(direction === this.clientDirection, bytes, start, end, timeOf(mark)),
      gap: (_flow, direction, missing, mark) =>
        this.gap(direction === this.clientDirection, missing, timeOf(mark)),
      end: (_flow, direction, mark) => this.end(direction === this.clientDirection, timeOf(mark)),
      duplicate: () => {},
      waiting: () => false,
    };
    this.stream = new TcpState(flow, owner);
  }

  /** Whether this SYN opens another connection between the same endpoints. */
  isReuse(fromClient: boolean, sequence: number): boolean {
    return this.stream.isReuse(this.directionOf(fromClient), sequence);
  }

  isFromClient(packet: Packet): boolean {
    return (
      packet.sourcePort === this.clientPort &&
      (packet.sourcePort !== packet.destinationPort ||
        addressText(packet.family, packet.s0, packet.s1, packet.s2, packet.s3) === this.client)
    );
  }

  private directionOf(fromClient: boolean): Direction {
    return fromClient ? this.clientDirection : this.clientDirection === 0 ? 1 : 0;
  }

  segment(packet: Packet, fromClient: boolean, at: number, mark: Mark): void {
    if (this.up.count + this.down.count === 0) this.firstMs = at;
    this.lastMs = at;
    const { up, down } = this;
    if (fromClient) up.add(packet, at, down);
    else down.add(packet, at, up);
    this.shake(packet.flags, fromClient, at);
    if ((packet.flags & (TCP_FLAG.FIN | TCP_FLAG.RST)) !== 0) this.closedMs ??= at;
    this.stream.segment(packet, this.directionOf(fromClient), mark);
  }

  private shake(flags: number, fromClient: boolean, at: number): void {
    const syn = (flags & TCP_FLAG.SYN) !== 0;
    if (fromClient && syn) {
      this.handshake ??= { synMs: at, syns: 0, synAckMs: undefined, synAcks: 0, ackMs: undefined };
      this.handshake.syns++;
      return;
    }
    const { handshake } = this;
    if (handshake === undefined) return;
    if (syn) {
      handshake.synAckMs ??= at;
      handshake.synAcks++;
    } else if (fromClient && handshake.synAckMs !== undefined) handshake.ackMs ??= at;
  }

  /** No more packets. */
  close(mark: Mark): void {
    this.stream.close(mark);
  }

  private data(
    fromClient: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    at: number,
  ): void {
    if (this.carried === "nothing") {
      this.identify(fromClient, bytes, start, end, at);
      return;
    }
    this.hand(fromClient, bytes, start, end, at);
  }

  private hand(
    fromClient: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    at: number,
  ): void {
    if (this.carried === "http") this.http.data(fromClient, bytes, start, end, at);
    else if (this.carried === "tls") this.tls.data(fromClient, bytes, start, end, at);
  }

  /** The first octets of a side tell; what is too short to tell waits. */
  private identify(
    fromClient: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    at: number,
  ): void {
    const head = this.heads[fromClient ? 0 : 1];
    head.push(bytes.slice(start, end));
    this.headBytes += end - start;
    const all = head.length === 1 ? (head[0] as Uint8Array) : concat(head);
    const kind = protocolOf(all);
    if (kind === undefined && this.headBytes < MAX_HEAD_BYTES) return;
    this.carried = kind ?? "other";
    if (kind === "tls" && fromClient) {
      const hello = clientHello(all);
      if (typeof hello === "object") this.serverName = hello.sni;
    }
    this.hand(fromClient, all, 0, all.length, at);
    const others = this.heads[fromClient ? 1 : 0];
    if (others.length > 0) {
      const rest = concat(others);
      this.hand(!fromClient, rest, 0, rest.length, at);
    }
    this.heads = [[], []];
  }

  private gap(fromClient: boolean, missing: number, at: number): void {
    this.missing += missing;
    if (this.carried === "http") this.http.gap(fromClient, missing, at);
    else if (this.carried === "tls") this.tls.gap(fromClient);
  }

  private end(fromClient: boolean, at: number): void {
    if (this.carried === "http") this.http.end(fromClient, at);
  }
}

/** RFC 8446 5.1: a handshake record begins with 22 and version 3. */
function protocolOf(bytes: Uint8Array): Carried | undefined {
  if (bytes[0] === 22) {
    if (bytes.length < 3) return undefined;
    return bytes[1] === 3 ? "tls" : "other";
  }
  const start = judgeStart(bytes, 0, bytes.length);
  if (start === "more") return undefined;
  return start === "no" ? "other" : "http";
}
