/**
 * A connection to whichever of several addresses opens first: attempts begin one after the other,
 * a delay apart or when the last one failed, and the others are given up. RFC 8305 5 (Happy
 * Eyeballs). TLS begins on the one that won.
 */
import type {
  CloseCause,
  ConnectOptions,
  Endpoint,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  Timer,
  TlsClient,
} from "../host.ts";
import { MILLISECOND, SECOND } from "../host.ts";
import { placeOf } from "./place.ts";

/** RFC 8305 8: the Connection Attempt Delay, its least and its most. */
export const ATTEMPT_DELAY = 250 * MILLISECOND;
export const LEAST_ATTEMPT_DELAY = 10 * MILLISECOND;
export const MOST_ATTEMPT_DELAY = 2 * SECOND;

const CONNECT_TIME = 30 * SECOND;

export type DialOptions = Omit<ConnectOptions, "remote">;
/** A way to open a connection. */
export type Dial = (handler: TcpHandler, options: DialOptions) => TcpConnection;

export interface Attempt {
  readonly remote: Endpoint;
  readonly from: Nanos;
  /** It opened, failed or was given up. */
  to?: Nanos;
  /** Why it did not become the connection. */
  why?: string;
}

/** `told`: hears of the attempts as they are when the race is over, where there was more than one. */
export function racing(
  host: Host,
  remotes: readonly Endpoint[],
  delay: Nanos,
  told: (attempts: readonly Attempt[]) => void,
): Dial {
  return (handler, options) => {
    const [only] = remotes;
    if (only !== undefined && remotes.length === 1)
      return host.connect(handler, { ...options, remote: only });
    return new Race(host, remotes, delay, handler, options, told);
  };
}

interface Runner {
  readonly attempt: Attempt;
  readonly connection: TcpConnection;
}

/** Until one has won there is nothing to write to; from then on it is that one. */
class Race implements TcpConnection {
  private readonly host: Host;
  private readonly remotes: readonly Endpoint[];
  private readonly delay: Nanos;
  private readonly options: DialOptions;
  private readonly told: (attempts: readonly Attempt[]) => void;
  private readonly attempts: Attempt[] = [];
  private readonly running = new Set<Runner>();
  private readonly next: Timer;
  private readonly limit: Timer;
  private waiting: TcpHandler;
  private over = false;
  private winner: TcpConnection | undefined = undefined;

  constructor(
    host: Host,
    remotes: readonly Endpoint[],
    delay: Nanos,
    handler: TcpHandler,
    options: DialOptions,
    told: (attempts: readonly Attempt[]) => void,
  ) {
    if (remotes.length === 0) throw new RangeError("no address to connect to");
    this.host = host;
    this.remotes = remotes;
    this.delay = delay;
    this.waiting = handler;
    this.options = options;
    this.told = told;
    this.next = host.clock.timer(() => this.begin());
    this.limit = host.clock.timer(() => this.giveUp("timeout"));
    this.limit.armAt(host.clock.now() + (options.timeout ?? CONNECT_TIME));
    this.begin();
  }

  private begin(): void {
    const remote = this.remotes[this.attempts.length];
    if (this.over || remote === undefined) return;
    const { clock } = this.host;
    const attempt: Attempt = { remote, from: clock.now() };
    this.attempts.push(attempt);
    const { tls: _later, timeout: _ours, ...options } = this.options;
    const runner: Runner = {
      attempt,
      connection: this.host.connect(
        {
          onOpen: (connection) => this.won(runner, connection),
          onData: () => {},
          onClose: (cause, error, connection) => this.lost(runner, cause, error, connection),
        },
        // The race has its own limit; that of the system is not to end an attempt before.
        { ...options, remote, timeout: this.options.timeout ?? CONNECT_TIME },
      ),
    };
    this.running.add(runner);
    this.next.armAt(this.left ? clock.now() + this.delay : undefined);
  }

  /** Addresses that were not tried. */
  private get left(): boolean {
    return this.attempts.length < this.remotes.length;
  }

  private won(runner: Runner, connection: TcpConnection): void {
    this.running.delete(runner);
    if (this.over) {
      connection.reset();
      return;
    }
    runner.attempt.to = this.host.clock.now();
    this.finish("another was faster");
    this.winner = connection;
    connection.handler = this.waiting;
    const { tls } = this.options;
    if (tls === undefined) this.waiting.onOpen?.(connection);
    else connection.secure(tls);
  }

  private lost(
    runner: Runner,
    cause: CloseCause,
    error: NetError | null,
    connection: TcpConnection,
  ): void {
    this.running.delete(runner);
    if (this.over) return;
    runner.attempt.to = this.host.clock.now();
    runner.attempt.why = error?.code ?? cause;
    if (this.left) this.begin();
    else if (this.running.size === 0) {
      this.finish(cause);
      this.waiting.onClose(cause, this.summed(error), connection);
    }
  }

  /** What failed, by address. */
  private summed(last: NetError | null): NetError {
    const texts = this.attempts.map(({ remote, why }) => `${placeOf(remote)} ${why}`);
    const codes = new Set(this.attempts.map(({ why }) => why));
    return Object.assign(new Error(`no address can be reached: ${texts.join(", ")}`), {
      code: codes.size === 1 ? ([...codes][0] as string) : (last?.code ?? "EHOSTUNREACH"),
      syscall: "connect",
      remote: last?.remote,
    });
  }

  private giveUp(cause: "timeout" | "local"): void {
    if (this.over) return;
    const [runner] = this.running;
    const connection = runner?.connection ?? this;
    this.finish(cause === "timeout" ? "ETIMEDOUT" : "given up");
    const error = cause === "local" ? null : this.summed(null);
    this.host.clock.defer(() => this.waiting.onClose(cause, error, connection));
  }

  /** Those that still run are given up: `why`. */
  private finish(why: string): void {
    this.over = true;
    this.next.armAt(undefined);
    this.limit.armAt(undefined);
    for (const { attempt, connection } of this.running) {
      attempt.to = this.host.clock.now();
      attempt.why = why;
      connection.reset();
    }
    this.told(this.attempts);
  }

  get handler(): TcpHandler {
    return this.winner?.handler ?? this.waiting;
  }

  set handler(handler: TcpHandler) {
    if (this.winner === undefined) this.waiting = handler;
    else this.winner.handler = handler;
  }

  get local(): Endpoint {
    return this.winner?.local ?? { addr: "", port: 0 };
  }

  get remote(): Endpoint {
    return this.winner?.remote ?? (this.remotes[0] as Endpoint);
  }

  get buffered(): number {
    return this.winner?.buffered ?? 0;
  }

  write(data: Uint8Array, more?: boolean): boolean {
    return this.winner?.write(data, more) ?? false;
  }

  end(): void {
    if (this.winner === undefined) this.giveUp("local");
    else this.winner.end();
  }

  reset(): void {
    if (this.winner === undefined) this.giveUp("local");
    else this.winner.reset();
  }

  pause(): void {
    this.winner?.pause();
  }

  resume(): void {
    this.winner?.resume();
  }

  setNoDelay(on: boolean): void {
    this.winner?.setNoDelay(on);
  }

  secure(tls: TlsClient): void {
    this.winner?.secure(tls);
  }

  setIdleTimeout(idle: Nanos): void {
    this.winner?.setIdleTimeout(idle);
  }
}
