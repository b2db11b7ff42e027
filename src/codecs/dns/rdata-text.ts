/**
 * Presentation form of rdata (RFC 1035 5.1, RFC 3597 5) as the inside of a JSON string. The one
 * formatter: text for people is parsed back from it.
 */
import { JsonWriter } from "../json-writer.ts";
import { typeName } from "./constants.ts";
import { writeLocation } from "./location.ts";
import { writeName } from "./name.ts";
import { isName, skipField } from "./rdata-check.ts";
import type { FieldKind } from "./rdata-table.ts";
import { fieldsOf } from "./rdata-table.ts";
import { paramName, writeParam } from "./svcb.ts";
import {
  writeBase32Hex,
  writeBase64,
  writeIpv6,
  writePrefix,
  writeQuoted,
  writeTime,
} from "./text-forms.ts";

const SPACE = 0x20;
const COLON = 0x3a;
const DASH = 0x2d;

/** Writes the rdata `bytes[at, end)` of a message that begins at `start`. */
export function writeRdata(
  json: JsonWriter,
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
  valid: boolean,
): void {
  if (valid && isName(type)) {
    writeName(json, bytes, at, start);
    return;
  }
  const specs = valid ? fieldsOf(type) : undefined;
  if (specs === undefined) {
    writeOpaque(json, bytes, at, end);
    return;
  }
  let i = at;
  for (let n = 0; n < specs.length; n++) {
    const kind = (specs[n] as (typeof specs)[number])[1];
    const next = skipField(kind, bytes, i, end, start);
    // An empty list prints nothing, not even the blank before it.
    const empty = next === i && (kind === "params" || kind === "types" || kind === "prefixes");
    if (n > 0 && !empty) {
      json.room(1);
      json.byte(SPACE);
    }
    writeField(json, kind, bytes, i, next, start);
    i = next;
  }
}

/** RFC 3597 5: `\# 3 abcdef`. */
function writeOpaque(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  json.room((end - at) * 2 + 24);
  json.byte(0x5c);
  json.byte(0x5c);
  json.byte(0x23);
  json.byte(SPACE);
  json.uint(end - at);
  if (end > at) {
    json.byte(SPACE);
    json.hex(bytes, at, end);
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function writeField(
  json: JsonWriter,
  kind: FieldKind,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
): void {
  json.room((end - at) * 2 + 48);
  switch (kind) {
    case "u8":
      return json.uint(bytes[at] as number);
    case "u16":
      return json.uint(u16(bytes, at));
    case "u32":
      return json.uint(u32(bytes, at));
    case "u48":
      return json.uint(u16(bytes, at) * 0x100000000 + u32(bytes, at + 2));
    case "ipv4":
      return json.ipv4(bytes, at);
    case "ipv6":
      return writeIpv6(json, bytes, at);
    case "name":
      writeName(json, bytes, at, start);
      return;
    case "string":
      return writeQuoted(json, bytes, at + 1, end);
    case "word":
      return json.latin1(bytes, at + 1, end);
    case "strings":
      return writeStrings(json, bytes, at, end);
    case "rest":
      return writeQuoted(json, bytes, at, end);
    case "hex":
      return at === end ? json.byte(DASH) : json.hex(bytes, at, end);
    case "base64":
      return at === end ? json.byte(DASH) : writeBase64(json, bytes, at, end);
    case "blob":
      return writeBlob(json, bytes, at, end);
    case "type":
      return json.raw(typeName(u16(bytes, at)));
    case "types":
      return writeTypes(json, bytes, at, end);
    case "time":
      return writeTime(json, u32(bytes, at));
    case "salt":
      return end - at === 1 ? json.byte(DASH) : json.hex(bytes, at + 1, end);
    case "hash":
      return writeBase32Hex(json, bytes, at + 1, end);
    case "params":
      return writeParams(json, bytes, at, end);
    case "location":
      return writeLocation(json, bytes, at);
    case "eui48":
    case "eui64":
      return writeEui(json, bytes, at, end);
    case "prefixes":
      return writePrefixes(json, bytes, at, end);
  }
}

function writeStrings(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  let i = at;
  while (i < end) {
    const next = i + 1 + (bytes[i] as number);
    if (i > at) {
      json.room(1);
      json.byte(SPACE);
    }
    writeQuoted(json, bytes, i + 1, next);
    i = next;
  }
}

/** BIND's form: the length, then base64 when there is any. */
function writeBlob(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  json.uint(end - at - 2);
  if (end - at === 2) return;
  json.byte(SPACE);
  writeBase64(json, bytes, at + 2, end);
}

function writeTypes(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  let first = true;
  eachType(bytes, at, end, (type) => {
    json.room(1);
    if (!first) json.byte(SPACE);
    first = false;
    json.raw(typeName(type));
  });
}

/** Calls `visit` for each type of a checked bitmap, ascending. RFC 4034 4.1.2. */
export function eachType(
  bytes: Uint8Array,
  at: number,
  end: number,
  visit: (type: number) => void,
): void {
  for (let i = at; i < end; i += 2 + (bytes[i + 1] as number)) {
    const length = bytes[i + 1] as number;
    for (let n = 0; n < length * 8; n++) {
      const octet = bytes[i + 2 + (n >> 3)] as number;
      if ((octet & (0x80 >> (n & 7))) !== 0) visit((bytes[i] as number) * 256 + n);
    }
  }
}

function writeParams(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  let i = at;
  while (i < end) {
    const next = i + 4 + u16(bytes, i + 2);
    if (i > at) {
      json.room(1);
      json.byte(SPACE);
    }
    const key = u16(bytes, i);
    json.raw(paramName(key));
    writeParam(json, key, bytes, i + 4, next);
    i = next;
  }
}

function writeEui(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  for (let i = at; i < end; i++) {
    if (i > at) json.byte(DASH);
    json.hex(bytes, i, i + 1);
  }
}

function writePrefixes(json: JsonWriter, bytes: Uint8Array, at: number, end: number): void {
  let i = at;
  while (i < end) {
    json.room(64);
    if (i > at) json.byte(SPACE);
    const length = (bytes[i + 3] as number) & 0x7f;
    if (((bytes[i + 3] as number) & 0x80) !== 0) json.byte(0x21);
    const family = u16(bytes, i);
    json.uint(family);
    json.byte(COLON);
    writePrefix(json, family, bytes, i + 4, length, bytes[i + 2] as number);
    i += 4 + length;
  }
}

const scratch = new JsonWriter(4096);

/** The text of what `write` puts as the inside of a JSON string. */
export function textOf(write: (json: JsonWriter) => void): string {
  scratch.at = 0;
  scratch.room(1);
  scratch.byte(0x22);
  write(scratch);
  scratch.room(1);
  scratch.byte(0x22);
  return JSON.parse(scratch.text()) as string;
}

/** Presentation form of rdata on the wire. */
export function rdataText(
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
  valid: boolean,
): string {
  return textOf((json) => writeRdata(json, type, bytes, at, end, start, valid));
}
