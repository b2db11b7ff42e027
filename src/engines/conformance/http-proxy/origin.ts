/** The origin behind a proxy that is tried: answers as a rule says, octet by octet, and keeps what it was asked. */
import { DecodeError } from "../../../codecs/errors.ts";
import type { Field } from "../../../codecs/http/message.ts";
import type { HttpSink } from "../../../codecs/http/parser.ts";
import { HttpParser } from "../../../codecs/http/parser.ts";
import { latin1Bytes } from "../../../codecs/writer.ts";
import type {
  Endpoint,
  Host,
  NetError,
  TcpConnection,
  TcpHandler,
  TcpListener,
} from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import { httpDate } from "../../http/date.ts";
import { field } from "../../http/fields.ts";

/** A request as it came through the proxy. */
export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly Field[];
  readonly body: string;
}

/** What the origin says to one request. */
export interface Play {
  readonly text: string;
  /** It closes behind the text. */
  readonly close?: boolean;
}

/** `nth`: how often the path was asked for, from 1. */
export type Answer = (request: Seen, nth: number) => Play;

const MAX_BODY = 1024 * 1024;
/** A close that is seen apart from the octets before it. */
const CLOSE_PAUSE = 20 * MILLISECOND;
const UNKNOWN: Play = { text: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" };

export class ProbeOrigin {
  /** All requests since the run began. */
  readonly seen: Seen[] = [];
  private readonly host: Host;
  private readonly prefix: string;
  private readonly answers = new Map<string, Answer>();
  private listener: TcpListener | undefined = undefined;
  private count = 0;

  constructor(host: Host) {
    this.host = host;
    // What a cache kept of an earlier run is no answer to this one.
    this.prefix = `/netkit-${host.random.u32().toString(16).padStart(8, "0")}`;
  }

  /** `done`: with the fault when the address cannot be had. */
  listen(local: Endpoint, done: (error: NetError | undefined) => void): void {
    this.listener = this.host.listen(() => this.accept(), {
      local,
      onListening: () => done(undefined),
      onListenError: done,
    });
  }

  close(): void {
    this.listener?.close();
  }

  /** A path that nobody asked for yet, and what is said to it. */
  place(answer: Answer): string {
    const path = `${this.prefix}/${++this.count}`;
    this.answers.set(path, answer);
    return path;
  }

  /** The requests for a path, whatever their query. */
  requests(path: string): readonly Seen[] {
    return this.seen.filter(({ target }) => pathOf(target) === path);
  }

  private accept(): TcpHandler {
    const reader = new RequestReader((seen, connection) => this.answer(seen, connection));
    return {
      onData: (data, connection) => reader.push(data, connection),
      onEnd: (connection) => connection.end(),
      onClose: () => {},
    };
  }

  private answer(seen: Seen, connection: TcpConnection): void {
    this.seen.push(seen);
    const path = pathOf(seen.target);
    const answer = this.answers.get(path);
    const play = answer?.(seen, this.requests(path).length) ?? UNKNOWN;
    if (play.text !== "") connection.write(latin1Bytes(this.dated(play.text)));
    if (play.close !== true) return;
    this.host.clock.timer(() => connection.end()).armAt(this.host.clock.now() + CLOSE_PAUSE);
  }

  /** RFC 9110 6.6.1: some caches keep nothing that has no Date. */
  private dated(text: string): string {
    if (/^date:/im.test(text)) return text;
    const date = httpDate(this.host.clock.wallMs());
    return text.replace(/^HTTP\/1\.\d [2-5].*\r\n/m, (line) => `${line}Date: ${date}\r\n`);
  }
}

/** Of a target in origin-form or absolute-form. RFC 9112 3.2 */
function pathOf(target: string): string {
  const path = target.replace(/^[a-z]+:\/\/[^/]*/i, "");
  return path.split("?")[0] as string;
}

/** Requests out of octets, strictly: what a proxy sends must be beyond doubt. */
class RequestReader implements HttpSink {
  private readonly parser = new HttpParser("request", this, true);
  private readonly whole: (seen: Seen, connection: TcpConnection) => void;
  private connection: TcpConnection | undefined = undefined;
  private head_: Omit<Seen, "body"> | undefined = undefined;
  private body_ = "";

  constructor(whole: (seen: Seen, connection: TcpConnection) => void) {
    this.whole = whole;
  }

  push(data: Uint8Array, connection: TcpConnection): void {
    this.connection = connection;
    try {
      this.parser.push(new Uint8Array(data), 0, data.length);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      connection.reset();
    }
  }

  begin(): void {
    this.body_ = "";
  }

  requestMethod(): undefined {
    return undefined;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Parameters<HttpSink["head"]>[0]): void {
    const { method, target, version } = head;
    this.head_ = { method, target, version, fields: head.fields() };
    const expects = field(this.head_.fields, "expect");
    if (expects !== undefined) this.connection?.write(latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n"));
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    if (this.body_.length > MAX_BODY) this.connection?.reset();
    else this.body_ += Buffer.from(bytes.subarray(start, end)).toString("latin1");
  }

  chunk(): void {}
  issue(): void {}
  trailers(): void {}

  end(): void {
    const { head_, connection } = this;
    if (head_ === undefined || connection === undefined) return;
    this.whole({ ...head_, body: this.body_ }, connection);
  }
}
