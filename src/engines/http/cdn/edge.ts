/**
 * One edge of a CDN: a cache near clients for the sites of its customers. It serves a site under the
 * site's own name (who points it at the CDN by DNS), and under the CDN's as `/www.foo.com/path` (whose
 * pages were rewritten). It pulls what it does not have, or is told to before anybody asks.
 */
import type { Host, Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";
import { Cache } from "../cache/cache.ts";
import { keyOf } from "../cache/key.ts";
import { MemoryStore } from "../cache/memory-store.ts";
import type { Exchange } from "../exchange.ts";
import type { FetcherOptions } from "../fetch/fetcher.ts";
import type { Origin } from "../fetch/origin.ts";
import { requestedHost } from "../origin/vhosts.ts";
import type { Proxied } from "../proxy/proxy.ts";
import { HttpProxy } from "../proxy/proxy.ts";
import type { Inside } from "./esi/fragments.ts";
import type { FunctionOptions, FunctionStats } from "./functions.ts";
import { EdgeFunctions } from "./functions.ts";

export interface EdgeOptions {
  readonly name: string;
  /** Names of sites (lower case) and where each is at home. */
  readonly sites: ReadonlyMap<string, Origin>;
  readonly lookup: FetcherOptions["lookup"];
  /** Of origins. */
  readonly tls?: FetcherOptions["tls"];
  /** Octets of the store. */
  readonly cacheBytes?: number;
  readonly functions?: FunctionOptions;
}

/** What the origin answered, or why it did not. */
export type Pushed = { readonly statusCode: number } | { readonly error: string };

export interface EdgeStats {
  readonly edge: string;
  readonly requests: number;
  readonly hits: number;
  readonly misses: number;
  readonly revalidated: number;
  readonly bytes: number;
  /** Requests of the last whole second. */
  readonly load: number;
  readonly storedBytes: number;
  readonly stored: number;
  readonly functions: FunctionStats;
}

/** Answered without a fetch of their own. */
const HITS: ReadonlySet<string> = new Set(["hit", "stale", "collapsed"]);
/** What a fragment may depend on. */
const PASSED: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "authorization",
  "cookie",
  "user-agent",
]);
const CACHE_BYTES = 64 * 1024 * 1024;

export class CdnEdge {
  readonly name: string;
  private readonly host: Host;
  private readonly options: EdgeOptions;
  private readonly cache: Cache;
  private readonly functions: EdgeFunctions;
  private readonly proxies = new Map<string, HttpProxy>();
  private requests = 0;
  private hits = 0;
  private misses = 0;
  private revalidated = 0;
  private bytes = 0;
  private second: Nanos = 0;
  private thisSecond = 0;
  private lastSecond = 0;

  constructor(host: Host, options: EdgeOptions) {
    this.host = host;
    this.options = options;
    this.name = options.name;
    this.functions = new EdgeFunctions(host, options.functions ?? {});
    const store = new MemoryStore(options.cacheBytes ?? CACHE_BYTES);
    // RFC 9213: a CDN obeys what is said to CDNs.
    this.cache = new Cache(host, { store, targets: ["CDN-Cache-Control"] });
    for (const [site, origin] of options.sites) {
      const proxy = new HttpProxy(host, {
        origin,
        cache: this.cache,
        lookup: options.lookup,
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        onProxied: (proxied) => this.count(proxied),
        asks: (fields) => this.functions.asks(fields),
        received: (head) => this.functions.received(head),
        deliver: (exchange) => this.functions.deliver(exchange, site, this.insideFor(exchange)),
      });
      this.proxies.set(site, proxy);
    }
  }

  handle(exchange: Exchange): void {
    this.tick();
    this.thisSecond++;
    this.requests++;
    if (!this.functions.withinLimits(exchange)) return;
    const place = this.placeOf(exchange);
    if (place === undefined) {
      exchange.respondError(404, "a site that is not here");
      return;
    }
    const target = this.functions.admit(exchange, place.site, place.target);
    if (target === undefined) return;
    exchange.retarget(target);
    this.proxies.get(place.site)?.handle(exchange);
  }

  /** Fetches for the edge itself, in the name of a client. */
  private insideFor(exchange: Exchange): Inside {
    return (site, target, sink) => {
      const fields = exchange.request.fields.filter(({ name }) => PASSED.has(name.toLowerCase()));
      return this.proxies.get(site)?.get(target, fields, sink);
    };
  }

  /** The site by Host, or by the first segment of the path. */
  private placeOf(exchange: Exchange): { site: string; target: string } | undefined {
    const host = requestedHost(exchange);
    const { target } = exchange.request;
    const path = target.replace(/^https?:\/\/[^/]*/i, "") || "/";
    if (this.proxies.has(host)) return { site: host, target: path };
    const match = /^\/([^/?]+)(.*)$/.exec(path);
    const site = match?.[1]?.toLowerCase();
    if (site === undefined || !this.proxies.has(site)) return undefined;
    const rest = match?.[2] ?? "";
    return { site, target: rest.startsWith("/") ? rest : `/${rest}` };
  }

  private count({ outcome, exchange }: Proxied): void {
    if (HITS.has(outcome.verdict)) this.hits++;
    else if (outcome.verdict === "revalidated") this.revalidated++;
    else this.misses++;
    const { onDone } = exchange;
    exchange.onDone = () => {
      this.bytes += exchange.sent;
      onDone?.();
    };
  }

  /** Requests a second, for the DNS that chooses edges. */
  get load(): number {
    this.tick();
    return this.lastSecond;
  }

  private tick(): void {
    const now = Math.floor(this.host.clock.now() / SECOND);
    if (now === this.second) return;
    this.lastSecond = now === this.second + 1 ? this.thisSecond : 0;
    this.thisSecond = 0;
    this.second = now;
  }

  /**
   * Fetches what it does not have before anybody asks. Nobody's limits count, and a path that is
   * given with a signature only is fetched without one.
   */
  push(site: string, target: string, done: (result: Pushed) => void): void {
    const plain = this.functions.plain(target);
    const proxy = this.proxies.get(site);
    if (proxy === undefined || plain === undefined) {
      done({ error: proxy === undefined ? "no such site" : "a path that cannot be read" });
      return;
    }
    let statusCode = 0;
    proxy.get(plain, [], {
      head: (head) => {
        ({ statusCode } = head);
      },
      data: () => true,
      end: () => done({ statusCode }),
      failed: (why) => done({ error: why.message }),
    });
  }

  /** Forgets a path of a site. */
  purge(site: string, target: string): number {
    const origin = this.options.sites.get(site);
    return origin === undefined ? 0 : this.cache.purge(keyOf(origin, target));
  }

  stats(): EdgeStats {
    const { name, requests, hits, misses, revalidated, bytes, load, cache } = this;
    const { bytes: storedBytes, count: stored } = cache.store;
    const { stats: functions } = this.functions;
    return {
      edge: name,
      requests,
      hits,
      misses,
      revalidated,
      bytes,
      load,
      storedBytes,
      stored,
      functions: structuredClone(functions),
    };
  }

  close(): void {
    for (const proxy of this.proxies.values()) proxy.close();
  }
}

/** `http://www.foo.com/a?b` as site and target, where the site is a customer's. */
export function siteOf(
  url: string,
  sites: ReadonlyMap<string, Origin>,
): { site: string; target: string } | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, pathname, search } = new URL(url);
  return sites.has(hostname) ? { site: hostname, target: `${pathname}${search}` } : undefined;
}
