/** Proofs that something does not exist. NSEC: RFC 4035 3.1.3. NSEC3: RFC 5155 7.2. */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import {
  compareKeys,
  keyText,
  labelCount,
  lastLabels,
  wildcardOf,
} from "../../codecs/dns/canonical.ts";
import { TYPE } from "../../codecs/dns/constants.ts";
import { nsec3Hash } from "./dnssec/nsec3.ts";
import type { NameRef, Rrset, Zone, ZoneNode } from "./zone.ts";

/** RRsets of the authority section, with their owners. */
export type Proof = readonly { readonly owner: NameRef; readonly rrset: Rrset }[];

/** The hash of a name in base32hex, as NSEC3 owners have it. RFC 5155 5. */
export function hashOfKey(key: NameKey, salt: string, iterations: number): string {
  return nsec3Hash(keyText(key), salt, iterations);
}

/** Last index whose item is not after; -1 when all are. */
function lastNotAfter<T>(list: readonly T[], after: (item: T) => boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}

type Entry = Proof[number];

/** The NSEC at a name or, when it has none, the one that covers it. */
function nsecAt(zone: Zone, key: NameKey): Entry {
  const i = lastNotAfter(zone.nsecs, (node) => compareKeys(node.ref.key, key) > 0);
  const node = (zone.nsecs[i] ?? zone.nsecs.at(-1)) as ZoneNode;
  return { owner: node.ref, rrset: node.rrset(TYPE.NSEC) as Rrset };
}

function hashOf(zone: Zone, key: NameKey): string {
  const { salt, iterations } = zone.nsec3param as { salt: string; iterations: number };
  return hashOfKey(key, salt, iterations);
}

interface Place {
  readonly entry: Entry;
  /** It is the name's own. */
  readonly matches: boolean;
}

function nsec3At(zone: Zone, key: NameKey): Place {
  const hash = hashOf(zone, key);
  const i = lastNotAfter(zone.nsec3s, (item) => item.hash > hash);
  const item = (zone.nsec3s[i] ?? zone.nsec3s.at(-1)) as Zone["nsec3s"][number];
  return { entry: { owner: item.ref, rrset: item.rrset }, matches: item.hash === hash };
}

/** RFC 5155 7.2.1: the closest encloser that has an NSEC3, and the cover of the next closer name. */
function encloserProof(zone: Zone, key: NameKey, from: number): Entry[] {
  for (let count = from; count >= labelCount(zone.origin); count--) {
    const place = nsec3At(zone, lastLabels(key, count));
    if (!place.matches) continue;
    if (count === labelCount(key)) return [place.entry];
    return [place.entry, nsec3At(zone, lastLabels(key, count + 1)).entry];
  }
  return [];
}

/** The name does not exist below `encloser`, and no wildcard makes it. */
export function denyName(zone: Zone, key: NameKey, encloser: ZoneNode): Proof {
  const wildcard = wildcardOf(encloser.ref.key);
  if (zone.nsec3param === undefined) return [nsecAt(zone, key), nsecAt(zone, wildcard)];
  const proof = encloserProof(zone, key, labelCount(encloser.ref.key));
  return [...proof, nsec3At(zone, wildcard).entry];
}

/** The name exists (or an empty non-terminal does), the type does not; also at a delegation for DS. */
export function denyType(zone: Zone, node: ZoneNode): Proof {
  const { key } = node.ref;
  if (zone.nsec3param === undefined) return [nsecAt(zone, key)];
  // With opt-out the name may have none of its own (RFC 5155 7.2.4).
  return encloserProof(zone, key, labelCount(key));
}

/** The answer came from a wildcard below `encloser`: the name itself does not exist. RFC 5155 7.2.6. */
export function denyBesideWildcard(zone: Zone, key: NameKey, encloser: ZoneNode): Proof {
  if (zone.nsec3param === undefined) return [nsecAt(zone, key)];
  return [nsec3At(zone, lastLabels(key, labelCount(encloser.ref.key) + 1)).entry];
}

/** The wildcard exists, without the type. RFC 4035 3.1.3.4, RFC 5155 7.2.5. */
export function denyWildcardType(
  zone: Zone,
  key: NameKey,
  encloser: ZoneNode,
  wildcard: ZoneNode,
): Proof {
  if (zone.nsec3param === undefined) return [nsecAt(zone, wildcard.ref.key), nsecAt(zone, key)];
  return [
    ...encloserProof(zone, key, labelCount(encloser.ref.key)),
    nsec3At(zone, wildcard.ref.key).entry,
  ];
}
