/**
 * Load for an HTTP server: the same request over so many connections, so many ahead of their answers,
 * for a while. Responses are parsed by the connection's own parser; nothing of them is kept.
 */
import { DecodeError } from "../../codecs/errors.ts";
import type { Framing } from "../../codecs/http/body.ts";
import { Head } from "../../codecs/http/head.ts";
import type { HttpSink } from "../../codecs/http/parser.ts";
import { HttpParser } from "../../codecs/http/parser.ts";
import { Histogram } from "../histogram.ts";
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
import { SECOND } from "../host.ts";

export interface LoadOptions {
  readonly remote: Endpoint;
  readonly tls?: TlsClient | undefined;
  /** Whole requests, sent in turn. */
  readonly requests: readonly Uint8Array[];
  readonly method: string;
  readonly connections: number;
  /** Requests unanswered on a connection. */
  readonly depth: number;
  /** Requests a second over all connections at most. */
  readonly rate?: number | undefined;
  readonly duration: Nanos;
  readonly timeout: Nanos;
}

export interface LoadResult {
  readonly seconds: number;
  readonly answered: number;
  /** Responses that were cut, refused connections, answers that cannot be read. */
  readonly failed: number;
  readonly timedOut: number;
  readonly bytes: number;
  readonly statuses: ReadonlyMap<number, number>;
  readonly latency: Histogram;
  /** Why the first failure was one. */
  readonly fault: string | undefined;
}

/** Tries of each connection, when none was ever answered. */
const HOPELESS_TRIES = 10;

export class Load {
  readonly host: Host;
  readonly options: LoadOptions;
  readonly latency = new Histogram();
  readonly statuses = new Map<number, number>();
  /** One for all connections: it is only used within a call. */
  readonly head = new Head();
  answered = 0;
  failed = 0;
  bytes = 0;
  over = false;
  fault: string | undefined = undefined;
  private readonly done: (result: LoadResult) => void;
  private readonly started: Nanos;
  private readonly timer: Timer;
  private readonly lanes: LoadConnection[] = [];
  private timedOut = 0;
  private sent = 0;

  constructor(host: Host, options: LoadOptions, done: (result: LoadResult) => void) {
    this.host = host;
    this.options = options;
    this.done = done;
    this.started = host.clock.now();
    this.timer = host.clock.timer(() => this.tick());
    for (let i = 0; i < options.connections; i++) this.lanes.push(new LoadConnection(this));
    this.tick();
  }

  /** Requests that may go out now. */
  allowance(): number {
    if (this.over) return 0;
    const { rate } = this.options;
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    const passed = (this.host.clock.now() - this.started) / SECOND;
    return Math.max(0, Math.floor(passed * rate + 1 - this.sent));
  }

  nextRequest(): Uint8Array {
    const { requests } = this.options;
    return requests[this.sent++ % requests.length] as Uint8Array;
  }

  private tick(): void {
    const now = this.host.clock.now();
    for (const lane of this.lanes) {
      if (lane.oldest !== undefined && now - lane.oldest > this.options.timeout) {
        this.timedOut++;
        lane.renew("no answer in time");
      }
    }
    if (now - this.started >= this.options.duration) {
      this.finish(now);
      return;
    }
    if (this.options.rate !== undefined) for (const lane of this.lanes) lane.fill();
    this.timer.armAt(now + SECOND / 500);
  }

  /** Ends it before its time, with what was measured so far. */
  stop(): void {
    if (!this.over) this.finish(this.host.clock.now());
  }

  /** A connection could not be opened. Where none ever was, the rest of the time is spared. */
  refused(why: string): void {
    this.failed++;
    this.fault ??= why;
    const { connections } = this.options;
    if (this.answered === 0 && this.failed >= HOPELESS_TRIES * connections) this.stop();
  }

  private finish(now: Nanos): void {
    this.over = true;
    this.timer.armAt(undefined);
    for (const lane of this.lanes) lane.stop();
    const { answered, failed, timedOut, bytes, statuses, latency, fault } = this;
    const seconds = (now - this.started) / SECOND;
    this.done({ seconds, answered, failed, timedOut, bytes, statuses, latency, fault });
  }
}

class LoadConnection implements TcpHandler, HttpSink {
  private readonly load: Load;
  private tcp: TcpConnection;
  private parser: HttpParser;
  private open = false;
  private persistent = true;
  private final = true;
  /** When the unanswered requests were sent, from `first` on. */
  private times: Nanos[] = [];
  private first = 0;

  constructor(load: Load) {
    this.load = load;
    this.parser = new HttpParser("response", this, false, load.head);
    this.tcp = this.connect();
  }

  get oldest(): Nanos | undefined {
    return this.times[this.first];
  }

  private connect(): TcpConnection {
    const { remote, tls, timeout } = this.load.options;
    return this.load.host.connect(this, { remote, timeout, ...(tls === undefined ? {} : { tls }) });
  }

  fill(): void {
    if (!this.open || !this.persistent) return;
    const { load, times } = this;
    const room = load.options.depth - (times.length - this.first);
    const count = Math.min(room, load.allowance());
    if (count <= 0) return;
    const now = load.host.clock.now();
    if (count === 1) {
      times.push(now);
      this.tcp.write(load.nextRequest());
      return;
    }
    const pieces: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      times.push(now);
      pieces.push(load.nextRequest());
    }
    this.tcp.write(joined(pieces));
  }

  stop(): void {
    this.open = false;
    this.tcp.reset();
  }

  /** Another connection in place of one that is of no more use. */
  renew(why: string): void {
    const lost = this.times.length - this.first;
    this.load.failed += lost;
    if (lost > 0) this.load.fault ??= why;
    this.open = false;
    const old = this.tcp;
    old.handler = IGNORED;
    old.reset();
    this.times = [];
    this.first = 0;
    this.persistent = true;
    this.parser = new HttpParser("response", this, false, this.load.head);
    if (!this.load.over) this.load.host.clock.defer(() => this.reconnect());
  }

  private reconnect(): void {
    if (!this.load.over) this.tcp = this.connect();
  }

  onOpen(connection: TcpConnection): void {
    connection.setNoDelay(true);
    this.open = true;
    this.fill();
  }

  onData(data: Uint8Array): void {
    this.load.bytes += data.length;
    try {
      this.parser.push(data, 0, data.length);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.renew(`${error.message} (${error.code})`);
      return;
    }
    if (!this.persistent && this.first === this.times.length) this.renew("");
    else this.fill();
  }

  onEnd(): void {
    try {
      this.parser.end();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
    }
    this.renew("the server closed");
  }

  onClose(cause: CloseCause, error: NetError | null): void {
    if (this.load.over) return;
    if (!this.open) {
      this.load.refused(error?.message ?? cause);
      if (this.load.over) return;
      // A server that refuses is asked again, but not at every turn.
      const timer = this.load.host.clock.timer(() => this.reconnect());
      timer.armAt(this.load.host.clock.now() + SECOND / 20);
      return;
    }
    this.renew(error?.message ?? cause);
  }

  begin(): void {
    if (this.first === this.times.length) {
      throw new DecodeError("http.response.unasked", 0, "RFC 9112 9.2", "a response to no request");
    }
  }

  requestMethod(): string {
    return this.load.options.method;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Head, framing: Framing): void {
    this.final = head.statusCode >= 200;
    if (!this.final) return;
    if (!framing.persistent) this.persistent = false;
    const { statuses } = this.load;
    statuses.set(head.statusCode, (statuses.get(head.statusCode) ?? 0) + 1);
  }

  body(): void {}
  chunk(): void {}
  trailers(): void {}
  issue(): void {}

  end(): void {
    if (!this.final) return;
    const { load, times } = this;
    load.answered++;
    load.latency.add(load.host.clock.now() - (times[this.first++] as Nanos));
    if (this.first === times.length) {
      times.length = 0;
      this.first = 0;
    } else if (this.first > 1024) {
      times.splice(0, this.first);
      this.first = 0;
    }
  }
}

const IGNORED: TcpHandler = { onData: () => {}, onClose: () => {} };

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
