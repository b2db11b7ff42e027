/**
 * Packets in, records out: the path of every packet through links, fragments, flows and streams
 * to the dissector of its protocol. Owns no file and no clock: time is the capture's.
 */

import { TCP_FLAG } from "../../codecs/link/constants.ts";
import { OUTCOME, Packet } from "../../codecs/link/packet.ts";
import type { CapturedPacket } from "../../codecs/pcap/capture.ts";
import { view } from "../../codecs/reader.ts";
import { looksLikeSip, mightBeSip } from "../../codecs/sip/sniff.ts";
import type { Totals } from "./account.ts";
import { newTotals } from "./account.ts";
import { Defragmenter } from "./defragment.ts";
import type { Account, Direction, DissectorContext, Emitter } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import { TCP, UDP } from "./flow.ts";
import { FlowTable } from "./flow-table.ts";
import type { IdentifyOptions } from "./identify.ts";
import { Identifier } from "./identify.ts";
import { Mark } from "./mark.ts";
import { Media } from "./media.ts";
import type { StreamOwner } from "./tcp.ts";
import { TcpState } from "./tcp.ts";
import { TcpOutline } from "./tcp-outline.ts";

/** Bytes that may wait behind holes in all flows together. */
const MAX_WAITING_TOTAL = 24 * 1024 * 1024;

export interface AnalyserOptions extends IdentifyOptions {
  /** Protocols to guess from weak evidence. */
  readonly heuristics?: ReadonlySet<string>;
  /** One of several analysers of the same packets: see `Share`. */
  readonly share?: Share;
}

/**
 * Analysers side by side: all follow all flows, so that every number is the same in each, but each
 * decodes its own flows only. Records of all, merged by `order`, are those of a single one.
 */
export interface Share {
  readonly index: number;
  readonly count: number;
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
    this.share = options.share;
  }

  private readonly share: Share | undefined;
  /**
   * Place of the records that are made now, alike in all analysers that share a capture: for each
   * packet first the flows that it pushes out, then its own; at the end the flows by their last packet.
   */
  order = 0;

  private owns(flow: Flow): boolean {
    const { share } = this;
    return share === undefined || ((flow.hash >>> 8) & 0xffff) % share.count === share.index;
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
    const flow = this.udpFlows.lookup(packet, mark.seconds, totals.packets);
    const { direction } = this.udpFlows;
    this.order++;
    if (packet.end === packet.start) return;
    if (!this.owns(flow)) {
      this.identifier.foreignDatagram(flow, direction, packet, mark);
      return;
    }
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
    let flow = this.tcpFlows.lookup(packet, mark.seconds, packets);
    let { direction } = this.tcpFlows;
    if ((packet.flags & TCP_FLAG.SYN) !== 0) {
      const known = flow.outline ?? flow.tcp;
      if (known?.isReuse(direction, packet.sequence) === true) {
        this.tcpFlows.close(flow);
        flow = this.tcpFlows.lookup(packet, mark.seconds, packets);
        direction = this.tcpFlows.direction;
      }
    }
    this.order++;
    if (!this.owns(flow)) {
      this.foreignTcp(flow, direction, packet, mark);
      return;
    }
    flow.tcp ??= new TcpState(flow, this.receiver);
    flow.tcp.segment(packet, direction, mark);
    // Side by side each analyser holds its own flows only: to close by what it holds would number streams differently.
    if (this.share !== undefined) return;
    while (this.identifier.overBudget && this.tcpFlows.size > 1) this.tcpFlows.closeOldest();
  }

  /** A connection of another worker is put in order only once it looks like SIP, which tells of media. */
  private foreignTcp(flow: Flow, direction: Direction, packet: Packet, mark: Mark): void {
    flow.outline ??= new TcpOutline();
    flow.outline.segment(packet, direction);
    if (flow.tcp === undefined) {
      const { bytes, start, end } = packet;
      if (start === end || !mightBeSip(bytes, start, end)) return;
      if (looksLikeSip(bytes, start, end) === "no") return;
      flow.tcp = new TcpState(flow, this.foreignReceiver);
    }
    flow.tcp.segment(packet, direction, mark);
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

  /** Flows of another worker: followed only as far as they tell of media. */
  private readonly foreignReceiver: StreamOwner = {
    data: (flow, direction, bytes, start, end, mark) =>
      this.identifier.foreignData(flow, direction, bytes, start, end, mark),
    gap: (flow, direction, missing, mark) =>
      this.identifier.foreignGap(flow, direction, missing, mark),
    end: (flow, direction, mark) => this.identifier.foreignEnd(flow, direction, mark),
    duplicate: () => {},
    waiting: this.receiver.waiting,
  };

  private closeFlow(flow: Flow): void {
    flow.tcp?.close(this.mark);
    if (this.owns(flow)) this.identifier.flowClosed(flow);
  }
}
