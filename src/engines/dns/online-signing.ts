/**
 * A signed zone that changes: what an UPDATE touched is signed again, and what ends soon. RFC 3007
 * (who makes the records of DNSSEC), RFC 4035 2, RFC 6781 4.4.2 (when to sign again).
 */
import type { KeyObject } from "node:crypto";
import { compareSerials } from "../../codecs/dns/canonical.ts";
import { TYPE } from "../../codecs/dns/constants.ts";
import type { RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import type { Nsec3Options, SigningKey } from "./sign.ts";
import { signingKey, signZone } from "./sign.ts";
import { Zone } from "./zone.ts";
import { recordKey } from "./zone-diff.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Clocks of validators may be behind. */
const BEFORE = HOUR;
const VALID = 30 * DAY;
/** Signatures are made again when less is left: resolvers and secondaries have the old ones yet. */
const RENEW = 10 * DAY;

/** One or two keys of a zone. */
export interface ZoneKeys {
  readonly ksk: SigningKey;
  readonly zsk: SigningKey | undefined;
}

/** Those of a signed zone, or why it cannot be signed with these. */
export function zoneKeys(zone: Zone, candidates: readonly KeyObject[]): ZoneKeys | string {
  const dnskeys = zone.apex.rrset(TYPE.DNSKEY)?.records ?? [];
  const published = new Set(dnskeys.map(({ rdata }) => fingerprint(rdata as RdataFields)));
  const of = (entry: boolean) =>
    candidates
      .map((key) => signingKey(key, entry))
      .filter((key) => key !== undefined)
      .filter(({ dnskey }) => published.has(fingerprint(dnskey)));
  const [secureEntries, others] = [of(true), of(false)];
  const [ksk, zsk] = [secureEntries[0] ?? others[0], others[0]];
  if (ksk === undefined) return "no --sign-key is one of its DNSKEY records";
  const unheld = [...zone.records()].find(
    ({ type, rdata }) =>
      type === TYPE.RRSIG &&
      ![ksk, zsk].some((key) => key !== undefined && madeBy(rdata as RdataFields, key)),
  );
  if (unheld !== undefined) {
    const { algorithm, keyTag } = unheld.rdata as RdataFields;
    return `it has signatures of a key that no --sign-key is: tag ${keyTag}, algorithm ${algorithm}`;
  }
  return { ksk, zsk: zsk === ksk ? undefined : zsk };
}

function fingerprint({ flags, algorithm, publicKey }: RdataFields): string {
  return `${flags} ${algorithm} ${publicKey}`;
}

function madeBy({ algorithm, keyTag }: RdataFields, key: SigningKey): boolean {
  return algorithm === key.algorithm && keyTag === key.tag;
}

/** RFC 3007 4.3, 5.3: signatures and denials are the server's; its keys come with `--sign-key`. */
const OURS: ReadonlySet<number> = new Set([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
  TYPE.DNSKEY,
]);

/** Whether an UPDATE asks for what only the signer may change. */
export function changesSigning(updates: readonly ResourceRecord[]): boolean {
  return updates.some(({ type }) => OURS.has(type));
}

/** A version of a signed zone with these records, signed where it differs. `now`: seconds since 1970. @throws ZoneError */
export function resign(
  before: Zone,
  records: readonly ResourceRecord[],
  keys: ZoneKeys,
  now: number,
): Zone {
  const { name } = before;
  // Deleting all of the apex (RFC 2136 2.5.3) takes no key away.
  const dnskeys = before.apex.rrset(TYPE.DNSKEY)?.records ?? [];
  const there = new Set(records.map(recordKey));
  const plain = [...records, ...dnskeys.filter((key) => !there.has(recordKey(key)))];
  const signed = signZone(new Zone(name, plain), {
    ...keys,
    inception: now - BEFORE,
    expiration: now + VALID,
    nsec3: nsec3Of(before),
    earlier: { zone: before, until: now + RENEW },
  });
  return new Zone(name, signed);
}

function nsec3Of({ nsec3param, nsec3s }: Zone): Nsec3Options | undefined {
  if (nsec3param === undefined) return undefined;
  const rdata = nsec3s[0]?.rrset.records[0]?.rdata as RdataFields | undefined;
  return { ...nsec3param, optOut: (((rdata?.["flags"] ?? 0) as number) & 1) !== 0 };
}

/** Whether a signature ends so soon that it is made again. */
export function endsSoon(zone: Zone, now: number): boolean {
  for (const { type, rdata } of zone.records()) {
    if (type !== TYPE.RRSIG) continue;
    const { expiration } = rdata as RdataFields;
    if (!(compareSerials(expiration as number, now + RENEW) > 0)) return true;
  }
  return false;
}
