/** The values of STUN and TURN attributes, both ways. RFC 8489 14, RFC 8656 18. */
import type { DecodeOptions } from "../errors.ts";
import { deviate, EncodeError } from "../errors.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../ip-text.ts";
import { hex, strictUtf8, view } from "../reader.ts";
import type { Writer } from "../writer.ts";
import { fromHex, utf8Bytes } from "../writer.ts";
import { ATTRIBUTES, MAGIC_COOKIE } from "./constants.ts";
import type { AttributeValue } from "./message.ts";

const SPEC = "RFC 8489 14";

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/**
 * The value in `bytes[start, end)`. What does not fit its form is a deviation, and kept as bytes.
 * `cookie`: the message is of RFC 5389 or later, so that its identifier begins at byte 4.
 */
export function decodeValue(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  cookie: boolean,
  options: DecodeOptions,
): AttributeValue {
  const form = ATTRIBUTES.get(type)?.[1];
  if (form === undefined || form === "bytes")
    return { form: "bytes", bytes: view(bytes, start, end) };
  const value = typed(bytes, start, end, form, cookie);
  if (value !== undefined) return value;
  const name = ATTRIBUTES.get(type)?.[0];
  deviate(options, "stun.attribute.value", start, SPEC, `${end - start} bytes are no ${name}`);
  return { form: "bytes", bytes: view(bytes, start, end) };
}

function typed(
  bytes: Uint8Array,
  start: number,
  end: number,
  form: Exclude<AttributeValue["form"], "bytes">,
  cookie: boolean,
): AttributeValue | undefined {
  const length = end - start;
  switch (form) {
    case "address":
      return address(bytes, start, length);
    case "xor-address":
      return cookie ? xorAddress(bytes, start, length) : undefined;
    case "text": {
      const text = strictUtf8(bytes, start, end);
      return text === undefined ? undefined : { form, text };
    }
    case "u32":
      return length === 4
        ? { form, number: ((u16(bytes, start) << 16) | u16(bytes, start + 2)) >>> 0 }
        : undefined;
    case "u64":
      return length === 8 ? { form, hex: hex(bytes, start, end) } : undefined;
    case "error":
      return errorCode(bytes, start, end);
    case "flag":
      return length === 0 ? { form } : undefined;
    case "types":
      return types(bytes, start, end);
    default:
      return small(bytes, start, length, form);
  }
}

/** Values whose other bits are reserved: only zeros there make them typed, so that nothing is lost. */
function small(
  bytes: Uint8Array,
  start: number,
  length: number,
  form: "channel" | "transport" | "family" | "even-port",
): AttributeValue | undefined {
  const first = bytes[start] as number;
  if (form === "even-port") {
    return length === 1 && (first & 0x7f) === 0 ? { form, reserveNext: first === 0x80 } : undefined;
  }
  if (length !== 4 || u16(bytes, start + 2) !== 0) return undefined;
  if (form === "channel") return { form, channel: u16(bytes, start) };
  if (bytes[start + 1] !== 0) return undefined;
  return form === "transport" ? { form, protocol: first } : { form, family: first };
}

/** RFC 8489 14.1. */
function address(bytes: Uint8Array, start: number, length: number): AttributeValue | undefined {
  const family = u16(bytes, start);
  if (family === 1 && length === 8) {
    return { form: "address", address: formatIpv4(bytes, start + 4), port: u16(bytes, start + 2) };
  }
  if (family === 2 && length === 20) {
    return { form: "address", address: formatIpv6(bytes, start + 4), port: u16(bytes, start + 2) };
  }
  return undefined;
}

/** RFC 8489 14.2: the cookie, and for IPv6 the identifier behind it, are bytes 4..20 of the message. */
function xorAddress(bytes: Uint8Array, start: number, length: number): AttributeValue | undefined {
  const family = u16(bytes, start);
  if (!((family === 1 && length === 8) || (family === 2 && length === 20))) return undefined;
  const plain = new Uint8Array(length - 4);
  for (let i = 0; i < plain.length; i++) {
    plain[i] = (bytes[start + 4 + i] as number) ^ (bytes[4 + i] as number);
  }
  return {
    form: "xor-address",
    address: family === 1 ? formatIpv4(plain) : formatIpv6(plain),
    port: u16(bytes, start + 2) ^ (MAGIC_COOKIE >>> 16),
  };
}

/** RFC 8489 14.8: three bits of hundreds, then a number below 100; the bits before are reserved. */
function errorCode(bytes: Uint8Array, start: number, end: number): AttributeValue | undefined {
  if (end - start < 4 || u16(bytes, start) !== 0) return undefined;
  const hundreds = bytes[start + 2] as number;
  const number = bytes[start + 3] as number;
  const reason = strictUtf8(bytes, start + 4, end);
  if (hundreds > 7 || number > 99 || reason === undefined) return undefined;
  return { form: "error", code: hundreds * 100 + number, reason };
}

function types(bytes: Uint8Array, start: number, end: number): AttributeValue | undefined {
  if ((end - start) % 2 !== 0) return undefined;
  const list: number[] = [];
  for (let at = start; at < end; at += 2) list.push(u16(bytes, at));
  return { form: "types", types: list };
}

/** Writes a value, without its header and padding. `identifier`: bytes 4..20 of the message. */
export function encodeValue(out: Writer, value: AttributeValue, identifier: Uint8Array): void {
  switch (value.form) {
    case "address":
    case "xor-address":
      writeAddress(
        out,
        value.address,
        value.port,
        value.form === "address" ? undefined : identifier,
      );
      return;
    case "text":
      out.bytes(utf8Bytes(value.text));
      return;
    case "bytes":
      out.bytes(value.bytes);
      return;
    case "u32":
      out.u32(value.number);
      return;
    case "u64": {
      const bytes = fromHex(value.hex);
      if (bytes?.length !== 8) throw misfit("64 bits are 16 hex digits");
      out.bytes(bytes);
      return;
    }
    case "error":
      if (value.code < 0 || value.code > 799) throw misfit("an error code is 0 to 799");
      out.u32((Math.floor(value.code / 100) << 8) | (value.code % 100));
      out.bytes(utf8Bytes(value.reason));
      return;
    case "flag":
      return;
    case "types":
      for (const type of value.types) out.u16(type);
      return;
    case "channel":
      out.u32((value.channel & 0xffff) << 16);
      return;
    case "transport":
      out.u32((value.protocol & 0xff) << 24);
      return;
    case "family":
      out.u32((value.family & 0xff) << 24);
      return;
    case "even-port":
      out.u8(value.reserveNext ? 0x80 : 0);
      return;
  }
}

function misfit(message: string): EncodeError {
  return new EncodeError("stun.attribute.value", SPEC, message);
}

function writeAddress(
  out: Writer,
  text: string,
  port: number,
  identifier: Uint8Array | undefined,
): void {
  const v4 = parseIpv4(text);
  const bytes = v4 ?? parseIpv6(text);
  if (bytes === undefined) throw misfit(`"${text}" is no IP address`);
  if (port < 0 || port > 0xffff) throw misfit(`${port} is no port`);
  out.u16(v4 === undefined ? 2 : 1);
  out.u16(identifier === undefined ? port : port ^ (MAGIC_COOKIE >>> 16));
  for (let i = 0; i < bytes.length; i++) {
    out.u8((bytes[i] as number) ^ (identifier === undefined ? 0 : (identifier[i] as number)));
  }
}
