/**
 * What NSEC3 records prove. RFC 5155 8, RFC 9276 (iterations), RFC 6840 4.
 * Hashing is what an attacker makes us do (CVE-2023-50868): every hash is taken from the budget.
 */
import { createHash } from "node:crypto";
import type { RdataOf } from "../../../codecs/dns/index.ts";
import { TYPE } from "../../../codecs/dns/index.ts";
import { fromHex, Writer } from "../../../codecs/writer.ts";
import { writeCanonicalName } from "./canonical.ts";
import { firstLabel, keyOf, parentOf, wildcardOf } from "./names.ts";
import { bitmapDenies, enclosersUpTo } from "./nsec.ts";
import type { Rrset } from "./rrset.ts";
import type { VerifyBudget } from "./verify.ts";

/** RFC 9276 3.2: above it answers are insecure; above the second they are not looked at. */
export const MAX_ITERATIONS = 150;
const OPT_OUT = 1;
const SHA1 = 1;
const DIGITS = "0123456789abcdefghijklmnopqrstuv";

export interface Nsec3 {
  /** Base32hex, lower case, as the first label of the owner is. */
  readonly hash: string;
  readonly next: string;
  readonly optOut: boolean;
  readonly iterations: number;
  /** Hex. */
  readonly salt: string;
  readonly types: readonly number[];
  readonly zone: string;
}

/** Undefined for another hash algorithm or unknown flags (RFC 5155 8.1, 8.2), or one from elsewhere. */
export function nsec3Of(set: Rrset, zone: string): Nsec3 | undefined {
  const rdata = set.rdatas[0] as RdataOf<typeof TYPE.NSEC3> | undefined;
  if (rdata === undefined || rdata.hashAlgorithm !== SHA1 || (rdata.flags & ~OPT_OUT) !== 0)
    return undefined;
  if (parentOf(set.key) !== zone) return undefined;
  return {
    hash: firstLabel(set.key),
    next: keyOf(rdata.next),
    optOut: (rdata.flags & OPT_OUT) !== 0,
    iterations: rdata.iterations,
    salt: rdata.salt,
    types: rdata.types,
    zone,
  };
}

export class HashBudgetError extends Error {}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const octet of bytes) {
    value = (value << 8) | octet;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += DIGITS[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + DIGITS[(value << (5 - bits)) & 31] : text;
}

/** RFC 5155 5. */
export function nsec3Hash(name: string, salt: string, iterations: number): string {
  const writer = new Writer(64);
  writeCanonicalName(writer, name);
  const saltBytes = fromHex(salt) ?? new Uint8Array(0);
  let digest = createHash("sha1").update(writer.finish()).update(saltBytes).digest();
  for (let i = 0; i < iterations; i++)
    digest = createHash("sha1").update(digest).update(saltBytes).digest();
  return base32(digest);
}

/** The NSEC3 records of one answer, all of one zone and one set of parameters. */
export class Nsec3Proofs {
  private readonly hashes = new Map<string, string>();
  private readonly records: readonly Nsec3[];
  private readonly budget: VerifyBudget;

  constructor(records: readonly Nsec3[], budget: VerifyBudget) {
    const [first] = records;
    // RFC 5155 8.2: all must have the same parameters.
    this.records = records.filter(
      (one) =>
        one.iterations === first?.iterations && one.salt === first.salt && one.zone === first.zone,
    );
    this.budget = budget;
  }

  get empty(): boolean {
    return this.records.length === 0;
  }

  /** RFC 9276 3.2. */
  get tooManyIterations(): boolean {
    return (this.records[0]?.iterations ?? 0) > MAX_ITERATIONS;
  }

  /** @throws HashBudgetError */
  private hash(name: string): string {
    const known = this.hashes.get(name);
    if (known !== undefined) return known;
    if (this.budget.hashes <= 0) throw new HashBudgetError("too many NSEC3 hashes");
    this.budget.hashes--;
    const { salt, iterations } = this.records[0] as Nsec3;
    const hash = nsec3Hash(name, salt, iterations);
    this.hashes.set(name, hash);
    return hash;
  }

  matching(name: string): Nsec3 | undefined {
    if (this.empty) return undefined;
    const hash = this.hash(name);
    return this.records.find((one) => one.hash === hash);
  }

  covering(name: string): Nsec3 | undefined {
    if (this.empty) return undefined;
    const hash = this.hash(name);
    return this.records.find(({ hash: owner, next }) =>
      owner < next ? owner < hash && hash < next : hash > owner || hash < next,
    );
  }

  /** RFC 5155 8.3: the encloser that exists, and what covers the name one label longer. */
  closestEncloser(
    name: string,
  ): { encloser: string; nextCloser: string; cover: Nsec3 | undefined } | undefined {
    const { zone } = this.records[0] ?? {};
    if (zone === undefined) return undefined;
    let nextCloser = name;
    for (const encloser of enclosersUpTo(name, zone)) {
      const match = this.matching(encloser);
      if (match !== undefined) {
        if (encloser !== name && !mayEnclose(match)) return undefined;
        return {
          encloser,
          nextCloser,
          cover: encloser === name ? undefined : this.covering(nextCloser),
        };
      }
      nextCloser = encloser;
    }
    return undefined;
  }

  /** RFC 5155 8.4. `optOut`: the cover leaves insecure delegations out, so that it is no secure denial. */
  nxdomain(name: string): { proved: boolean; optOut: boolean } {
    const found = this.closestEncloser(name);
    if (found?.cover === undefined) return { proved: false, optOut: false };
    const proved = this.covering(wildcardOf(found.encloser)) !== undefined;
    return { proved, optOut: found.cover.optOut };
  }

  /** RFC 5155 8.5 to 8.7. */
  nodata(name: string, qtype: number): { proved: boolean; optOut: boolean } {
    const match = this.matching(name);
    if (match !== undefined) return { proved: deniesType(match, name, qtype), optOut: false };
    const found = this.closestEncloser(name);
    if (found?.cover === undefined) return { proved: false, optOut: false };
    // 8.7: a wildcard that has no such type.
    const wildcard = this.matching(wildcardOf(found.encloser));
    if (wildcard !== undefined)
      return {
        proved: deniesType(wildcard, wildcardOf(found.encloser), qtype),
        optOut: found.cover.optOut,
      };
    // 8.6: only for DS; RFC 6840 appendix: an opt-out span may hold the delegation or the
    // empty non-terminal above it.
    return { proved: found.cover.optOut && qtype === TYPE.DS, optOut: found.cover.optOut };
  }

  /** RFC 5155 8.8. */
  noCloser(name: string, wildcard: string): { proved: boolean; optOut: boolean } {
    const encloser = wildcard.slice(2) === "" ? "." : wildcard.slice(2);
    let nextCloser = name;
    while (parentOf(nextCloser) !== encloser && nextCloser !== ".")
      nextCloser = parentOf(nextCloser);
    const cover = this.covering(nextCloser);
    return { proved: cover !== undefined, optOut: cover?.optOut === true };
  }

  /** RFC 5155 8.9: what it says about a delegation at `name`. */
  ds(name: string): "insecure" | "no-cut" | "none" {
    const match = this.matching(name);
    if (match !== undefined) {
      const has = (type: number) => match.types.includes(type);
      if (has(TYPE.DS) || (has(TYPE.SOA) && name !== ".")) return "none";
      return has(TYPE.NS) ? "insecure" : "no-cut";
    }
    const found = this.closestEncloser(name);
    if (found?.cover === undefined) return "none";
    return found.cover.optOut ? "insecure" : "no-cut";
  }
}

/** RFC 5155 8.3: an ancestor delegation, or a DNAME, encloses nothing. */
function mayEnclose({ types }: Nsec3): boolean {
  if (types.includes(TYPE.DNAME)) return false;
  return !types.includes(TYPE.NS) || types.includes(TYPE.SOA);
}

function deniesType({ types }: Nsec3, name: string, qtype: number): boolean {
  const has = (type: number) => types.includes(type);
  if (!bitmapDenies(types, qtype)) return false;
  if (qtype === TYPE.DS) return !has(TYPE.SOA) || name === ".";
  return !has(TYPE.NS) || has(TYPE.SOA);
}
