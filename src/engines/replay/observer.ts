/** Packets in; connections, name lookups and what is wrong with the capture out. */
import type { Issue } from "../../codecs/errors.ts";
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import { OUTCOME, Packet } from "../../codecs/link/packet.ts";
import type { CapturedPacket } from "../../codecs/pcap/capture.ts";
import { view } from "../../codecs/reader.ts";
import { Mark } from "../capture/mark.ts";
import { LookupLog } from "./lookups.ts";
import { ObservedConnection } from "./observed.ts";
import type { WorkloadNote } from "./workload.ts";

const DNS_PORT = 53;
/** A clock that goes back by more than this was set; less is the order in which packets were written. */
const BACK_MS = 1;
/** More are not followed. */
const MAX_CONNECTIONS = 100_000;

export class Observer {
  readonly connections: ObservedConnection[] = [];
  readonly lookups = new LookupLog();
  packets = 0;
  bytes = 0;
  /** Packets cut by the snap length; fragments, which are left out. */
  cutPackets = 0;
  fragments = 0;
  /** When the first packet came, milliseconds since 1970. */
  startedMs = 0;
  private readonly packet = new Packet();
  private readonly mark = new Mark();
  private readonly open = new Map<string, ObservedConnection>();
  private readonly counted = new Map<string, { message: string; count: number }>();
  private source: Uint8Array = new Uint8Array(0);
  private sourceView: Uint8Array = this.source;
  private startSeconds = 0;
  private startFraction = 0;
  private latestMs = 0;
  private refused = 0;

  private readonly keepBodies: boolean;

  /** `keepBodies`: all of them, to be served again; else only those that may name other objects. */
  constructor(keepBodies = false) {
    this.keepBodies = keepBodies;
  }

  /** Milliseconds from the first packet. */
  private readonly timeOf = (mark: Mark): number =>
    (mark.seconds - this.startSeconds) * 1000 +
    mark.fraction / 10 ** (mark.digits - 3) -
    this.startFraction;

  add(captured: CapturedPacket): void {
    const { mark, packet } = this;
    mark.frame = ++this.packets;
    mark.seconds = captured.seconds;
    mark.fraction = captured.fraction;
    mark.digits = captured.interface.digits;
    if (this.packets === 1) {
      this.startSeconds = mark.seconds;
      this.startFraction = mark.fraction / 10 ** (mark.digits - 3);
      this.startedMs = mark.seconds * 1000 + this.startFraction;
    }
    this.bytes += captured.wireLength;
    const at = this.timeOf(mark);
    this.watchClock(at);
    const outcome = packet.decode(
      captured.interface.linkType,
      this.plain(captured.bytes),
      captured.start,
      captured.end,
    );
    if (packet.missing > 0) this.cutPackets++;
    if (outcome === OUTCOME.TCP) this.tcp(at);
    else if (outcome === OUTCOME.UDP) this.udp(at);
    else if (outcome === OUTCOME.FRAGMENT) this.fragments++;
  }

  /** Something is wrong with the file. */
  trouble(issue: Issue): void {
    this.note(issue.code, `the capture file is damaged: ${issue.message}`);
  }

  /** Of a Buffer, `slice` shares memory: what is kept of packets must come from a plain array. */
  private plain(bytes: Uint8Array): Uint8Array {
    if (bytes !== this.source) {
      this.source = bytes;
      this.sourceView = view(bytes, 0, bytes.length);
    }
    return this.sourceView;
  }

  end(): void {
    for (const connection of this.open.values()) connection.close(this.mark);
    this.open.clear();
    if (this.refused > 0) {
      this.note(
        "capture.too-many",
        `more than ${MAX_CONNECTIONS} connections: the later ones are left out`,
      );
    }
    if (this.cutPackets > 0) {
      this.note(
        "capture.cut",
        `${this.cutPackets} packets were not captured whole: bodies cannot be read, their sizes can`,
      );
    }
    if (this.fragments > 0) {
      this.note("capture.fragments", `${this.fragments} IP fragments are left out`);
    }
  }

  get notes(): WorkloadNote[] {
    return [...this.counted].map(([code, { message, count }]) => ({
      code,
      message: count === 1 ? message : `${message} (${count} times)`,
    }));
  }

  private readonly note = (code: string, message: string): void => {
    const before = this.counted.get(code);
    if (before === undefined) this.counted.set(code, { message, count: 1 });
    else before.count++;
  };

  private watchClock(at: number): void {
    if (at < this.latestMs - BACK_MS) {
      this.note(
        "clock.back",
        `the capture's clock goes back by ${(this.latestMs - at).toFixed(3)} ms at packet ${this.packets}: times around it are wrong`,
      );
    }
    this.latestMs = at;
  }

  private udp(at: number): void {
    const { packet } = this;
    if (packet.quoted) return;
    if (packet.sourcePort === DNS_PORT || packet.destinationPort === DNS_PORT) {
      this.lookups.add(packet, at);
    }
  }

  private tcp(at: number): void {
    const { packet } = this;
    const key = keyOf(packet);
    let connection = this.open.get(key);
    const syn = (packet.flags & TCP_FLAG.SYN) !== 0;
    let fromClient = connection?.isFromClient(packet) ?? true;
    if (connection !== undefined && syn && connection.isReuse(fromClient, packet.sequence)) {
      connection.close(this.mark);
      connection = undefined;
    }
    if (connection === undefined) {
      if (this.connections.length >= MAX_CONNECTIONS) {
        this.refused++;
        return;
      }
      fromClient = comesFromClient(packet);
      connection = new ObservedConnection(
        this.connections.length,
        packet,
        fromClient,
        this.timeOf,
        this.note,
        this.keepBodies,
      );
      this.connections.push(connection);
      this.open.set(key, connection);
    }
    connection.segment(packet, fromClient, at, this.mark);
  }
}

/** The same for both directions. */
function keyOf(p: Packet): string {
  const from = `${p.s0},${p.s1},${p.s2},${p.s3}:${p.sourcePort}`;
  const to = `${p.d0},${p.d1},${p.d2},${p.d3}:${p.destinationPort}`;
  return from < to ? `${p.family} ${from} ${to}` : `${p.family} ${to} ${from}`;
}

/** A SYN tells; without one the lower port is the server's. */
function comesFromClient(packet: Packet): boolean {
  if ((packet.flags & TCP_FLAG.SYN) !== 0) return (packet.flags & TCP_FLAG.ACK) === 0;
  return packet.sourcePort > packet.destinationPort;
}
