/** Rdata from presentation form, by the table. RFC 1035 5.1, RFC 3597 5, RFC 9460 2.1. */
import { EncodeError } from "../errors.ts";
import { hex } from "../reader.ts";
import { fromBase64, fromHex } from "../writer.ts";
import { typeCode, typeName } from "./constants.ts";
import type { Rdata, RdataValue } from "./message.ts";
import { rdataBytes, rdataFromBytes } from "./rdata.ts";
import type { FieldKind } from "./rdata-table.ts";
import { fieldsOf } from "./rdata-table.ts";
import { paramKey, parseParam } from "./svcb.ts";
import { parseTime } from "./text-forms.ts";
import type { Token } from "./tokens.ts";
import { entries, unescaped } from "./tokens.ts";

/** Words that zone files have for numbers: IANA "DNS Security Algorithm Numbers", RFC 4398 2.1. */
const MNEMONICS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  algorithm: {
    RSAMD5: 1,
    DH: 2,
    DSA: 3,
    RSASHA1: 5,
    "DSA-NSEC3-SHA1": 6,
    "RSASHA1-NSEC3-SHA1": 7,
    RSASHA256: 8,
    RSASHA512: 10,
    "ECC-GOST": 12,
    ECDSAP256SHA256: 13,
    ECDSAP384SHA384: 14,
    ED25519: 15,
    ED448: 16,
    INDIRECT: 252,
    PRIVATEDNS: 253,
    PRIVATEOID: 254,
  },
  certType: {
    PKIX: 1,
    SPKI: 2,
    PGP: 3,
    IPKIX: 4,
    ISPKI: 5,
    IPGP: 6,
    ACPKIX: 7,
    IACPKIX: 8,
    URI: 253,
    OID: 254,
  },
};

/** Makes a name absolute. */
export type Absolute = (name: string) => string;

function bad(type: number, what: string): never {
  throw new EncodeError("dns.rdata.text", "RFC 1035 5.1", `${typeName(type)}: ${what}`);
}

/**
 * Rdata of a type from its words.
 * @throws EncodeError when they are not of its form
 */
export function parseRdata(type: number, words: readonly Token[], absolute: Absolute): Rdata {
  if (words[0]?.text === "\\#" && !words[0].quoted) return generic(type, words);
  const specs = fieldsOf(type);
  if (specs === undefined) bad(type, "rdata must be written as \\# length hex");
  const rest = [...words];
  const fields: Record<string, RdataValue> = {};
  specs.forEach(([name, kind]) => {
    fields[name] = parseField(type, name, kind, rest, absolute);
  });
  if (rest.length > 0) bad(type, `${rest.length} words too many`);
  // Through the octets, so that values have the one form that decoding gives.
  return rdataFromBytes(type, rdataBytes(type, fields));
}

/** Rdata of one line of text. @throws EncodeError, DecodeError */
export function rdataFromText(type: number, text: string): Rdata {
  const [entry] = entries(text);
  return parseRdata(type, entry?.tokens ?? [], (name) => name);
}

function generic(type: number, words: readonly Token[]): Rdata {
  const length = words[1]?.text ?? "";
  const bytes = fromHex(
    words
      .slice(2)
      .map((word) => word.text)
      .join(""),
  );
  if (!/^[0-9]{1,5}$/.test(length) || bytes === undefined || bytes.length !== Number(length)) {
    bad(type, "not \\#, a length and as many octets in hex");
  }
  return rdataFromBytes(type, bytes);
}

function parseField(
  type: number,
  name: string,
  kind: FieldKind,
  rest: Token[],
  absolute: Absolute,
): RdataValue {
  const word = (): Token => rest.shift() ?? bad(type, `${name} is missing`);
  const text = (): string => unescaped(word().text) ?? bad(type, `${name} has a wrong escape`);
  const all = (): string =>
    rest
      .splice(0)
      .map((token) => token.text)
      .join("");
  switch (kind) {
    case "u8":
    case "u16":
    case "u32":
    case "u48": {
      const { text: digits } = word();
      return MNEMONICS[name]?.[digits.toUpperCase()] ?? integer(type, name, digits);
    }
    case "type":
      return typeCode(word().text) ?? bad(type, `${name} is no type`);
    case "time":
      return parseTime(word().text) ?? bad(type, `${name} is no time`);
    case "ipv4":
    case "ipv6":
      return word().text;
    case "name":
      return absolute(word().text);
    case "string":
    case "word":
      return text();
    case "strings":
      return strings(type, name, rest);
    case "rest":
      return text();
    case "hex":
      return empty(all());
    case "base64":
      return empty(all());
    case "blob":
      return blob(type, name, rest);
    case "types":
      return rest
        .splice(0)
        .map((token) => typeCode(token.text) ?? bad(type, `${token.text} is no type`));
    case "salt":
      return empty(word().text);
    case "hash":
      return word().text.toUpperCase();
    case "params":
      return params(type, rest);
    case "location":
      return rest
        .splice(0)
        .map((token) => token.text)
        .join(" ");
    case "eui48":
    case "eui64":
      return word().text.replaceAll("-", "");
    case "prefixes":
      return rest.splice(0).map((token) => token.text);
  }
}

function empty(text: string): string {
  return text === "-" ? "" : text;
}

function integer(type: number, name: string, text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) bad(type, `${name} is no number`);
  return Number(text);
}

function strings(type: number, name: string, rest: Token[]): string[] {
  const found = rest
    .splice(0)
    .map((token) => unescaped(token.text) ?? bad(type, `${name} has a wrong escape`));
  if (found.length === 0) bad(type, `${name} is missing`);
  return found;
}

/** BIND's form: the length, then base64 when it is not 0. */
function blob(type: number, name: string, rest: Token[]): string {
  const length = integer(type, name, rest.shift()?.text ?? "");
  const text = length === 0 ? "" : (rest.shift()?.text ?? "");
  if (fromBase64(text)?.length !== length) bad(type, `${name} is not of its length`);
  return text;
}

function params(type: number, rest: Token[]): { key: number; value: string }[] {
  const found = rest.splice(0).map(({ text }) => {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    const key = paramKey(name) ?? bad(type, `${name} is no SvcParamKey`);
    let value = equals < 0 ? undefined : text.slice(equals + 1);
    if (value?.startsWith('"') === true) value = value.slice(1, -1);
    const octets =
      value === undefined
        ? undefined
        : (unescaped(value) ?? bad(type, `${name} has a wrong escape`));
    const bytes = parseParam(key, octets) ?? bad(type, `${name} has a wrong value`);
    return { key, value: hex(bytes) };
  });
  found.sort((a, b) => a.key - b.key);
  found.forEach(({ key }, i) => {
    if (found[i - 1]?.key === key) bad(type, `the key ${key} stands twice`);
  });
  return found;
}
