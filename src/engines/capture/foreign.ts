/**
 * Packets of flows that another analyser decodes (see parallel): passed over but for what they tell
 * of flows elsewhere, which is SIP requests, the media of session descriptions, and those of DTLS.
 */
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import type { Packet } from "../../codecs/link/packet.ts";
import { joined } from "../../codecs/reader.ts";
import { looksLikeSip, mightBeSip } from "../../codecs/sip/sniff.ts";
import { announceDtlsMedia } from "./dissect/named.ts";
import { sip, sipStream } from "./dissect/sip.ts";
import type { DatagramDissector, Direction, DissectorContext, Emitter } from "./dissector.ts";
import { Flow, TCP } from "./flow.ts";
import { FlowTable } from "./flow-table.ts";
import { Heads } from "./heads.ts";
import type { Mark } from "./mark.ts";
import type { StreamOwner } from "./tcp.ts";
import { TcpState } from "./tcp.ts";

/** Bytes of one direction kept while it may be SIP, and segments that are looked at. */
const MAX_HEAD_BYTES = 4096;
const MAX_PROBES = 64;

export class ForeignFlows {
  private readonly context: DissectorContext;
  /** Connections that began to look like SIP, and no others. */
  private readonly streams: FlowTable;
  private readonly datagrams: DatagramDissector;
  private readonly scratch = new Flow();
  private mark: Mark | undefined = undefined;

  /** Announces into the registry of `context`, and emits nothing. */
  constructor(context: DissectorContext) {
    this.context = {
      ...context,
      out: SILENT,
      account: { unknown: () => {}, truncated: () => {} },
      handOver: (flow) => {
        flow.streamDissector = undefined;
        flow.probes = MAX_PROBES;
      },
      nameFlow: () => {},
    };
    this.datagrams = sip.open(this.scratch, this.context);
    this.streams = new FlowTable(TCP, (flow) => {
      if (this.mark !== undefined) flow.tcp?.close(this.mark);
    });
  }

  datagram(packet: Packet, mark: Mark): void {
    if (packet.quoted) return;
    const { bytes, start, end } = packet;
    const first = bytes[start] as number;
    // RFC 7983 7: a record of DTLS begins with 20 to 63; a line of SIP with a letter.
    if (first <= 63) announceDtlsMedia(packet, this.context.media, mark.frame);
    else if (first < 0x80 && mightBeSip(bytes, start, end)) {
      this.datagrams.datagram(this.scratch, 0, bytes, start, end, mark, packet.missing > 0);
    }
  }

  segment(packet: Packet, hash: number, mark: Mark, order: number): void {
    const { bytes, start, end } = packet;
    this.mark = mark;
    const { streams } = this;
    if (streams.size === 0 || !streams.has(packet, hash)) {
      if (start === end || !mightBeSip(bytes, start, end)) return;
      if (looksLikeSip(bytes, start, end) === "no") return;
    }
    const flow = streams.lookup(packet, hash, mark.seconds, order);
    if (
      (packet.flags & TCP_FLAG.SYN) !== 0 &&
      flow.tcp?.isReuse(streams.direction, packet.sequence)
    ) {
      // What the new connection speaks is not known yet.
      streams.close(flow);
      return;
    }
    flow.tcp ??= new TcpState(flow, this.receiver);
    flow.tcp.segment(packet, streams.direction, mark);
  }

  private readonly receiver: StreamOwner = {
    data: (flow, direction, bytes, start, end, mark) =>
      this.data(flow, direction, bytes, start, end, mark),
    gap: (flow, direction, missing, mark) => flow.streamDissector?.gap(direction, missing, mark),
    end: (flow, direction, mark) => flow.streamDissector?.end(direction, mark),
    duplicate: () => {},
    waiting: () => false,
  };

  private data(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    if (flow.streamDissector !== undefined) {
      flow.streamDissector.data(direction, bytes, start, end, mark);
      return;
    }
    if (flow.probes >= MAX_PROBES) return;
    flow.probes++;
    const kept = flow.heads?.bytes[direction];
    const head = kept === undefined ? bytes : joined(kept, bytes, start, end);
    const from = kept === undefined ? start : 0;
    const to = kept === undefined ? end : head.length;
    const answer = looksLikeSip(head, from, to);
    if (answer === "more" && to - from <= MAX_HEAD_BYTES) {
      flow.heads ??= new Heads();
      flow.heads.bytes[direction] = kept === undefined ? bytes.slice(start, end) : head;
      return;
    }
    if (flow.heads !== undefined) flow.heads.bytes[direction] = undefined;
    if (answer !== "yes") return;
    flow.streamDissector = sipStream.open(flow, this.context);
    flow.streamDissector.data(direction, head, from, to, mark);
  }
}

const SILENT: Emitter = { bulk: undefined, inIcmp: false, wantsBytes: false, emit: () => {} };
