/** SvcParams of SVCB and HTTPS records: names and presentation forms. RFC 9460 2.1, 7, appendix A; RFC 9461, 9540. */
import { parseIpv4, parseIpv6 } from "../ip-text.ts";
import type { JsonWriter } from "../json-writer.ts";
import { fromBase64, latin1Bytes } from "../writer.ts";
import { writeBase64, writeIpv6, writeQuoted } from "./text-forms.ts";

const KEYS = [
  "mandatory",
  "alpn",
  "no-default-alpn",
  "port",
  "ipv4hint",
  "ech",
  "ipv6hint",
  "dohpath",
  "ohttp",
  "tls-supported-groups",
];

export function paramName(key: number): string {
  return KEYS[key] ?? `key${key}`;
}

/** Undefined when the name is none. */
export function paramKey(name: string): number | undefined {
  const known = KEYS.indexOf(name);
  if (known >= 0) return known;
  const generic = /^key(0|[1-9][0-9]{0,4})$/.exec(name);
  return generic !== null && Number(generic[1]) < 65_535 ? Number(generic[1]) : undefined;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Writes `=value` of a checked parameter; nothing when it has none. */
export function writeParam(
  json: JsonWriter,
  key: number,
  bytes: Uint8Array,
  at: number,
  end: number,
): void {
  if (at === end && key !== 5) return;
  json.room((end - at) * 5 + 64);
  json.byte(0x3d);
  switch (key) {
    case 0:
      for (let i = at; i < end; i += 2) {
        if (i > at) json.raw(",");
        json.raw(paramName(u16(bytes, i)));
      }
      return;
    case 1:
      return json.raw(JSON.stringify(alpnText(bytes, at, end)).slice(1, -1));
    case 3:
      return json.uint(u16(bytes, at));
    case 4:
      for (let i = at; i < end; i += 4) {
        json.room(20);
        if (i > at) json.byte(0x2c);
        json.ipv4(bytes, i);
      }
      return;
    case 5:
      return writeBase64(json, bytes, at, end);
    case 6:
      for (let i = at; i < end; i += 16) {
        if (i > at) json.raw(",");
        writeIpv6(json, bytes, i);
      }
      return;
    default:
      return writeQuoted(json, bytes, at, end);
  }
}

/** Appendix A.1: commas and backslashes inside ids are escaped, and the whole as a quoted string again. */
function alpnText(bytes: Uint8Array, at: number, end: number): string {
  const ids: string[] = [];
  let plain = true;
  for (let i = at; i < end; i += 1 + (bytes[i] as number)) {
    let id = "";
    for (let j = i + 1; j <= i + (bytes[i] as number); j++) {
      const c = bytes[j] as number;
      const character = String.fromCharCode(c);
      if (c === 0x2c || c === 0x5c) id += `\\\\${c === 0x2c ? "," : "\\\\"}`;
      else if (c === 0x22) id += '\\"';
      else if (c < 0x21 || c > 0x7e) id += c === 0x20 ? " " : `\\${String(c).padStart(3, "0")}`;
      else id += character;
      if (
        c < 0x21 ||
        c > 0x7e ||
        character === '"' ||
        character === ";" ||
        character === "(" ||
        character === ")"
      )
        plain = false;
    }
    ids.push(id);
  }
  const text = ids.join(",");
  return plain && !text.includes("\\") ? text : `"${text}"`;
}

/**
 * The octets of a parameter's value. `value` is the text after char-string unescaping, one octet
 * a code point; undefined stands for no value at all. Undefined when it is wrong for the key.
 */
export function parseParam(key: number, value: string | undefined): Uint8Array | undefined {
  if (key === 2) return value === undefined || value === "" ? new Uint8Array(0) : undefined;
  if (value === undefined) return key > 6 ? new Uint8Array(0) : undefined;
  switch (key) {
    case 0:
      return mandatory(value);
    case 1:
      return alpn(value);
    case 3:
      return /^[0-9]{1,5}$/.test(value) && Number(value) < 65_536
        ? Uint8Array.of(Number(value) >> 8, Number(value) & 255)
        : undefined;
    case 4:
      return addresses(value, parseIpv4);
    case 5:
      return fromBase64(value);
    case 6:
      return addresses(value, parseIpv6);
    default:
      return latin1Bytes(value);
  }
}

function mandatory(value: string): Uint8Array | undefined {
  const keys: number[] = [];
  for (const name of value.split(",")) {
    const key = paramKey(name);
    if (key === undefined || key === 0 || keys.includes(key)) return undefined;
    keys.push(key);
  }
  return Uint8Array.from(keys.sort((a, b) => a - b).flatMap((key) => [key >> 8, key & 255]));
}

/** Appendix A.1: a comma-separated list with escapes of its own. */
function alpn(value: string): Uint8Array | undefined {
  const out: number[] = [];
  let id: number[] = [];
  for (let i = 0; i <= value.length; i++) {
    const c = value[i];
    if (c === undefined || c === ",") {
      if (id.length === 0 || id.length > 255) return undefined;
      out.push(id.length, ...id);
      id = [];
    } else if (c === "\\" && (value[i + 1] === "," || value[i + 1] === "\\")) {
      id.push(value.charCodeAt(++i));
    } else {
      id.push(value.charCodeAt(i));
    }
  }
  return Uint8Array.from(out);
}

function addresses(
  value: string,
  parse: (text: string) => Uint8Array | undefined,
): Uint8Array | undefined {
  const out: number[] = [];
  for (const text of value.split(",")) {
    const address = parse(text);
    if (address === undefined) return undefined;
    out.push(...address);
  }
  return Uint8Array.from(out);
}
