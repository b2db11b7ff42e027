import { describe, expect, it } from "vitest";
import type { CachePlace } from "../../../src/engines/replay/dns-caching.ts";
import { DNS_CACHING, dnsPredictions } from "../../../src/engines/replay/dns-caching.ts";
import type { WorkloadLookup } from "../../../src/engines/replay/workload.ts";
import { Xoshiro } from "../../../src/net/random.ts";

function lookups(seed: number, count: number): WorkloadLookup[] {
  const random = new Xoshiro(seed);
  let at = 0;
  return Array.from({ length: count }, () => {
    at += random.below(3000);
    return {
      name: `n${random.below(12)}.example.`,
      type: random.below(4) === 0 ? "AAAA" : "A",
      startMs: at,
      timeMs: random.below(20) === 0 ? null : 5 + random.below(300),
      ttl: random.below(10) === 0 ? null : random.below(60),
      negative: random.below(4) === 0,
      client: `10.0.0.${1 + random.below(3)}`,
      server: "10.0.0.53",
      page: null,
    };
  });
}

/** For each question all earlier ones are looked through. */
function oracle(
  all: readonly WorkloadLookup[],
  place: CachePlace,
  negative: boolean,
  maxTtl: number,
) {
  const sent: WorkloadLookup[] = [];
  let hits = 0;
  let savedMs = 0;
  for (const one of all) {
    const known = sent.filter(
      (other) =>
        place !== "none" &&
        other.name === one.name &&
        other.type === one.type &&
        (place === "shared" || other.client === one.client) &&
        (negative || !other.negative) &&
        other.timeMs !== null &&
        other.ttl !== null &&
        other.startMs + other.timeMs <= one.startMs,
    );
    // The last answer that came is what a cache holds.
    const last = known
      .sort((a, b) => a.startMs + (a.timeMs as number) - b.startMs - (b.timeMs as number))
      .at(-1);
    const ends =
      last === undefined
        ? 0
        : last.startMs + (last.timeMs as number) + 1000 * Math.min(last.ttl as number, maxTtl);
    if (last !== undefined && ends > one.startMs) {
      hits++;
      savedMs += one.timeMs ?? 0;
    } else sent.push(one);
  }
  return { hits, upstream: all.length - hits, savedMs };
}

describe("a capture's questions through a cache", () => {
  it("RFC 1034 4.3, RFC 2308: equal to looking through all earlier answers, over 60 seeds", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const all = lookups(seed, 200);
      for (const maxTtl of [DNS_CACHING.maxTtl, 20]) {
        for (const one of dnsPredictions(all, { ...DNS_CACHING, maxTtl })) {
          const { hits, upstream, savedMs } = oracle(all, one.cache, one.negative, maxTtl);
          expect([seed, one]).toEqual([
            seed,
            {
              cache: one.cache,
              negative: one.negative,
              hitRatio: Math.round((hits / 200) * 10_000) / 10_000,
              upstream,
              savedMs,
            },
          ]);
        }
      }
    }
  });

  it("RFC 8767, prefetch: more is answered at once, and more is asked upstream", () => {
    const all = lookups(3, 400);
    const of = (options: object) =>
      dnsPredictions(all, { ...DNS_CACHING, ...options }).find(
        ({ cache, negative }) => cache === "shared" && negative,
      );
    const plain = of({});
    const stale = of({ serveStale: 86_400 });
    expect(stale?.hitRatio).toBeGreaterThan(plain?.hitRatio ?? 1);
    expect(of({ entries: 2 })?.hitRatio).toBeLessThan(plain?.hitRatio ?? 0);
    expect(of({ prefetch: true })?.upstream).toBeGreaterThanOrEqual(plain?.upstream ?? 0);
  });
});
