/** Which objects a full cache lets go: least recently used, least often used, or by size as well (GDSF). */

export const POLICIES = ["lru", "lfu", "gdsf"] as const;
export type Policy = (typeof POLICIES)[number];

export interface CacheRequest {
  readonly key: string;
  readonly bytes: number;
}

export interface HitRatio {
  readonly requests: number;
  readonly hits: number;
  readonly bytes: number;
  readonly hitBytes: number;
}

interface Kept {
  readonly key: string;
  readonly bytes: number;
  uses: number;
  /** The one with the least goes first; equal ones in the order of their last use. */
  worth: number;
  used: number;
}

/** Requests of all clients in their order through one cache of so many octets. */
export function hitRatio(
  requests: readonly CacheRequest[],
  limit: number,
  policy: Policy,
): HitRatio {
  const kept = new Map<string, Kept>();
  let held = 0;
  let clock = 0;
  // GDSF: what was let go last; newcomers are worth at least that, so that old favourites age.
  let floor = 0;
  let hits = 0;
  let bytes = 0;
  let hitBytes = 0;
  const worthOf = (one: Kept) =>
    policy === "lru"
      ? one.used
      : policy === "lfu"
        ? one.uses
        : floor + one.uses / Math.max(1, one.bytes);
  for (const request of requests) {
    clock++;
    bytes += request.bytes;
    const found = kept.get(request.key);
    if (found !== undefined && found.bytes === request.bytes) {
      hits++;
      hitBytes += request.bytes;
      found.uses++;
      found.used = clock;
      found.worth = worthOf(found);
      continue;
    }
    if (found !== undefined) {
      kept.delete(request.key);
      held -= found.bytes;
    }
    if (request.bytes > limit) continue;
    while (held + request.bytes > limit) {
      const least = leastWorth(kept.values());
      if (least === undefined) break;
      kept.delete(least.key);
      held -= least.bytes;
      if (policy === "gdsf") floor = least.worth;
    }
    const one: Kept = { ...request, uses: 1, worth: 0, used: clock };
    one.worth = worthOf(one);
    kept.set(request.key, one);
    held += request.bytes;
  }
  return { requests: requests.length, hits, bytes, hitBytes };
}

function leastWorth(all: Iterable<Kept>): Kept | undefined {
  let least: Kept | undefined;
  for (const one of all) {
    if (
      least === undefined ||
      one.worth < least.worth ||
      (one.worth === least.worth && one.used < least.used)
    )
      least = one;
  }
  return least;
}
