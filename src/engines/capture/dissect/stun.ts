/** STUN and TURN in captures, on any port; ChannelData where TURN was seen. RFC 3489, 8489, 8656. */
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { joined, view } from "../../../codecs/reader.ts";
import { decodeStun } from "../../../codecs/stun/decode.ts";
import { stunRecord } from "../../../codecs/stun/record.ts";
import {
  framedBytes,
  hasCookie,
  looksLikeChannelData,
  looksLikeStun,
} from "../../../codecs/stun/sniff.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  StreamDissector,
  StreamProtocol,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";

const EMPTY = new Uint8Array(0);

function emitItem(
  context: DissectorContext,
  flow: Flow,
  direction: Direction,
  bytes: Uint8Array,
  start: number,
  end: number,
  mark: Mark,
): void {
  const issues: Issue[] = [];
  const raw = { bytes, start, end };
  try {
    const item = decodeStun(view(bytes, start, end), { tolerate: (issue) => issues.push(issue) });
    context.out.emit(
      "stun",
      flow,
      direction,
      mark,
      end - start,
      stunRecord(item),
      { malformed: false, issues },
      raw,
    );
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    issues.push(error.toIssue());
    const body = {
      kind: "message",
      type: ((bytes[start] as number) << 8) | (bytes[start + 1] as number),
    };
    context.out.emit(
      "stun",
      flow,
      direction,
      mark,
      end - start,
      body,
      { malformed: true, issues },
      raw,
    );
  }
}

class StunDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private seen = false;

  constructor(context: DissectorContext) {
    this.context = context;
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
    const message = looksLikeStun(bytes, start, end) || (cut && hasCookie(bytes, start, end));
    if (!message && !(this.seen && looksLikeChannelData(bytes, start, end))) return false;
    this.seen = true;
    if (cut) this.context.account.truncated(end - start);
    emitItem(this.context, flow, direction, bytes, start, end, mark);
    return true;
  }
}

export const stun: DatagramProtocol = {
  name: "stun",
  recognises: looksLikeStun,
  open: (_flow, context) => new StunDatagrams(context),
};

class StunStream implements StreamDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly kept: [Uint8Array, Uint8Array] = [EMPTY, EMPTY];
  private readonly lost: [boolean, boolean] = [false, false];

  /** Each packet has its length before it: ICE over TCP. */
  private readonly framed: boolean;

  constructor(flow: Flow, context: DissectorContext, framed: boolean) {
    this.flow = flow;
    this.context = context;
    this.framed = framed;
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
    if (this.framed) {
      this.frames(direction, source, at, to, mark);
      return;
    }
    // After a hole an item begins again with a segment that has the cookie.
    if (this.lost[direction] && hasCookie(source, at, to)) this.lost[direction] = false;
    while (at < to) {
      const length = this.lost[direction] ? -1 : framedBytes(source, at, to);
      if (length < 0) {
        this.lost[direction] = true;
        this.context.account.unknown(to - at);
        this.flow.unknownBytes += to - at;
        this.flow.unknownMark = mark.keep();
        return;
      }
      if (length === 0 || at + length > to) {
        this.kept[direction] = source.slice(at, to);
        return;
      }
      emitItem(this.context, this.flow, direction, source, at, at + length, mark);
      at += length;
    }
  }

  /** RFC 6544 and RFC 4571: two octets of length before each packet, STUN or media. */
  private frames(
    direction: Direction,
    bytes: Uint8Array,
    from: number,
    to: number,
    mark: Mark,
  ): void {
    let at = from;
    while (to - at >= 2 && !this.lost[direction]) {
      const end = at + 2 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number));
      if (end > to) break;
      if (looksLikeStun(bytes, at + 2, end)) {
        emitItem(this.context, this.flow, direction, bytes, at + 2, end, mark);
      } else {
        this.context.account.unknown(end - at);
        this.flow.unknownBytes += end - at;
        this.flow.unknownMark = mark.keep();
      }
      at = end;
    }
    this.kept[direction] = bytes.slice(at, to);
  }

  held(): number {
    return this.kept[0].length + this.kept[1].length;
  }

  gap(direction: Direction): void {
    this.end(direction);
    this.lost[direction] = true;
  }

  end(direction: Direction): void {
    this.context.account.truncated(this.kept[direction].length);
    this.kept[direction] = EMPTY;
  }
}

function streamProtocol(prefix: number): StreamProtocol {
  return {
    name: "stun",
    probe: (bytes, start, end) => {
      const at = start + prefix;
      if (end - at < 8) return (bytes[start] as number) < 2 ? "more" : "no";
      return hasCookie(bytes, at, end) && framedBytes(bytes, at, end) > 0 ? "yes" : "no";
    },
    open: (flow, context) => new StunStream(flow, context, prefix > 0),
  };
}

export const stunStream = streamProtocol(0);
/** ICE over TCP: RFC 6544 3, RFC 4571 2. */
export const framedStunStream = streamProtocol(2);
