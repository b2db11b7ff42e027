/**
 * One connection of a client: requests out, as many ahead of their responses as the user dares, and
 * the responses handed to them in order. RFC 9112 9.
 */
import type { Issue } from "../../codecs/errors.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type { Framing } from "../../codecs/http/body.ts";
import { FRAMING } from "../../codecs/http/body.ts";
import { CR, LF } from "../../codecs/http/constants.ts";
import type { Head } from "../../codecs/http/head.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { HttpSink } from "../../codecs/http/parser.ts";
import { HttpParser } from "../../codecs/http/parser.ts";
import { placeOf } from "../dialing/place.ts";
import type { Dial } from "../dialing/race.ts";
import type {
  CloseCause,
  Endpoint,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  Timer,
  TlsClient,
} from "../host.ts";
import { HIGH_WATER, SECOND } from "../host.ts";
import { chunkOf, lastChunk } from "./body-writer.ts";
import type { BodySink, ResponseHead } from "./head.ts";
import { Outbox } from "./outbox.ts";
import { encodeRequest } from "./request-head.ts";

/** Interim responses to one request: more are no progress, and would keep the timer from running out. */
const MAX_INTERIM = 1000;

/** A request body that comes in pieces. */
export interface BodySource {
  /** Octets, where known; else the body is chunked. */
  readonly length: number | undefined;
  /** Writes to `out` until it answers false, goes on at each further call, and ends it. */
  pump(out: BodyOut): void;
  /** The same body from its beginning; without it the body can be sent once only. */
  again?(): BodySource;
}

export interface BodyOut {
  write(bytes: Uint8Array): boolean;
  /** Trailer fields are sent where the body is chunked. */
  end(trailers?: readonly Field[]): void;
  /** The body cannot be finished. */
  fail(why: Error): void;
}

export interface OutgoingRequest {
  readonly method: string;
  readonly target: string;
  readonly version?: string;
  /** With Host; lengths and codings are added. */
  readonly fields: readonly Field[];
  readonly body?: Uint8Array | BodySource | undefined;
  /** Waits so long for 100 (Continue) before the body goes out anyway. RFC 9110 10.1.1 */
  readonly continueTime?: Nanos | undefined;
}

/** A response's head as it came. */
export interface IncomingHead extends ResponseHead {
  readonly version: string;
  readonly reasonPhrase: string;
  /** Octets of the body, where Content-Length tells. */
  readonly length: number | undefined;
  /** Octets of the head. */
  readonly headBytes: number;
}

/** What becomes of one request. Ends with `end`, `cut` or `switched`. */
export interface ResponseSink extends BodySink {
  /** The request's head was given to the network. */
  sent?(): void;
  /** RFC 9110 15.2 */
  informed?(head: IncomingHead): void;
  head(head: IncomingHead): void;
  cut(why: ExchangeError): void;
  /** 2xx to CONNECT, or 101: the connection is the returned handler's; `left` came behind the head. */
  switched?(head: IncomingHead, left: Uint8Array, connection: TcpConnection): TcpHandler;
}

export type Fault = "connect" | "tls" | "closed" | "timeout" | "malformed" | "redirect" | "local";

/** A request that was not answered in full. */
export class ExchangeError extends Error {
  readonly fault: Fault;
  /** No octet of the response came: another try sends nothing twice that was answered. */
  readonly unanswered: boolean;
  /** The request went out, at least in part. */
  readonly sent: boolean;
  readonly code: string | undefined;

  constructor(fault: Fault, message: string, unanswered: boolean, sent: boolean, code?: string) {
    super(message);
    this.name = "ExchangeError";
    this.fault = fault;
    this.unanswered = unanswered;
    this.sent = sent;
    this.code = code;
  }
}

export interface ClientOptions {
  readonly remote: Endpoint;
  readonly local?: Partial<Endpoint> | undefined;
  /** In place of the host's own way to connect: one of several addresses, or through a proxy. */
  readonly dial?: Dial | undefined;
  readonly tls?: TlsClient | undefined;
  /** TLS is with a proxy: the codes of its faults begin with `PROXY_`. */
  readonly proxied?: boolean | undefined;
  readonly connectTime?: Nanos | undefined;
  /** Without an octet while a response is awaited. */
  readonly responseTime?: Nanos | undefined;
  /** Deviations that can be survived are survived. */
  readonly tolerant?: boolean | undefined;
  /** Codes of deviations that are survived where others are not. */
  readonly tolerates?: ReadonlySet<string> | undefined;
}

export interface ClientEvents {
  onOpen?(connection: ClientConnection): void;
  /** All that was asked is answered, and more may be asked. */
  onIdle?(connection: ClientConnection): void;
  onClosed?(connection: ClientConnection): void;
}

interface Pending {
  readonly request: OutgoingRequest;
  readonly sink: ResponseSink;
  sent: boolean;
  /** The request went out whole. */
  whole: boolean;
  answered: boolean;
  /** Interim responses that came. */
  interim: number;
}

export class ClientConnection implements TcpHandler, HttpSink {
  readonly options: ClientOptions;
  state: "opening" | "open" | "closed" = "opening";
  /** When the TCP connection was there and TLS began; undefined without TLS. */
  connectedAt: Nanos | undefined = undefined;
  /** Requests answered on it. */
  answered = 0;
  private readonly host: Host;
  private readonly events: ClientEvents;
  private readonly tcp: TcpConnection;
  private readonly outbox: Outbox;
  private readonly parser: HttpParser;
  private readonly timer: Timer;
  /** It must be open by then. */
  private readonly openBy: Nanos;
  private readonly continueTimer: Timer;
  private readonly pending: Pending[] = [];
  /** Index in `pending` of the next request to go out. */
  private next = 0;
  private sending: Pending | undefined = undefined;
  private awaitingContinue = false;
  private persistent = true;
  private tunnel: TcpHandler | undefined = undefined;
  private switching: IncomingHead | undefined = undefined;
  private interim = false;
  private flushing = false;
  private failure: ExchangeError | undefined = undefined;

  constructor(host: Host, options: ClientOptions, events: ClientEvents = {}) {
    this.host = host;
    this.options = options;
    this.events = events;
    this.parser = new HttpParser(
      "response",
      this,
      options.tolerant !== true && options.tolerates === undefined,
    );
    this.timer = host.clock.timer(() => this.onTimeout());
    this.continueTimer = host.clock.timer(() => this.continueBody());
    const { remote, dial, tls, local } = options;
    const timeout = options.connectTime ?? 30 * SECOND;
    this.openBy = host.clock.now() + timeout;
    const how = {
      timeout,
      ...(local === undefined ? {} : { local }),
      ...(tls === undefined ? {} : { tls }),
    };
    this.tcp = dial === undefined ? host.connect(this, { remote, ...how }) : dial(this, how);
    this.outbox = new Outbox(this.tcp);
  }

  /** Requests sent or waiting, and not answered in full. */
  get outstanding(): number {
    return this.pending.length;
  }

  /** Whether another request may be sent on it. */
  get usable(): boolean {
    return this.state !== "closed" && this.persistent && this.tunnel === undefined;
  }

  get local(): Endpoint {
    return this.tcp.local;
  }

  get connection(): TcpConnection {
    return this.tcp;
  }

  /** Sends, behind those that are unanswered. @throws EncodeError for what would split the message */
  send(request: OutgoingRequest, sink: ResponseSink): void {
    const pending: Pending = {
      request,
      sink,
      sent: false,
      whole: false,
      answered: false,
      interim: 0,
    };
    // What cannot be encoded is the caller's fault, and told before anything goes out.
    encodeRequest(request);
    if (!this.usable) {
      const why = this.failure?.message ?? "the connection is closed";
      this.host.clock.defer(() => sink.cut(new ExchangeError("closed", why, true, false)));
      return;
    }
    this.pending.push(pending);
    if (this.state === "open") this.pushLater();
  }

  /** Requests of one turn share a write. */
  private pushLater(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.host.clock.defer(() => {
      this.flushing = false;
      this.push();
    });
  }

  private push(): void {
    if (this.state !== "open" || this.tunnel !== undefined) return;
    this.outbox.cork();
    while (this.sending === undefined && this.next < this.pending.length) {
      this.putOut(this.pending[this.next++] as Pending);
    }
    this.outbox.uncork();
    if (this.pending.length > 0 && !this.timer.armed) this.arm();
  }

  private putOut(one: Pending): void {
    const { request } = one;
    this.outbox.push(encodeRequest(request));
    one.sent = true;
    one.sink.sent?.();
    const { body } = request;
    if (body === undefined || (body instanceof Uint8Array && body.length === 0)) {
      one.whole = true;
      return;
    }
    this.sending = one;
    if (request.continueTime !== undefined) {
      this.awaitingContinue = true;
      this.continueTimer.armAt(this.host.clock.now() + request.continueTime);
      return;
    }
    this.sendBody(one);
  }

  private continueBody(): void {
    this.continueTimer.armAt(undefined);
    if (!this.awaitingContinue) return;
    this.awaitingContinue = false;
    const one = this.sending;
    if (one !== undefined && this.state === "open") this.sendBody(one);
  }

  private sendBody(one: Pending): void {
    const { body } = one.request;
    if (body instanceof Uint8Array) {
      this.outbox.push(body);
      this.bodySent(one);
      return;
    }
    this.pump(one);
  }

  private pump(one: Pending): void {
    const { body } = one.request;
    if (body === undefined || body instanceof Uint8Array) return;
    const chunked = body.length === undefined;
    body.pump({
      write: (bytes) => {
        if (this.state !== "open" || this.sending !== one) return false;
        // As long as the body goes out nothing is overdue.
        this.arm();
        if (bytes.length > 0) this.outbox.push(chunked ? chunkOf(bytes) : new Uint8Array(bytes));
        return this.outbox.buffered <= HIGH_WATER;
      },
      end: (trailers) => {
        if (this.sending !== one) return;
        if (chunked) this.outbox.push(lastChunk(trailers));
        this.bodySent(one);
      },
      fail: (why) => this.fail(new ExchangeError("local", why.message, true, true)),
    });
  }

  private bodySent(one: Pending): void {
    one.whole = true;
    this.sending = undefined;
    this.pushLater();
  }

  /** Ends the connection once all is answered. */
  close(): void {
    this.persistent = false;
    if (this.pending.length === 0 && this.state !== "closed") this.tcp.end();
  }

  /** Gives up at once. */
  abort(why = "given up"): void {
    this.fail(new ExchangeError("local", why, true, true));
  }

  pauseReading(on: boolean): void {
    if (on) {
      this.tcp.pause();
      this.timer.armAt(undefined);
    } else {
      this.tcp.resume();
      this.arm();
    }
  }

  private arm(): void {
    const { responseTime } = this.options;
    if (responseTime === undefined || this.pending.length === 0) this.timer.armAt(undefined);
    else this.timer.armAt(this.host.clock.now() + responseTime);
  }

  private onTimeout(): void {
    if (this.state === "opening") {
      const text = `tls ETIMEDOUT ${placeOf(this.tcp.remote)}`;
      this.fail(new ExchangeError("connect", text, true, false, "ETIMEDOUT"));
    } else if (this.pending.length > 0)
      this.fail(new ExchangeError("timeout", "no answer in time", true, true));
  }

  private fail(error: ExchangeError): void {
    if (this.state === "closed") return;
    this.failure = error;
    this.persistent = false;
    this.tcp.reset();
    this.cutAll(error);
  }

  private cutAll(error: ExchangeError): void {
    this.timer.armAt(undefined);
    this.continueTimer.armAt(undefined);
    this.sending = undefined;
    this.next = 0;
    const { fault, message, code } = error;
    for (const { sink, sent, answered } of this.pending.splice(0)) {
      sink.cut(new ExchangeError(fault, message, !answered, sent, code));
    }
  }

  // What the network tells.

  onConnected(): void {
    this.connectedAt = this.host.clock.now();
    // Who connects limits that; TLS may begin later, after a race of addresses or in a tunnel.
    this.timer.armAt(this.openBy);
  }

  onOpen(connection: TcpConnection): void {
    connection.setNoDelay(true);
    this.timer.armAt(undefined);
    this.state = "open";
    this.events.onOpen?.(this);
    this.push();
  }

  onData(data: Uint8Array, connection: TcpConnection): void {
    if (this.tunnel !== undefined) {
      this.tunnel.onData(data, connection);
      return;
    }
    this.arm();
    try {
      const [one] = this.pending;
      if (this.parser.idle && one?.sent === true && notResponse(data)) {
        one.answered = true;
        this.refuse("http.version.protocol", "RFC 9112 4", "what came is no HTTP response");
      }
      const taken = this.parser.push(data, 0, data.length);
      if (this.switching !== undefined)
        this.switched(new Uint8Array(data.subarray(taken)), connection);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const where = `${error.message} (${error.code} at octet ${error.offset}, ${error.spec})`;
      this.fail(new ExchangeError("malformed", where, false, true, error.code));
    }
  }

  private switched(left: Uint8Array, connection: TcpConnection): void {
    const head = this.switching as IncomingHead;
    this.switching = undefined;
    const one = this.pending.shift() as Pending;
    this.timer.armAt(undefined);
    this.persistent = false;
    this.tunnel = one.sink.switched?.(head, left, connection);
  }

  onEnd(connection: TcpConnection): void {
    if (this.tunnel !== undefined) {
      this.tunnel.onEnd?.(connection);
      return;
    }
    this.persistent = false;
    try {
      this.parser.end();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.fail(new ExchangeError("closed", "the server closed inside a response", false, true));
      return;
    }
    connection.end();
  }

  onDrain(connection: TcpConnection): void {
    if (this.tunnel !== undefined) this.tunnel.onDrain?.(connection);
    else {
      if (this.state === "open") this.arm();
      if (this.sending !== undefined && !this.awaitingContinue) this.pump(this.sending);
    }
  }

  onClose(cause: CloseCause, error: NetError | null, connection: TcpConnection): void {
    const opened = this.state === "open";
    const was = this.state;
    this.state = "closed";
    this.persistent = false;
    this.timer.armAt(undefined);
    this.continueTimer.armAt(undefined);
    if (this.tunnel !== undefined) this.tunnel.onClose(cause, error, connection);
    if (was !== "closed" && this.pending.length > 0) {
      const fault: Fault = opened ? "closed" : isTlsFault(error) ? "tls" : "connect";
      const whose = fault === "tls" && this.options.proxied === true ? "PROXY_" : "";
      const code = error === null ? undefined : `${whose}${error.code}`;
      const text = error?.message ?? (opened ? `the server closed (${cause})` : cause);
      this.failure = new ExchangeError(fault, text, true, opened, code);
      this.cutAll(this.failure);
    }
    this.events.onClosed?.(this);
  }

  // What the parser tells.

  begin(): void {
    const one = this.pending[0];
    if (one?.sent !== true) {
      throw new DecodeError("http.response.unasked", 0, "RFC 9112 9.2", "a response to no request");
    }
    one.answered = true;
  }

  requestMethod(): string | undefined {
    return this.pending[0]?.request.method;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Head, framing: Framing): void {
    const one = this.pending[0] as Pending;
    // RFC 9110 15: what is below 100 is of no class, and no interim response either.
    if (head.statusCode < 100)
      this.refuse("http.status.range", "RFC 9110 15", "a status below 100");
    const incoming: IncomingHead = {
      version: head.version,
      statusCode: head.statusCode,
      reasonPhrase: head.reasonPhrase,
      fields: head.fields(),
      length: framing.contentLength >= 0 ? framing.contentLength : undefined,
      headBytes: head.end - head.start,
    };
    this.interim = head.statusCode < 200 && head.statusCode !== 101;
    if (this.interim) {
      if (++one.interim > MAX_INTERIM) {
        this.refuse(
          "http.interim.too-many",
          "RFC 9110 15.2",
          `over ${MAX_INTERIM} interim responses`,
        );
      }
      one.sink.informed?.(incoming);
      if (head.statusCode === 100) this.continueBody();
      return;
    }
    if (framing.kind === FRAMING.HAND_OVER) {
      if (one.sink.switched === undefined) {
        const why = "a change of protocol that nobody asked for";
        this.refuse("http.upgrade.unasked", "RFC 9110 7.8", why);
      }
      this.switching = incoming;
      one.sink.head(incoming);
      return;
    }
    if (!framing.persistent) this.persistent = false;
    one.sink.head(incoming);
  }

  private refuse(code: string, spec: string, message: string): never {
    throw new DecodeError(code, 0, spec, message);
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.pending[0]?.sink.data(bytes.subarray(start, end));
  }

  chunk(): void {}

  private lastTrailers: readonly Field[] = [];
  trailers(head: Head): void {
    this.lastTrailers = head.fields();
  }

  issue({ code, offset, spec, message }: Issue): void {
    const { tolerant, tolerates } = this.options;
    if (tolerant !== true && tolerates?.has(code) !== true)
      throw new DecodeError(code, offset, spec, message);
  }

  end(): void {
    if (this.interim || this.switching !== undefined) {
      this.interim = false;
      return;
    }
    const one = this.pending.shift();
    if (one === undefined) return;
    this.next = Math.max(0, this.next - 1);
    this.answered++;
    const trailers = this.lastTrailers;
    this.lastTrailers = [];
    if (!one.whole) {
      // Answered before its body went out: what follows of it would be taken for a request.
      this.persistent = false;
      this.sending = undefined;
      this.awaitingContinue = false;
      this.continueTimer.armAt(undefined);
    }
    one.sink.end(trailers);
    if (!this.persistent) {
      this.last();
      return;
    }
    this.arm();
    if (this.pending.length === 0) this.events.onIdle?.(this);
  }

  /** RFC 9112 9.6: nothing is answered after a response that says close. */
  private last(): void {
    this.tcp.end();
    this.cutAll(new ExchangeError("closed", "the server closed after a response", true, true));
  }
}

const PROTOCOL = [0x48, 0x54, 0x54, 0x50, 0x2f]; // HTTP/

/** Octets that begin no response: told at once, and not when a line ends or the server closes. */
function notResponse(data: Uint8Array): boolean {
  let i = 0;
  while (data[i] === CR || data[i] === LF) i++;
  return PROTOCOL.some((octet, n) => i + n < data.length && data[i + n] !== octet);
}

function isTlsFault(error: NetError | null): boolean {
  return (
    error !== null &&
    /TLS|SSL|CERT|ERR_OSSL|SELF_SIGNED|EPROTO|DEPTH_ZERO|UNABLE_TO/.test(error.code)
  );
}
