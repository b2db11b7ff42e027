/**
 * SIP in captures: over UDP and TCP, responses linked to their requests, session descriptions as
 * records of their own, and the media endpoints that they announce. RFC 3261 17.1.3, 18.3; RFC 8866.
 */

import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { joined } from "../../../codecs/reader.ts";
import { decode as decodeSdp } from "../../../codecs/sdp/decode.ts";
import { record as sdpRecord } from "../../../codecs/sdp/record.ts";
import type { SipReading } from "../../../codecs/sip/decode.ts";
import { findHead, tryMessage } from "../../../codecs/sip/decode.ts";
import { record } from "../../../codecs/sip/record.ts";
import { paramValue } from "../../../codecs/sip/scanner.ts";
import { looksLikeSip } from "../../../codecs/sip/sniff.ts";
import { framedLength } from "../../../codecs/sip/stream.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  MediaRegistry,
  StreamDissector,
  StreamProtocol,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";
import { elapsed } from "../mark.ts";
import { announceMedia } from "./sdp-media.ts";
import { sdpBody } from "./sip-body.ts";

/** Requests that wait for responses, over all flows; the oldest goes first. */
const MAX_TRANSACTIONS = 16_384;
/** Octets of one message on a stream. */
const MAX_MESSAGE_BYTES = 1 << 20;
const EMPTY = new Uint8Array(0);

/** Requests by transaction, whatever flow their responses take. */
class Transactions {
  private readonly requests = new Map<string, Mark>();

  /** RFC 3261 17.1.3: the branch of the top Via and the method of CSeq; before it, the whole of CSeq and Call-ID. */
  link(reading: SipReading, mark: Mark): Mark | undefined {
    const { parts, message } = reading;
    const top = parts.vias[0];
    const branch = top === undefined ? "" : (paramValue(top.params, "branch") ?? "");
    // Joined, not concatenated: a text of its own, which does not hold on to that of the message.
    const key = [branch, parts.callId, parts.cseq?.number, parts.cseq?.method].join(" ");
    if (message.kind === "response") return this.requests.get(key);
    // A repetition: the first one counts.
    if (this.requests.has(key)) return undefined;
    this.requests.set(key, mark.keep());
    if (this.requests.size > MAX_TRANSACTIONS) {
      const oldest = this.requests.keys().next().value;
      if (oldest !== undefined) this.requests.delete(oldest);
    }
    return undefined;
  }
}

/** By the registry of media: what analysers side by side see of each other's flows is linked too. */
const transactionsOf = new WeakMap<MediaRegistry, Transactions>();

class SipRecorder {
  private readonly context: DissectorContext;
  private readonly transactions: Transactions;

  constructor(context: DissectorContext) {
    this.context = context;
    let known = transactionsOf.get(context.media);
    if (known === undefined) {
      known = new Transactions();
      transactionsOf.set(context.media, known);
    }
    this.transactions = known;
  }

  /** One message in `bytes[start, end)`. */
  message(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): void {
    const { reading, issues } = tryMessage(bytes, start, end);
    const { out } = this.context;
    const raw = { bytes, start, end };
    if (reading === undefined) {
      out.emit("sip", flow, direction, mark, end - start, {}, { malformed: true, issues }, raw);
      return;
    }
    const body = record(reading.message, reading.parts);
    const asked = out.inIcmp ? undefined : this.transactions.link(reading, mark);
    if (asked !== undefined) {
      body["requestIn"] = asked.frame;
      body["latency"] = elapsed(asked, mark);
    }
    const malformed = cut || issues.some((issue) => UNFINISHED.has(issue.code));
    out.emit("sip", flow, direction, mark, reading.bytes, body, { malformed, issues }, raw);
    const description = sdpBody(reading);
    if (description !== undefined) this.description(flow, direction, description, mark);
  }

  private description(flow: Flow, direction: Direction, bytes: Uint8Array, mark: Mark): void {
    const { context } = this;
    const raw = { bytes, start: 0, end: bytes.length };
    const issues: Issue[] = [];
    try {
      const session = decodeSdp(bytes, { tolerate: (issue) => issues.push(issue) });
      if (!context.out.inIcmp) announceMedia(session, context.media, mark.frame);
      const body = sdpRecord(session);
      context.out.emit(
        "sdp",
        flow,
        direction,
        mark,
        bytes.length,
        body,
        { malformed: false, issues },
        raw,
      );
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      issues.push(error.toIssue());
      context.out.emit(
        "sdp",
        flow,
        direction,
        mark,
        bytes.length,
        {},
        { malformed: true, issues },
        raw,
      );
    }
  }
}

/** Issues that mean that the end of the message is not there. */
const UNFINISHED: ReadonlySet<string> = new Set(["sip.head.unended", "sip.content-length.short"]);

/** RFC 5626 3.5.1 and 4.4.1: what keeps a NAT's binding alive between messages. */
function isKeepAlive(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 4) return false;
  for (let i = start; i < end; i++) {
    const b = bytes[i];
    if (b !== 0x0d && b !== 0x0a && b !== 0 && b !== 0x20) return false;
  }
  return true;
}

class SipDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private readonly recorder: SipRecorder;

  constructor(context: DissectorContext) {
    this.context = context;
    this.recorder = new SipRecorder(context);
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (isKeepAlive(bytes, start, end)) return true;
    if (looksLikeSip(bytes, start, end) !== "yes") return false;
    this.recorder.message(flow, direction, bytes, start, end, mark, cut);
    if (cut) this.context.account.truncated(end - start);
    return true;
  }
}

export const sip: DatagramProtocol = {
  name: "sip",
  recognises: (bytes, start, end) => looksLikeSip(bytes, start, end) === "yes",
  open: (_flow, context) => new SipDatagrams(context),
};

class SipStream implements StreamDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly recorder: SipRecorder;
  private readonly kept: [Uint8Array, Uint8Array] = [EMPTY, EMPTY];
  /** After a hole: messages begin again where one is seen to begin. */
  private readonly lost: [boolean, boolean];

  constructor(flow: Flow, context: DissectorContext) {
    this.flow = flow;
    this.context = context;
    this.recorder = new SipRecorder(context);
    this.lost = [flow.tcp?.midStream(0) === true, flow.tcp?.midStream(1) === true];
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    let source = bytes;
    let at = start;
    let to = end;
    const kept = this.kept[direction];
    if (kept.length > 0) {
      source = joined(kept, bytes, start, end);
      at = 0;
      to = source.length;
      this.kept[direction] = EMPTY;
    }
    while (at < to) {
      if (this.lost[direction] || looksLikeSip(source, at, to) === "no") {
        at = this.resynchronise(direction, source, at, to, mark);
        if (at < 0) return;
      }
      const next = this.message(direction, source, at, to, mark);
      if (next < 0) {
        if (to - at > MAX_MESSAGE_BYTES) this.unknown(to - at, mark);
        else this.kept[direction] = source.slice(at, to);
        return;
      }
      at = next;
    }
  }

  /** Index after the message at `at`, or -1 while it is not whole. */
  private message(
    direction: Direction,
    bytes: Uint8Array,
    at: number,
    to: number,
    mark: Mark,
  ): number {
    const head = findHead(bytes, at, to);
    if (head.start === to) return to;
    if (head.end < 0) return -1;
    const length = framedLength(bytes, head.start, head.end);
    // RFC 3261 20.14: it is needed on streams; without it the message is taken to have no body.
    const end = head.end + (length === undefined || length < 0 ? 0 : length);
    if (end > to) return -1;
    this.recorder.message(this.flow, direction, bytes, head.start, end, mark, false);
    return end;
  }

  private resynchronise(
    direction: Direction,
    bytes: Uint8Array,
    from: number,
    to: number,
    mark: Mark,
  ): number {
    for (let at = from; at < to; at = lineAfter(bytes, at, to)) {
      if (bytes[at] === 0x0d || bytes[at] === 0x0a) continue;
      if (looksLikeSip(bytes, at, to) !== "yes") continue;
      this.lost[direction] = false;
      this.unknown(at - from, mark);
      return at;
    }
    this.lost[direction] = true;
    this.unknown(to - from, mark);
    return -1;
  }

  private unknown(bytes: number, mark: Mark): void {
    if (bytes === 0) return;
    this.context.account.unknown(bytes);
    this.flow.unknownBytes += bytes;
    this.flow.unknownMark = mark.keep();
  }

  held(): number {
    return this.kept[0].length + this.kept[1].length;
  }

  gap(direction: Direction, _missing: number, mark: Mark): void {
    this.drop(direction, mark);
    this.lost[direction] = true;
  }

  end(direction: Direction, mark: Mark): void {
    this.drop(direction, mark);
  }

  /** What there is of a message whose end is missing. */
  private drop(direction: Direction, mark: Mark): void {
    const kept = this.kept[direction];
    if (kept.length === 0) return;
    this.kept[direction] = EMPTY;
    this.context.account.truncated(kept.length);
    if (looksLikeSip(kept, 0, kept.length) === "yes") {
      this.recorder.message(this.flow, direction, kept, 0, kept.length, mark, true);
    }
  }
}

function lineAfter(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to && bytes[at] !== 0x0a) at++;
  return at + 1;
}

export const sipStream: StreamProtocol = {
  name: "sip",
  probe: (bytes, start, end) => looksLikeSip(bytes, start, end),
  open: (flow, context) => new SipStream(flow, context),
};
