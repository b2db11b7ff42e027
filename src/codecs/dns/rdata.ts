/** Rdata between the wire and typed fields, by the table. */

import { EncodeError } from "../errors.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, putIpv4, putIpv6 } from "../ip-text.ts";
import { base64, hex, latin1 } from "../reader.ts";
import type { Writer } from "../writer.ts";
import { Writer as ByteWriter, fromBase64, fromHex, latin1Bytes } from "../writer.ts";
import { TYPE, typeName } from "./constants.ts";
import { parseLocation, writeLocation } from "./location.ts";
import type { OpaqueRdata, Rdata, RdataFields, RdataValue } from "./message.ts";
import { beginNames, messageName, nameLabels } from "./name.ts";
import { rdataIsValid, skipField } from "./rdata-check.ts";
import type { FieldKind } from "./rdata-table.ts";
import { COMPRESSIBLE, fieldsOf } from "./rdata-table.ts";
import { eachType, rdataText, textOf } from "./rdata-text.ts";
import { fromBase32Hex, parsePrefix, writeBase32Hex, writePrefix } from "./text-forms.ts";

/** Writes a name, with a pointer to an earlier one where `mayCompress`. */
export type NameWriter = (writer: Writer, name: string, mayCompress: boolean) => void;

export function isOpaque(rdata: Rdata): rdata is OpaqueRdata {
  return "opaque" in rdata;
}

/** Fields of the rdata `bytes[at, end)` of a message at `start`; opaque where not `valid`. */
export function decodeRdata(
  type: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
  valid: boolean,
): Rdata {
  if (!valid) return { opaque: hex(bytes, at, end) };
  // The common ones at once; the table says the same of them.
  switch (type) {
    case TYPE.A:
      return { address: formatIpv4(bytes, at) };
    case TYPE.AAAA:
      return { address: formatIpv6(bytes, at) };
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR:
      return { host: messageName(bytes, at, start) };
    case TYPE.MX:
      return { preference: u16(bytes, at), host: messageName(bytes, at + 2, start) };
    case TYPE.SOA:
      return soa(bytes, at, end, start);
    case TYPE.DNSKEY:
      return {
        flags: u16(bytes, at),
        protocol: bytes[at + 2] as number,
        algorithm: bytes[at + 3] as number,
        publicKey: base64(bytes, at + 4, end),
      };
    case TYPE.RRSIG:
      return rrsig(bytes, at, end, start);
  }
  const specs = fieldsOf(type);
  if (specs === undefined) return { opaque: hex(bytes, at, end) };
  const fields: Record<string, RdataValue> = {};
  let i = at;
  for (const [name, kind] of specs) {
    const next = skipField(kind, bytes, i, end, start);
    fields[name] = readField(kind, bytes, i, next, start);
    i = next;
  }
  return fields;
}

/** The five numbers stand at the end; the second name before them. */
function soa(bytes: Uint8Array, at: number, end: number, start: number): RdataFields {
  const numbers = end - 20;
  return {
    mname: messageName(bytes, at, start),
    rname: messageName(bytes, afterName(bytes, at), start),
    serial: u32(bytes, numbers),
    refresh: u32(bytes, numbers + 4),
    retry: u32(bytes, numbers + 8),
    expire: u32(bytes, numbers + 12),
    minimum: u32(bytes, numbers + 16),
  };
}

/** Index behind a name that was checked. */
function afterName(bytes: Uint8Array, at: number): number {
  let i = at;
  for (let b = bytes[i] as number; b !== 0; b = bytes[i] as number) {
    if (b >= 192) return i + 2;
    i += b + 1;
  }
  return i + 1;
}

function rrsig(bytes: Uint8Array, at: number, end: number, start: number): RdataFields {
  // RFC 4034 3.1.7: the signer's name is not compressed; a pointer is taken all the same.
  const signatureAt = afterName(bytes, at + 18);
  return {
    typeCovered: u16(bytes, at),
    algorithm: bytes[at + 2] as number,
    labels: bytes[at + 3] as number,
    originalTtl: u32(bytes, at + 4),
    expiration: u32(bytes, at + 8),
    inception: u32(bytes, at + 12),
    keyTag: u16(bytes, at + 16),
    signer: messageName(bytes, at + 18, start),
    signature: base64(bytes, signatureAt, end),
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2);
}

function readField(
  kind: FieldKind,
  bytes: Uint8Array,
  at: number,
  end: number,
  start: number,
): RdataValue {
  switch (kind) {
    case "u8":
      return bytes[at] as number;
    case "u16":
    case "type":
      return u16(bytes, at);
    case "u32":
    case "time":
      return u32(bytes, at);
    case "u48":
      return u16(bytes, at) * 0x100000000 + u32(bytes, at + 2);
    case "ipv4":
      return formatIpv4(bytes, at);
    case "ipv6":
      return formatIpv6(bytes, at);
    case "name":
      return messageName(bytes, at, start);
    case "string":
    case "word":
      return latin1(bytes, at + 1, end);
    case "strings":
      return strings(bytes, at, end);
    case "rest":
      return latin1(bytes, at, end);
    case "hex":
    case "eui48":
    case "eui64":
      return hex(bytes, at, end);
    case "base64":
      return base64(bytes, at, end);
    case "blob":
      return base64(bytes, at + 2, end);
    case "types": {
      const types: number[] = [];
      eachType(bytes, at, end, (type) => types.push(type));
      return types;
    }
    case "salt":
      return hex(bytes, at + 1, end);
    case "hash":
      return textOf((json) => writeBase32Hex(json, bytes, at + 1, end));
    case "params":
      return params(bytes, at, end);
    case "location":
      return textOf((json) => writeLocation(json, bytes, at));
    case "prefixes":
      return prefixes(bytes, at, end);
  }
}

function strings(bytes: Uint8Array, at: number, end: number): string[] {
  const out: string[] = [];
  for (let i = at; i < end; ) {
    const next = i + 1 + (bytes[i] as number);
    out.push(latin1(bytes, i + 1, next));
    i = next;
  }
  return out;
}

function params(bytes: Uint8Array, at: number, end: number): { key: number; value: string }[] {
  const out: { key: number; value: string }[] = [];
  for (let i = at; i < end; ) {
    const next = i + 4 + u16(bytes, i + 2);
    out.push({ key: u16(bytes, i), value: hex(bytes, i + 4, next) });
    i = next;
  }
  return out;
}

function prefixes(bytes: Uint8Array, at: number, end: number): string[] {
  const out: string[] = [];
  for (let i = at; i < end; ) {
    const octet = bytes[i + 3] as number;
    const length = octet & 0x7f;
    const from = i;
    out.push(
      textOf((json) => {
        json.room(8);
        if ((octet & 0x80) !== 0) json.byte(0x21);
        json.uint(u16(bytes, from));
        json.byte(0x3a);
        writePrefix(json, u16(bytes, from), bytes, from + 4, length, bytes[from + 2] as number);
      }),
    );
    i += 4 + length;
  }
  return out;
}

/**
 * Writes rdata, without its length.
 * @throws EncodeError when a field is missing or does not fit.
 */
export function encodeRdata(
  writer: Writer,
  type: number,
  rdata: Rdata,
  writeNameTo: NameWriter,
): void {
  if (isOpaque(rdata)) {
    writer.bytes(octets(type, "opaque", fromHex(rdata.opaque)));
    return;
  }
  if (writeCommon(writer, type, rdata as RdataFields, writeNameTo)) return;
  const specs = fieldsOf(type);
  if (specs === undefined) {
    throw new EncodeError(
      "dns.rdata.type",
      "RFC 3597 5",
      `rdata of ${typeName(type)} must be given as { opaque }`,
    );
  }
  for (const [name, kind] of specs) {
    const value = (rdata as RdataFields)[name];
    if (value === undefined) throw misfit(type, name, "is missing");
    writeField(writer, type, name, kind, value, writeNameTo);
  }
}

/** Addresses and names of hosts: most of what is sent. False: by the table, which tells what is wrong too. */
function writeCommon(
  writer: Writer,
  type: number,
  rdata: RdataFields,
  writeNameTo: NameWriter,
): boolean {
  switch (type) {
    case TYPE.A:
    case TYPE.AAAA: {
      const { address } = rdata as { readonly address?: unknown };
      if (typeof address !== "string") return false;
      const { at } = writer;
      if (type === TYPE.A) {
        if (!putIpv4(address, writer.memory(4), at)) return false;
        writer.at = at + 4;
      } else {
        if (!putIpv6(address, writer.memory(16), at)) return false;
        writer.at = at + 16;
      }
      return true;
    }
    case TYPE.NS:
    case TYPE.CNAME:
    case TYPE.PTR: {
      const { host } = rdata as { readonly host?: unknown };
      if (typeof host !== "string") return false;
      writeNameTo(writer, host, true);
      return true;
    }
    default:
      return false;
  }
}

function misfit(type: number, field: string, what: string): EncodeError {
  return new EncodeError(
    "dns.rdata.field",
    "RFC 1035 3.3",
    `${field} of ${typeName(type)} ${what}`,
  );
}

function octets(
  type: number,
  field: string,
  value: Uint8Array | undefined,
  most = 65_535,
): Uint8Array {
  if (value === undefined) throw misfit(type, field, "is not of its form");
  if (value.length > most) throw misfit(type, field, `is longer than ${most} octets`);
  return value;
}

function number(type: number, field: string, value: RdataValue, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most) {
    throw misfit(type, field, `is no integer from 0 to ${most}`);
  }
  return value;
}

function text(type: number, field: string, value: RdataValue | undefined): string {
  if (typeof value !== "string") throw misfit(type, field, "is no text");
  return value;
}

function characters(
  type: number,
  field: string,
  value: RdataValue | undefined,
  most = 255,
): Uint8Array {
  const string = text(type, field, value);
  for (let i = 0; i < string.length; i++) {
    if (string.charCodeAt(i) > 0xff) throw misfit(type, field, "has a character that is no octet");
  }
  return octets(type, field, latin1Bytes(string), most);
}

/** With a length of one octet ahead. */
function writePrefixed(writer: Writer, type: number, field: string, bytes: Uint8Array): void {
  writer.u8(octets(type, field, bytes, 255).length);
  writer.bytes(bytes);
}

function writeField(
  writer: Writer,
  type: number,
  field: string,
  kind: FieldKind,
  value: RdataValue,
  writeNameTo: NameWriter,
): void {
  switch (kind) {
    case "u8":
      return writer.u8(number(type, field, value, 0xff));
    case "u16":
    case "type":
      return writer.u16(number(type, field, value, 0xffff));
    case "u32":
    case "time":
      return writer.u32(number(type, field, value, 0xffffffff));
    case "u48": {
      const count = number(type, field, value, 2 ** 48 - 1);
      writer.u16(Math.floor(count / 2 ** 32));
      return writer.u32(count % 2 ** 32);
    }
    case "ipv4":
      return writer.bytes(octets(type, field, parseIpv4(text(type, field, value))));
    case "ipv6":
      return writer.bytes(octets(type, field, parseIpv6(text(type, field, value))));
    case "name":
      return writeNameTo(writer, text(type, field, value), COMPRESSIBLE.has(type));
    case "string":
      return writePrefixed(writer, type, field, characters(type, field, value));
    case "word": {
      const word = characters(type, field, value);
      if (!/^[A-Za-z0-9]+$/.test(value as string))
        throw misfit(type, field, "is no tag of letters and digits");
      return writePrefixed(writer, type, field, word);
    }
    case "strings":
      if (!Array.isArray(value) || value.length === 0)
        throw misfit(type, field, "needs at least one string");
      for (const item of value as readonly string[])
        writePrefixed(writer, type, field, characters(type, field, item));
      return;
    case "rest":
      return writer.bytes(characters(type, field, value, 65_535));
    case "hex":
      return writer.bytes(octets(type, field, fromHex(text(type, field, value))));
    case "eui48":
    case "eui64":
      return writer.bytes(
        exactly(type, field, fromHex(text(type, field, value)), kind === "eui48" ? 6 : 8),
      );
    case "base64":
      if (!writer.base64(text(type, field, value))) throw misfit(type, field, "is not of its form");
      return;
    case "blob": {
      const bytes = octets(type, field, fromBase64(text(type, field, value)));
      writer.u16(bytes.length);
      return writer.bytes(bytes);
    }
    case "types":
      return writeTypes(writer, type, field, value);
    case "salt":
      return writePrefixed(
        writer,
        type,
        field,
        octets(type, field, fromHex(text(type, field, value)), 255),
      );
    case "hash": {
      const hash = octets(type, field, fromBase32Hex(text(type, field, value)), 255);
      if (hash.length === 0) throw misfit(type, field, "is empty");
      return writePrefixed(writer, type, field, hash);
    }
    case "params":
      return writeParams(writer, type, field, value);
    case "location":
      return writer.bytes(
        octets(type, field, parseLocation(text(type, field, value).trim().split(/\s+/))),
      );
    case "prefixes":
      if (!Array.isArray(value)) throw misfit(type, field, "is no list");
      for (const item of value as readonly string[])
        writer.bytes(octets(type, field, parsePrefix(item)));
      return;
  }
}

function exactly(
  type: number,
  field: string,
  value: Uint8Array | undefined,
  count: number,
): Uint8Array {
  if (value?.length !== count) throw misfit(type, field, `is not ${count} octets in hex`);
  return value;
}

function writeTypes(writer: Writer, type: number, field: string, value: RdataValue): void {
  if (!Array.isArray(value)) throw misfit(type, field, "is no list of types");
  const windows = new Map<number, Uint8Array>();
  for (const item of [...new Set(value as readonly number[])].sort((a, b) => a - b)) {
    const code = number(type, field, item, 65_535);
    const bits = windows.get(code >> 8) ?? new Uint8Array(32);
    windows.set(code >> 8, bits);
    bits[(code & 0xff) >> 3] = (bits[(code & 0xff) >> 3] as number) | (0x80 >> (code & 7));
  }
  for (const [window, bits] of windows) {
    let length = 32;
    while (bits[length - 1] === 0) length--;
    writer.u8(window);
    writer.u8(length);
    writer.bytes(bits.subarray(0, length));
  }
}

function writeParams(writer: Writer, type: number, field: string, value: RdataValue): void {
  if (!Array.isArray(value)) throw misfit(type, field, "is no list of parameters");
  let last = -1;
  for (const item of value as readonly { key: number; value: string }[]) {
    const key = number(type, field, item.key, 65_535);
    if (key <= last) throw misfit(type, field, "must have ascending keys");
    last = key;
    const bytes = octets(type, field, fromHex(text(type, field, item.value)), 65_535);
    writer.u16(key);
    writer.u16(bytes.length);
    writer.bytes(bytes);
  }
}

/** A name without compression, as canonical and new-type rdata have it. */
export const writePlainName: NameWriter = (writer, name) => {
  for (const label of nameLabels(name)) {
    writer.u8(label.length);
    writer.bytes(label);
  }
  writer.u8(0);
};

/** Rdata as octets with no name compressed. @throws EncodeError */
export function rdataBytes(type: number, rdata: Rdata): Uint8Array {
  const writer = new ByteWriter(64);
  encodeRdata(writer, type, rdata, writePlainName);
  return writer.finish();
}

/** Typed fields of uncompressed rdata octets; opaque when they are not of the form of their type. */
export function rdataFromBytes(type: number, bytes: Uint8Array): Rdata {
  beginNames();
  return decodeRdata(
    type,
    bytes,
    0,
    bytes.length,
    0,
    rdataIsValid(type, bytes, 0, bytes.length, 0),
  );
}

/** Presentation form (RFC 1035 5.1, RFC 3597 5). @throws EncodeError when a field does not fit. */
export function formatRdata(type: number, rdata: Rdata): string {
  const bytes = rdataBytes(type, rdata);
  return rdataText(type, bytes, 0, bytes.length, 0, !isOpaque(rdata));
}
