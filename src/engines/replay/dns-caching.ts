/**
 * A capture's questions through the resolver's cache: what a cache on each host, or one for all of
 * them, with and without negative answers (RFC 2308), would have answered by itself.
 */
import { typeCode } from "../../codecs/dns/index.ts";
import { Cache } from "../dns/resolver/cache.ts";
import { RESOLVER_DEFAULTS } from "../dns/resolver/options.ts";
import type { WorkloadLookup } from "./workload.ts";

export type CachePlace = "none" | "host" | "shared";

export interface DnsCachingOptions {
  /** Seconds: caps of times to live. */
  readonly maxTtl: number;
  readonly minTtl: number;
  /** Answers that a cache holds. */
  readonly entries: number;
  /** What is asked for within the last tenth of its time is fetched anew at once (unbound's prefetch). */
  readonly prefetch: boolean;
  /** RFC 8767: seconds for which an expired answer may stand in while it is fetched anew; 0: none. */
  readonly serveStale: number;
}

export const DNS_CACHING: DnsCachingOptions = {
  maxTtl: 86_400,
  minTtl: 0,
  entries: 1_000_000,
  prefetch: false,
  serveStale: 0,
};

export interface DnsPrediction {
  readonly cache: CachePlace;
  readonly negative: boolean;
  readonly hitRatio: number;
  /** Questions that went to a server, prefetches and refreshes counted. */
  readonly upstream: number;
  /** What clients would not have waited. */
  readonly savedMs: number;
}

export function dnsPredictions(
  lookups: readonly WorkloadLookup[],
  options: DnsCachingOptions = DNS_CACHING,
): DnsPrediction[] {
  if (lookups.length === 0) return [];
  const sorted = [...lookups].sort((a, b) => a.startMs - b.startMs);
  const out: DnsPrediction[] = [];
  for (const cache of ["none", "host", "shared"] as const) {
    for (const negative of [false, true]) {
      if (cache === "none" && negative) continue;
      out.push(run(sorted, cache, negative, options));
    }
  }
  return out;
}

function run(
  lookups: readonly WorkloadLookup[],
  place: CachePlace,
  negative: boolean,
  options: DnsCachingOptions,
): DnsPrediction {
  const caches = new Map<string, Cache>();
  /** Answers that are on their way: a cache has them when they come. */
  const coming: { readonly at: number; readonly keep: () => void }[] = [];
  let hits = 0;
  let upstream = 0;
  let savedMs = 0;
  for (const lookup of lookups) {
    while (coming[0] !== undefined && coming[0].at <= lookup.startMs) coming.shift()?.keep();
    const cache = cacheOf(caches, place === "host" ? lookup.client : "all", options);
    const now = lookup.startMs / 1000;
    const name = lookup.name.toLowerCase();
    const type = typeCode(lookup.type) ?? 0;
    const known = place === "none" ? undefined : cache.reply(name, type);
    const fresh = known !== undefined && known.expires > now;
    const stale = known !== undefined && !fresh && now - known.expires < options.serveStale;
    const old =
      fresh && options.prefetch && known.expires - now <= (known.expires - known.stored) / 10;
    if (fresh || stale) {
      hits++;
      savedMs += lookup.timeMs ?? 0;
    }
    if (fresh && !old) continue;
    upstream++;
    const { ttl, timeMs } = lookup;
    if (place === "none" || timeMs === null || ttl === null || (lookup.negative && !negative))
      continue;
    const at = lookup.startMs + timeMs;
    const lifetime = Math.min(options.maxTtl, Math.max(options.minTtl, ttl));
    const keep = () => cache.putReply(reply(name, type, lookup.negative, at / 1000, lifetime));
    const behind = coming.findIndex((one) => one.at > at);
    coming.splice(behind < 0 ? coming.length : behind, 0, { at, keep });
  }
  return {
    cache: place,
    negative,
    hitRatio: Math.round((hits / lookups.length) * 10_000) / 10_000,
    upstream,
    savedMs: Math.round(savedMs * 1000) / 1000,
  };
}

function cacheOf(caches: Map<string, Cache>, who: string, options: DnsCachingOptions): Cache {
  let cache = caches.get(who);
  if (cache === undefined) {
    cache = new Cache({ ...RESOLVER_DEFAULTS, cacheEntries: options.entries });
    caches.set(who, cache);
  }
  return cache;
}

function reply(name: string, type: number, negative: boolean, stored: number, ttl: number) {
  return {
    name,
    type,
    rcode: negative ? 3 : 0,
    aa: false,
    answer: [],
    authority: [],
    additional: [],
    zone: ".",
    from: undefined,
    stored,
    expires: stored + ttl,
    security: "unchecked" as const,
    ede: undefined,
    volatile: false,
  };
}
