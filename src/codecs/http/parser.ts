/**
 * The one parser of HTTP/1.x connections: bytes in, pieces of messages out to a sink. RFC 9112.
 * One direction of one connection each; makes no copy of what lies whole in a chunk.
 */
import type { Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { FRAMING, Framing } from "./body.ts";
import { chunkExtensionProblem } from "./chunk-extension.ts";
import {
  CR,
  HEX_VALUE,
  LF,
  MAX_CHUNK_LINE_BYTES,
  MAX_CHUNK_SIZE_DIGITS,
  MAX_EXTENSION_BYTES,
  MAX_HEAD_BYTES,
  SP,
} from "./constants.ts";
import { Head } from "./head.ts";

export interface HttpSink {
  /** First byte of a message. */
  begin(): void;
  /** Method of the request that the next response answers; undefined when nobody knows. */
  requestMethod(): string | undefined;
  /** Whether the next response answers a request without version, and so may have no head (RFC 1945 6). */
  answersSimpleRequest(): boolean;
  /** The head is only valid during the call. */
  head(head: Head, framing: Framing): void;
  /** Some bytes of the body, without chunk framing. */
  body(bytes: Uint8Array, start: number, end: number): void;
  chunk(size: number, extensions: Uint8Array, start: number, end: number): void;
  /** Field lines after a chunked body; only called when there are any. Valid during the call. */
  trailers(head: Head): void;
  /** The message is whole. `bytes`: its length on the wire. */
  end(bytes: number): void;
  /** Survivable; decoding goes on. */
  issue(issue: Issue): void;
}

const STATE = {
  START: 0,
  HEAD: 1,
  LENGTH: 2,
  CLOSE: 3,
  CHUNK_LINE: 4,
  CHUNK_DATA: 5,
  CHUNK_END: 6,
  TRAILERS: 7,
  /** The connection speaks another protocol from here on. */
  HANDED_OVER: 8,
} as const;

/** By `FRAMING`. */
const AFTER_HEAD = [
  STATE.START,
  STATE.LENGTH,
  STATE.CHUNK_LINE,
  STATE.CLOSE,
  STATE.HANDED_OVER,
] as const;

const EMPTY = new Uint8Array(0);
/** Octets up to which a loop beats a call of `set`. */
const SHORT = 32;

export class HttpParser {
  readonly kind: "request" | "response";
  private readonly sink: HttpSink;
  private readonly strict: boolean;
  private readonly tolerance: { tolerate: ((issue: Issue) => void) | undefined };
  private readonly headParser: Head;
  private readonly framing = new Framing();
  private state: number = STATE.START;
  /** Bytes of the body or chunk that are still to come. */
  private left = 0;
  /** Bytes of the message before the chunk now pushed, and the index in it where the message goes on. */
  private before = 0;
  private origin = 0;
  /** An incomplete head, chunk line or trailer section. */
  private kept: Uint8Array = EMPTY;
  private keptLength = 0;
  /** Index in `kept` up to which no end was found. */
  private searched = 0;
  private extensionBytes = 0;
  private halted = false;

  /** Strict parsers throw at the first deviation; others tell `sink.issue`. Several may share a `head`. */
  constructor(
    kind: "request" | "response",
    sink: HttpSink,
    strict: boolean,
    head: Head = new Head(),
  ) {
    this.kind = kind;
    this.sink = sink;
    this.strict = strict;
    this.headParser = head;
    this.tolerance = { tolerate: strict ? undefined : (issue) => sink.issue(issue) };
  }

  /** Between messages: nothing of a next one was seen. */
  get idle(): boolean {
    return this.state === STATE.START;
  }

  get handedOver(): boolean {
    return this.state === STATE.HANDED_OVER;
  }

  /** In a body whose missing bytes could be counted. */
  get inBody(): boolean {
    return (
      this.state === STATE.LENGTH || this.state === STATE.CLOSE || this.state === STATE.CHUNK_DATA
    );
  }

  /** Forgets the message that it is in, and begins anew. */
  reset(): void {
    this.state = STATE.START;
    this.drop();
  }

  private drop(): void {
    this.kept = EMPTY;
    this.keptLength = 0;
    this.searched = 0;
  }

  /** Called by the sink at the end of a message: no further one is begun by this `push`. */
  halt(): void {
    this.halted = true;
  }

  /** Bytes kept of something incomplete. */
  get pendingBytes(): number {
    return this.keptLength;
  }

  /**
   * Hands the whole lines of an incomplete head to `sink.head`, where its start line is among
   * them. The parser must then be reset. Returns whether it did.
   */
  partialHead(): boolean {
    if (this.state !== STATE.HEAD) return false;
    const end = this.kept.lastIndexOf(LF, this.keptLength - 1) + 1;
    if (end === 0) return false;
    try {
      this.headParser.parse(this.kind, this.kept, 0, end, this.tolerance);
      this.framing.judge(this.headParser, undefined);
    } catch (error) {
      if (error instanceof DecodeError) return false; // Then not even the start line can be told.
      throw error;
    }
    this.sink.head(this.headParser, this.framing);
    return true;
  }

  /**
   * Reads `bytes[start, end)`. Returns the index after the last byte taken: before `end` only when
   * the connection was handed over, or after `halt`.
   * @throws DecodeError when the message cannot be read further, or at a deviation when strict.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    this.origin = start;
    this.halted = false;
    while (at < end && !this.halted) {
      const next = this.step(bytes, at, end);
      if (next < 0) {
        this.before += end - this.origin;
        return end;
      }
      at = next;
      if (this.state === STATE.HANDED_OVER) return at;
    }
    this.before += at - this.origin;
    return at;
  }

  /** Index of the next byte, or -1 when all up to `end` was taken. */
  private step(bytes: Uint8Array, at: number, end: number): number {
    switch (this.state) {
      case STATE.START:
        return this.start(bytes, at, end);
      case STATE.HEAD:
        return this.block(bytes, at, end, false);
      case STATE.TRAILERS:
        return this.block(bytes, at, end, true);
      case STATE.LENGTH:
      case STATE.CHUNK_DATA:
        return this.data(bytes, at, end);
      case STATE.CLOSE:
        this.sink.body(bytes, at, end);
        return -1;
      case STATE.CHUNK_LINE:
        return this.chunkLine(bytes, at, end);
      default:
        return this.chunkEnd(bytes, at);
    }
  }

  /** RFC 9112 2.2: empty lines before a message are passed over. */
  private start(bytes: Uint8Array, at: number, end: number): number {
    let i = at;
    while (i < end && (bytes[i] === CR || bytes[i] === LF)) i++;
    if (i === end) return -1;
    this.before = 0;
    this.origin = i;
    this.extensionBytes = 0;
    this.sink.begin();
    if (this.kind === "response" && bytes[i] !== 0x48 && this.sink.answersSimpleRequest()) {
      this.headParser.simpleResponse();
      this.framing.kind = FRAMING.CLOSE;
      this.sink.head(this.headParser, this.framing);
      this.state = STATE.CLOSE;
      return i;
    }
    this.state = STATE.HEAD;
    return i;
  }

  /** A head or a trailer section: all up to its blank line. */
  private block(bytes: Uint8Array, at: number, end: number, trailers: boolean): number {
    if (this.keptLength === 0) {
      const plain = trailers ? -1 : this.headParser.scan(this.kind, bytes, at, end);
      if (plain >= 0) {
        this.headDone(plain);
        return plain;
      }
      const stop = blankLine(bytes, at, at, end, trailers);
      if (stop < 0) {
        this.keep(bytes, at, end, MAX_HEAD_BYTES, "http.head.too-long");
        return -1;
      }
      this.blockDone(bytes, at, stop, this.before + at - this.origin, stop, trailers);
      return stop;
    }
    // Where this chunk begins in what is kept.
    const before = this.keptLength;
    const most = Math.min(end, at + MAX_HEAD_BYTES + 1);
    this.append(bytes, at, most);
    const stop = blankLine(
      this.kept,
      0,
      Math.max(0, before - 3, this.searched - 3),
      this.keptLength,
      trailers,
    );
    if (stop < 0) {
      this.searched = this.keptLength;
      if (this.keptLength > MAX_HEAD_BYTES) this.tooLong(MAX_HEAD_BYTES, "http.head.too-long");
      return -1;
    }
    const { kept } = this;
    this.drop();
    const next = at + stop - before;
    this.blockDone(kept, 0, stop, this.before + at - this.origin - before, next, trailers);
    return next;
  }

  private keep(bytes: Uint8Array, at: number, end: number, limit: number, code: string): void {
    if (end - at > limit) this.tooLong(limit, code);
    this.append(bytes, at, end);
    this.searched = this.keptLength;
  }

  private append(bytes: Uint8Array, at: number, end: number): void {
    const size = this.keptLength + end - at;
    if (size > this.kept.length) {
      const larger = new Uint8Array(Math.max(size, this.kept.length * 2, 512));
      larger.set(this.kept.subarray(0, this.keptLength));
      this.kept = larger;
    }
    if (end - at <= SHORT) {
      const { kept, keptLength } = this;
      for (let i = at; i < end; i++) kept[keptLength + i - at] = bytes[i] as number;
    } else this.kept.set(bytes.subarray(at, end), this.keptLength);
    this.keptLength = size;
  }

  private tooLong(limit: number, code: string): never {
    throw new DecodeError(code, this.before, "RFC 9112 2.3", `longer than ${limit} bytes`);
  }

  /** `offset`: bytes of the message before the block. `next`: index after it in the chunk now pushed. */
  private blockDone(
    bytes: Uint8Array,
    from: number,
    to: number,
    offset: number,
    next: number,
    trailers: boolean,
  ): void {
    const { headParser, sink } = this;
    if (trailers) {
      headParser.parseTrailers(bytes, from, to, offset, this.tolerance);
      if (headParser.count > 0) sink.trailers(headParser);
      this.finish(next);
      return;
    }
    headParser.parse(this.kind, bytes, from, to, this.tolerance);
    this.headDone(next);
  }

  /** `headParser` has the head; `next`: index after it in the chunk now pushed. */
  private headDone(next: number): void {
    const { headParser, framing, sink } = this;
    headParser.use(this.tolerance);
    framing.judge(headParser, this.kind === "response" ? sink.requestMethod() : undefined);
    if (headParser.major === 0) framing.kind = FRAMING.NONE;
    sink.head(headParser, framing);
    this.state = AFTER_HEAD[framing.kind] as number;
    this.left = framing.length;
    if (framing.kind === FRAMING.HAND_OVER) sink.end(this.before + next - this.origin);
    else if (framing.kind === FRAMING.NONE) this.finish(next);
  }

  /** The message ends before `next`. */
  private finish(next: number): void {
    const bytes = this.before + next - this.origin;
    this.state = STATE.START;
    this.before = 0;
    this.origin = next;
    this.sink.end(bytes);
  }

  private data(bytes: Uint8Array, at: number, end: number): number {
    const stop = end - at < this.left ? end : at + this.left;
    this.sink.body(bytes, at, stop);
    this.left -= stop - at;
    if (this.left === 0) this.dataDone(stop);
    return stop;
  }

  private dataDone(next: number): void {
    if (this.state === STATE.CHUNK_DATA) this.state = STATE.CHUNK_END;
    else this.finish(next);
  }

  /** RFC 9112 7.1: the CRLF behind the data of a chunk. */
  private chunkEnd(bytes: Uint8Array, at: number): number {
    const b = bytes[at];
    if (b === LF) {
      if (this.keptLength === 0)
        this.deviate("http.chunk.bare-lf", at, "RFC 9112 7.1", "LF alone after a chunk");
      this.drop();
      this.state = STATE.CHUNK_LINE;
      return at + 1;
    }
    if (b !== CR || this.keptLength > 0) {
      this.fail("http.chunk.end", at, "RFC 9112 7.1", "no CRLF after a chunk");
    }
    this.append(bytes, at, at + 1);
    return at + 1;
  }

  private deviate(code: string, at: number, spec: string, message: string): void {
    const offset = this.before + at - this.origin;
    if (this.strict) throw new DecodeError(code, offset, spec, message);
    this.sink.issue({ code, offset, spec, message });
  }

  private fail(code: string, at: number, spec: string, message: string): never {
    throw new DecodeError(code, this.before + at - this.origin, spec, message);
  }

  private chunkLine(bytes: Uint8Array, at: number, end: number): number {
    let lf = at;
    while (lf < end && bytes[lf] !== LF) lf++;
    if (lf === end) {
      if (this.keptLength + end - at > MAX_CHUNK_LINE_BYTES) {
        this.fail(
          "http.chunk.line-too-long",
          at,
          "RFC 9112 7.1.1",
          `a chunk line is longer than ${MAX_CHUNK_LINE_BYTES} bytes`,
        );
      }
      this.append(bytes, at, end);
      return -1;
    }
    if (this.keptLength === 0) {
      this.chunkSize(bytes, at, lf, at);
    } else {
      this.append(bytes, at, lf);
      const { kept, keptLength } = this;
      this.drop();
      this.chunkSize(kept, 0, keptLength, at);
    }
    return lf + 1;
  }

  /** `chunk-size [ chunk-ext ] CRLF`; `line`: where it stands in the chunk now pushed, for offsets. */
  private chunkSize(bytes: Uint8Array, from: number, lf: number, line: number): void {
    let end = lf;
    if (end > from && bytes[end - 1] === CR) end--;
    else
      this.deviate("http.chunk.bare-lf", line, "RFC 9112 7.1", "a chunk line ends with LF alone");
    let at = from;
    let size = 0;
    while (at < end && (HEX_VALUE[bytes[at] as number] as number) < 16) {
      size = size * 16 + (HEX_VALUE[bytes[at++] as number] as number);
      if (at - from > MAX_CHUNK_SIZE_DIGITS || size > Number.MAX_SAFE_INTEGER) {
        this.fail("http.chunk.size", line, "RFC 9112 7.1", "a chunk size beyond 2^53 - 1");
      }
    }
    if (at === from) this.fail("http.chunk.size", line, "RFC 9112 7.1", "no chunk size");
    let extensions = at;
    while (extensions < end && isBlank(bytes[extensions] as number)) extensions++;
    if (extensions === end && extensions > at) {
      this.deviate("http.chunk.whitespace", line, "RFC 9112 7.1", "a blank after the chunk size");
    } else if (extensions < end && bytes[extensions] !== 0x3b) {
      this.fail("http.chunk.size", line, "RFC 9112 7.1", "a chunk size that is not hexadecimal");
    }
    if (extensions < end) {
      const problem = chunkExtensionProblem(bytes, extensions, end);
      if (problem !== undefined) {
        this.deviate("http.chunk.extension", line, "RFC 9112 7.1.1", problem);
      }
    }
    if (this.extensionBytes <= MAX_EXTENSION_BYTES) {
      this.extensionBytes += end - extensions;
      if (this.extensionBytes > MAX_EXTENSION_BYTES) {
        this.deviate(
          "http.chunk.extensions",
          line,
          "RFC 9112 7.1.1",
          `more than ${MAX_EXTENSION_BYTES} bytes of chunk extensions`,
        );
      }
    }
    this.sink.chunk(size, bytes, extensions, end);
    this.left = size;
    this.state = size === 0 ? STATE.TRAILERS : STATE.CHUNK_DATA;
  }

  /**
   * The next `count` bytes are missing. Returns whether the parser knows where it is after them;
   * if not it begins anew, and the caller must find the next message.
   */
  skip(count: number): boolean {
    if (this.state === STATE.CLOSE) {
      this.before += count;
      return true;
    }
    if (this.inBody && count <= this.left) {
      this.left -= count;
      this.before += count;
      this.origin = 0;
      if (this.left === 0) this.dataDone(0);
      return true;
    }
    return false;
  }

  /**
   * The connection ends: that ends a body which the close delimits.
   * @throws DecodeError when it cuts a message
   */
  end(): void {
    if (this.state === STATE.START || this.state === STATE.HANDED_OVER) return;
    if (this.state === STATE.CLOSE) {
      this.origin = 0;
      this.finish(0);
      return;
    }
    throw new DecodeError(
      "http.message.cut",
      this.before,
      "RFC 9112 8",
      "the connection ends inside a message",
    );
  }
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === 0x09;
}

/**
 * Index after the blank line that ends the block at `from`, or -1. `search`: where to go on
 * looking. Field lines may end with LF alone. In a trailer section the blank line may come first.
 */
function blankLine(
  bytes: Uint8Array,
  from: number,
  search: number,
  end: number,
  trailers: boolean,
): number {
  if (trailers) {
    if (bytes[from] === LF) return from + 1;
    if (bytes[from] === CR && from + 1 < end && bytes[from + 1] === LF) return from + 2;
  }
  for (let i = search; i + 1 < end; i++) {
    if (bytes[i] !== LF) continue;
    if (bytes[i + 1] === LF) return i + 2;
    if (bytes[i + 1] === CR && i + 2 < end && bytes[i + 2] === LF) return i + 3;
  }
  return -1;
}
