/** What NSEC records prove. RFC 4035 5.4, RFC 6840 4, RFC 4592. The records were verified before. */
import type { RdataOf } from "../../../codecs/dns/index.ts";
import { TYPE } from "../../../codecs/dns/index.ts";
import {
  compareNames,
  isBelow,
  isWithin,
  keyOf,
  parentOf,
  sharedAncestor,
  wildcardOf,
} from "./names.ts";
import type { Rrset } from "./rrset.ts";

export interface Nsec {
  readonly owner: string;
  readonly next: string;
  readonly types: readonly number[];
  /** The zone that signed it. */
  readonly zone: string;
}

export function nsecOf(set: Rrset, zone: string): Nsec | undefined {
  const rdata = set.rdatas[0] as RdataOf<typeof TYPE.NSEC> | undefined;
  if (rdata === undefined || typeof rdata.next !== "string") return undefined;
  return { owner: set.key, next: keyOf(rdata.next), types: rdata.types, zone };
}

/** RFC 6840 4.1: from above a zone cut it says nothing of what is below. */
function isFromAbove({ types }: Nsec): boolean {
  return types.includes(TYPE.NS) && !types.includes(TYPE.SOA);
}

/** Whether the name lies strictly between owner and next, the last one wrapping to the apex. */
export function nsecCovers(nsec: Nsec, name: string): boolean {
  const { owner, next, zone } = nsec;
  if (!isWithin(name, zone) || name === owner) return false;
  if (isBelow(name, owner) && (isFromAbove(nsec) || nsec.types.includes(TYPE.DNAME))) return false;
  // The name exists: something lies below it (an empty non-terminal).
  if (isWithin(next, name)) return false;
  const afterOwner = compareNames(owner, name) < 0;
  if (next === zone || compareNames(next, owner) <= 0) return afterOwner;
  return afterOwner && compareNames(name, next) < 0;
}

/** The closest encloser of a name that `nsec` covers. RFC 7129 5.5. */
export function closestEncloser(nsec: Nsec, name: string): string {
  const a = sharedAncestor(name, nsec.owner);
  const b = sharedAncestor(name, nsec.next);
  return a.length > b.length ? a : b;
}

/** RFC 6895 3.1: types of questions and of the transport, which no bitmap may list (RFC 4034 4.1.2). */
export function isPseudoType(type: number): boolean {
  return type === TYPE.OPT || (type >= 128 && type <= 255);
}

/** Whether a bitmap says that there is nothing of `qtype`: of ANY, when it lists no data at all. */
export function bitmapDenies(types: readonly number[], qtype: number): boolean {
  if (isPseudoType(qtype)) return types.every((one) => one === TYPE.NSEC || one === TYPE.RRSIG);
  return !types.includes(qtype) && !types.includes(TYPE.CNAME);
}

/** Whether the bitmap at the name itself says that there is no `qtype`. */
function deniesType(nsec: Nsec, qtype: number): boolean {
  const has = (type: number) => nsec.types.includes(type);
  if (!bitmapDenies(nsec.types, qtype)) return false;
  // The parent speaks of DS, the child of all else (RFC 6840 4.1, RFC 4035 5.2).
  if (qtype === TYPE.DS) return !has(TYPE.SOA) || nsec.owner === ".";
  return !isFromAbove(nsec);
}

/** NODATA: at the name, at an empty non-terminal, or at the wildcard that stands for it. */
export function provesNodata(nsecs: readonly Nsec[], name: string, qtype: number): boolean {
  for (const nsec of nsecs) {
    if (nsec.owner === name) return deniesType(nsec, qtype);
    if (isBelow(nsec.next, name) && isWithin(name, nsec.zone) && compareNames(nsec.owner, name) < 0)
      return true;
  }
  const covering = nsecs.find((nsec) => nsecCovers(nsec, name));
  if (covering === undefined) return false;
  const wildcard = wildcardOf(closestEncloser(covering, name));
  const at = nsecs.find((nsec) => nsec.owner === wildcard);
  return at !== undefined && deniesType(at, qtype);
}

/** NXDOMAIN: the name is covered, and so is the wildcard at its closest encloser. */
export function provesNxdomain(nsecs: readonly Nsec[], name: string): boolean {
  const covering = nsecs.find((nsec) => nsecCovers(nsec, name));
  if (covering === undefined) return false;
  const wildcard = wildcardOf(closestEncloser(covering, name));
  return nsecs.some((nsec) => nsecCovers(nsec, wildcard));
}

/** RFC 4035 5.3.4: what was made from a wildcard needs proof that nothing closer exists. */
export function provesNoCloser(nsecs: readonly Nsec[], name: string, wildcard: string): boolean {
  return nsecs.some(
    (nsec) => nsecCovers(nsec, name) && wildcardOf(closestEncloser(nsec, name)) === wildcard,
  );
}

export type DsDenial = "insecure" | "no-cut" | "none";

/** What the parent's NSEC at `name` says about a delegation there (RFC 4035 5.2). */
export function dsDenial(nsecs: readonly Nsec[], name: string): DsDenial {
  for (const nsec of nsecs) {
    if (nsec.owner === name) {
      const has = (type: number) => nsec.types.includes(type);
      if (has(TYPE.DS) || (has(TYPE.SOA) && name !== ".")) return "none";
      return has(TYPE.NS) ? "insecure" : "no-cut";
    }
    // An empty non-terminal is no cut.
    if (isBelow(nsec.next, name) && isWithin(name, nsec.zone) && compareNames(nsec.owner, name) < 0)
      return "no-cut";
    if (nsecCovers(nsec, name)) return "no-cut";
  }
  return "none";
}

/** The parent of a name stays within the zone. */
export function enclosersUpTo(name: string, zone: string): string[] {
  const out: string[] = [];
  for (let at = name; isWithin(at, zone); at = parentOf(at)) {
    out.push(at);
    if (at === ".") break;
  }
  return out;
}
