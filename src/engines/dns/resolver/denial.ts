/** Proofs of absence in an answer: its NSEC and NSEC3 records that a zone's keys verify. */
import { TYPE } from "../../../codecs/dns/index.ts";
import type { DsDenial, Nsec } from "../dnssec/nsec.ts";
import { dsDenial, nsecOf, provesNoCloser, provesNodata, provesNxdomain } from "../dnssec/nsec.ts";
import type { Nsec3 } from "../dnssec/nsec3.ts";
import { HashBudgetError, Nsec3Proofs, nsec3Of } from "../dnssec/nsec3.ts";
import type { ZoneKey } from "../dnssec/verify.ts";
import { verifyRrset } from "../dnssec/verify.ts";
import type { CachedSet, Explanation, Reply } from "./cache.ts";
import type { Core } from "./core.ts";
import { explain } from "./explain.ts";
import type { Work } from "./work.ts";

export interface Denials {
  readonly nsecs: readonly Nsec[];
  readonly nsec3: Nsec3Proofs;
  /** Why one of them does not count. */
  readonly failure: Explanation | undefined;
}

export interface Proof {
  readonly proved: boolean;
  /** True where the proof leaves room for unsigned names (opt-out, too many iterations). */
  readonly insecure: boolean;
}

const NO: Proof = { proved: false, insecure: false };

export function collectDenials(
  core: Core,
  work: Work,
  zone: { readonly zone: string; readonly keys: readonly ZoneKey[] },
  reply: Reply,
): Denials {
  const nsecs: Nsec[] = [];
  const nsec3s: Nsec3[] = [];
  let failure: Explanation | undefined;
  for (const cached of reply.authority) {
    const { set } = cached;
    if (set.type !== TYPE.NSEC && set.type !== TYPE.NSEC3) continue;
    const verdict = verify(core, work, zone, cached);
    if (verdict !== undefined) {
      failure ??= verdict;
      continue;
    }
    const nsec = set.type === TYPE.NSEC ? nsecOf(set, zone.zone) : undefined;
    if (nsec !== undefined) nsecs.push(nsec);
    const nsec3 = set.type === TYPE.NSEC3 ? nsec3Of(set, zone.zone) : undefined;
    if (nsec3 !== undefined) nsec3s.push(nsec3);
  }
  return { nsecs, nsec3: new Nsec3Proofs(nsec3s, work), failure };
}

function verify(
  core: Core,
  work: Work,
  zone: { readonly zone: string; readonly keys: readonly ZoneKey[] },
  cached: CachedSet,
): Explanation | undefined {
  const verdict = verifyRrset(cached.set, zone.zone, zone.keys, core.validationTime, work);
  if (!verdict.ok) return explain(verdict.reason, cached.set);
  // A wildcard's NSEC that was expanded proves nothing of the name (RFC 4035 5.3.4).
  if (verdict.wildcard !== undefined) return explain("malformed", cached.set);
  cached.security = "secure";
  cached.expires = Math.min(cached.expires, cached.stored + verdict.ttl);
  return undefined;
}

export function dsVerdict({ nsecs, nsec3 }: Denials, name: string): DsDenial {
  const byNsec = dsDenial(nsecs, name);
  if (byNsec !== "none" || nsec3.empty) return byNsec;
  if (nsec3.tooManyIterations) return "insecure";
  return withinBudget(() => nsec3.ds(name), "none");
}

function withinBudget<T>(prove: () => T, otherwise: T): T {
  try {
    return prove();
  } catch (error) {
    if (error instanceof HashBudgetError) return otherwise;
    throw error;
  }
}

export function nodataProof({ nsecs, nsec3 }: Denials, name: string, type: number): Proof {
  if (provesNodata(nsecs, name, type)) return { proved: true, insecure: false };
  return byNsec3(nsec3, () => nsec3.nodata(name, type));
}

export function nxdomainProof({ nsecs, nsec3 }: Denials, name: string): Proof {
  if (provesNxdomain(nsecs, name)) return { proved: true, insecure: false };
  return byNsec3(nsec3, () => nsec3.nxdomain(name));
}

export function noCloserProof({ nsecs, nsec3 }: Denials, name: string, wildcard: string): Proof {
  if (provesNoCloser(nsecs, name, wildcard)) return { proved: true, insecure: false };
  return byNsec3(nsec3, () => nsec3.noCloser(name, wildcard));
}

function byNsec3(nsec3: Nsec3Proofs, prove: () => { proved: boolean; optOut: boolean }): Proof {
  if (nsec3.empty) return NO;
  if (nsec3.tooManyIterations) return { proved: true, insecure: true };
  const { proved, optOut } = withinBudget(prove, { proved: false, optOut: false });
  return { proved, insecure: optOut };
}
