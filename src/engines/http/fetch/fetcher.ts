/**
 * Fetches objects by a strategy: a pool of connections for each origin, requests spread over them,
 * and what a broken connection left unanswered asked for again. RFC 9112 9.3.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { Endpoint, Host, Nanos, TcpConnection, TcpHandler, TlsClient } from "../../host.ts";
import type { BodySource, IncomingHead } from "../client-connection.ts";
import { ExchangeError } from "../client-connection.ts";
import { Job } from "./job.ts";
import type { Origin } from "./origin.ts";
import { originKey } from "./origin.ts";
import { Pool } from "./pool.ts";
import type { RateLimit } from "./rate.ts";
import type { Strategy } from "./strategy.ts";
import type { Timing } from "./timing.ts";

export interface FetchRequest {
  readonly method: string;
  readonly origin: Origin;
  readonly target: string;
  readonly version?: string;
  /** With Host. */
  readonly fields: readonly Field[];
  readonly body?: Uint8Array | BodySource | undefined;
  readonly continueTime?: Nanos | undefined;
  /** Where the page is that embeds the object; undefined for what the user asked for. */
  readonly initiator?: Origin | undefined;
}

/** What becomes of one object. Ends with `end` or `failed`. */
export interface FetchSink {
  /** Called again when a response that was cut is asked for anew: what came before counts no more. */
  head(head: IncomingHead, timing: Timing): void;
  data(bytes: Uint8Array): void;
  end(trailers: readonly Field[], timing: Timing): void;
  failed(why: ExchangeError, timing: Timing): void;
  informed?(head: IncomingHead): void;
  sent?(): void;
  /** After `head` of a 101: the connection is the returned handler's, `left` came behind the head. */
  switched?(head: IncomingHead, left: Uint8Array, connection: TcpConnection): TcpHandler;
  /** `pause` holds the connection that the body comes on. */
  flow?(pause: (on: boolean) => void): void;
}

/** A hold on a request that is on its way. */
export interface FetchHandle {
  /** Stops reading the response, and goes on. */
  pause(on: boolean): void;
  /** Nobody wants the answer any more. */
  abort(why: string): void;
}

/** The addresses of a name, with when it was looked up; from a cache, or for an address, without. */
export interface Looked {
  readonly addresses: readonly string[];
  readonly from?: Nanos;
  readonly to?: Nanos;
  /** New connections from then on ask again (RFC 1035 3.2.1: its TTL); without it, never. */
  readonly until?: Nanos | undefined;
}

export interface ProxyServer {
  readonly kind: "http" | "socks5";
  /** TLS with the proxy itself (`https://` before its name). */
  readonly tls?: TlsClient | undefined;
  readonly host: string;
  readonly port: number;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** The proxy looks names up (socks5h). */
  readonly remoteNames: boolean;
}

export interface FetcherOptions {
  readonly strategy: Strategy;
  /** Addresses of a host; `done` may be called at once. */
  lookup(
    name: string,
    done: (error: Error | null, looked?: Looked) => void,
    /** Where it is to be reached: addresses may be given for a name and port. */
    port?: number,
  ): void;
  /** Where to connect for every origin, in place of its address. */
  readonly via?: Endpoint | undefined;
  /** The proxy for an origin. */
  proxyFor?(origin: Origin): ProxyServer | undefined;
  /** Where connections begin. */
  readonly local?: Partial<Endpoint> | undefined;
  tls?(origin: Origin): TlsClient | undefined;
  readonly connectTime?: Nanos | undefined;
  /** Between attempts at the addresses of one name. RFC 8305 5 */
  readonly attemptDelay?: Nanos | undefined;
  /** By host, the address that was reached last: fetchers that share it try that one first. */
  readonly reached?: Map<string, string> | undefined;
  readonly responseTime?: Nanos | undefined;
  readonly tolerant?: boolean | undefined;
  /** Octets a second of all bodies together. */
  readonly rate?: RateLimit | undefined;
  /** Deviations that are survived where others are not. */
  readonly tolerates?: ReadonlySet<string> | undefined;
  /** A connection that nobody uses is closed after so long. */
  readonly idleTime?: Nanos | undefined;
  /** Tries of one object, the first one counted. */
  readonly tries?: number | undefined;
  /** A pipeline broke: fewer requests go ahead from now on. */
  onFallback?(origin: Origin, depth: number, why: ExchangeError): void;
}

export class Fetcher {
  readonly host: Host;
  readonly options: FetcherOptions;
  /** Connections opened so far. */
  opened = 0;
  /** What waits for a time to come, and is called at once when all is given up. */
  readonly waiting = new Set<() => void>();
  private readonly pools = new Map<string, Pool>();
  private ended: string | undefined = undefined;

  constructor(host: Host, options: FetcherOptions) {
    this.host = host;
    this.options = options;
  }

  fetch(request: FetchRequest, sink: FetchSink): FetchHandle {
    const job = new Job(request, sink, this.host.clock.now());
    if (this.ended !== undefined) {
      const why = new ExchangeError("local", this.ended, true, false);
      job.timing.end = job.timing.queued;
      this.host.clock.defer(() => sink.failed(why, job.timing));
      return { pause: () => {}, abort: () => {} };
    }
    const key = originKey(request.origin);
    let pool = this.pools.get(key);
    if (pool === undefined) {
      pool = new Pool(this, request.origin);
      this.pools.set(key, pool);
    }
    pool.add(job);
    return pool.handle(job);
  }

  /** Nothing goes to an origin any more: who runs for long does not gather them. */
  forget(origin: Origin): void {
    if (this.options.idleTime !== undefined) this.pools.delete(originKey(origin));
  }

  /** Closes what is kept open. */
  close(): void {
    for (const pool of this.pools.values()) pool.close();
  }

  /** Gives up what is not answered, and what is asked from now on. */
  abort(why: string): void {
    this.ended = why;
    for (const go of [...this.waiting]) go();
    for (const pool of this.pools.values()) pool.abort(why);
  }
}
