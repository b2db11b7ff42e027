/**
 * A signed zone checked without a network: each set that the zone answers for has a signature that
 * holds (RFC 4035 2.2, 5.3), and the NSEC or NSEC3 chain is whole and tells the truth (RFC 4035 2.3,
 * RFC 5155 7.1). A zone of one's own may cost what it costs: no budget.
 */
import { nameKey } from "../../codecs/dns/canonical.ts";
import { TYPE, typeName } from "../../codecs/dns/constants.ts";
import type { Dnskey } from "./dnssec/keys.ts";
import { algorithms } from "./dnssec/keys.ts";
import { compareNames, keyOf } from "./dnssec/names.ts";
import { nsecOf } from "./dnssec/nsec.ts";
import { nsec3Hash, nsec3Of } from "./dnssec/nsec3.ts";
import type { Rrset } from "./dnssec/rrset.ts";
import { groupSections } from "./dnssec/rrset.ts";
import { usableKeys, verifyRrset } from "./dnssec/verify.ts";
import type { Zone, ZoneNode } from "./zone.ts";

export interface SignedReport {
  readonly sets: number;
  /** Seconds since 1970 when the first signature ends. */
  readonly expires: number | undefined;
  readonly problems: readonly string[];
}

/** The types of a name that its NSEC or NSEC3 tells: at a delegation what the parent answers for. */
function typesOf(node: ZoneNode): Set<number> {
  const cut = node.cut === node;
  const types = new Set<number>();
  for (const { type, sigs } of node.rrsets) {
    if (cut && type !== TYPE.NS && type !== TYPE.DS && type !== TYPE.NSEC) continue;
    types.add(type);
    if (sigs !== undefined) types.add(TYPE.RRSIG);
  }
  return types;
}

function isSigned({ type, name }: Rrset, zone: Zone): boolean {
  const node = zone.find(nameKey(name))?.node;
  if (type === TYPE.RRSIG) return false;
  if (node === undefined || node.cut === undefined) return true;
  // RFC 4035 2.2: neither glue nor the NS of a delegation.
  return node.cut === node && (type === TYPE.DS || type === TYPE.NSEC);
}

/** `now`: seconds since 1970. */
export function checkSigned(zone: Zone, now: number): SignedReport {
  const apex = keyOf(zone.name);
  const [sets] = groupSections([[...zone.records()]]);
  const dnskeys = sets.find(({ type, key }) => type === TYPE.DNSKEY && key === apex)?.rdatas ?? [];
  const keys = usableKeys(dnskeys as unknown as readonly Dnskey[], algorithms());
  if (keys.length === 0)
    return { sets: 0, expires: undefined, problems: [`${zone.name} has no key that signs`] };
  const problems: string[] = [];
  let checked = 0;
  let expires: number | undefined;
  for (const set of sets) {
    if (!isSigned(set, zone)) continue;
    checked++;
    const budget = { signatures: Number.MAX_SAFE_INTEGER, hashes: Number.MAX_SAFE_INTEGER };
    const result = verifyRrset(set, apex, keys, now, budget);
    if (!result.ok) problems.push(`${set.name} ${typeName(set.type)}: ${result.reason}`);
    else expires = Math.min(expires ?? Number.POSITIVE_INFINITY, result.signature.expiration);
  }
  problems.push(
    ...(zone.nsec3param === undefined ? nsecChain(zone, sets) : nsec3Chain(zone, sets)),
  );
  return { sets: checked, expires, problems };
}

function differs(told: readonly number[], real: ReadonlySet<number>): boolean {
  return told.length !== real.size || told.some((type) => !real.has(type));
}

function nsecChain(zone: Zone, sets: readonly Rrset[]): string[] {
  const apex = keyOf(zone.name);
  const problems: string[] = [];
  const chain = sets
    .filter(({ type }) => type === TYPE.NSEC)
    .sort((a, b) => compareNames(a.key, b.key));
  const owners = new Set(chain.map(({ key }) => key));
  for (const [i, set] of chain.entries()) {
    const nsec = nsecOf(set, apex);
    const next = chain[(i + 1) % chain.length]?.key;
    if (nsec === undefined || keyOf(nsec.next) !== next)
      problems.push(`${set.name} NSEC: the next name is not ${next}`);
    const node = zone.find(nameKey(set.name))?.node;
    if (nsec !== undefined && node !== undefined && differs(nsec.types, typesOf(node)))
      problems.push(`${set.name} NSEC: its types are not those of the name`);
  }
  for (const node of zone.nodes) {
    const name = node.rrsets[0]?.records[0]?.name;
    const hidden = node.cut !== undefined && node.cut !== node;
    if (name !== undefined && !hidden && !owners.has(keyOf(name)))
      problems.push(`${name} has no NSEC`);
  }
  return problems;
}

function nsec3Chain(zone: Zone, sets: readonly Rrset[]): string[] {
  const apex = keyOf(zone.name);
  const { salt, iterations } = zone.nsec3param as NonNullable<Zone["nsec3param"]>;
  const problems: string[] = [];
  const chain = sets
    .filter(({ type }) => type === TYPE.NSEC3)
    .map((set) => nsec3Of(set, apex))
    .filter((one) => one !== undefined)
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const byHash = new Map(chain.map((one) => [one.hash, one]));
  for (const [i, { hash, next }] of chain.entries()) {
    if (next !== chain[(i + 1) % chain.length]?.hash)
      problems.push(`${hash} NSEC3: the next hash is not the next of the zone`);
  }
  const optOut = chain.some((one) => one.optOut);
  for (const node of zone.nodes) {
    const name = node.rrsets[0]?.records[0]?.name;
    if (name === undefined || (node.cut !== undefined && node.cut !== node)) continue;
    const told = byHash.get(nsec3Hash(keyOf(name), salt, iterations));
    // RFC 5155 7.1: with opt-out, delegations without DS may be left out.
    const mayMiss = optOut && node.cut === node && node.rrset(TYPE.DS) === undefined;
    if (told === undefined) {
      if (!mayMiss) problems.push(`${name} has no NSEC3`);
    } else if (differs(told.types, typesOf(node)))
      problems.push(`${name} NSEC3: its types are not those of the name`);
  }
  return problems;
}
