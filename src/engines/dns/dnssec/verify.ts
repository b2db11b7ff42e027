/**
 * Whether a record set is signed by one of a zone's keys. RFC 4035 5.3, RFC 6840, RFC 1982.
 * What it may cost is counted in a `VerifyBudget`: a zone chooses how many keys and signatures it
 * shows (KeyTrap, CVE-2023-50387).
 */
import type { KeyObject } from "node:crypto";
import { verify as cryptoVerify } from "node:crypto";
import { fromBase64 } from "../../../codecs/writer.ts";
import { canonicalRdatas, signedOctets } from "./canonical.ts";
import type { Algorithms, Dnskey } from "./keys.ts";
import { ALGORITHM, dsaSignature, KEY_FLAG, keyTag, publicKey } from "./keys.ts";
import { isWithin, keyOf, labelCount, suffix, wildcardOf } from "./names.ts";
import type { Rrset, Rrsig } from "./rrset.ts";

/** Signatures of one set that are tried: as unbound has it since CVE-2023-50387. */
export const MAX_SIGNATURES_PER_SET = 8;
/** Failed verifications of one set, over all its signatures and colliding keys. */
const MAX_FAILURES_PER_SET = 8;

/** What may still be spent for one question. Counts down. */
export interface VerifyBudget {
  /** Public-key operations. */
  signatures: number;
  /** NSEC3 hash computations. */
  hashes: number;
}

export interface ZoneKey {
  readonly dnskey: Dnskey;
  readonly tag: number;
  readonly key: KeyObject;
}

/** Zone keys that may sign (RFC 4034 2.1.1), not revoked, of the algorithms that count. */
export function usableKeys(dnskeys: readonly Dnskey[], known: Algorithms): ZoneKey[] {
  const keys: ZoneKey[] = [];
  for (const dnskey of dnskeys) {
    if ((dnskey.flags & KEY_FLAG.ZONE) === 0 || (dnskey.flags & KEY_FLAG.REVOKED) !== 0) continue;
    if (dnskey.protocol !== 3 || !known.signature(dnskey.algorithm)) continue;
    const key = publicKey(dnskey);
    if (key !== undefined) keys.push({ dnskey, tag: keyTag(dnskey), key });
  }
  return keys;
}

export type VerifyFailure =
  | "no-signature"
  | "no-key"
  | "expired"
  | "not-yet-valid"
  | "malformed"
  | "bad-signature"
  | "budget";

export type Verified =
  | {
      readonly ok: true;
      readonly signature: Rrsig;
      /** The wildcard from which the set came (RFC 4035 5.3.4); undefined when it has its own name. */
      readonly wildcard: string | undefined;
      /** No longer than this may the set be kept (RFC 4035 5.3.3). */
      readonly ttl: number;
    }
  | { readonly ok: false; readonly reason: VerifyFailure };

/** Serial arithmetic on seconds: RFC 4034 3.1.5, RFC 1982. */
function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Grace for clocks that are a little off, at most: unbound's val-sig-skew-min. */
const MAX_SKEW_SECONDS = 3600;

/** Why the signature does not count, whatever its key; undefined when it may. */
function unfit(set: Rrset, zone: string, signature: Rrsig, now: number): VerifyFailure | undefined {
  if (keyOf(signature.signer) !== zone || !isWithin(set.key, zone)) return "no-signature";
  if (signature.typeCovered !== set.type) return "no-signature";
  if (signature.labels > ownLabels(set.key)) return "malformed";
  if (before(signature.expiration, signature.inception)) return "malformed";
  const skew = Math.min(
    MAX_SKEW_SECONDS,
    Math.floor(((signature.expiration - signature.inception) >>> 0) / 10),
  );
  if (before(signature.expiration + skew, now)) return "expired";
  if (before(now, signature.inception - skew)) return "not-yet-valid";
  return undefined;
}

/** RFC 4034 3.1.3: neither the root nor a wildcard's own label counts. */
function ownLabels(key: string): number {
  return labelCount(key) - (key.startsWith("*.") ? 1 : 0);
}

/** Of several reasons the one that tells most: EDE has one code (RFC 8914). */
const TELLING: readonly VerifyFailure[] = [
  "budget",
  "bad-signature",
  "expired",
  "not-yet-valid",
  "malformed",
  "no-key",
  "no-signature",
];

/** `now`: seconds since 1970. */
export function verifyRrset(
  set: Rrset,
  zone: string,
  keys: readonly ZoneKey[],
  now: number,
  budget: VerifyBudget,
): Verified {
  const rdatas = set.signatures.length === 0 ? [] : canonicalRdatas(set);
  const reasons = new Set<VerifyFailure>(["no-signature"]);
  let failures = 0;
  for (const signature of set.signatures.slice(0, MAX_SIGNATURES_PER_SET)) {
    const reason = unfit(set, zone, signature, now);
    if (reason !== undefined) {
      reasons.add(reason);
      continue;
    }
    reasons.add("no-key");
    for (const { dnskey, tag, key } of keys) {
      if (tag !== signature.keyTag || dnskey.algorithm !== signature.algorithm) continue;
      if (budget.signatures <= 0 || failures >= MAX_FAILURES_PER_SET)
        return { ok: false, reason: "budget" };
      budget.signatures--;
      if (signatureIsGood(set, signature, key, rdatas)) return verified(set, signature, now);
      failures++;
      reasons.add("bad-signature");
    }
  }
  return { ok: false, reason: TELLING.find((reason) => reasons.has(reason)) as VerifyFailure };
}

function verified(set: Rrset, signature: Rrsig, now: number): Verified {
  const expanded = signature.labels < ownLabels(set.key);
  return {
    ok: true,
    signature,
    wildcard: expanded ? wildcardOf(suffix(set.key, signature.labels)) : undefined,
    ttl: Math.min(set.ttl, signature.originalTtl, Math.max(0, (signature.expiration - now) >>> 0)),
  };
}

function signatureIsGood(
  set: Rrset,
  signature: Rrsig,
  key: KeyObject,
  rdatas: readonly Uint8Array[],
): boolean {
  const bytes = fromBase64(signature.signature);
  if (bytes === undefined) return false;
  // RFC 4035 5.3.2: of a name that came from a wildcard, the wildcard was signed.
  const owner =
    signature.labels < ownLabels(set.key) ? wildcardOf(suffix(set.key, signature.labels)) : set.key;
  const data = signedOctets(set, owner, signature, rdatas);
  try {
    return verifyOctets(signature.algorithm, key, data, bytes);
  } catch {
    // node:crypto throws for signatures of impossible lengths.
    return false;
  }
}

function verifyOctets(
  algorithm: number,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  switch (algorithm) {
    case ALGORITHM.RSASHA1:
    case ALGORITHM.RSASHA1_NSEC3:
      return cryptoVerify("sha1", data, key, signature);
    case ALGORITHM.RSASHA256:
      return cryptoVerify("sha256", data, key, signature);
    case ALGORITHM.RSASHA512:
      return cryptoVerify("sha512", data, key, signature);
    case ALGORITHM.ECDSAP256:
      return cryptoVerify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, signature);
    case ALGORITHM.ECDSAP384:
      return cryptoVerify("sha384", data, { key, dsaEncoding: "ieee-p1363" }, signature);
    case ALGORITHM.ED25519:
    case ALGORITHM.ED448:
      return cryptoVerify(null, data, key, signature);
    case ALGORITHM.DSA:
    case ALGORITHM.DSA_NSEC3:
      return cryptoVerify("sha1", data, key, dsaSignature(signature));
    default:
      return false;
  }
}
