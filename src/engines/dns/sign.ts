/**
 * Signs a zone: RFC 4035 2, RFC 5155 7.1, RFC 6605 (P-256), RFC 8080 (Ed25519), RFC 9077 (TTL of
 * denials), RFC 9276 (no salt, no iterations by default).
 */
import type { KeyObject } from "node:crypto";
import { createPublicKey, sign as signBytes } from "node:crypto";
import type { NameKey } from "../../codecs/dns/canonical.ts";
import {
  compareKeys,
  compareSerials,
  isWildcard,
  keyTag,
  keyText,
  labelCount,
  nameKey,
  signedData,
} from "../../codecs/dns/canonical.ts";
import { CLASS, TYPE } from "../../codecs/dns/constants.ts";
import type { RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import { rdataBytes } from "../../codecs/dns/rdata.ts";
import { concat, fromBase64, toBase64 } from "../../codecs/writer.ts";
import { hashOfKey } from "./denial.ts";
import type { Rrset, ZoneNode } from "./zone.ts";
import { Zone } from "./zone.ts";
import { recordKey } from "./zone-diff.ts";

const ECDSAP256SHA256 = 13;
const ED25519 = 15;
const ZONE_KEY = 256;
const SECURE_ENTRY = 257;

export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly algorithm: number;
  readonly dnskey: RdataFields;
  readonly tag: number;
}

export interface Nsec3Options {
  /** Hex. */
  readonly salt: string;
  readonly iterations: number;
  /** Delegations without DS get none. RFC 5155 6. */
  readonly optOut: boolean;
}

export interface SignOptions {
  /** Signs the DNSKEY RRset; with no `zsk` all else too. */
  readonly ksk: SigningKey;
  readonly zsk?: SigningKey | undefined;
  /** Seconds since 1970. */
  readonly inception: number;
  readonly expiration: number;
  /** Without it NSEC. */
  readonly nsec3?: Nsec3Options | undefined;
  /** Its signatures stay over sets that are the same and end after `until`. */
  readonly earlier?: { readonly zone: Zone; readonly until: number } | undefined;
}

/** RFC 7344 4.1: what the parent is asked to trust is signed by what it trusts now. */
const BY_KSK: ReadonlySet<number> = new Set([TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY]);

/** Undefined for a key that is neither Ed25519 nor P-256. */
export function signingKey(privateKey: KeyObject, entry: boolean): SigningKey | undefined {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const edwards = kty === "OKP" && crv === "Ed25519";
  if (!edwards && !(kty === "EC" && crv === "P-256")) return undefined;
  const part = (text: string | undefined) => fromBase64(text ?? "") as Uint8Array;
  const publicKey = edwards ? part(x) : concat([part(x), part(y)]);
  const algorithm = edwards ? ED25519 : ECDSAP256SHA256;
  const dnskey = {
    flags: entry ? SECURE_ENTRY : ZONE_KEY,
    protocol: 3,
    algorithm,
    publicKey: toBase64(publicKey),
  };
  return { privateKey, algorithm, dnskey, tag: keyTag(rdataBytes(TYPE.DNSKEY, dnskey)) };
}

function rrsig(
  records: readonly ResourceRecord[],
  labels: number,
  signer: string,
  key: SigningKey,
  options: SignOptions,
): ResourceRecord {
  const [first] = records as [ResourceRecord];
  const fields = {
    typeCovered: first.type,
    algorithm: key.algorithm,
    labels,
    originalTtl: first.ttl,
    expiration: options.expiration,
    inception: options.inception,
    keyTag: key.tag,
    signer,
    signature: "",
  };
  const data = signedData(fields, records);
  const signature =
    key.algorithm === ED25519
      ? signBytes(null, data, key.privateKey)
      : signBytes("sha256", data, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const rdata = { ...fields, signature: toBase64(signature) };
  return { name: first.name, type: TYPE.RRSIG, class: first.class, ttl: first.ttl, rdata };
}

const MADE_HERE: ReadonlySet<number> = new Set([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
]);

/** The records of the zone with signatures and denials; older ones are taken off. @throws ZoneError */
export function signZone(source: Zone, options: SignOptions): ResourceRecord[] {
  const { nsec3, ksk, zsk } = options;
  const { name } = source;
  const ttl = Math.min(source.soa.ttl, source.soaRdata.minimum);
  const apex = (type: number, rdata: RdataFields, recordTtl: number): ResourceRecord => ({
    name,
    type,
    class: CLASS.IN,
    ttl: recordTtl,
    rdata,
  });
  const plain = [...source.records()].filter(({ type }) => !MADE_HERE.has(type));
  const there = new Set(plain.filter(({ type }) => type === TYPE.DNSKEY).map(recordKey));
  for (const key of zsk === undefined ? [ksk] : [ksk, zsk]) {
    const record = apex(TYPE.DNSKEY, key.dnskey, source.soa.ttl);
    if (!there.has(recordKey(record))) plain.push(record);
  }
  if (nsec3 !== undefined) {
    const { salt, iterations } = nsec3;
    plain.push(apex(TYPE.NSEC3PARAM, { hashAlgorithm: 1, flags: 0, iterations, salt }, 0));
  }
  const zone = new Zone(name, plain);
  const out = [...zone.records()];
  const earlier = options.earlier === undefined ? undefined : new Signatures(options.earlier);
  const sign = (records: readonly ResourceRecord[], labels: number) => {
    const [first] = records as [ResourceRecord];
    const key = BY_KSK.has(first.type) ? ksk : (zsk ?? ksk);
    const kept = earlier?.of(records, key);
    out.push(kept ?? rrsig(records, labels, keyText(zone.origin), key, options));
  };
  const nodes = zone.nodes.filter(
    (node) => (node.cut === undefined || node.cut === node) && node.dname === undefined,
  );
  for (const node of nodes) for (const rrset of signedOf(node)) sign(rrset.records, labelsOf(node));
  const denials = nsec3 === undefined ? nsecs(nodes, ttl) : nsec3s(zone, nodes, ttl, nsec3);
  for (const { record, labels } of denials) {
    out.push(record);
    sign([record], labels);
  }
  return out;
}

/** Those of an earlier version of the zone. */
class Signatures {
  private readonly zone: Zone;
  private readonly until: number;
  private readonly nsec3s: ReadonlyMap<NameKey, Rrset>;

  constructor({ zone, until }: NonNullable<SignOptions["earlier"]>) {
    this.zone = zone;
    this.until = until;
    this.nsec3s = new Map(zone.nsec3s.map(({ ref, rrset }) => [ref.key, rrset]));
  }

  /** Undefined where the set is another, or its signature ends too soon. */
  of(records: readonly ResourceRecord[], key: SigningKey): ResourceRecord | undefined {
    const { name, type, ttl } = records[0] as ResourceRecord;
    const owner = nameKey(name);
    const old =
      type === TYPE.NSEC3 ? this.nsec3s.get(owner) : this.zone.find(owner)?.node?.rrset(type);
    if (old === undefined || old.ttl !== ttl || old.records.length !== records.length)
      return undefined;
    const keys = new Set(old.records.map(recordKey));
    if (!records.every((record) => keys.has(recordKey(record)))) return undefined;
    return old.sigs?.records.find(({ rdata }) => {
      const { algorithm, keyTag: tag, originalTtl, expiration } = rdata as RdataFields;
      return (
        algorithm === key.algorithm &&
        tag === key.tag &&
        originalTtl === ttl &&
        compareSerials(expiration as number, this.until) > 0
      );
    });
  }
}

/** RFC 4034 3.1.3: neither the root's label nor a wildcard's counts. */
function labelsOf(node: ZoneNode): number {
  const { key } = node.ref;
  return labelCount(key) - (isWildcard(key) ? 1 : 0);
}

/** RFC 4035 2.2: at a delegation only DS has the parent's signature. */
function signedOf(node: ZoneNode): readonly Rrset[] {
  return node.cut === undefined ? node.rrsets : node.rrsets.filter(({ type }) => type === TYPE.DS);
}

/** Types for the bitmap. RFC 4035 2.3: at a delegation NS and DS. */
function typesOf(node: ZoneNode): number[] {
  const types = node.rrsets
    .map(({ type }) => type)
    .filter((type) => node.cut === undefined || type === TYPE.NS || type === TYPE.DS);
  if (signedOf(node).length > 0) types.push(TYPE.RRSIG);
  return types;
}

interface Denial {
  readonly record: ResourceRecord;
  readonly labels: number;
}

function ascending(types: readonly number[]): number[] {
  return [...new Set(types)].sort((a, b) => a - b);
}

function ownerOf(node: ZoneNode): string {
  return node.rrsets[0]?.records[0]?.name ?? keyText(node.ref.key);
}

/** RFC 4034 4, RFC 4035 2.3. */
function nsecs(all: readonly ZoneNode[], ttl: number): Denial[] {
  const nodes = all
    .filter((node) => node.rrsets.length > 0)
    .sort((a, b) => compareKeys(a.ref.key, b.ref.key));
  return nodes.map((node, i) => {
    const next = keyText((nodes[(i + 1) % nodes.length] as ZoneNode).ref.key);
    const types = ascending([...typesOf(node), TYPE.NSEC, TYPE.RRSIG]);
    const rdata = { next, types };
    const record = { name: ownerOf(node), type: TYPE.NSEC, class: CLASS.IN, ttl, rdata };
    return { record, labels: labelsOf(node) };
  });
}

/** RFC 5155 7.1: empty non-terminals too, and with opt-out no delegation without DS. */
function nsec3s(
  zone: Zone,
  all: readonly ZoneNode[],
  ttl: number,
  options: Nsec3Options,
): Denial[] {
  const { salt, iterations, optOut } = options;
  const listed = all.filter(
    (node) => !(optOut && node.cut !== undefined && node.rrset(TYPE.DS) === undefined),
  );
  const items = listed
    .map((node) => ({ node, hash: hashOfKey(node.ref.key, salt, iterations) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return items.map(({ node, hash }, i) => {
    const next = (items[(i + 1) % items.length] as (typeof items)[number]).hash.toUpperCase();
    const rdata = {
      hashAlgorithm: 1,
      flags: optOut ? 1 : 0,
      iterations,
      salt,
      next,
      types: ascending(typesOf(node)),
    };
    const origin = keyText(zone.origin);
    const name = origin === "." ? `${hash}.` : `${hash}.${origin}`;
    const record = { name, type: TYPE.NSEC3, class: CLASS.IN, ttl, rdata };
    return { record, labels: labelCount(zone.origin) + 1 };
  });
}
