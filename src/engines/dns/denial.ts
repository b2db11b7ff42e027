/** Proofs that something does not exist. NSEC: RFC 4035 3.1.3. NSEC3: RFC 5155 7.2. */
import { createHash } from "node:crypto";
import type { NameKey } from "../../codecs/dns/canonical.ts";
import {
  compareKeys,
  keyBytes,
  labelCount,
  lastLabels,
  wildcardOf,
} from "../../codecs/dns/canonical.ts";
import { TYPE } from "../../codecs/dns/constants.ts";
import { concat, fromHex } from "../../codecs/writer.ts";
import type { NameRef, Rrset, Zone, ZoneNode } from "./zone.ts";

/** RRsets of the authority section, with their owners. */
export type Proof = readonly { readonly owner: NameRef; readonly rrset: Rrset }[];

const BASE32HEX = "0123456789abcdefghijklmnopqrstuv";

/** SHA-1 over the name with the salt, again and again. RFC 5155 5. */
export function nsec3Hash(name: Uint8Array, salt: Uint8Array, iterations: number): Uint8Array {
  let digest = createHash("sha1")
    .update(concat([name, salt]))
    .digest();
  for (let n = 0; n < iterations; n++)
    digest = createHash("sha1").update(digest).update(salt).digest();
  return digest;
}

/** RFC 4648 7, lower case, without padding. */
export function base32Hex(bytes: Uint8Array): string {
  let text = "";
  let value = 0;
  let bits = 0;
  for (const octet of bytes) {
    value = (value << 8) | octet;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32HEX[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32HEX[(value << (5 - bits)) & 31] : text;
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
  return base32Hex(nsec3Hash(keyBytes(key), fromHex(salt) as Uint8Array, iterations));
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
