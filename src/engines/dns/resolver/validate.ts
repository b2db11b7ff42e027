/**
 * Whether an answer is what its zones signed. RFC 4035 5, RFC 6840, RFC 5155 8, RFC 6672 5.3.
 * The state of an answer is that of its weakest part.
 */
import { RCODE, TYPE, typeName } from "../../../codecs/dns/index.ts";
import { isBelow, isWithin, keyOf, parentOf } from "../dnssec/names.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import { targetOf } from "../dnssec/rrset.ts";
import { verifyRrset } from "../dnssec/verify.ts";
import type { CachedSet, Explanation, Reply } from "./cache.ts";
import { TRUST } from "./cache.ts";
import { chainEnd } from "./chain.ts";
import type { Core } from "./core.ts";
import type { Proof } from "./denial.ts";
import { collectDenials, noCloserProof, nodataProof, nxdomainProof } from "./denial.ts";
import { explain } from "./explain.ts";
import { EDE } from "./store.ts";
import type { Task } from "./task.ts";
import type { KeyEntry } from "./trust.ts";
import { zoneKeys } from "./trust.ts";
import type { Place } from "./work.ts";

export interface Validation {
  readonly security: "secure" | "insecure" | "bogus";
  readonly ede?: Explanation | undefined;
}

const SECURE: Validation = { security: "secure" };

export function* validate(core: Core, place: Place, reply: Reply): Task<Validation> {
  let weakest: Validation = SECURE;
  const wildcards: { name: string; wildcard: string; keys: KeyEntry }[] = [];
  const cache = new Map<string, KeyEntry>();
  for (const [i, cached] of reply.answer.entries()) {
    if (isSynthesised(reply.answer, i)) continue;
    // Signatures have none themselves (RFC 4035 2.2): nothing vouches for them.
    if (cached.set.type === TYPE.RRSIG) {
      weakest = { security: "insecure" };
      continue;
    }
    const keys = yield* keysFor(core, place, cached.set, reply.type, cache);
    const state = judgeSet(core, place, cached, keys);
    if (state.security === "bogus") return state;
    if (state.security === "insecure") weakest = state;
    // RFC 6672 3.2 forbids what RFC 4592 4.4 left open: a DNAME made from a wildcard.
    if (state.wildcard !== undefined && cached.set.type === TYPE.DNAME) {
      cached.security = "bogus";
      return { security: "bogus", ede: explain("malformed", cached.set) };
    }
    if (state.wildcard !== undefined)
      wildcards.push({ name: cached.set.key, wildcard: state.wildcard, keys });
  }
  for (const { name, wildcard, keys } of wildcards) {
    const proof = noCloserProof(collectDenials(core, place.work, keys, reply), name, wildcard);
    if (!proof.proved)
      return missing(`nothing proves that no name is closer to ${name} than ${wildcard}`);
    if (proof.insecure) weakest = { security: "insecure" };
  }
  if (weakest.security === "secure" && reply.answer.length > 0)
    vouchForRest(core, place, reply, cache);
  const end = chainEnd(reply);
  // An alias that leads on is judged by itself; what it leads to is another answer.
  if (end.complete || (reply.answer.length > 0 && reply.rcode === RCODE.NOERROR)) return weakest;
  // RFC 6672 5.3.2: the DNAME says it, but nothing signs the code.
  if (reply.rcode === RCODE.YXDOMAIN && reply.answer.length > 0) return { security: "insecure" };
  if (reply.type === TYPE.ANY && reply.answer.length > 0) return weakest;
  const negative = yield* validateNegative(core, place, reply, end.name, cache);
  return negative.security === "secure" ? weakest : negative;
}

/** What stands beside a secure answer and is signed too: proofs to learn from, NS sets to tell. */
function vouchForRest(
  core: Core,
  place: Place,
  reply: Reply,
  cache: ReadonlyMap<string, KeyEntry>,
): void {
  for (const cached of reply.authority) {
    const wanted =
      cached.set.type === TYPE.NSEC3 ||
      (cached.set.type === TYPE.NS && !core.options.minimalResponses);
    const keys = cache.get(keyOf(cached.set.signatures[0]?.signer ?? ""));
    if (!wanted || cached.security === "secure" || keys?.state !== "secure") continue;
    const verdict = verifyRrset(cached.set, keys.zone, keys.keys, core.validationTime, place.work);
    if (verdict.ok) cached.security = "secure";
  }
}

/** The CNAME that a DNAME before it makes needs no signature. RFC 6672 5.3.1. */
function isSynthesised(answer: readonly CachedSet[], at: number): boolean {
  const set = answer[at]?.set as Rrset;
  if (set.type !== TYPE.CNAME || set.signatures.length > 0) return false;
  const dname = answer
    .slice(0, at)
    .find(({ set: one }) => one.type === TYPE.DNAME && isBelow(set.key, one.key));
  if (dname === undefined) return false;
  const target = targetOf(dname.set.rdatas[0] as never) ?? "";
  const prefix = set.key.slice(
    0,
    set.key.length - (dname.set.key === "." ? 0 : dname.set.key.length),
  );
  const made = target === "." ? prefix : `${prefix}${keyOf(target)}`;
  return keyOf(targetOf(set.rdatas[0] as never) ?? "") === made;
}

/** Keys of the zone that should have signed the set. */
function* keysFor(
  core: Core,
  place: Place,
  set: Rrset,
  qtype: number,
  cache: Map<string, KeyEntry>,
): Task<KeyEntry> {
  const signer = set.signatures
    .map((signature) => keyOf(signature.signer))
    .find(
      (name) =>
        isWithin(set.key, name) && (set.type !== TYPE.DS || name !== set.key || name === "."),
    );
  const from = signer ?? (set.type === TYPE.DS && qtype === TYPE.DS ? parentOf(set.key) : set.key);
  let keys = cache.get(from);
  if (keys === undefined) {
    keys = yield* zoneKeys(core, place, from);
    cache.set(from, keys);
  }
  return keys;
}

function judgeSet(
  core: Core,
  place: Place,
  cached: CachedSet,
  keys: KeyEntry,
): Validation & { wildcard?: string | undefined } {
  if (keys.state === "insecure") {
    if (cached.security === "unchecked") cached.security = "insecure";
    return { security: "insecure", ede: keys.ede };
  }
  if (keys.state === "bogus") {
    cached.security = "bogus";
    return { security: "bogus", ede: keys.ede };
  }
  const verdict = verifyRrset(cached.set, keys.zone, keys.keys, core.validationTime, place.work);
  if (!verdict.ok) {
    cached.security = "bogus";
    return { security: "bogus", ede: explain(verdict.reason, cached.set) };
  }
  cached.security = "secure";
  cached.expires = Math.min(cached.expires, cached.stored + verdict.ttl);
  if (verdict.wildcard !== undefined) {
    // RFC 8198 5.3: the wildcard itself may answer for other names.
    const set = { ...cached.set, name: verdict.wildcard, key: verdict.wildcard };
    core.cache.put(set, TRUST.SECURE, cached.stored, "secure");
  }
  return { security: "secure", wildcard: verdict.wildcard };
}

function missing(text: string): Validation {
  return { security: "bogus", ede: { code: EDE.NSEC_MISSING, text } };
}

function* validateNegative(
  core: Core,
  place: Place,
  reply: Reply,
  name: string,
  cache: Map<string, KeyEntry>,
): Task<Validation> {
  const { rcode, type } = reply;
  const keys = yield* negativeKeys(core, place, reply, name, cache);
  if (keys.state === "insecure") return { security: "insecure", ede: keys.ede };
  if (keys.state === "bogus") return { security: "bogus", ede: keys.ede };
  for (const cached of reply.authority) {
    if (cached.set.type !== TYPE.SOA) continue;
    const verdict = verifyRrset(cached.set, keys.zone, keys.keys, core.validationTime, place.work);
    if (!verdict.ok) return { security: "bogus", ede: explain(verdict.reason, cached.set) };
    cached.security = "secure";
  }
  const denials = collectDenials(core, place.work, keys, reply);
  const proof: Proof =
    rcode === RCODE.NXDOMAIN ? nxdomainProof(denials, name) : nodataProof(denials, name, type);
  if (!proof.proved) {
    if (denials.failure !== undefined) return { security: "bogus", ede: denials.failure };
    const what = rcode === RCODE.NXDOMAIN ? "does not exist" : `has no ${typeName(type)}`;
    return missing(`nothing proves that ${name} ${what}`);
  }
  return proof.insecure ? { security: "insecure" } : SECURE;
}

/** The zone that denies: who signed the proof, or where the name lies. */
function* negativeKeys(
  core: Core,
  place: Place,
  reply: Reply,
  name: string,
  cache: Map<string, KeyEntry>,
): Task<KeyEntry> {
  const atParent = reply.type === TYPE.DS && name !== ".";
  const from = atParent ? parentOf(name) : name;
  let signer: string | undefined;
  for (const { set } of reply.authority)
    for (const signature of set.signatures) {
      const by = keyOf(signature.signer);
      if (set.type !== TYPE.NS && isWithin(from, by)) signer ??= by;
    }
  const zone = signer ?? from;
  let keys = cache.get(zone);
  if (keys === undefined) {
    keys = yield* zoneKeys(core, place, zone);
    cache.set(zone, keys);
  }
  return keys;
}

/** Writes the verdict into the reply and what it is made of. */
export function settle(core: Core, reply: Reply, { security, ede }: Validation): void {
  reply.security = security;
  reply.ede = ede;
  if (security === "bogus") {
    // RFC 4035 4.7: kept for a short time, so that each question does not repeat the work.
    reply.expires = Math.min(reply.expires, core.seconds + 60);
    return;
  }
  if (security !== "secure") return;
  for (const cached of [...reply.answer, ...reply.authority]) {
    if (cached.security !== "secure") continue;
    reply.expires = Math.min(reply.expires, cached.expires);
    if (
      cached.trust < TRUST.SECURE &&
      core.cache.get(cached.set.key, cached.set.type, core.seconds) === cached
    )
      core.cache.replace(cached.set, TRUST.SECURE, cached.stored, "secure");
  }
  core.negative.learn(core, reply);
}
