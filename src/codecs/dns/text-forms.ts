/** Presentation of values inside rdata, written as the inside of a JSON string. */
import { formatIpv6, parseIpv4, parseIpv6 } from "../ip-text.ts";
import type { JsonWriter } from "../json-writer.ts";

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

/** RFC 1035 5.1: text in quotes; quotes and backslashes escaped, unprintable octets as `\DDD`. */
export function writeQuoted(json: JsonWriter, bytes: Uint8Array, from: number, to: number): void {
  json.room((to - from) * 5 + 4);
  const out = json.bytes;
  let at = json.at;
  out[at++] = BACKSLASH;
  out[at++] = QUOTE;
  for (let i = from; i < to; i++) {
    const c = bytes[i] as number;
    if (c >= 0x20 && c < 0x7f && c !== QUOTE && c !== BACKSLASH) {
      out[at++] = c;
      continue;
    }
    out[at++] = BACKSLASH;
    out[at++] = BACKSLASH;
    if (c === QUOTE || c === BACKSLASH) {
      out[at++] = BACKSLASH;
      out[at++] = c;
    } else {
      json.at = at;
      json.digits3(c);
      at = json.at;
    }
  }
  out[at++] = BACKSLASH;
  out[at++] = QUOTE;
  json.at = at;
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_CODES = Uint8Array.from(BASE64, (c) => c.charCodeAt(0));

/** RFC 4648 4, without line breaks. */
export function writeBase64(json: JsonWriter, bytes: Uint8Array, from: number, to: number): void {
  json.room(Math.ceil((to - from) / 3) * 4);
  const out = json.bytes;
  let { at } = json;
  for (let i = from; i < to; i += 3) {
    const left = to - i;
    const group =
      ((bytes[i] as number) << 16) |
      ((left > 1 ? (bytes[i + 1] as number) : 0) << 8) |
      (left > 2 ? (bytes[i + 2] as number) : 0);
    out[at++] = BASE64_CODES[group >> 18] as number;
    out[at++] = BASE64_CODES[(group >> 12) & 63] as number;
    out[at++] = left > 1 ? (BASE64_CODES[(group >> 6) & 63] as number) : 0x3d;
    out[at++] = left > 2 ? (BASE64_CODES[group & 63] as number) : 0x3d;
  }
  json.at = at;
}

const BASE32HEX = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

/** RFC 4648 7 without padding, as RFC 5155 3.3 asks. */
export function writeBase32Hex(
  json: JsonWriter,
  bytes: Uint8Array,
  from: number,
  to: number,
): void {
  let text = "";
  let bits = 0;
  let kept = 0;
  for (let i = from; i < to; i++) {
    kept = ((kept << 8) | (bytes[i] as number)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32HEX[(kept >> bits) & 31];
    }
  }
  if (bits > 0) text += BASE32HEX[(kept << (5 - bits)) & 31];
  json.raw(text);
}

/** Undefined when it is not base32hex. */
export function fromBase32Hex(text: string): Uint8Array | undefined {
  const out: number[] = [];
  let bits = 0;
  let kept = 0;
  for (const c of text.replace(/=+$/, "").toUpperCase()) {
    const digit = BASE32HEX.indexOf(c);
    if (digit < 0) return undefined;
    kept = ((kept << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((kept >> bits) & 0xff);
    }
  }
  if (bits >= 5 || (kept & ((1 << bits) - 1)) !== 0) return undefined;
  return Uint8Array.from(out);
}

const HEX_DIGITS = Uint8Array.from("0123456789abcdef", (c) => c.charCodeAt(0));

/** RFC 5952; the plain case without a string. */
export function writeIpv6(json: JsonWriter, bytes: Uint8Array, from: number): void {
  // The longest run of zero groups, the first of equals, is left out when it has two or more.
  let best = -1;
  let bestLength = 1;
  let run = 0;
  for (let g = 0; g < 8; g++) {
    if (bytes[from + g * 2] === 0 && bytes[from + g * 2 + 1] === 0) {
      run++;
      if (run > bestLength) {
        bestLength = run;
        best = g - run + 1;
      }
    } else {
      run = 0;
    }
  }
  // IPv4-mapped addresses have a form of their own.
  if (best === 0 && bestLength >= 5) {
    json.raw(formatIpv6(bytes, from));
    return;
  }
  json.room(40);
  const out = json.bytes;
  let { at } = json;
  for (let g = 0; g < 8; g++) {
    if (g === best) {
      out[at++] = 0x3a;
      if (g === 0) out[at++] = 0x3a;
      g += bestLength - 1;
      if (g === 7) break;
      continue;
    }
    const value = ((bytes[from + g * 2] as number) << 8) | (bytes[from + g * 2 + 1] as number);
    if (value > 0xfff) out[at++] = HEX_DIGITS[value >> 12] as number;
    if (value > 0xff) out[at++] = HEX_DIGITS[(value >> 8) & 15] as number;
    if (value > 0xf) out[at++] = HEX_DIGITS[(value >> 4) & 15] as number;
    out[at++] = HEX_DIGITS[value & 15] as number;
    if (g < 7) out[at++] = 0x3a;
  }
  json.at = at;
}

/** Days since the epoch to year, month, day (proleptic Gregorian). */
function civil(days: number): [number, number, number] {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return [yoe + era * 400 + (month <= 2 ? 1 : 0), month, doy - Math.floor((153 * mp + 2) / 5) + 1];
}

/** RFC 4034 3.2: seconds of the first era (until 2106) as YYYYMMDDHHmmSS. */
export function writeTime(json: JsonWriter, seconds: number): void {
  const [year, month, day] = civil(Math.floor(seconds / 86_400));
  const rest = seconds % 86_400;
  const parts = [year, month, day, Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  json.raw(parts.map((part, i) => String(part).padStart(i === 0 ? 4 : 2, "0")).join(""));
}

/** YYYYMMDDHHmmSS or plain seconds; undefined when it is neither. RFC 4034 3.2. */
export function parseTime(text: string): number | undefined {
  if (/^[0-9]{1,10}$/.test(text)) {
    const seconds = Number(text);
    return seconds <= 0xffffffff ? seconds : undefined;
  }
  const parts = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$/.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return undefined;
  const value = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  return value >= 0 ? value % 0x100000000 : undefined;
}

/** An APL address (RFC 3123 4, 5) of which only the first `length` octets are there. */
export function writePrefix(
  json: JsonWriter,
  family: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  prefix: number,
): void {
  const address = new Uint8Array(family === 1 ? 4 : 16);
  address.set(bytes.subarray(from, from + length));
  if (family === 1) json.ipv4(address, 0);
  else writeIpv6(json, address, 0);
  json.room(5);
  json.byte(0x2f);
  json.uint(prefix);
}

/** `1:192.0.2.0/24` or `!2:2001:db8::/32` as the octets of an APL item; undefined when it is none. */
export function parsePrefix(text: string): Uint8Array | undefined {
  const parts = /^(!?)([12]):([0-9a-fA-F.:]+)\/([0-9]{1,3})$/.exec(text);
  if (parts === null) return undefined;
  const family = Number(parts[2]);
  const address = family === 1 ? parseIpv4(parts[3] as string) : parseIpv6(parts[3] as string);
  const prefix = Number(parts[4]);
  if (address === undefined || prefix > address.length * 8) return undefined;
  let length = address.length;
  while (length > 0 && address[length - 1] === 0) length--;
  const item = new Uint8Array(4 + length);
  item[1] = family;
  item[2] = prefix;
  item[3] = (parts[1] === "!" ? 0x80 : 0) | length;
  item.set(address.subarray(0, length), 4);
  return item;
}
