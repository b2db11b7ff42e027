/**
 * Packets in, records out: the path of every packet through links, fragments, flows and streams
 * to the dissector of its protocol. Owns no file and no clock: time is the capture's.
 */

import { TCP_FLAG } from "../../codecs/link/constants.ts";
import { OUTCOME, Packet } from "../../codecs/link/packet.ts";
import type { CapturedPacket } from "../../codecs/pcap/capture.ts";
import { view } from "../../codecs/reader.ts";
import type { Totals } from "./account.ts";
import { newTotals } from "./account.ts";
import { Defragmenter } from "./defragment.ts";
import type { Account, DissectorContext, Emitter } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import { TCP, UDP } from "./flow.ts";
import { FlowTable, hashOf, partitionOf } from "./flow-table.ts";
import { ForeignFlows } from "./foreign.ts";
import type { IdentifyOptions } from "./identify.ts";
import { Identifier } from "./identify.ts";
import { Mark } from "./mark.ts";
import { Media } from "./media.ts";
import type { StreamOwner } from "./tcp.ts";
import { TcpState } from "./tcp.ts";

/** Bytes that may wait behind holes in all flows together. */
const MAX_WAITING_TOTAL = 24 * 1024 * 1024;

export interface AnalyserOptions extends IdentifyOptions {
  /** Protocols to guess from weak evidence. */
  readonly heuristics?: ReadonlySet<string>;
  /** One of several analysers of the same packets: see `Share`. */
  readonly share?: Share;
}

/**
 * Analysers side by side: each follows the flows of its own partitions (see flow-table). Records of
 * all, merged by `order`, are those of a single one, but for the numbers of streams, which count the
 * flows of all: `onFlow` is told of each new flow in the order of records, and of flows by their
 * place in the table, so that who merges can number them.
 */
export interface Share {
  readonly index: number;
  /** At most `PARTITIONS`. */
  readonly count: number;
  readonly onFlow: (protocol: number, entry: number) => void;
}

export interface AnalyserOutput extends Emitter {
  /** Set by the analyser. */
  inIcmp: boolean;
  /** Records emitted so far, by protocol. */
  records(): Record<string, number>;
}

export class Analyser {
  readonly totals: Totals = newTotals();
  private readonly out: AnalyserOutput;
  private readonly packet = new Packet();
  private readonly udpFlows: FlowTable;
  private readonly tcpFlows: FlowTable;
  private readonly defragmenter = new Defragmenter();
  private readonly mark = new Mark();
  private readonly identifier: Identifier;
  private waitingTotal = 0;
  private frame = 0;
  /** The array that packets came in last, and a plain view of it. */
  private source: Uint8Array = new Uint8Array(0);
  private sourceView: Uint8Array = this.source;

  constructor(out: AnalyserOutput, options: AnalyserOptions = {}) {
    this.out = out;
    this.udpFlows = new FlowTable(UDP, (flow) => this.closeFlow(flow));
    this.tcpFlows = new FlowTable(TCP, (flow) => this.closeFlow(flow));
    const account: Account = {
      unknown: (bytes) => {
        this.totals.decodedBytes -= bytes;
        this.totals.unknownBytes += bytes;
      },
      truncated: (bytes) => {
        this.totals.decodedBytes -= bytes;
        this.totals.truncatedBytes += bytes;
      },
    };
    const context: DissectorContext = {
      out,
      account,
      media: new Media(),
      options: { heuristics: options.heuristics ?? new Set() },
      handOver: (flow, direction, bytes, start, end, mark) =>
        this.identifier.handOver(flow, direction, bytes, start, end, mark),
      nameFlow: (flow, direction, mark, protocol, body) =>
        this.identifier.nameFlow(flow, direction, mark, protocol, body),
    };
    this.identifier = new Identifier(context, this.totals, this.udpFlows, options);
    const { share } = options;
    this.share = share;
    if (share !== undefined) {
      this.foreign = new ForeignFlows(context);
      this.udpFlows.onBegin = (entry) => share.onFlow(UDP, entry);
      this.tcpFlows.onBegin = (entry) => share.onFlow(TCP, entry);
    }
  }

  private readonly share: Share | undefined;
  private readonly foreign: ForeignFlows | undefined = undefined;
  /**
   * Place of the records that are made now, alike in all analysers that share a capture: for each
   * packet first the flows that it pushes out, then its own; at the end the flows by their last packet.
   */
  order = 0;

  private owns(hash: number): boolean {
    const { share } = this;
    return share === undefined || partitionOf(hash) % share.count === share.index;
  }

  /** The next packet of the one capture. */
  add(captured: CapturedPacket): void {
    this.addFrame(captured, ++this.frame, undefined);
  }

  /** A packet of one of several captures, by its number there. */
  addFrame(captured: CapturedPacket, frame: number, file: string | undefined): void {
    const { mark, packet, totals } = this;
    this.order = 2 * totals.packets + 2;
    mark.frame = frame;
    mark.file = file;
    mark.seconds = captured.seconds;
    mark.fraction = captured.fraction;
    mark.digits = captured.interface.digits;
    totals.packets++;
    totals.bytes += captured.end - captured.start;
    let outcome = packet.decode(
      captured.interface.linkType,
      this.plain(captured.bytes),
      captured.start,
      captured.end,
    );
    if (outcome === OUTCOME.FRAGMENT) {
      const lost = this.defragmenter.lostBytes;
      const whole = this.defragmenter.add(packet, mark.seconds);
      this.fragmentsLost(this.defragmenter.lostBytes - lost);
      if (whole === undefined) return;
      outcome = packet.resume(whole, packet.protocol);
    }
    if (outcome === OUTCOME.UDP) this.udp(packet, mark);
    else if (outcome === OUTCOME.TCP) this.tcp(packet, mark);
    else if (outcome === OUTCOME.MALFORMED) totals.malformedPackets++;
  }

  /** Of a Buffer, `slice` shares memory: what is kept of packets must come from a plain array. */
  private plain(bytes: Uint8Array): Uint8Array {
    if (bytes !== this.source) {
      this.source = bytes;
      this.sourceView = view(bytes, 0, bytes.length);
    }
    return this.sourceView;
  }

  /** The capture is over: streams end, waiting messages are told. */
  end(): void {
    const lost = this.defragmenter.lostBytes;
    this.defragmenter.end();
    this.fragmentsLost(this.defragmenter.lostBytes - lost);
    const { packets } = this.totals;
    const after = (base: number) => (touched: number) => {
      this.order = base + touched;
    };
    this.order = 2 * packets + 2;
    this.tcpFlows.closeAll(after(2 * packets + 2));
    this.udpFlows.closeAll(after(3 * packets + 3));
    this.totals.records = this.out.records();
  }

  private fragmentsLost(bytes: number): void {
    if (this.share !== undefined && this.share.index > 0) return;
    this.totals.truncatedBytes += bytes;
    this.totals.payloadBytes += bytes;
  }

  private udp(packet: Packet, mark: Mark): void {
    const { totals, out } = this;
    const hash = hashOf(packet);
    if (!this.owns(hash)) {
      if (packet.end > packet.start) this.foreign?.datagram(packet, mark);
      return;
    }
    const flow = this.udpFlows.lookup(packet, hash, mark.seconds, totals.packets);
    const { direction } = this.udpFlows;
    this.order++;
    if (packet.end === packet.start) return;
    const size = packet.end - packet.start;
    totals.payloadBytes += size;
    totals.decodedBytes += size;
    if (packet.quoted) {
      out.inIcmp = true;
      this.identifier.quoted(flow, direction, packet, mark);
      out.inIcmp = false;
      return;
    }
    this.identifier.datagram(flow, direction, packet, mark);
  }

  private tcp(packet: Packet, mark: Mark): void {
    const { packets } = this.totals;
    const hash = hashOf(packet);
    if (!this.owns(hash)) {
      this.foreign?.segment(packet, hash, mark, packets);
      return;
    }
    let flow = this.tcpFlows.lookup(packet, hash, mark.seconds, packets);
    let { direction } = this.tcpFlows;
    if ((packet.flags & TCP_FLAG.SYN) !== 0 && flow.tcp?.isReuse(direction, packet.sequence)) {
      this.tcpFlows.close(flow);
      flow = this.tcpFlows.lookup(packet, hash, mark.seconds, packets);
      direction = this.tcpFlows.direction;
    }
    this.order++;
    flow.tcp ??= new TcpState(flow, this.receiver);
    flow.tcp.segment(packet, direction, mark);
    // Side by side each analyser holds its own flows only: what all hold together is not known.
    if (this.share !== undefined) return;
    while (this.identifier.overBudget && this.tcpFlows.size > 1) this.tcpFlows.closeOldest();
  }

  private readonly receiver: StreamOwner = {
    data: (flow, direction, bytes, start, end, mark) => {
      this.totals.payloadBytes += end - start;
      this.totals.decodedBytes += end - start;
      this.identifier.streamData(flow, direction, bytes, start, end, mark);
    },
    gap: (flow, direction, missing, mark) => {
      this.totals.gapBytes += missing;
      this.identifier.streamGap(flow, direction, missing, mark);
    },
    end: (flow, direction, mark) => this.identifier.streamEnd(flow, direction, mark),
    duplicate: (bytes) => {
      this.totals.duplicateBytes += bytes;
    },
    waiting: (delta) => {
      this.waitingTotal += delta;
      return this.waitingTotal > MAX_WAITING_TOTAL;
    },
  };

  private closeFlow(flow: Flow): void {
    flow.tcp?.close(this.mark);
    this.identifier.flowClosed(flow);
  }
}
