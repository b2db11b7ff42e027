/**
 * One connection of a server: requests in, responses out in the order of the requests, however the
 * handler finishes them. RFC 9112 9; strict parsing, since what two parsers read differently is how
 * requests are smuggled (RFC 9112 11.2).
 */
import { DecodeError } from "../../codecs/errors.ts";
import type { Framing } from "../../codecs/http/body.ts";
import { FRAMING } from "../../codecs/http/body.ts";
import { CR, LF, TOKEN } from "../../codecs/http/constants.ts";
import type { Head } from "../../codecs/http/head.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { HttpSink } from "../../codecs/http/parser.ts";
import { HttpParser } from "../../codecs/http/parser.ts";
import type {
  CloseCause,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  Timer,
} from "../host.ts";
import { HIGH_WATER, SECOND } from "../host.ts";
import { Exchange } from "./exchange.ts";
import { field, joinedField } from "./fields.ts";
import type { RequestHead } from "./head.ts";
import { isSafe } from "./head.ts";
import { Outbox } from "./outbox.ts";
import { statusOfError } from "./server-errors.ts";

export interface ServerLimits {
  /** Octets of a request line (RFC 9112 3 asks for 8000) and of a head; field lines. */
  readonly targetBytes: number;
  readonly headBytes: number;
  readonly fields: number;
  /** For a whole head from its first octet; between requests; without an octet of a body. */
  readonly headTime: Nanos;
  readonly idleTime: Nanos;
  readonly bodyTime: Nanos;
  /** Without an octet taken of a response. */
  readonly sendTime: Nanos;
  /** Requests that may wait for their turn before reading stops. */
  readonly pipelined: number;
  /** Requests of one connection. */
  readonly requests: number;
}

export const SERVER_LIMITS: ServerLimits = {
  targetBytes: 8192,
  headBytes: 16_384,
  fields: 100,
  headTime: 10 * SECOND,
  idleTime: 15 * SECOND,
  bodyTime: 30 * SECOND,
  sendTime: 60 * SECOND,
  pipelined: 100,
  requests: Number.POSITIVE_INFINITY,
};

/** Octets of responses that a connection holds before it reads no further request. */
const MAX_HELD = 4 * HIGH_WATER;
/** How often within its time a response is looked at. */
const LOOKS = 4;

/** Told of each request once its head is there. */
export type RequestHandler = (exchange: Exchange) => void;

export interface ServerEvents {
  /** The connection is over. */
  onClosed?(connection: ServerConnection): void;
  /** What the peer sent cannot be read; it was answered with `statusCode` (0: not at all). */
  onBadRequest?(error: Error, statusCode: number, connection: ServerConnection): void;
}

export class ServerConnection implements TcpHandler, HttpSink {
  readonly host: Host;
  readonly outbox: Outbox;
  readonly limits: ServerLimits;
  readonly connection: TcpConnection;
  /** Requests seen. */
  requests = 0;
  closed = false;
  /** Octets of responses that wait for those before them. */
  waitingBytes = 0;
  private readonly handler: RequestHandler;
  private readonly events: ServerEvents;
  private readonly parser: HttpParser;
  private readonly timer: Timer;
  /** Exchanges whose response is not whole, the oldest first. */
  private readonly queue: Exchange[] = [];
  /** The one whose request body is being read. */
  private reading: Exchange | undefined = undefined;
  /** No request after this is served: an error, `Connection: close`, the peer's end. */
  private last = false;
  private inHead = false;
  /** Reading stopped: for want of room, or since an exchange said so. */
  private paused = false;
  private holding = false;
  /** Its head is here; it is begun, and read further, once the responses before it are whole. */
  private due: Exchange | undefined = undefined;
  private tunnel: TcpHandler | undefined = undefined;
  /** The oldest exchange waits for room, and has not begun. */
  private turnDue = false;
  private sendTimer: Timer | undefined = undefined;
  /** What the peer had taken when it last was seen to take something, and when that was. */
  private taken = 0;
  private takenAt = 0;
  /** Octets behind a CONNECT or an upgrade, or behind the last request that there was room for. */
  private left: Uint8Array | undefined = undefined;

  constructor(
    host: Host,
    connection: TcpConnection,
    handler: RequestHandler,
    limits: ServerLimits = SERVER_LIMITS,
    events: ServerEvents = {},
  ) {
    this.host = host;
    this.connection = connection;
    this.handler = handler;
    this.limits = limits;
    this.events = events;
    this.outbox = new Outbox(connection);
    this.parser = new HttpParser("request", this, true);
    this.timer = host.clock.timer(() => this.onTimeout());
    this.timer.armAt(host.clock.now() + limits.idleTime);
    connection.setNoDelay(true);
  }

  onData(data: Uint8Array, connection: TcpConnection): void {
    if (this.tunnel !== undefined) {
      this.tunnel.onData(data, connection);
      return;
    }
    // Of the last request the body is still read.
    if (this.closed || (this.last && this.reading === undefined)) return;
    this.take(data);
    this.settle();
  }

  private take(data: Uint8Array): void {
    this.outbox.cork();
    this.feed(data);
    this.outbox.uncork();
  }

  private feed(data: Uint8Array): void {
    try {
      if (this.parser.idle && notRequest(data)) {
        throw new Refusal(400, "what came is no request line");
      }
      const taken = this.parser.push(data, 0, data.length);
      if (taken < data.length && (this.paused || this.parser.handedOver))
        this.left = new Uint8Array(data.subarray(taken));
      if (this.inHead && this.parser.pendingBytes > this.limits.headBytes)
        this.headTooLong(undefined);
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof Refusal)) throw error;
      this.refuse(error);
    }
  }

  onEnd(connection: TcpConnection): void {
    if (this.tunnel !== undefined) {
      this.tunnel.onEnd?.(connection);
      return;
    }
    this.last = true;
    if (this.reading !== undefined)
      this.reading.cut(new Error("the client ended inside a request"));
    this.reading = undefined;
    if (this.queue.length === 0) this.finish();
  }

  onDrain(connection: TcpConnection): void {
    if (this.tunnel !== undefined) {
      this.tunnel.onDrain?.(connection);
      return;
    }
    if (this.turnDue) this.nextTurn();
    else this.queue[0]?.drained();
    if (this.paused) this.settle();
  }

  onClose(cause: CloseCause, error: NetError | null, connection: TcpConnection): void {
    this.closed = true;
    this.timer.armAt(undefined);
    this.sendTimer?.armAt(undefined);
    if (this.tunnel !== undefined) this.tunnel.onClose(cause, error, connection);
    const why = error ?? new Error(`the connection closed (${cause})`);
    this.reading?.cut(why);
    this.reading = undefined;
    for (const exchange of this.queue.splice(0)) exchange.abandoned(why);
    this.events.onClosed?.(this);
  }

  /** No further request is served; what is in flight is finished. */
  drain(): void {
    this.last = true;
    if (this.queue.length === 0) this.finish();
  }

  private finish(): void {
    if (this.closed || this.tunnel !== undefined) return;
    this.timer.armAt(undefined);
    this.connection.end();
    // RFC 9112 9.6: a lingering peer may still send; it has so long to take our answer and go.
    this.timer.armAt(this.host.clock.now() + this.limits.idleTime);
  }

  private onTimeout(): void {
    if (this.closed || this.tunnel !== undefined) return;
    if (this.inHead) this.refuse(new Refusal(408, "the head of a request took too long"));
    else if (this.reading !== undefined) this.connection.reset();
    else if (this.queue.length === 0) {
      // It is not idle as long as it takes the last response: that has a time of its own.
      if (this.outbox.buffered > 0) this.timer.armAt(this.host.clock.now() + this.limits.idleTime);
      else if (this.last) this.connection.reset();
      else this.drain();
    }
  }

  // What the parser tells.

  begin(): void {
    this.inHead = true;
    this.timer.armAt(this.host.clock.now() + this.limits.headTime);
  }

  requestMethod(): undefined {
    return undefined;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Head, framing: Framing): void {
    this.inHead = false;
    const { limits } = this;
    if (head.targetEnd - head.targetStart > limits.targetBytes) {
      throw new Refusal(414, `a request target of more than ${limits.targetBytes} octets`);
    }
    if (head.end - head.start > limits.headBytes || head.count > limits.fields)
      this.headTooLong(head);
    const request: RequestHead = {
      method: head.method,
      target: head.target,
      version: head.version,
      fields: head.fields(),
    };
    if (head.method === "CONNECT") framing.kind = FRAMING.HAND_OVER;
    const persistent = framing.persistent && head.method !== "CONNECT";
    if (!persistent || ++this.requests >= limits.requests) this.last = true;
    const expects = field(request.fields, "expect");
    const exchange = new Exchange(this, request, {
      hasBody: framing.kind === FRAMING.LENGTH || framing.kind === FRAMING.CHUNKED,
      length: framing.kind === FRAMING.LENGTH ? framing.length : undefined,
      expectsContinue: expects?.toLowerCase() === "100-continue" && head.minor > 0,
      persistent,
    });
    this.queue.push(exchange);
    this.reading = exchange;
    this.timer.armAt(exchange.hasBody ? this.host.clock.now() + limits.bodyTime : undefined);
    if (expects !== undefined && !exchange.expectsContinue && head.minor > 0) {
      this.last = true;
      exchange.respond({ statusCode: 417, fields: [] });
      return;
    }
    if (this.mustWait(exchange)) {
      this.due = exchange;
      this.timer.armAt(undefined);
      this.stopParsing();
      return;
    }
    this.handler(exchange);
  }

  /** RFC 9112 9.3.2: side by side only where all are safe. A tunnel waits by itself. */
  private mustWait({ request }: Exchange): boolean {
    const before = this.queue[this.queue.length - 2];
    if (before === undefined || request.method === "CONNECT") return false;
    return !isSafe(request.method) || !isSafe(before.request.method);
  }

  private stopParsing(): void {
    this.parser.halt();
    this.paused = true;
    this.connection.pause();
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.timer.armAt(this.host.clock.now() + this.limits.bodyTime);
    this.reading?.data(bytes.subarray(start, end));
  }

  chunk(): void {}

  trailers(head: Head): void {
    this.reading?.trailers(head.fields());
  }

  end(): void {
    const { reading } = this;
    this.reading = undefined;
    this.timer.armAt(undefined);
    reading?.ended();
    // RFC 9112 9.6: what is behind the last request is not looked at.
    if (this.last) this.parser.halt();
    else if (this.queue.length >= this.limits.pipelined || this.held > MAX_HELD) this.stopParsing();
  }

  private get held(): number {
    return this.waitingBytes + this.outbox.buffered;
  }

  /** Reads on once there is room for further requests. */
  private goOn(): void {
    if (!this.paused || this.due !== undefined) return;
    if (this.queue.length > this.limits.pipelined / 2 || this.held > MAX_HELD) return;
    this.paused = false;
    const { left } = this;
    this.left = undefined;
    if (left !== undefined && (!this.last || this.reading !== undefined)) this.take(left);
    if (!this.paused && !this.holding) this.connection.resume();
  }

  issue(): void {}

  private headTooLong(head: Head | undefined): never | void {
    const { headBytes, fields } = this.limits;
    const refusal = new Refusal(431, `a head of more than ${headBytes} octets or ${fields} fields`);
    if (head !== undefined) throw refusal;
    this.refuse(refusal);
  }

  /** Answers what cannot be read, and closes: RFC 9112 2.2, 9.6. */
  private refuse(error: Error): void {
    this.inHead = false;
    if (this.last && this.reading === undefined) return;
    const statusCode =
      error instanceof Refusal ? error.statusCode : statusOfError(error as DecodeError);
    const broken = this.reading;
    this.reading = undefined;
    this.last = true;
    this.events.onBadRequest?.(error, statusCode, this);
    if (broken !== undefined) {
      broken.cut(error);
      if (!broken.responded) broken.respondError(statusCode, error.message);
      return;
    }
    const exchange = new Exchange(this, NO_REQUEST, {
      hasBody: false,
      length: undefined,
      expectsContinue: false,
      persistent: false,
    });
    this.queue.push(exchange);
    exchange.respondError(statusCode, error.message);
  }

  // What exchanges ask for.

  isFirst(exchange: Exchange): boolean {
    return this.queue[0] === exchange && !this.turnDue;
  }

  isAlone(exchange: Exchange): boolean {
    if (this.inHead || this.left !== undefined) return false;
    return this.queue.length === 1 && this.isFirst(exchange);
  }

  /** Whether more of its response may be written. */
  hasRoom(exchange: Exchange): boolean {
    if (!this.isFirst(exchange)) return this.held <= MAX_HELD;
    if (this.outbox.buffered <= HIGH_WATER) return true;
    this.watchSending();
    return false;
  }

  /** From now on the peer must take something within `sendTime`, as long as there is something. */
  private watchSending(): void {
    this.sendTimer ??= this.host.clock.timer(() => this.checkSending());
    if (this.sendTimer.armed) return;
    this.taken = this.outbox.taken;
    this.takenAt = this.host.clock.now();
    this.sendTimer.armAt(this.takenAt + this.limits.sendTime / LOOKS);
  }

  private checkSending(): void {
    const { outbox, limits } = this;
    if (this.closed || this.tunnel !== undefined || outbox.buffered === 0) return;
    const now = this.host.clock.now();
    if (outbox.taken > this.taken) this.takenAt = now;
    this.taken = outbox.taken;
    if (now - this.takenAt >= limits.sendTime) this.connection.reset();
    else (this.sendTimer as Timer).armAt(now + limits.sendTime / LOOKS);
  }

  /** Whether another request may follow this exchange. */
  keepsAlive(exchange: Exchange): boolean {
    return exchange.persistent && !(this.last && this.queue[this.queue.length - 1] === exchange);
  }

  /** The rest of a request body is not wanted, and too long to be passed over. */
  stopReading(): void {
    this.last = true;
    this.reading = undefined;
  }

  /** A part of the next request's head is here. */
  get awaitsRest(): boolean {
    return this.inHead;
  }

  get isLast(): boolean {
    return this.last;
  }

  pauseReading(on: boolean): void {
    this.holding = on;
    if (on) this.connection.pause();
    else if (!this.paused) this.connection.resume();
  }

  /** The response of the first exchange is whole. */
  done(exchange: Exchange, keepAlive: boolean): void {
    this.queue.shift();
    if (!keepAlive) {
      for (const later of this.queue.splice(0)) later.abandoned(new Error("the connection closes"));
      this.last = true;
      // Who still sends a body would lose our answer to a reset: it is read and dropped.
      if (this.reading === exchange) this.reading = undefined;
      this.settleLater();
      return;
    }
    this.nextTurn();
    this.settleLater();
  }

  /** Not before the peer has taken most of what is there for it. */
  private nextTurn(): void {
    const next = this.queue[0];
    this.turnDue = next !== undefined && this.outbox.buffered > MAX_HELD;
    if (this.turnDue) return;
    next?.release();
    if (next === undefined || next !== this.due) return;
    this.due = undefined;
    if (this.reading === next) this.timer.armAt(this.host.clock.now() + this.limits.bodyTime);
    this.handler(next);
  }

  private settling = false;
  private settleLater(): void {
    if (this.settling) return;
    this.settling = true;
    this.host.clock.defer(() => {
      this.settling = false;
      this.settle();
    });
  }

  private settle(): void {
    if (this.closed || this.tunnel !== undefined) return;
    this.goOn();
    if (this.connection.buffered > 0) this.watchSending();
    if (this.queue.length > 0 || (this.paused && !this.last)) return;
    if (this.last) this.finish();
    else if (this.reading === undefined && !this.inHead) {
      this.timer.armAt(this.host.clock.now() + this.limits.idleTime);
    }
  }

  /** RFC 9110 9.3.6, 7.8: the connection speaks another protocol from here on. */
  handOver(handler: TcpHandler): void {
    this.queue.shift();
    this.timer.armAt(undefined);
    this.tunnel = handler;
    const { left } = this;
    this.left = undefined;
    if (left !== undefined) {
      this.host.clock.defer(() => {
        if (!this.closed) handler.onData(left, this.connection);
      });
    }
  }
}

/** Octets that begin no request: TLS, or what is worse, is told at once and not after a time. RFC 9112 3.1 */
function notRequest(data: Uint8Array): boolean {
  let i = 0;
  while (data[i] === CR || data[i] === LF) i++;
  const first = data[i];
  return first !== undefined && TOKEN[first] === 0;
}

/** A request that is refused with a status code of its own. */
export class Refusal extends Error {
  readonly statusCode: number;

  constructor(statusCode: number, message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}

const NO_REQUEST: RequestHead = { method: "GET", target: "*", version: "HTTP/1.1", fields: [] };

/** RFC 9110 7.8: what the client would upgrade to, where it says so in both fields. */
export function upgradeOf(fields: readonly Field[]): string | undefined {
  const options = joinedField(fields, "connection")?.toLowerCase() ?? "";
  return /\bupgrade\b/.test(options) ? joinedField(fields, "upgrade") : undefined;
}
