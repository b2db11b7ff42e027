/**
 * Which protocol a flow speaks: told by the user, by its port where the port is that protocol's
 * alone, by what was announced elsewhere, and by content for all the rest.
 */

import type { Packet } from "../../codecs/link/packet.ts";
import { joined } from "../../codecs/reader.ts";
import type { Totals } from "./account.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  StreamProtocol,
} from "./dissector.ts";
import type { Flow } from "./flow.ts";
import type { FlowTable } from "./flow-table.ts";
import { Heads } from "./heads.ts";
import { Mark } from "./mark.ts";
import type { Media } from "./media.ts";
import { DATAGRAM_PROTOCOLS, STREAM_PROTOCOLS, TCP_PORTS, UDP_PORTS } from "./protocols.ts";

/** Datagrams of a flow that are looked at before it is left unnamed. */
const MAX_MISSES = 24;
/** Bytes of one direction that are kept while no protocol is sure. */
const MAX_HEAD_BYTES = 4096;
/** Bytes of unfinished messages that all flows together may keep. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** Segments of a stream that are looked at before it is left unnamed. */
const MAX_PROBES = 64;

/** `tcp 8053` or `udp 5070` to a protocol's name. */
export type DecodeAs = ReadonlyMap<string, string>;

export interface IdentifyOptions {
  readonly decodeAs?: DecodeAs;
}

const datagramByName = new Map(DATAGRAM_PROTOCOLS.map((p) => [p.name, p]));
const streamByName = new Map(STREAM_PROTOCOLS.map((p) => [p.name, p]));
/** Protocols that have a port of their own, and one more than the index of a port's. */
const PORT_PROTOCOLS = [...UDP_PORTS.values()].map((name) => datagramByName.get(name));
const portIndex = new Uint8Array(65_536);
[...UDP_PORTS.keys()].forEach((port, i) => {
  portIndex[port] = i + 1;
});

function datagramAtPort(packet: Packet): DatagramProtocol | undefined {
  const { sourcePort, destinationPort } = packet;
  const index = (portIndex[destinationPort] as number) || (portIndex[sourcePort] as number);
  return index === 0 ? undefined : PORT_PROTOCOLS[index - 1];
}

export class Identifier {
  private readonly context: DissectorContext;
  private readonly totals: Totals;
  private readonly decodeAs: DecodeAs | undefined;
  private readonly unknownMark = new Mark();
  private readonly media: Media;
  private held = 0;
  private readonly datagramFlows: FlowTable;

  constructor(
    context: DissectorContext,
    totals: Totals,
    datagramFlows: FlowTable,
    options: IdentifyOptions,
  ) {
    this.context = context;
    this.datagramFlows = datagramFlows;
    this.totals = totals;
    this.decodeAs = options.decodeAs;
    this.media = context.media as Media;
  }

  datagram(found: Flow, direction: Direction, packet: Packet, mark: Mark): void {
    const { bytes, start, end } = packet;
    const cut = packet.missing > 0;
    const known = found.dissector;
    if (known?.datagram(found, direction, bytes, start, end, mark, cut) === true) return;
    if (known === undefined && found.passing && this.atPort(found, direction, packet, mark)) return;
    const flow = this.datagramFlows.keep(found, packet);
    if (flow.others !== undefined) {
      for (const other of flow.others.values()) {
        if (other.datagram(flow, direction, bytes, start, end, mark, cut)) return;
      }
    }
    if (flow.misses <= MAX_MISSES || flow.mediaVersion !== this.media.version) {
      flow.mediaVersion = this.media.version;
      if (this.findDatagramProtocol(flow, direction, packet, mark)) return;
    }
    flow.misses++;
    this.unnamed(flow, end - start, mark);
  }

  /** A flow at the port of a protocol that keeps no state of flows needs none itself. */
  private atPort(flow: Flow, direction: Direction, packet: Packet, mark: Mark): boolean {
    if (this.decodeAs !== undefined) return false;
    const protocol = datagramAtPort(packet);
    if (protocol?.stateless !== true) return false;
    const dissector = protocol.open(flow, this.context);
    const { bytes, start, end } = packet;
    if (!dissector.datagram(flow, direction, bytes, start, end, mark, packet.missing > 0))
      return false;
    this.datagramFlows.share(flow, dissector);
    return true;
  }

  /** A packet inside an ICMP error: decoded by itself, changing nothing of its flow. */
  quoted(passing: Flow, direction: Direction, packet: Packet, mark: Mark): void {
    const flow = this.datagramFlows.keep(passing, packet);
    const saved = flow.dissector;
    const { others, misses, app } = flow;
    flow.dissector = undefined;
    flow.app = undefined;
    flow.others = undefined;
    flow.misses = 0;
    const found = this.findDatagramProtocol(flow, direction, packet, mark);
    flow.dissector = saved;
    flow.others = others;
    flow.misses = misses;
    flow.app = app;
    if (!found) this.totalsUnknown(packet.end - packet.start);
  }

  private findDatagramProtocol(
    flow: Flow,
    direction: Direction,
    packet: Packet,
    mark: Mark,
  ): boolean {
    const forced = this.forced("udp", packet.sourcePort, packet.destinationPort);
    if (forced !== undefined) {
      const protocol = datagramByName.get(forced);
      return protocol !== undefined && this.tryDatagram(protocol, flow, direction, packet, mark);
    }
    const hint = datagramAtPort(packet);
    if (hint !== undefined && this.tryDatagram(hint, flow, direction, packet, mark)) return true;
    const announced =
      this.media.lookup(flow.destination(direction), packet.destinationPort) ??
      this.media.lookup(flow.source(direction), packet.sourcePort);
    for (const protocol of DATAGRAM_PROTOCOLS) {
      if (protocol === hint) continue;
      const wanted =
        announced?.protocol === protocol.name ||
        protocol.recognises(packet.bytes, packet.start, packet.end, flow);
      if (wanted && this.tryDatagram(protocol, flow, direction, packet, mark)) return true;
    }
    return false;
  }

  private tryDatagram(
    protocol: DatagramProtocol,
    flow: Flow,
    direction: Direction,
    packet: Packet,
    mark: Mark,
  ): boolean {
    if (flow.app === protocol.name || flow.others?.has(protocol.name) === true) return false;
    const dissector: DatagramDissector = protocol.open(flow, this.context);
    const { bytes, start, end } = packet;
    if (!dissector.datagram(flow, direction, bytes, start, end, mark, packet.missing > 0))
      return false;
    if (flow.dissector === undefined) {
      flow.dissector = dissector;
      flow.app = protocol.name;
    } else {
      flow.others ??= new Map();
      flow.others.set(protocol.name, dissector);
    }
    return true;
  }

  private forced(
    transport: string,
    sourcePort: number,
    destinationPort: number,
  ): string | undefined {
    if (this.decodeAs === undefined) return undefined;
    return (
      this.decodeAs.get(`${transport} ${destinationPort}`) ??
      this.decodeAs.get(`${transport} ${sourcePort}`)
    );
  }

  streamData(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    if (flow.streamDissector !== undefined) {
      flow.streamDissector.data(direction, bytes, start, end, mark);
      this.hold(flow, flow.streamDissector?.held() ?? 0);
      return;
    }
    if (flow.probes >= MAX_PROBES) {
      this.unnamed(flow, end - start, mark);
      return;
    }
    flow.probes++;
    this.identifyStream(flow, direction, bytes, start, end, mark);
  }

  private identifyStream(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    const heads = (flow.heads ??= new Heads());
    const kept = heads.bytes[direction];
    let head = bytes;
    let from = start;
    let to = end;
    if (kept !== undefined) {
      head = joined(kept, bytes, start, end);
      from = 0;
      to = head.length;
    }
    const verdict = this.probeStream(flow, head, from, to);
    if (verdict === "more" && to - from <= MAX_HEAD_BYTES) {
      heads.bytes[direction] = kept === undefined ? bytes.slice(start, end) : head;
      heads.marks[direction].set(mark);
      this.hold(flow, (heads.bytes[0]?.length ?? 0) + (heads.bytes[1]?.length ?? 0));
      return;
    }
    heads.bytes[direction] = undefined;
    if (verdict === "more" || verdict === undefined) {
      this.unnamed(flow, to - from, mark);
      return;
    }
    const dissector = verdict.open(flow, this.context);
    flow.streamDissector = dissector;
    flow.app = verdict.name;
    flow.heads = undefined;
    const other: Direction = direction === 0 ? 1 : 0;
    const earlier = heads.bytes[other];
    if (earlier !== undefined) {
      dissector.data(other, earlier, 0, earlier.length, heads.marks[other]);
    }
    if (flow.streamDissector === dissector) dissector.data(direction, head, from, to, mark);
    else this.streamData(flow, direction, head, from, to, mark);
  }

  private probeStream(
    flow: Flow,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): StreamProtocol | "more" | undefined {
    const forced = this.forced("tcp", flow.aPort, flow.bPort);
    if (forced !== undefined) return streamByName.get(forced);
    const hint = TCP_PORTS.get(flow.bPort) ?? TCP_PORTS.get(flow.aPort);
    let more = false;
    for (const protocol of STREAM_PROTOCOLS) {
      const answer = protocol.probe(bytes, start, end, flow);
      if (answer === "yes") return protocol;
      if (answer === "more") more = true;
    }
    if (hint !== undefined && !more) return streamByName.get(hint);
    return more ? "more" : undefined;
  }

  /** Notes how much a flow keeps. */
  private hold(flow: Flow, bytes: number): void {
    this.held += bytes - flow.held;
    flow.held = bytes;
  }

  /** Whether unfinished messages of all flows together have outgrown their budget. */
  get overBudget(): boolean {
    return this.held > MAX_HELD_BYTES;
  }

  streamGap(flow: Flow, direction: Direction, missing: number, mark: Mark): void {
    const { context } = this;
    context.out.emit("gap", flow, direction, mark, 0, { missingBytes: missing });
    if (flow.streamDissector !== undefined) flow.streamDissector.gap(direction, missing, mark);
    else this.dropHead(flow, direction);
  }

  streamEnd(flow: Flow, direction: Direction, mark: Mark): void {
    if (flow.streamDissector !== undefined) flow.streamDissector.end(direction, mark);
    else this.dropHead(flow, direction);
  }

  private dropHead(flow: Flow, direction: Direction): void {
    const head = flow.heads?.bytes[direction];
    if (flow.heads === undefined || head === undefined) return;
    flow.heads.bytes[direction] = undefined;
    this.unnamed(flow, head.length, flow.heads.marks[direction]);
  }

  handOver(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    flow.streamDissector = undefined;
    flow.app = undefined;
    flow.probes = 0;
    flow.named = false;
    if (end > start) this.streamData(flow, direction, bytes, start, end, mark);
  }

  nameFlow(flow: Flow, direction: Direction, mark: Mark, protocol: string, body?: object): void {
    if (flow.named) return;
    flow.named = true;
    this.context.out.emit(protocol, flow, direction, mark, 0, body ?? {});
  }

  /** The flow leaves the table: tells once of the bytes that nobody could name. */
  flowClosed(flow: Flow): void {
    this.hold(flow, 0);
    this.dropHead(flow, 0);
    this.dropHead(flow, 1);
    if (flow.unknownBytes === 0) return;
    const at = flow.unknownMark ?? this.unknownMark;
    this.context.out.emit("unknown", flow, 0, at, flow.unknownBytes, {});
  }

  private unnamed(flow: Flow, bytes: number, mark: Mark): void {
    this.totalsUnknown(bytes);
    flow.unknownBytes += bytes;
    flow.unknownMark ??= new Mark();
    flow.unknownMark.set(mark);
  }

  private totalsUnknown(bytes: number): void {
    this.totals.decodedBytes -= bytes;
    this.totals.unknownBytes += bytes;
  }
}
