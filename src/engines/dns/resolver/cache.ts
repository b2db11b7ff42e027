/**
 * What was learnt: record sets by credibility, and answers made of them.
 * RFC 2181 5.4.1 (ranking), 8 (TTL); RFC 2308 (negative answers); RFC 9520 (failures); RFC 8767.
 */
import { CLASS, TYPE } from "../../../codecs/dns/index.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import { sameRdata } from "../dnssec/rrset.ts";
import type { ResolverOptions } from "./options.ts";
import type { Security } from "./trace.ts";

/** RFC 2181 5.4.1, least first. */
export const TRUST = {
  ADDITIONAL: 1,
  GLUE: 2,
  AUTHORITY: 3,
  ANSWER: 4,
  AUTHORITY_AA: 5,
  ANSWER_AA: 6,
  SECURE: 7,
  CONFIGURED: 8,
} as const;

export interface CachedSet {
  readonly set: Rrset;
  readonly trust: number;
  /** Seconds at which it was stored, and at which it ends. */
  readonly stored: number;
  expires: number;
  security: Security;
}

export interface Explanation {
  /** EDE code: RFC 8914. */
  readonly code: number;
  readonly text: string;
}

/** An answer to one question, up to the first alias that leads out of the zone. */
export interface Reply {
  readonly name: string;
  readonly type: number;
  readonly rcode: number;
  readonly aa: boolean;
  /** In the order of the chain. */
  readonly answer: readonly CachedSet[];
  readonly authority: readonly CachedSet[];
  readonly additional: readonly CachedSet[];
  /** The zone whose server gave it. */
  readonly zone: string;
  /** That server: the one to avoid when the answer proves bogus. */
  readonly from: string | undefined;
  readonly stored: number;
  expires: number;
  security: Security;
  ede: Explanation | undefined;
  /** Not to be kept. */
  readonly volatile: boolean;
  /** Put together from a referral: it has no SOA, which a client wants of a denial (RFC 2308 2.2, 5). */
  readonly fromReferral?: boolean;
  /** How much of a client's address the answer is for (RFC 7871 7.3). */
  readonly subnet?: {
    readonly family: number;
    readonly source: number;
    readonly scope: number;
    readonly address: string;
  };
  /** Until when nothing better is sought (RFC 8767 5: failure recheck). */
  holdUntil?: number;
  /** From when its time as stale counts, when not from its expiry. */
  staleSince?: number;
}

export interface CacheStatistics {
  hits: number;
  misses: number;
  staleHits: number;
  evictions: number;
  sets: number;
  replies: number;
}

const key = (name: string, type: number, rrclass = 1) =>
  `${name} ${type}${rrclass === CLASS.IN ? "" : ` ${rrclass}`}`;

export class Cache {
  private readonly sets = new Map<string, CachedSet>();
  private readonly replies = new Map<string, Reply>();
  readonly statistics: CacheStatistics = {
    hits: 0,
    misses: 0,
    staleHits: 0,
    evictions: 0,
    sets: 0,
    replies: 0,
  };
  private readonly options: ResolverOptions;

  constructor(options: ResolverOptions) {
    this.options = options;
  }

  /**
   * Stores a set unless a more credible one is there; gives back what counts from now on.
   * RFC 2181 5.4.1; ghost domains: a zone's NS set does not prolong its own life.
   */
  put(set: Rrset, trust: number, now: number, security: Security = "unchecked"): CachedSet {
    const id = key(set.key, set.type, set.class);
    const ttl = this.ttl(set);
    const old = this.sets.get(id);
    const fresh: CachedSet = { set, trust, stored: now, expires: now + ttl, security };
    if (old !== undefined && old.expires > now) {
      if (old.security === "bogus" && security !== "bogus") return this.store(id, fresh);
      if (trust < old.trust || (old.security === "secure" && security === "bogus")) return old;
      if (sameData(old.set, set)) {
        if (trust === old.trust) return old;
        if (old.security === "secure") fresh.security = "secure";
      }
      if (set.type === TYPE.NS) fresh.expires = Math.min(fresh.expires, old.expires);
    }
    return this.store(id, fresh);
  }

  /** Replaces what is there, whatever its rank: what was fetched to be newer. */
  replace(set: Rrset, trust: number, now: number, security: Security = "unchecked"): CachedSet {
    return this.store(key(set.key, set.type, set.class), {
      set,
      trust,
      stored: now,
      expires: now + this.ttl(set),
      security,
    });
  }

  /** As it was dumped. */
  restore(entry: CachedSet): void {
    this.store(key(entry.set.key, entry.set.type, entry.set.class), entry);
  }

  private store(id: string, entry: CachedSet): CachedSet {
    this.sets.delete(id);
    this.sets.set(id, entry);
    this.evict(this.sets);
    return entry;
  }

  private ttl(set: Rrset): number {
    return Math.min(this.options.maxTtl, Math.max(this.options.minTtl, set.ttl));
  }

  /** Oldest use first. */
  private evict(map: Map<string, unknown>): void {
    while (map.size > this.options.cacheEntries) {
      const { value } = map.keys().next();
      map.delete(value as string);
      this.statistics.evictions++;
    }
  }

  get(name: string, type: number, now: number): CachedSet | undefined {
    const entry = this.sets.get(key(name, type));
    return entry !== undefined && entry.expires > now ? entry : undefined;
  }

  forget(name: string, type: number): void {
    this.sets.delete(key(name, type));
    this.forgetReply(name, type);
  }

  forgetReply(name: string, type: number, scope = ""): void {
    this.replies.delete(key(name, type) + scope);
  }

  /** `scope`: which clients it is for, when not all. */
  putReply(reply: Reply, scope = ""): void {
    if (reply.volatile) return;
    const id = key(reply.name, reply.type) + scope;
    this.replies.delete(id);
    this.replies.set(id, reply);
    this.evict(this.replies);
  }

  /** Expired ones too: the caller decides whether they may be served. */
  reply(name: string, type: number, scope = ""): Reply | undefined {
    const id = key(name, type) + scope;
    const reply = this.replies.get(id);
    if (reply === undefined) return undefined;
    // A use makes it the youngest.
    this.replies.delete(id);
    this.replies.set(id, reply);
    return reply;
  }

  *allSets(): Generator<CachedSet> {
    yield* this.sets.values();
  }

  *allReplies(): Generator<Reply> {
    yield* this.replies.values();
  }

  counts(): CacheStatistics {
    return { ...this.statistics, sets: this.sets.size, replies: this.replies.size };
  }
}

export function sameData(a: Rrset, b: Rrset): boolean {
  if (a.rdatas.length !== b.rdatas.length || a.signatures.length !== b.signatures.length)
    return false;
  return (
    a.rdatas.every((one) => b.rdatas.some((other) => sameRdata(one, other))) &&
    a.signatures.every((one) => b.signatures.some((other) => sameRdata(one, other)))
  );
}
