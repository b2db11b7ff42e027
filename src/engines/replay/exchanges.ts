/** HTTP/1.x on one connection: requests with their responses, and when each part came. RFC 9112 9.3. */
import { DecodeError } from "../../codecs/errors.ts";
import type { Framing } from "../../codecs/http/body.ts";
import { FRAMING } from "../../codecs/http/body.ts";
import type { Head } from "../../codecs/http/head.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { HttpSink } from "../../codecs/http/parser.ts";
import { HttpParser } from "../../codecs/http/parser.ts";
import { findMessage } from "../capture/dissect/http-start.ts";
import { field } from "../http/fields.ts";

/** Bodies that may name other objects are kept up to this. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;
/** And those of a recording that is to be served again. */
const MAX_RECORDED_BYTES = 256 * 1024 * 1024;
const NAMES_OTHERS = /^\s*(?:text\/(?:html|css)|application\/xhtml\+xml)\b/i;

export class Exchange {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  /** First octet of the request. */
  readonly startMs: number;
  requestBytes = 0;
  /** Last octet of the request. */
  sentMs = Number.NaN;
  status = 0;
  responseFields: readonly Field[] = [];
  headBytes = 0;
  /** Octets of the body on the wire, framing included. */
  bodyBytes = 0;
  /** -1: by Content-Length not told. */
  announced = -1;
  firstByteMs = Number.NaN;
  endMs = Number.NaN;
  /** The last octet of the response came, and none before it is missing. */
  whole = false;
  /** Octets of the body that are not in the capture. */
  missing = 0;
  /** The body without framing, where it may name other objects; undefined: not kept. */
  body: Uint8Array[] | undefined = undefined;
  keepAll = false;
  private kept = 0;
  /** When octets of a kept body came: pairs of time and octets so far. */
  readonly progress: [at: number, bytes: number][] = [];

  constructor(method: string, target: string, fields: readonly Field[], startMs: number) {
    this.method = method;
    this.target = target;
    this.fields = fields;
    this.startMs = startMs;
  }

  get answered(): boolean {
    return this.status > 0;
  }

  keep(bytes: Uint8Array, start: number, end: number, at: number): void {
    if (this.body === undefined) return;
    this.kept += end - start;
    if (this.kept > (this.keepAll ? MAX_RECORDED_BYTES : MAX_KEPT_BYTES)) {
      this.body = undefined;
      return;
    }
    this.body.push(bytes.slice(start, end));
    this.progress.push([at, this.kept]);
  }
}

/** Told what could not be read. */
export type OnNote = (code: string, message: string) => void;

/** Both directions of a connection that speaks HTTP/1.x. */
export class ExchangeReader {
  readonly exchanges: Exchange[] = [];
  /** Responses that no request in the capture asked for. */
  orphans = 0;
  /** The connection became a tunnel, or speaks another protocol from then on. */
  handedOver = false;
  /** When the octets now read came. */
  at = 0;
  private waiting = 0;
  private readonly note: OnNote;
  /** Bodies of all types are kept, whatever their size. */
  readonly keepAll: boolean;
  private readonly requests: Side;
  private readonly responses: Side;

  constructor(note: OnNote, keepAll = false) {
    this.note = note;
    this.keepAll = keepAll;
    this.requests = new Side(this, "request", new RequestSink(this));
    this.responses = new Side(this, "response", new ResponseSink(this));
  }

  /** The exchange whose response comes next. */
  get current(): Exchange | undefined {
    return this.exchanges[this.waiting];
  }

  answered(): void {
    if (this.waiting < this.exchanges.length) this.waiting++;
  }

  data(fromClient: boolean, bytes: Uint8Array, start: number, end: number, at: number): void {
    this.at = at;
    this.side(fromClient).data(bytes, start, end);
  }

  gap(fromClient: boolean, missing: number, at: number): void {
    this.at = at;
    this.side(fromClient).gap(missing);
  }

  end(fromClient: boolean, at: number): void {
    this.at = at;
    this.side(fromClient).end();
  }

  private side(fromClient: boolean): Side {
    return fromClient ? this.requests : this.responses;
  }

  trouble(error: DecodeError): void {
    this.note(error.code, `HTTP that cannot be read: ${error.message}`);
  }

  lost(missing: number): void {
    this.note("capture.gap", `${missing} octets of HTTP are not in the capture`);
    // Nobody knows how many responses are missing: a later one answers the last request, or none.
    this.waiting = Math.max(this.waiting, this.exchanges.length - 1);
  }
}

interface MessageSink extends HttpSink {
  skipped(missing: number): void;
  cut(): void;
}

/** One direction: a parser, and the way back to a message after missing octets. */
class Side {
  private readonly owner: ExchangeReader;
  private readonly parser: HttpParser;
  private readonly sink: MessageSink;
  private searching = false;
  private ended = false;

  constructor(owner: ExchangeReader, kind: "request" | "response", sink: MessageSink) {
    this.owner = owner;
    this.sink = sink;
    this.parser = new HttpParser(kind, sink, false);
  }

  data(bytes: Uint8Array, start: number, end: number): void {
    if (this.ended || this.owner.handedOver) return;
    let from = start;
    if (this.searching) {
      from = findMessage(bytes, start, end, this.parser.kind);
      if (from < 0) return;
      this.searching = false;
    }
    this.guarded(() => this.parser.push(bytes, from, end));
    if (this.parser.handedOver) this.owner.handedOver = true;
  }

  gap(missing: number): void {
    if (this.ended || this.owner.handedOver) return;
    const inBody = this.parser.inBody;
    if (inBody) this.sink.skipped(missing);
    if (this.parser.skip(missing)) return;
    this.sink.cut();
    this.owner.lost(missing);
    this.resume();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    try {
      this.parser.end();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.sink.cut();
    }
  }

  private guarded(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.owner.trouble(error);
      this.sink.cut();
      this.resume();
    }
  }

  private resume(): void {
    this.parser.reset();
    this.searching = true;
  }
}

/** What both kinds of messages do not need. */
abstract class Sink {
  protected readonly owner: ExchangeReader;
  protected begun = 0;

  constructor(owner: ExchangeReader) {
    this.owner = owner;
  }

  begin(): void {
    this.begun = this.owner.at;
  }

  requestMethod(): string | undefined {
    return this.owner.current?.method;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  chunk(): void {}
  trailers(): void {}
  issue(): void {}
}

class RequestSink extends Sink implements MessageSink {
  private exchange: Exchange | undefined = undefined;

  head(head: Head): void {
    this.exchange = new Exchange(head.method, head.target, head.fields(), this.begun);
    this.owner.exchanges.push(this.exchange);
  }

  body(): void {}

  end(bytes: number): void {
    if (this.exchange === undefined) return;
    this.exchange.requestBytes = bytes;
    this.exchange.sentMs = this.owner.at;
  }

  skipped(): void {}
  cut(): void {}
}

class ResponseSink extends Sink implements MessageSink {
  private exchange: Exchange | undefined = undefined;
  /** RFC 9110 15.2: interim responses answer nothing. */
  private interim = false;

  head(head: Head, framing: Framing): void {
    const { owner } = this;
    this.interim = head.statusCode < 200 && head.statusCode !== 101;
    this.exchange = this.interim ? undefined : owner.current;
    const { exchange } = this;
    if (exchange === undefined) {
      if (!this.interim) owner.orphans++;
      return;
    }
    exchange.status = head.statusCode;
    exchange.responseFields = head.fields();
    exchange.headBytes = head.end - head.start;
    exchange.firstByteMs = this.begun;
    exchange.endMs = owner.at;
    if (framing.kind === FRAMING.LENGTH) exchange.announced = framing.length;
    const type = field(exchange.responseFields, "content-type") ?? "";
    exchange.keepAll = owner.keepAll;
    if (owner.keepAll || NAMES_OTHERS.test(type)) exchange.body = [];
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.bodyBytes += end - start;
    exchange.endMs = this.owner.at;
    exchange.keep(bytes, start, end, this.owner.at);
  }

  end(bytes: number): void {
    const { exchange } = this;
    if (exchange !== undefined) {
      exchange.endMs = this.owner.at;
      exchange.bodyBytes = Math.max(exchange.bodyBytes, bytes - exchange.headBytes);
      exchange.whole = exchange.missing === 0;
    }
    if (!this.interim) this.owner.answered();
    this.exchange = undefined;
  }

  skipped(missing: number): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.missing += missing;
    exchange.bodyBytes += missing;
    exchange.body = undefined;
    exchange.endMs = this.owner.at;
  }

  /** The rest of the message does not come. */
  cut(): void {
    if (this.exchange === undefined) return;
    this.exchange.body = undefined;
    this.owner.answered();
    this.exchange = undefined;
  }
}
