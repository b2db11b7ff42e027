/**
 * HTTP/1.x in captures: messages of both directions, responses linked to their requests
 * (RFC 9112 9.2, 9.3.2), and the way back into a stream after missing bytes.
 */
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Framing } from "../../../codecs/http/body.ts";
import { FIELD } from "../../../codecs/http/field-ids.ts";
import { Head } from "../../../codecs/http/head.ts";
import { writeHead, writeTrailers } from "../../../codecs/http/ndjson.ts";
import type { HttpSink } from "../../../codecs/http/parser.ts";
import { HttpParser } from "../../../codecs/http/parser.ts";
import { Fixed, JsonWriter } from "../../../codecs/json-writer.ts";
import { concat } from "../../../codecs/writer.ts";
import type { Direction, DissectorContext, StreamDissector, StreamProtocol } from "../dissector.ts";
import type { Flow } from "../flow.ts";
import { elapsed, elapsedUnits, Mark } from "../mark.ts";
import { findMessage, judgeStart } from "./http-start.ts";
import { announceRecord, answerRecord, MAX_ANSWER_BYTES } from "./http-tracker.ts";

const BODY_BYTES = new Fixed(',"bodyBytes":');
const TRACKER = new Fixed(',"tracker":');
const REQUEST_IN = new Fixed(',"requestIn":');
const LATENCY = new Fixed(',"latency":');
const DURATION = new Fixed(',"duration":');
const EMPTY = new Uint8Array(0);
const NO_ISSUES: readonly Issue[] = [];
/** Bytes of a body that are kept to be shown. */
const MAX_SHOWN_BYTES = 65_536;
/** Requests of one connection that wait for their responses; more are not linked. */
const MAX_PENDING = 4096;
/** Issues told of one message. */
const MAX_ISSUES = 64;

/** A request that waits for its response. */
class Asked {
  readonly method: string;
  readonly simple: boolean;
  /** What it asked to change to. */
  readonly upgrade: string | undefined;
  /** It asked a tracker. */
  tracker = false;
  /** Set when the request is whole. */
  mark: Mark | undefined = undefined;

  constructor(method: string, simple: boolean, upgrade: string | undefined) {
    this.method = method;
    this.simple = simple;
    this.upgrade = upgrade;
  }
}

/** Requests of a connection, in order. */
class Requests {
  private readonly queue: Asked[] = [];
  private first = 0;
  /** The client sent a request before the one before was answered. */
  private pipelined = false;

  get current(): Asked | undefined {
    return this.queue[this.first];
  }

  add(asked: Asked): void {
    if (this.current !== undefined) this.pipelined = true;
    if (this.queue.length - this.first < MAX_PENDING) this.queue.push(asked);
  }

  answered(): void {
    if (this.current === undefined) return;
    this.first++;
    if (this.first === this.queue.length) this.clear();
  }

  clear(): void {
    this.queue.length = 0;
    this.first = 0;
  }

  /**
   * Responses are missing, nobody knows how many. Without pipelining only the last request can
   * still be waiting; with it, better no link than a wrong one.
   */
  lostResponses(): void {
    const last = this.queue.at(-1);
    const { pipelined } = this;
    this.clear();
    if (last !== undefined && !pipelined) this.queue.push(last);
  }
}

/** One direction: collects the record of the message that it is in. */
class HttpDirection implements HttpSink {
  parser: HttpParser | undefined = undefined;
  /** The end of a message was not found: what follows is searched for the next one. */
  lost = false;
  private readonly owner: HttpStream;
  private readonly direction: Direction;
  /** JSON of the head and trailers: shared scratch, or a copy when the message goes on in later packets. */
  private text: Uint8Array = EMPTY;
  private textLength = 0;
  /** `text` is the shared scratch. */
  private borrowed = false;
  private trailerText: Uint8Array = EMPTY;
  private hasHead = false;
  private bodyBytes = 0;
  /** Some bytes of the body are not in the capture. */
  private holed = false;
  /** Head and body without chunk framing, where the bytes are wanted. */
  private wire: Uint8Array[] = [];
  /** Where the last bytes came. */
  readonly last = new Mark();
  private readonly begun = new Mark();
  private issues: Issue[] | undefined = undefined;
  private status = 0;
  /** What the message says to or of a BitTorrent tracker. */
  private tracker: Record<string, unknown> | undefined = undefined;
  /** The body of a tracker's answer. */
  private answer: Uint8Array[] | undefined = undefined;
  private asked: Asked | undefined = undefined;

  constructor(owner: HttpStream, direction: Direction) {
    this.owner = owner;
    this.direction = direction;
  }

  begin(): void {
    this.begun.set(this.owner.mark);
    this.fresh();
  }

  private fresh(): void {
    this.hasHead = false;
    this.bodyBytes = 0;
    this.issues = undefined;
    this.trailerText = EMPTY;
    this.asked = undefined;
  }

  requestMethod(): string | undefined {
    return this.owner.requests.current?.method;
  }

  answersSimpleRequest(): boolean {
    return this.owner.requests.current?.simple === true;
  }

  head(parsed: Head, framing: Framing): void {
    const { owner } = this;
    this.hasHead = true;
    if (parsed.kind === "request") {
      const upgrade = parsed.find(FIELD.UPGRADE);
      this.asked = new Asked(
        parsed.method,
        parsed.major === 0,
        upgrade < 0 ? undefined : parsed.value(upgrade).toLowerCase(),
      );
      owner.requests.add(this.asked);
      this.tracker =
        parsed.method === "GET" && asksTracker(parsed) ? announceRecord(parsed.target) : undefined;
      this.asked.tracker = this.tracker !== undefined;
    } else {
      this.status = parsed.statusCode;
      this.tracker = undefined;
      this.answer = owner.requests.current?.tracker === true ? [] : undefined;
    }
    if (owner.context.out.wantsBytes) this.wire = [parsed.bytes.slice(parsed.start, parsed.end)];
    const { scratch } = owner;
    scratch.at = 0;
    writeHead(scratch, parsed, framing);
    this.text = scratch.bytes;
    this.textLength = scratch.at;
    this.borrowed = true;
  }

  /** Bytes kept of a message that is not whole. */
  get held(): number {
    return (this.parser?.pendingBytes ?? 0) + this.text.length + this.trailerText.length;
  }

  /** The shared scratch is about to be used by others: an unfinished message keeps its own copy. */
  settle(): void {
    if (!this.borrowed) return;
    this.text = this.text.slice(0, this.textLength);
    this.borrowed = false;
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.bodyBytes += end - start;
    if (this.answer !== undefined && this.bodyBytes <= MAX_ANSWER_BYTES) {
      this.answer.push(bytes.slice(start, end));
    }
    if (this.wire.length > 0 && this.bodyBytes <= MAX_SHOWN_BYTES) {
      this.wire.push(bytes.slice(start, end));
    }
  }

  chunk(): void {}

  trailers(parsed: Head): void {
    this.settle();
    const { scratch } = this.owner;
    scratch.at = 0;
    writeTrailers(scratch, parsed);
    this.trailerText = scratch.written().slice();
  }

  issue(issue: Issue): void {
    this.issues ??= [];
    if (this.issues.length < MAX_ISSUES) this.issues.push(issue);
  }

  end(bytes: number): void {
    this.finish(bytes, false);
  }

  /** The body lacks bytes that the capture does not hold. */
  hole(missing: number): void {
    this.issue({
      code: "http.body.gap",
      offset: 0,
      spec: "RFC 9112 6.3",
      message: `${missing} bytes of the body are not in the capture`,
    });
    this.holed = true;
  }

  /** Emits what there is of a message that cannot be read on. */
  broken(error: DecodeError | undefined): void {
    if (!this.hasHead && this.parser !== undefined) {
      const kept = this.parser.pendingBytes;
      if (kept > 0 && !this.parser.partialHead()) this.owner.context.account.truncated(kept);
    }
    if (this.hasHead) {
      if (error !== undefined) this.issue(error.toIssue());
      this.finish(this.bodyBytes, true);
    }
    this.fresh();
  }

  private finish(bytes: number, malformed: boolean): void {
    const { owner } = this;
    let asked: Asked | undefined;
    let duration = false;
    if (this.asked !== undefined) {
      this.asked.mark = owner.mark.keep();
    } else if (this.parser?.kind === "response") {
      asked = owner.requests.current;
      duration = true;
      // Interim responses (RFC 9110 15.2) do not answer; 101 does.
      if (this.status >= 200 || this.status === 101) owner.requests.answered();
      owner.answered(this.status, asked);
    }
    this.write(bytes, malformed || this.holed, duration ? asked?.mark : undefined);
    this.holed = false;
    this.hasHead = false;
    this.borrowed = false;
    this.text = EMPTY;
    this.textLength = 0;
  }

  private write(bytes: number, malformed: boolean, asked: Mark | undefined): void {
    const { owner, direction } = this;
    const { mark, context, flow } = owner;
    const { bulk } = context.out;
    const issues = this.issues ?? NO_ISSUES;
    if (bulk !== undefined) {
      bulk.begin("http", flow, direction, mark, bytes);
      this.writeBody(bulk.json, asked);
      bulk.end(malformed, issues);
      return;
    }
    this.settle();
    const { scratch } = owner;
    scratch.at = 0;
    this.writeBody(scratch, asked);
    const body = JSON.parse(`{${scratch.text(1)}}`) as object;
    const wire = concat(this.wire);
    const raw = { bytes: wire, start: 0, end: wire.length };
    context.out.emit("http", flow, direction, mark, bytes, body, { malformed, issues }, raw);
  }

  private writeBody(json: JsonWriter, asked: Mark | undefined): void {
    const { mark } = this.owner;
    json.room(this.textLength + this.trailerText.length + 160);
    json.copy(this.text, 0, this.textLength);
    json.put(BODY_BYTES);
    json.uint(this.bodyBytes);
    json.copy(this.trailerText, 0, this.trailerText.length);
    if (this.answer !== undefined) {
      this.tracker = answerRecord(concat(this.answer));
      this.answer = undefined;
    }
    if (this.tracker !== undefined) {
      json.room(16);
      json.put(TRACKER);
      json.value(this.tracker);
      json.room(160);
      this.tracker = undefined;
    }
    if (asked === undefined) return;
    json.put(REQUEST_IN);
    json.uint(asked.frame);
    json.put(LATENCY);
    writeElapsed(json, asked, this.begun);
    json.put(DURATION);
    writeElapsed(json, asked, mark);
  }
}

/** Whether a request target has a query with an info hash: cheap, since few have. */
function asksTracker(parsed: Head): boolean {
  const { bytes, targetStart, targetEnd } = parsed;
  for (let i = targetStart; i < targetEnd; i++) {
    if (bytes[i] === 0x3f) return parsed.target.includes("info_hash=");
  }
  return false;
}

function writeElapsed(json: JsonWriter, from: Mark, to: Mark): void {
  if (Math.max(from.digits, to.digits) <= 9) {
    json.room(48);
    json.decimal(elapsedUnits(from, to), Math.max(from.digits, to.digits));
  } else {
    json.raw(String(elapsed(from, to)));
  }
  json.room(48);
}

class HttpStream implements StreamDissector {
  readonly flow: Flow;
  readonly context: DissectorContext;
  readonly requests = new Requests();
  readonly scratch: JsonWriter;
  /** Of the packet now read. */
  mark = new Mark();
  /** Each made with its first bytes: many connections of a flood have one side only. */
  private readonly directions: [HttpDirection | undefined, HttpDirection | undefined] = [
    undefined,
    undefined,
  ];
  /** Sides that were under way, when HTTP was recognised, without a SYN in the capture. */
  private readonly midStream: readonly [boolean, boolean];
  private readonly heads: Head;
  /** The connection speaks a protocol that is named only. */
  private over = false;
  private next: string | undefined = undefined;

  constructor(flow: Flow, context: DissectorContext, shared: { scratch: JsonWriter; head: Head }) {
    this.flow = flow;
    this.context = context;
    this.scratch = shared.scratch;
    this.heads = shared.head;
    this.midStream = [flow.tcp?.midStream(0) === true, flow.tcp?.midStream(1) === true];
  }

  private side(direction: Direction): HttpDirection {
    let side = this.directions[direction];
    if (side === undefined) {
      side = new HttpDirection(this, direction);
      side.lost = this.midStream[direction];
      this.directions[direction] = side;
    }
    return side;
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    if (this.over) return;
    this.mark = mark;
    const side = this.side(direction);
    side.last.set(mark);
    let at = start;
    while (at < end && !this.over) {
      if (side.lost || side.parser === undefined) {
        at = this.begin(side, direction, bytes, at, end);
        if (at < 0) return;
      }
      at = this.push(side, direction, bytes, at, end);
    }
  }

  /** Makes the parser of a direction. Returns where the next message begins, -1 for nowhere here. */
  private begin(
    side: HttpDirection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let at = start;
    if (side.lost) {
      at = findMessage(bytes, start, end, side.parser?.kind);
      this.unknown((at < 0 ? end : at) - start);
      if (at < 0) return -1;
      side.lost = false;
    }
    const other = this.directions[direction === 0 ? 1 : 0]?.parser;
    let first = at;
    while (first < end && (bytes[first] === 0x0d || bytes[first] === 0x0a)) first++;
    if (first === end) return -1;
    const kind =
      other !== undefined
        ? other.kind === "request"
          ? "response"
          : "request"
        : judgeStart(bytes, first, end) === "response"
          ? "response"
          : "request";
    if (side.parser?.kind === kind) side.parser.reset();
    else side.parser = new HttpParser(kind, side, false, this.heads);
    return at;
  }

  private unknown(bytes: number): void {
    if (bytes === 0) return;
    this.context.account.unknown(bytes);
    this.flow.unknownBytes += bytes;
    this.flow.unknownMark = this.mark.keep();
  }

  /** Returns the index at which reading goes on. */
  private push(
    side: HttpDirection,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const parser = side.parser as HttpParser;
    let at = end;
    try {
      at = parser.push(bytes, start, end);
      side.settle();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      side.broken(error);
      if (parser.kind === "response") this.requests.lostResponses();
      side.lost = true;
      // What is left of these bytes is searched, behind the place where reading failed.
      const next = findMessage(bytes, start + 1, end, parser.kind);
      parser.reset();
      this.unknown(next < 0 ? end - start : 0);
      return next < 0 ? end : next;
    }
    if (!parser.handedOver) return at;
    this.handOver(direction, bytes, at, end);
    return end;
  }

  private handOver(direction: Direction, bytes: Uint8Array, at: number, end: number): void {
    this.over = true;
    if (this.next !== undefined) {
      this.context.nameFlow(this.flow, direction, this.mark, this.next);
      return;
    }
    this.context.handOver(this.flow, direction, bytes, at, end, this.mark);
  }

  /** RFC 9110 15.2.2: after 101 the connection speaks what the request asked for. */
  answered(status: number, asked: Asked | undefined): void {
    if (status !== 101) return;
    const wanted = asked?.upgrade;
    if (wanted === undefined || wanted.includes("websocket")) this.next = "websocket";
    else if (wanted.includes("h2c")) this.next = "h2c";
  }

  held(): number {
    return (this.directions[0]?.held ?? 0) + (this.directions[1]?.held ?? 0);
  }

  gap(direction: Direction, missing: number, mark: Mark): void {
    if (this.over) return;
    this.mark = mark;
    const side = this.side(direction);
    const { parser } = side;
    if (side.lost) return;
    if (parser === undefined) {
      // Not even the beginning was seen: what comes next may be the middle of a body.
      side.lost = true;
      return;
    }
    if (parser.inBody) {
      side.hole(missing);
      if (parser.skip(missing)) return;
    }
    side.broken(undefined);
    parser.reset();
    side.lost = true;
    if (parser.kind === "response") this.requests.lostResponses();
    else this.requests.clear();
  }

  end(direction: Direction, mark: Mark): void {
    if (this.over) return;
    this.mark = mark;
    const side = this.directions[direction];
    const parser = side?.parser;
    if (side === undefined || parser === undefined || side.lost) return;
    try {
      parser.end();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      // The message ends where its last bytes came, not with the packet that closes the stream.
      this.mark = side.last;
      side.broken(error);
    }
    parser.reset();
  }
}

const shared = new WeakMap<DissectorContext, { scratch: JsonWriter; head: Head }>();

function sharedOf(context: DissectorContext): { scratch: JsonWriter; head: Head } {
  let found = shared.get(context);
  if (found === undefined) {
    found = { scratch: new JsonWriter(8192), head: new Head() };
    shared.set(context, found);
  }
  return found;
}

export const http: StreamProtocol = {
  name: "http",
  probe: (bytes, start, end) => {
    let at = start;
    while (at < end && (bytes[at] === 0x0d || bytes[at] === 0x0a)) at++;
    if (at === end) return "more";
    const verdict = judgeStart(bytes, at, end);
    return verdict === "request" || verdict === "response" ? "yes" : verdict;
  },
  open: (flow, context) => new HttpStream(flow, context, sharedOf(context)),
};
