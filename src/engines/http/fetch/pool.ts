/** The connections to one origin, and the requests that wait for them. RFC 9112 9.3.2, 9.4. */
import { ordered } from "../../dialing/order.ts";
import type { Attempt } from "../../dialing/race.ts";
import { ATTEMPT_DELAY, racing } from "../../dialing/race.ts";
import type { Endpoint, TcpConnection, TcpHandler, Timer } from "../../host.ts";
import { basic } from "../auth/credentials.ts";
import type { ClientOptions, IncomingHead } from "../client-connection.ts";
import { ClientConnection, ExchangeError } from "../client-connection.ts";
import { isIdempotent } from "../head.ts";
import type { Tunnel } from "../proxying/tunnel.ts";
import { connectThrough } from "../proxying/tunnel.ts";
import type {
  Fetcher,
  FetchHandle,
  FetchRequest,
  FetchSink,
  Looked,
  ProxyServer,
} from "./fetcher.ts";
import type { Job } from "./job.ts";
import type { Origin } from "./origin.ts";
import { hostField } from "./origin.ts";
import type { RateLimit } from "./rate.ts";

const DEFAULT_TRIES = 3;

interface Lane {
  readonly connection: ClientConnection;
  readonly number: number;
  readonly started: number;
  requests: number;
  /** When the last response on it was whole. */
  turn: number;
  /** It closed with requests unanswered that went ahead. */
  broken: boolean;
  /** What is unanswered on it, the oldest first. */
  readonly jobs: Job[];
  /** Who wants nothing to be read from it. */
  readonly held: Set<object>;
  rateTimer: Timer | undefined;
  readonly idle: Timer;
}

export class Pool {
  private readonly fetcher: Fetcher;
  private readonly origin: Origin;
  private readonly queue: Job[] = [];
  private readonly lanes = new Set<Lane>();
  private looked: Looked | undefined = undefined;
  private looking = false;
  /** RFC 1035 3.2.1: even with a TTL of 0 an answer holds for those who waited for it. */
  private justFound = false;
  /** Of the origin or of the proxy before it; the one that opened last comes first. */
  private addresses: readonly string[] = [];
  /** Addresses of an origin that a SOCKS proxy is to reach, and whose turn it is. */
  private targets: readonly string[] = [];
  private targetAt = 0;
  private depth: number;
  private readonly proxy: ProxyServer | undefined;
  private pushing = false;

  constructor(fetcher: Fetcher, origin: Origin) {
    this.fetcher = fetcher;
    this.origin = origin;
    this.depth = fetcher.options.strategy.depth;
    this.proxy = fetcher.options.proxyFor?.(origin);
  }

  add(job: Job): void {
    this.queue.push(job);
    this.pushLater();
  }

  /** What is asked for in one turn is spread together. */
  private pushLater(): void {
    if (this.pushing) return;
    this.pushing = true;
    this.fetcher.host.clock.defer(() => {
      this.pushing = false;
      this.push();
    });
  }

  /** What may still be done with a request that was given to `add`. */
  handle(job: Job): FetchHandle {
    const laneOf = () => [...this.lanes].find((lane) => lane.jobs.includes(job));
    return {
      pause: (on) => {
        const lane = laneOf();
        if (lane !== undefined) this.hold(lane, job, on);
      },
      abort: (why) => {
        const waiting = this.queue.indexOf(job);
        if (waiting >= 0) {
          this.queue.splice(waiting, 1);
          job.sink.failed(givenUp(why), job.timing);
          return;
        }
        const lane = laneOf();
        if (lane === undefined) return;
        // Others wait on the connection for theirs: this one is read and dropped.
        if (lane.jobs.length > 1) job.sink = DEAF;
        else lane.connection.abort(why);
      },
    };
  }

  private push(): void {
    if (this.queue.length === 0) return;
    if (this.looked === undefined) {
      this.look();
      return;
    }
    while (this.queue.length > 0) {
      const job = this.queue[0] as Job;
      const lane = this.laneFor(job);
      // It may have looked an address up, and sent what was waiting.
      if (this.queue[0] !== job) continue;
      if (lane === undefined) return;
      this.queue.shift();
      this.send(lane, job);
    }
  }

  private get outdated(): boolean {
    const until = this.looked?.until;
    return !this.justFound && until !== undefined && this.fetcher.host.clock.now() >= until;
  }

  private look(): void {
    if (this.looking) return;
    this.looking = true;
    const { origin, proxy } = this;
    const { via, lookup } = this.fetcher.options;
    if (via !== undefined) {
      this.found(null, { addresses: [via.addr] });
      return;
    }
    if (proxy === undefined) {
      lookup(origin.host, (error, looked) => this.found(error, looked), origin.port);
      return;
    }
    lookup(proxy.host, (error, looked) => {
      if (error !== null || proxy.kind === "http" || proxy.remoteNames) {
        this.found(error, looked);
        return;
      }
      lookup(
        origin.host,
        (wrong, own) => {
          this.targets = own?.addresses ?? [];
          this.found(wrong, this.targets.length === 0 ? own : looked);
        },
        origin.port,
      );
    });
  }

  private found(error: Error | null, looked: Looked | undefined): void {
    const { host } = this.origin;
    this.looking = false;
    if (error !== null || looked === undefined || looked.addresses.length === 0) {
      const why = new ExchangeError(
        "connect",
        error?.message ?? `${host} has no address`,
        true,
        false,
      );
      for (const job of this.queue.splice(0)) {
        job.timing.end = this.fetcher.host.clock.now();
        job.sink.failed(why, job.timing);
      }
      return;
    }
    this.looked = looked;
    const { host: own, options } = this.fetcher;
    this.addresses = first(
      options.reached?.get(this.nextHop),
      ordered(looked.addresses, own.addresses),
    );
    const job = this.queue[0];
    if (job !== undefined && looked.from !== undefined && looked.to !== undefined) {
      job.timing.dns = { from: looked.from, to: looked.to };
    }
    this.justFound = true;
    this.push();
    this.justFound = false;
  }

  /** A connection that may take the request now, or undefined. */
  private laneFor(job: Job): Lane | undefined {
    const { strategy } = this.fetcher.options;
    const alone = !isIdempotent(job.request.method);
    let best: Lane | undefined;
    for (const lane of this.lanes) {
      if (!lane.connection.usable || (!strategy.keep && lane.requests > 0)) continue;
      const { length } = lane.jobs;
      // RFC 9112 9.3.2: nothing goes out behind a request whose end cannot be told from its loss.
      if (length > 0 && (alone || !isIdempotent(lane.jobs[length - 1]?.request.method ?? "")))
        continue;
      if (length >= this.depth) continue;
      if (best === undefined || length < best.jobs.length) best = lane;
    }
    if (best !== undefined && best.jobs.length === 0) return best;
    if (this.lanes.size >= strategy.connections) return best;
    if (this.outdated) {
      this.look();
      return best;
    }
    return this.open();
  }

  private open(): Lane {
    const { fetcher } = this;
    const { options, host } = fetcher;
    let attempts: readonly Attempt[] | undefined;
    const way = this.way((tried) => {
      attempts = tried;
    });
    const connection = new ClientConnection(
      host,
      {
        ...way,
        local: options.local,
        connectTime: options.connectTime,
        responseTime: options.responseTime,
        tolerant: options.tolerant,
        tolerates: options.tolerates,
      },
      {
        onOpen: () => this.opened(lane, attempts),
        onClosed: () => this.closed(lane),
        onIdle: () => this.idle(lane),
      },
    );
    const lane: Lane = {
      connection,
      number: ++fetcher.opened,
      started: host.clock.now(),
      requests: 0,
      turn: 0,
      broken: false,
      jobs: [],
      held: new Set(),
      rateTimer: undefined,
      idle: host.clock.timer(() => {
        if (lane.jobs.length === 0) connection.close();
      }),
    };
    this.lanes.add(lane);
    return lane;
  }

  /** Where connections of this origin lead, and how they are opened. */
  private way(
    told: (attempts: readonly Attempt[]) => void,
  ): Pick<ClientOptions, "remote" | "dial" | "tls" | "proxied"> {
    const { fetcher, origin, proxy } = this;
    const { host, options } = fetcher;
    const tls = options.tls?.(origin);
    if (options.via !== undefined) return { remote: options.via, tls };
    const { port } = proxy ?? origin;
    const remotes = this.addresses.map((addr) => ({ addr, port }));
    const remote = remotes[0] as Endpoint;
    const dial = racing(host, remotes, options.attemptDelay ?? ATTEMPT_DELAY, told);
    if (proxy === undefined) return { remote, dial, tls };
    const tunnel = this.tunnelTo(proxy, remote);
    if (tunnel === undefined) return { remote, dial, tls: proxy.tls, proxied: true };
    return {
      remote,
      dial: (handler, how) => connectThrough(host, dial, handler, how, tunnel),
      tls,
    };
  }

  /** Whose addresses are connected to. */
  private get nextHop(): string {
    return (this.proxy ?? this.origin).host;
  }

  /** TLS needs a tunnel through a proxy of HTTP; SOCKS is one for all. */
  private tunnelTo(proxy: ProxyServer, at: Endpoint): Tunnel | undefined {
    const { origin } = this;
    const { user, password } = proxy;
    if (proxy.kind === "socks5") {
      const host = proxy.remoteNames
        ? origin.host.replace(/^\[(.*)\]$/, "$1")
        : (this.targets[this.targetAt % this.targets.length] as string);
      return { kind: "socks5", proxy: at, target: { host, port: origin.port, user, password } };
    }
    if (origin.scheme === "http") return undefined;
    const authority = `${origin.host}:${origin.port}`;
    const authorization = this.proxyAuthorization();
    return { kind: "connect", proxy: at, tls: proxy.tls, authority, authorization };
  }

  private proxyAuthorization(): string | undefined {
    const { user, password = "" } = this.proxy ?? {};
    return user === undefined ? undefined : basic(user, password);
  }

  /** RFC 9112 3.2.2: a proxy is asked with the whole URI. */
  private asProxied(request: FetchRequest): FetchRequest {
    const { proxy, origin } = this;
    if (proxy?.kind !== "http" || origin.scheme !== "http") return request;
    const authorization = this.proxyAuthorization();
    const fields = [...request.fields];
    if (authorization !== undefined) {
      fields.push({ name: "Proxy-Authorization", value: authorization });
    }
    const target = request.target === "*" ? "" : request.target;
    return { ...request, fields, target: `http://${hostField(origin)}${target}` };
  }

  private opened(lane: Lane, attempts: readonly Attempt[] | undefined): void {
    const { connectedAt, connection } = lane.connection;
    const { remote } = connection;
    // RFC 8305 5: what was reached is what the next connection tries first.
    if (attempts !== undefined) {
      this.addresses = first(remote.addr, this.addresses);
      this.fetcher.options.reached?.set(this.nextHop, remote.addr);
    }
    const job = lane.jobs[0];
    if (job === undefined) return;
    job.timing.connect = {
      from: lane.started,
      to: this.fetcher.host.clock.now(),
      remote,
      ...(connectedAt === undefined ? {} : { tls: connectedAt }),
      ...(attempts === undefined ? {} : { attempts }),
    };
  }

  private idle(lane: Lane): void {
    const { idleTime } = this.fetcher.options;
    if (idleTime !== undefined) lane.idle.armAt(this.fetcher.host.clock.now() + idleTime);
  }

  private closed(lane: Lane): void {
    lane.idle.armAt(undefined);
    this.lanes.delete(lane);
    if (this.lanes.size === 0 && this.queue.length === 0) this.fetcher.forget(this.origin);
    this.pushLater();
  }

  private send(lane: Lane, job: Job): void {
    const { clock } = this.fetcher.host;
    const { timing } = job;
    const request = this.asProxied(job.request);
    lane.idle.armAt(undefined);
    const { strategy } = this.fetcher.options;
    timing.connection = lane.number;
    timing.onConnection = ++lane.requests;
    timing.ahead = lane.jobs.length;
    timing.bodyBytes = 0;
    timing.tries++;
    lane.jobs.push(job);
    const fields = strategy.keep
      ? request.fields
      : [...request.fields, { name: "Connection", value: "close" }];
    const { body } = request;
    // A body that was begun goes out from its beginning.
    const again = timing.tries > 1 && body !== undefined && !(body instanceof Uint8Array);
    job.sink.flow?.((on) => this.hold(lane, job, on));
    lane.connection.send(
      { ...request, fields, body: again ? (body.again?.() ?? body) : body },
      {
        sent: () => {
          timing.sent = clock.now();
          job.sink.sent?.();
        },
        informed: (head) => job.sink.informed?.(head),
        head: (head: IncomingHead) => {
          timing.head = clock.now();
          timing.turn = lane.turn;
          timing.headBytes = head.headBytes;
          job.sink.head(head, timing);
        },
        data: (bytes) => {
          timing.bodyBytes += bytes.length;
          this.limit(lane, bytes.length);
          job.sink.data(bytes);
        },
        end: (trailers) => {
          timing.end = clock.now();
          lane.turn = timing.end;
          this.remove(lane, job);
          if (!strategy.keep) {
            // Its closing costs the next connection nothing: the SYN need not wait for the FIN.
            this.lanes.delete(lane);
            lane.connection.close();
          }
          job.sink.end(trailers, timing);
          this.pushLater();
        },
        cut: (why) => {
          timing.end = clock.now();
          this.remove(lane, job);
          this.cut(lane, job, why);
        },
        ...(job.sink.switched === undefined
          ? {}
          : {
              switched: (head, left, connection) => {
                this.remove(lane, job);
                this.lanes.delete(lane);
                return job.sink.switched?.(head, left, connection) ?? givenBack(connection);
              },
            }),
      },
    );
  }

  private remove(lane: Lane, job: Job): void {
    const at = lane.jobs.indexOf(job);
    if (at >= 0) lane.jobs.splice(at, 1);
    this.hold(lane, job, false);
  }

  /** Reading stops as long as anybody holds the connection. */
  private hold(lane: Lane, who: object, on: boolean): void {
    const { held, connection } = lane;
    const before = held.size;
    if (on) held.add(who);
    else held.delete(who);
    if (connection.state !== "open" || before > 0 === held.size > 0) return;
    connection.pauseReading(held.size > 0);
  }

  private limit(lane: Lane, bytes: number): void {
    const { host, options } = this.fetcher;
    const now = host.clock.now();
    const wait = options.rate?.take(bytes, now) ?? 0;
    if (wait === 0 || options.rate === undefined) return;
    this.hold(lane, options.rate, true);
    lane.rateTimer ??= host.clock.timer(() => this.hold(lane, options.rate as RateLimit, false));
    lane.rateTimer.armAt(now + wait);
  }

  /** RFC 9112 9.3.2: what a closed pipeline left unanswered is asked for again, with fewer ahead. */
  private cut(lane: Lane, job: Job, why: ExchangeError): void {
    const { options } = this.fetcher;
    const { timing } = job;
    if (why.fault === "connect") this.targetAt++;
    const ahead = timing.ahead > 0 && why.fault === "closed";
    if (ahead && !lane.broken && this.depth > 1) {
      lane.broken = true;
      this.depth = Math.max(1, Math.floor(this.depth / 2));
      options.onFallback?.(this.origin, this.depth, why);
    }
    const reused = timing.onConnection > 1;
    const tries = options.tries ?? DEFAULT_TRIES;
    const again =
      why.fault === "connect"
        ? timing.tries < this.targets.length
        : why.fault === "closed" &&
          why.unanswered &&
          (ahead || reused || !why.sent) &&
          // Behind one whose loss broke the pipeline none was carried out twice: safe to repeat.
          (timing.tries < tries || ahead);
    if (again && (job.repeatable || !why.sent)) {
      this.queue.unshift(job);
      this.pushLater();
      return;
    }
    job.sink.failed(why, timing);
  }

  close(): void {
    for (const lane of this.lanes) lane.connection.close();
  }

  abort(why: string): void {
    for (const job of this.queue.splice(0)) job.sink.failed(givenUp(why), job.timing);
    for (const lane of this.lanes) lane.connection.abort(why);
  }
}

/** `one` before all others, where it is one of them. */
function first(one: string | undefined, all: readonly string[]): readonly string[] {
  if (one === undefined || !all.includes(one)) return all;
  return [one, ...all.filter((other) => other !== one)];
}

const DEAF: FetchSink = { head: () => {}, data: () => {}, end: () => {}, failed: () => {} };

/** Nobody waits for the other protocol any more. */
function givenBack(connection: TcpConnection): TcpHandler {
  connection.reset();
  return { onData: () => {}, onClose: () => {} };
}

function givenUp(why: string): ExchangeError {
  return new ExchangeError("local", why, true, false);
}
