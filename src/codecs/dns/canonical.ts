/**
 * Names in order and relation, and RRsets in the form that signatures cover.
 * RFC 4034 3.1.8.1, 6 (with RFC 6840 5.1), RFC 4343, RFC 4592.
 *
 * A NameKey is the lower-cased wire form of a name, one code point an octet: equal names have equal
 * keys, whatever their case and escapes, and a key cuts at its lengths, without any escapes.
 */
import { concat, Writer } from "../writer.ts";
import { TYPE } from "./constants.ts";
import type { Rdata, RdataFields, ResourceRecord } from "./message.ts";
import { nameLabels, nameText } from "./name.ts";
import type { NameWriter } from "./rdata.ts";
import { encodeRdata, writePlainName } from "./rdata.ts";

export type NameKey = string;

export const ROOT_KEY: NameKey = "\0";

function lower(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** Key of a name in presentation form. @throws EncodeError when it is no name */
export function nameKey(name: string): NameKey {
  let key = "";
  for (const label of nameLabels(name)) {
    key += String.fromCharCode(label.length);
    for (let i = 0; i < label.length; i++) key += String.fromCharCode(lower(label[i] as number));
  }
  return `${key}\0`;
}

/** Key of a checked name at `at` in a message that begins at `start`; pointers are followed. */
export function keyOfWire(bytes: Uint8Array, at: number, start: number): NameKey {
  let key = "";
  let i = at;
  for (;;) {
    const b = bytes[i] as number;
    if (b >= 192) {
      i = start + (((b & 0x3f) << 8) | (bytes[i + 1] as number));
      continue;
    }
    key += String.fromCharCode(b);
    if (b === 0) return key;
    const stop = i + 1 + b;
    for (i++; i < stop; i++) key += String.fromCharCode(lower(bytes[i] as number));
  }
}

/** The octets of a key: the name in canonical wire form (RFC 4034 6.2). */
export function keyBytes(key: NameKey): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Presentation form, lower case. */
export function keyText(key: NameKey): string {
  return nameText(keyBytes(key), 0, 0);
}

/** The name without its first label; undefined for the root. */
export function parentKey(key: NameKey): NameKey | undefined {
  return key.length === 1 ? undefined : key.slice(1 + key.charCodeAt(0));
}

/** Labels without the root's. */
export function labelCount(key: NameKey): number {
  let count = 0;
  for (let i = 0; key.charCodeAt(i) !== 0; i += 1 + key.charCodeAt(i)) count++;
  return count;
}

/** Whether `key` is `ancestor` or below it. */
export function isWithin(key: NameKey, ancestor: NameKey): boolean {
  const start = key.length - ancestor.length;
  if (start < 0 || !key.endsWith(ancestor)) return false;
  let i = 0;
  while (i < start) i += 1 + key.charCodeAt(i);
  return i === start;
}

/** The last `count` labels of a name that has at least as many. */
export function lastLabels(key: NameKey, count: number): NameKey {
  let i = 0;
  for (let skip = labelCount(key) - count; skip > 0; skip--) i += 1 + key.charCodeAt(i);
  return key.slice(i);
}

/** The wildcard that stands directly below a name. */
export function wildcardOf(key: NameKey): NameKey {
  return `\u0001*${key}`;
}

export function isWildcard(key: NameKey): boolean {
  return key.startsWith("\u0001*");
}

function labelStarts(key: NameKey): number[] {
  const starts: number[] = [];
  for (let i = 0; key.charCodeAt(i) !== 0; i += 1 + key.charCodeAt(i)) starts.push(i);
  return starts;
}

/** Canonical order: by labels from the root, each as octets. RFC 4034 6.1. */
export function compareKeys(a: NameKey, b: NameKey): number {
  if (a === b) return 0;
  const ofA = labelStarts(a);
  const ofB = labelStarts(b);
  for (let n = 1; n <= Math.min(ofA.length, ofB.length); n++) {
    const i = ofA[ofA.length - n] as number;
    const j = ofB[ofB.length - n] as number;
    const x = a.slice(i + 1, i + 1 + a.charCodeAt(i));
    const y = b.slice(j + 1, j + 1 + b.charCodeAt(j));
    if (x !== y) return x < y ? -1 : 1;
  }
  return ofA.length - ofB.length;
}

/** Octets as unsigned numbers, the shorter first where it is a prefix. RFC 4034 6.3. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

// The same relations for presentation forms.

/** Lower case, escapes in the one form that decoding gives. @throws EncodeError when it is no name */
export function canonicalName(name: string): string {
  return keyText(nameKey(name));
}

export function sameName(a: string, b: string): boolean {
  return a === b || nameKey(a) === nameKey(b);
}

/** Whether `name` is `ancestor` or below it. */
export function isSubdomain(name: string, ancestor: string): boolean {
  return isWithin(nameKey(name), nameKey(ancestor));
}

/** The name without its first label, in its own case; undefined for the root. */
export function parentName(name: string): string | undefined {
  if (name === ".") return undefined;
  for (let i = 0; i < name.length; i++) {
    if (name[i] === "\\") i++;
    else if (name[i] === ".") return i === name.length - 1 ? "." : name.slice(i + 1);
  }
  return ".";
}

export function compareNames(a: string, b: string): number {
  return compareKeys(nameKey(a), nameKey(b));
}

/** Types whose names count without case in signatures: RFC 4034 6.2, NSEC taken out by RFC 6840 5.1. */
const LOWERED: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.MD,
  TYPE.MF,
  TYPE.CNAME,
  TYPE.SOA,
  TYPE.MB,
  TYPE.MG,
  TYPE.MR,
  TYPE.PTR,
  TYPE.MINFO,
  TYPE.MX,
  TYPE.RP,
  TYPE.AFSDB,
  TYPE.RT,
  TYPE.SIG,
  TYPE.PX,
  TYPE.NAPTR,
  TYPE.KX,
  TYPE.SRV,
  TYPE.DNAME,
  TYPE.RRSIG,
]);

const writeLowered: NameWriter = (writer, name) => writer.bytes(keyBytes(nameKey(name)));

/** Canonical rdata. RFC 4034 6.2. @throws EncodeError */
export function canonicalRdata(type: number, rdata: Rdata): Uint8Array {
  const writer = new Writer(64);
  encodeRdata(writer, type, rdata, LOWERED.has(type) ? writeLowered : writePlainName);
  return writer.finish();
}

/**
 * The records of one RRset in canonical form and order, each once. `owner`: another name for them,
 * the wildcard of an answer made from one; `ttl`: the original one of the signature.
 */
export function canonicalRrset(
  records: readonly ResourceRecord[],
  ttl: number,
  owner: NameKey = nameKey((records[0] as ResourceRecord).name),
): Uint8Array {
  const name = keyBytes(owner);
  const rdatas = records.map(({ type, rdata }) => canonicalRdata(type, rdata)).sort(compareBytes);
  const { type, class: rdclass } = records[0] as ResourceRecord;
  const writer = new Writer(512);
  rdatas.forEach((rdata, i) => {
    if (i > 0 && compareBytes(rdata, rdatas[i - 1] as Uint8Array) === 0) return;
    writer.bytes(name);
    writer.u16(type);
    writer.u16(rdclass);
    writer.u32(ttl);
    writer.u16(rdata.length);
    writer.bytes(rdata);
  });
  return writer.finish();
}

/**
 * What an RRSIG signs: its own rdata without the signature, then the RRset under the name that its
 * labels say. RFC 4034 3.1.8.1, RFC 4035 5.3.2.
 */
export function signedData(rrsig: RdataFields, records: readonly ResourceRecord[]): Uint8Array {
  const owner = nameKey((records[0] as ResourceRecord).name);
  const labels = rrsig["labels"] as number;
  const signed =
    labels < labelCount(owner) - (isWildcard(owner) ? 1 : 0)
      ? wildcardOf(lastLabels(owner, labels))
      : owner;
  const head = canonicalRdata(TYPE.RRSIG, { ...rrsig, signature: "" });
  return concat([head, canonicalRrset(records, rrsig["originalTtl"] as number, signed)]);
}

/** Key tag of the rdata of a DNSKEY. RFC 4034 B (B.1 for algorithm 1). */
export function keyTag(rdata: Uint8Array): number {
  if (rdata[3] === 1 && rdata.length >= 7)
    return ((rdata[rdata.length - 3] as number) << 8) | (rdata[rdata.length - 2] as number);
  let sum = 0;
  for (let i = 0; i < rdata.length; i++)
    sum += (i & 1) === 0 ? (rdata[i] as number) << 8 : (rdata[i] as number);
  return (sum + (sum >>> 16)) & 0xffff;
}

/** Serial arithmetic: below 0 when `a` is before `b`; NaN where it is not defined. RFC 1982 3.2. */
export function compareSerials(a: number, b: number): number {
  const ahead = (a - b) >>> 0;
  if (ahead === 0) return 0;
  if (ahead === 0x80000000) return Number.NaN;
  return ahead < 0x80000000 ? 1 : -1;
}
