/** Whether rdata on the wire has the shape of its type; what has not is kept as opaque octets (RFC 3597 5). */
import { CLASS, TYPE } from "./constants.ts";
import { skipName } from "./name.ts";
import type { FieldKind } from "./rdata-table.ts";
import { fieldsOf } from "./rdata-table.ts";

/** RFC 1876 2: the only version of LOC. */
const LOC_BYTES = 16;
/** Angles count from here in thousandths of a second of arc. */
const EQUATOR = 2 ** 31;
const DEGREE = 3_600_000;

/**
 * Rdata `bytes[at, end)` of a message that begins at `start`. Names may be compressed in any type:
 * receivers are to take it (RFC 3597 4), and some servers do it.
 */
export function rdataIsValid(
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
): boolean {
  if (type === TYPE.A) return end - at === 4;
  if (type === TYPE.AAAA) return end - at === 16;
  if (isName(type)) return skipName(bytes, at, start, end) === end;
  const specs = fieldsOf(type);
  if (specs === undefined) return true;
  let i = at;
  for (const spec of specs) {
    i = skipField(spec[1], bytes, i, end, start);
    if (i < 0 || i > end) return false;
  }
  return i === end;
}

/** Types whose rdata is one name: the common ones. */
export function isName(type: number): boolean {
  return type === TYPE.CNAME || type === TYPE.NS || type === TYPE.PTR;
}

/** Classes whose rdata have the forms of the table. RFC 1035 3.2.4; CH A is another (RFC 1034 is silent). */
export function hasKnownRdata(type: number, rdclass: number): boolean {
  if (type === TYPE.A || type === TYPE.AAAA) return (rdclass & 0x7fff) !== CLASS.CH;
  return true;
}

/** Index behind the field, or -1 when it does not fit. */
export function skipField(
  kind: FieldKind,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
): number {
  switch (kind) {
    case "u8":
      return at + 1;
    case "u16":
    case "type":
      return at + 2;
    case "u32":
    case "time":
    case "ipv4":
      return at + 4;
    case "u48":
    case "eui48":
      return at + 6;
    case "eui64":
      return at + 8;
    case "ipv6":
      return at + 16;
    case "location":
      return isLocation(bytes, at, end) ? end : -1;
    case "name":
      return skipName(bytes, at, start, end);
    case "string":
    case "salt":
      return at < end ? at + 1 + (bytes[at] as number) : -1;
    case "hash":
      return at < end && bytes[at] !== 0 ? at + 1 + (bytes[at] as number) : -1;
    case "word":
      return at < end && isTag(bytes, at + 1, at + 1 + (bytes[at] as number), end)
        ? at + 1 + (bytes[at] as number)
        : -1;
    case "strings":
      return skipStrings(bytes, at, end);
    case "rest":
    case "hex":
    case "base64":
      return end;
    case "blob":
      return at + 2 <= end ? at + 2 + u16(bytes, at) : -1;
    case "types":
      return skipTypes(bytes, at, end);
    case "params":
      return skipParams(bytes, at, end);
    case "prefixes":
      return skipPrefixes(bytes, at, end);
  }
}

/** RFC 1876 2: version 0, sizes as two decimal digits, and a place that is on the globe. */
function isLocation(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at !== LOC_BYTES || bytes[at] !== 0) return false;
  for (let i = at + 1; i < at + 4; i++) {
    if ((bytes[i] as number) >> 4 > 9 || ((bytes[i] as number) & 15) > 9) return false;
  }
  return (
    Math.abs(u32(bytes, at + 4) - EQUATOR) <= 90 * DEGREE &&
    Math.abs(u32(bytes, at + 8) - EQUATOR) <= 180 * DEGREE
  );
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** RFC 8659 4.1: letters and digits, at least one. */
function isTag(bytes: Uint8Array, from: number, to: number, end: number): boolean {
  if (to > end || to === from) return false;
  for (let i = from; i < to; i++) {
    const c = bytes[i] as number;
    const letter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
    if (!letter && !(c >= 0x30 && c <= 0x39)) return false;
  }
  return true;
}

/** RFC 1035 3.3.14: one or more. */
function skipStrings(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  if (i === end) return -1;
  while (i < end) i += 1 + (bytes[i] as number);
  return i;
}

/** RFC 4034 4.1.2: windows ascend, of 1 to 32 octets, none with an empty last octet. */
function skipTypes(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  let last = -1;
  while (i < end) {
    if (end - i < 3) return -1;
    const window = bytes[i] as number;
    const length = bytes[i + 1] as number;
    if (window <= last || length === 0 || length > 32 || i + 2 + length > end) return -1;
    if (bytes[i + 1 + length] === 0) return -1;
    last = window;
    i += 2 + length;
  }
  return i;
}

/** RFC 9460 2.2: keys strictly ascend; the forms of the keys that the RFC defines. */
function skipParams(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  let last = -1;
  while (i < end) {
    if (end - i < 4) return -1;
    const key = u16(bytes, i);
    const length = u16(bytes, i + 2);
    const to = i + 4 + length;
    if (key <= last || to > end || !paramIsValid(key, bytes, i + 4, to)) return -1;
    last = key;
    i = to;
  }
  return i;
}

function paramIsValid(key: number, bytes: Uint8Array, at: number, end: number): boolean {
  const length = end - at;
  switch (key) {
    case 0: {
      // RFC 9460 8: mandatory keys, ascending, none of them itself.
      if (length === 0 || length % 2 !== 0) return false;
      for (let i = at; i < end; i += 2) {
        if (u16(bytes, i) <= (i === at ? 0 : u16(bytes, i - 2))) return false;
      }
      return true;
    }
    case 1: {
      if (length === 0) return false;
      let i = at;
      while (i < end) {
        if (bytes[i] === 0) return false;
        i += 1 + (bytes[i] as number);
      }
      return i === end;
    }
    case 2:
      return length === 0;
    case 3:
      return length === 2;
    case 4:
      return length > 0 && length % 4 === 0;
    case 6:
      return length > 0 && length % 16 === 0;
    default:
      return true;
  }
}

/** RFC 3123 4: address family, prefix length, negation with the length of what is not zero. */
function skipPrefixes(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end) {
    if (end - i < 4) return -1;
    const family = u16(bytes, i);
    const prefix = bytes[i + 2] as number;
    const length = (bytes[i + 3] as number) & 0x7f;
    const most = family === 1 ? 4 : family === 2 ? 16 : -1;
    if (length > most || prefix > most * 8 || i + 4 + length > end) return -1;
    if (length > 0 && bytes[i + 3 + length] === 0) return -1;
    i += 4 + length;
  }
  return i;
}
