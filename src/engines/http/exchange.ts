/** One request and its response on a server's connection. RFC 9112 6, 9.3; RFC 9110 6, 10.1.1. */
import { REASON_PHRASES } from "../../codecs/http/constants.ts";
import { encode } from "../../codecs/http/encode.ts";
import type { Field } from "../../codecs/http/message.ts";
import { latin1Bytes, utf8Bytes } from "../../codecs/writer.ts";
import type { Host, TcpConnection, TcpHandler } from "../host.ts";
import { HIGH_WATER } from "../host.ts";
import { chunkOf, lastChunk } from "./body-writer.ts";
import { httpDate } from "./date.ts";
import { field } from "./fields.ts";
import type { BodySink, RequestHead, ResponseHead } from "./head.ts";
import { isBodiless } from "./head.ts";
import type { ServerConnection } from "./server-connection.ts";

const EMPTY = new Uint8Array(0);
const END = latin1Bytes("\r\n");
const CONTINUE = latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n");
/** A body that nobody reads is passed over up to here, so that the connection can be used again. */
const MAX_DISCARD_BYTES = 256 * 1024;

interface Reading {
  readonly hasBody: boolean;
  readonly length: number | undefined;
  readonly expectsContinue: boolean;
  readonly persistent: boolean;
}

type Mode = "none" | "length" | "chunked" | "close" | "discard";

export class Exchange {
  request: RequestHead;
  readonly hasBody: boolean;
  /** Octets of the request's body, where Content-Length tells. */
  readonly length: number | undefined;
  readonly expectsContinue: boolean;
  readonly persistent: boolean;
  /** Octets of the response's body that were given, and its status code (0 before). */
  sent = 0;
  statusCode = 0;
  /** Room again after `write` answered false. */
  onDrain: (() => void) | undefined = undefined;
  /** The responses before it are whole, and it has not begun. */
  onTurn: (() => void) | undefined = undefined;
  /** The connection was lost before the response was whole. */
  onAbandoned: ((why: Error) => void) | undefined = undefined;
  /** The response is whole, as far as we are concerned. */
  onDone: (() => void) | undefined = undefined;
  private readonly server: ServerConnection;
  private sink: BodySink | undefined = undefined;
  private bodyTrailers: readonly Field[] = [];
  private bodyEnded = false;
  private bodyCut: Error | undefined = undefined;
  private discarded = 0;
  private continued = false;
  private mode: Mode = "none";
  private keepAlive = true;
  private finished = false;
  private lost = false;
  private left = 0;
  /** Octets that wait for the responses before this one. */
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;

  constructor(server: ServerConnection, request: RequestHead, reading: Reading) {
    this.server = server;
    this.request = request;
    this.hasBody = reading.hasBody;
    this.length = reading.length;
    this.expectsContinue = reading.expectsContinue;
    this.persistent = reading.persistent;
  }

  get host(): Host {
    return this.server.host;
  }

  get connection(): TcpConnection {
    return this.server.connection;
  }

  get responded(): boolean {
    return this.statusCode !== 0;
  }

  /** The response is whole, and handed to the network. */
  over = false;

  /** Whether no response is waited for before this one. */
  get isFirst(): boolean {
    return this.server.isFirst(this);
  }

  /** Whether it is first, and nothing of another request has come behind it. */
  get isAlone(): boolean {
    return this.server.isAlone(this);
  }

  /** The client is gone: nothing that is written goes anywhere. */
  get gone(): boolean {
    return this.lost;
  }

  /** What is answered within shares segments (as a server does that corks its socket). */
  batch(answer: () => void): void {
    const { outbox } = this.server;
    outbox.cork();
    answer();
    // With a part of the next request here already, its answer may still fill the last segment.
    outbox.uncork(this.server.awaitsRest);
  }

  /** Another target in place of the one that was sent, for the handler that is called next. */
  retarget(target: string, method = this.request.method): void {
    this.request = { ...this.request, method, target };
  }

  field(name: string): string | undefined {
    return field(this.request.fields, name);
  }

  /** Takes the request's body; asks for it where the client waits to be asked, unless `later`. */
  readBody(sink: BodySink, later = false): void {
    if (this.bodyCut !== undefined) {
      sink.cut(this.bodyCut);
      return;
    }
    if (!this.hasBody || this.bodyEnded) {
      sink.end(this.bodyTrailers);
      return;
    }
    this.sink = sink;
    if (!later) this.askForBody();
  }

  /** RFC 9110 10.1.1: 100 (Continue), where the client waits for it. */
  askForBody(): void {
    if (!this.expectsContinue || this.continued || this.responded) return;
    this.continued = true;
    this.out(CONTINUE);
  }

  /** The whole body, up to `limit` octets; `done` has undefined when it is larger, or was cut. */
  readAll(limit: number, done: (body: Uint8Array | undefined) => void): void {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    this.readBody({
      data: (piece) => {
        bytes += piece.length;
        if (bytes <= limit) pieces.push(new Uint8Array(piece));
      },
      end: () => done(bytes <= limit ? joined(pieces, bytes) : undefined),
      cut: () => done(undefined),
    });
  }

  pauseBody(on: boolean): void {
    this.server.pauseReading(on);
  }

  /** A response that is whole: its length is told, and with HEAD its body left out. */
  respond(head: ResponseHead, body: Uint8Array = EMPTY): void {
    const length = String(body.length);
    const told =
      head.statusCode < 200 || head.statusCode === 204 || head.statusCode === 304
        ? head.fields
        : [...head.fields, { name: "Content-Length", value: length }];
    this.start({ ...head, fields: told });
    if (body.length > 0) this.write(body);
    this.end();
  }

  /**
   * As `respond` with a head from `preparedHead`, which tells the body's length: for what is sent
   * often and whole. Not for methods or codes without a body. `dated`: it has a Date of its own.
   */
  respondPrepared(statusCode: number, head: Uint8Array, body: Uint8Array, dated = false): void {
    const { server, request } = this;
    this.mode = "length";
    this.keepAlive = server.keepsAlive(this) && !this.leavesBody();
    this.statusCode = statusCode;
    this.sent = body.length;
    const tail = this.tailOf(dated, request.version === "HTTP/1.1" && this.keepAlive);
    const pieces = [head, tail, body];
    this.finished = true;
    if (this.lost) return;
    if (server.isFirst(this)) {
      server.outbox.pushTogether(pieces);
      this.conclude();
    } else this.out(joined(pieces, head.length + tail.length + body.length));
  }

  /** What a prepared head lacks. `usual`: the connection goes on, as it does without being told. */
  private tailOf(dated: boolean, usual: boolean): Uint8Array {
    if (usual) return dated ? END : dateLine(this.host.clock.wallMs());
    const date = dated ? "" : `Date: ${httpDate(this.host.clock.wallMs())}\r\n`;
    return latin1Bytes(`${date}Connection: ${this.keepAlive ? "keep-alive" : "close"}\r\n\r\n`);
  }

  respondError(statusCode: number, message: string): void {
    const fields = [{ name: "Content-Type", value: "text/plain; charset=utf-8" }];
    this.respond({ statusCode, fields }, utf8Bytes(`${message}\n`));
  }

  /** RFC 9110 15.2: an interim response; to HTTP/1.0 none is sent. */
  inform(head: ResponseHead): void {
    if (this.responded || this.request.version === "HTTP/1.0") return;
    this.out(encodeHead(head));
  }

  /**
   * The head; then `write` and `end`. Without Content-Length the body is chunked, or to HTTP/1.0 goes
   * up to the close. @throws EncodeError for fields that would split the message
   */
  start(head: ResponseHead): void {
    if (this.responded) throw new Error("a response was started twice");
    const { fields } = head;
    const told = field(fields, "content-length");
    const keep =
      this.server.keepsAlive(this) && field(fields, "connection")?.toLowerCase() !== "close";
    const mode: Mode = isBodiless(this.request.method, head.statusCode)
      ? "discard"
      : told !== undefined
        ? "length"
        : this.request.version === "HTTP/1.0"
          ? "close"
          : "chunked";
    this.mode = mode;
    this.left = mode === "length" ? Number(told) : 0;
    this.keepAlive = keep && mode !== "close" && !this.leavesBody();
    const added: Field[] = [];
    if (field(fields, "date") === undefined) {
      added.push({ name: "Date", value: httpDate(this.host.clock.wallMs()) });
    }
    if (mode === "chunked") added.push({ name: "Transfer-Encoding", value: "chunked" });
    if (!this.keepAlive && field(fields, "connection") === undefined) {
      added.push({ name: "Connection", value: "close" });
    } else if (this.keepAlive && this.request.version === "HTTP/1.0") {
      added.push({ name: "Connection", value: "keep-alive" });
    }
    const bytes = encodeHead({ ...head, fields: [...fields, ...added] });
    this.statusCode = head.statusCode;
    this.out(bytes);
  }

  /** A body that was not asked for will not come, or is too long to be passed over. */
  private leavesBody(): boolean {
    if (!this.hasBody || this.bodyEnded) return false;
    if (this.expectsContinue && !this.continued) return true;
    if (this.sink !== undefined) return false;
    return this.length === undefined || this.length > MAX_DISCARD_BYTES;
  }

  /** False: stop until `onDrain`. */
  write(bytes: Uint8Array): boolean {
    if (this.finished) throw new Error("a response is written to after its end");
    this.sent += bytes.length;
    if (bytes.length > 0 && this.mode !== "discard") {
      if (this.mode === "length") this.left -= bytes.length;
      if (this.left < 0) throw new Error("a response is longer than its Content-Length");
      this.out(this.mode === "chunked" ? chunkOf(bytes) : bytes);
    }
    return !this.lost && this.waitingBytes <= HIGH_WATER && this.server.hasRoom(this);
  }

  end(trailers: readonly Field[] = []): void {
    if (this.finished) return;
    this.finished = true;
    if (this.mode === "chunked") this.out(lastChunk(trailers));
    if (this.mode === "length" && this.left > 0) {
      this.abort();
      return;
    }
    if (!this.lost && this.server.isFirst(this)) this.conclude();
  }

  /** The response cannot be finished: the client must see that it was cut. RFC 9112 8 */
  abort(): void {
    this.finished = true;
    if (!this.lost) this.server.connection.reset();
  }

  /**
   * After the response's head (2xx to CONNECT, 101): the connection is `handler`'s. Octets that the
   * client sent already are handed to it first.
   */
  handOver(head: ResponseHead, handler: TcpHandler): void {
    if (!this.server.isFirst(this)) throw new Error("a hand-over out of turn");
    this.statusCode = head.statusCode;
    this.finished = true;
    this.out(encodeHead(head));
    this.server.handOver(handler);
    this.over = true;
    this.onDone?.();
  }

  // What the connection tells.

  data(bytes: Uint8Array): void {
    // RFC 9110 10.1.1: who sends without being asked does not wait any more.
    this.continued = true;
    if (this.sink !== undefined) this.sink.data(bytes);
    else {
      this.discarded += bytes.length;
      if (this.discarded > MAX_DISCARD_BYTES) this.server.stopReading();
    }
  }

  trailers(fields: readonly Field[]): void {
    this.bodyTrailers = fields;
  }

  ended(): void {
    this.bodyEnded = true;
    this.sink?.end(this.bodyTrailers);
  }

  cut(why: Error): void {
    this.bodyCut = why;
    this.sink?.cut(why);
  }

  drained(): void {
    this.onDrain?.();
  }

  /** Its turn has come: what waited goes out. */
  release(): void {
    for (const piece of this.waiting.splice(0)) this.server.outbox.push(piece);
    this.waits(-this.waitingBytes);
    if (this.finished) this.conclude();
    else if (this.responded) this.drained();
    else this.onTurn?.();
  }

  abandoned(why: Error): void {
    if (this.lost) return;
    this.lost = true;
    this.waiting = [];
    this.waits(-this.waitingBytes);
    this.onAbandoned?.(why);
  }

  private conclude(): void {
    this.over = true;
    this.onDone?.();
    this.server.done(this, this.keepAlive);
  }

  private out(bytes: Uint8Array): void {
    if (this.lost) return;
    if (this.server.isFirst(this)) {
      this.server.outbox.push(bytes);
      return;
    }
    this.waiting.push(bytes);
    this.waits(bytes.length);
  }

  private waits(bytes: number): void {
    this.waitingBytes += bytes;
    this.server.waitingBytes += bytes;
  }
}

/** Status line and fields of a 200 that is the same each time; date and end are added when it is sent. @throws EncodeError */
export function preparedHead(fields: readonly Field[]): Uint8Array {
  const bytes = encodeHead({ statusCode: 200, fields });
  return bytes.subarray(0, bytes.length - 2);
}

let dateSecond = -1;
let dateBytes: Uint8Array = EMPTY;

/** `Date: ...` and the end of a head. */
function dateLine(wallMs: number): Uint8Array {
  const second = Math.floor(wallMs / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateBytes = latin1Bytes(`Date: ${httpDate(wallMs)}\r\n\r\n`);
  }
  return dateBytes;
}

function encodeHead(head: ResponseHead): Uint8Array {
  return encode({
    kind: "response",
    version: head.version ?? "HTTP/1.1",
    statusCode: head.statusCode,
    reasonPhrase: head.reasonPhrase ?? REASON_PHRASES[head.statusCode] ?? "",
    fields: head.fields,
    body: EMPTY,
    trailers: [],
  });
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
