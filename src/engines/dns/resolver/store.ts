/** From what a server said to what the cache keeps. RFC 2181 5.4.1, RFC 2308 5, RFC 9520. */
import type { RdataOf } from "../../../codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { isWithin, keyOf } from "../dnssec/names.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import type { Asked } from "./ask.ts";
import type { CachedSet, Explanation, Reply } from "./cache.ts";
import { TRUST } from "./cache.ts";
import type { Core } from "./core.ts";
import type { Delegation } from "./delegation.ts";
import type { ServerAddress } from "./options.ts";
import type { Content } from "./response.ts";
import type { Place } from "./work.ts";

/** RFC 8914 4. */
export const EDE = {
  OTHER: 0,
  UNSUPPORTED_DNSKEY: 1,
  UNSUPPORTED_DS: 2,
  STALE: 3,
  FORGED: 4,
  INDETERMINATE: 5,
  BOGUS: 6,
  EXPIRED: 7,
  NOT_YET_VALID: 8,
  DNSKEY_MISSING: 9,
  RRSIGS_MISSING: 10,
  NO_ZONE_KEY: 11,
  NSEC_MISSING: 12,
  CACHED_ERROR: 13,
  NOT_READY: 14,
  BLOCKED: 15,
  PROHIBITED: 18,
  STALE_NXDOMAIN: 19,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  NO_REACHABLE: 22,
  NETWORK: 23,
} as const;

type Outcome = Extract<Asked, { ok: true }>;

/** Keeps the sets of an answer and makes the reply to the question. */
export function keepAnswer(
  core: Core,
  place: Place,
  zone: Delegation,
  name: string,
  type: number,
  outcome: Outcome,
): Reply {
  const { meaning, server, scope } = outcome;
  const { content } = meaning;
  const now = core.seconds;
  const personal = scope !== undefined && (scope > 0 || place.subnet?.source === 0);
  const keep = (set: Rrset, trust: number): CachedSet => {
    // An answer to ANY need not have whole sets (RFC 8482).
    // The delegation ran out while the answer was under way: the zone may be another's by now.
    const ghost =
      set.type === TYPE.NS &&
      zone.kind === "learnt" &&
      core.cache.get(zone.zone, TYPE.NS, now) === undefined;
    if (zone.noCache || personal || ghost || type === TYPE.ANY)
      return { set, trust, stored: now, expires: now + set.ttl, security: "unchecked" };
    // A zone does not prolong its own delegation by being asked again.
    return place.fresh && (set.type !== TYPE.NS || type === TYPE.NS)
      ? core.cache.replace(set, trust, now)
      : core.cache.put(set, trust, now);
  };
  const answer = content.answer.map((set) =>
    keep(set, content.aa ? TRUST.ANSWER_AA : TRUST.ANSWER),
  );
  const alias = meaning.kind === "alias";
  const authority = content.authority
    .filter((set) => !alias || set.type !== TYPE.SOA)
    .map((set) => keep(set, content.aa ? TRUST.AUTHORITY_AA : TRUST.AUTHORITY));
  const additional = content.additional.map((set) => keep(set, TRUST.ADDITIONAL));
  const { subnet } = place;
  const told = subnet !== undefined && scope !== undefined ? { subnet: { ...subnet, scope } } : {};
  const base = {
    name,
    type,
    answer,
    authority,
    additional,
    zone: zone.zone,
    from: server.addr,
    stored: now,
    ...told,
  };
  return {
    ...base,
    rcode: meaning.kind === "alias" ? RCODE.NOERROR : content.rcode,
    aa: content.aa,
    expires: now + replyTtl(core, content, base),
    security: "unchecked",
    ede: undefined,
    volatile: zone.noCache || (!core.options.negativeCache && content.answer.length === 0),
  };
}

/** Seconds; a negative answer lives as long as its SOA says (RFC 2308 5). */
function replyTtl(
  core: Core,
  content: Content,
  { answer, authority }: { answer: readonly CachedSet[]; authority: readonly CachedSet[] },
): number {
  const now = core.seconds;
  const left = (sets: readonly CachedSet[]) =>
    sets.reduce((least, one) => Math.min(least, one.expires - now), Number.POSITIVE_INFINITY);
  const negative = content.answer.length === 0 || content.rcode !== RCODE.NOERROR;
  if (!negative) return Math.min(left(answer), core.options.maxTtl);
  const soa = authority.find(({ set }) => set.type === TYPE.SOA);
  const minimum = (soa?.set.rdatas[0] as RdataOf<typeof TYPE.SOA> | undefined)?.minimum;
  // Without SOA nothing says how long: only so long that a storm of questions is kept off.
  if (soa === undefined || minimum === undefined)
    return Math.min(left(answer), core.options.failureTtl);
  const { minNegativeTtl, maxNegativeTtl } = core.options;
  const ttl = Math.min(minimum, soa.set.ttl);
  return Math.min(left(answer), Math.max(minNegativeTtl, Math.min(maxNegativeTtl, ttl)));
}

/** RFC 9520: that it failed is kept, for seconds. */
export function failure(
  core: Core,
  name: string,
  type: number,
  ede: Explanation,
  volatile: boolean,
): Reply {
  return {
    name,
    type,
    rcode: RCODE.SERVFAIL,
    aa: false,
    answer: [],
    authority: [],
    additional: [],
    zone: ".",
    from: undefined,
    stored: core.seconds,
    expires: core.seconds + core.options.failureTtl,
    security: "indeterminate",
    ede,
    volatile,
  };
}

/** The delegation that a parent told: its servers, their addresses, and whether it is signed. */
export function keepReferral(
  core: Core,
  zone: Delegation,
  ns: Rrset,
  content: Content,
  server: ServerAddress,
  fresh: boolean,
): Delegation {
  const now = core.seconds;
  const names = ns.rdatas
    .map((rdata) => keyOf((rdata as RdataOf<typeof TYPE.NS>).host ?? ""))
    .filter((name) => name !== "");
  const glue = new Map<string, string[]>();
  // What is refreshed goes by what the parent says now.
  const put = (set: Rrset) =>
    fresh ? core.cache.replace(set, TRUST.GLUE, now) : core.cache.put(set, TRUST.GLUE, now);
  for (const set of content.additional) {
    if (!names.includes(set.key)) continue;
    const addresses = set.rdatas.flatMap((rdata) => (rdata as { address?: string }).address ?? []);
    glue.set(set.key, [...(glue.get(set.key) ?? []), ...addresses]);
    if (!core.options.verifyGlue || isWithin(set.key, ns.key)) put(set);
  }
  core.learnParentSide(ns.key, { names, glue, expires: now + Math.max(60, ns.ttl) });
  // A delegation does not outlive that of the zone which gave it (ghost domains, NDSS 2012 and since).
  const above = core.cache.get(zone.zone, TYPE.NS, now);
  const life = above === undefined ? ns.ttl : Math.min(ns.ttl, above.expires - now);
  put(life === ns.ttl ? ns : { ...ns, ttl: life });
  keepDs(core, zone, ns.key, content, server);
  const direct = core.options.verifyGlue ? [] : [...glue.values()].flat();
  return {
    zone: ns.key,
    kind: "learnt",
    names,
    addresses: direct.map((addr) => ({ addr, port: core.options.hintPort })),
    noCache: false,
  };
}

/** DS, or the proof that there is none, as an answer to the question for it (RFC 4035 3.1.4). */
function keepDs(
  core: Core,
  zone: Delegation,
  child: string,
  content: Content,
  server: ServerAddress,
): void {
  const now = core.seconds;
  const known = core.cache.reply(child, TYPE.DS);
  if (known !== undefined && known.expires > now) return;
  const ds = content.authority.find((set) => set.type === TYPE.DS && set.key === child);
  const denials = content.authority.filter(
    (set) => set.type === TYPE.NSEC || set.type === TYPE.NSEC3,
  );
  if (ds === undefined && denials.length === 0) return;
  const keep = (set: Rrset) => core.cache.put(set, TRUST.AUTHORITY, now);
  const answer = ds === undefined ? [] : [keep(ds)];
  const authority = ds === undefined ? denials.map(keep) : [];
  const expires = Math.min(...[...answer, ...authority].map((one) => one.expires));
  core.cache.putReply({
    name: child,
    type: TYPE.DS,
    rcode: RCODE.NOERROR,
    aa: true,
    answer,
    authority,
    additional: [],
    zone: zone.zone,
    from: server.addr,
    stored: now,
    expires: Math.min(expires, now + core.options.maxNegativeTtl),
    security: "unchecked",
    ede: undefined,
    volatile: false,
    ...(ds === undefined ? { fromReferral: true } : {}),
  });
}
