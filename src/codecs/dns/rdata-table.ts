/**
 * The fields of rdata by type: one table for wire and presentation form, both ways.
 * A type that is not here is opaque (RFC 3597).
 */
import { TYPE as T } from "./constants.ts";

/** What a field holds on the wire, and as a value. */
export interface FieldValues {
  u8: number;
  u16: number;
  u32: number;
  /** 48-bit count of seconds (TSIG). */
  u48: number;
  ipv4: string;
  ipv6: string;
  /** Domain name. */
  name: string;
  /** One character-string (RFC 1035 3.3), one octet a code point; printed in quotes. */
  string: string;
  /** A character-string that is printed bare (CAA tag). */
  word: string;
  /** All remaining character-strings. */
  strings: readonly string[];
  /** The rest as text without a length, printed in quotes (CAA, URI). */
  rest: string;
  /** The rest, as lower-case hex. */
  hex: string;
  /** The rest, in base64. */
  base64: string;
  /** With a 16-bit length ahead, in base64. */
  blob: string;
  /** An RR type. */
  type: number;
  /** Type bitmap (RFC 4034 4.1.2): the types, ascending. */
  types: readonly number[];
  /** Seconds of RFC 4034 3.1.5, printed as YYYYMMDDHHmmSS. */
  time: number;
  /** With an 8-bit length ahead, in hex; `-` when empty (NSEC3 salt). */
  salt: string;
  /** With an 8-bit length ahead, in base32hex (NSEC3 next owner). */
  hash: string;
  /** SvcParams (RFC 9460 2.2): key and value in hex. */
  params: readonly { readonly key: number; readonly value: string }[];
  /** The 16 octets of RFC 1876. */
  location: string;
  eui48: string;
  eui64: string;
  /** Address prefixes (RFC 3123). */
  prefixes: readonly string[];
}

export type FieldKind = keyof FieldValues;
export type FieldSpec = readonly [name: string, kind: FieldKind];

const HOST = [["host", "name"]] as const;
const TEXTS = [["strings", "strings"]] as const;
const DIGEST = [
  ["keyTag", "u16"],
  ["algorithm", "u8"],
  ["digestType", "u8"],
  ["digest", "hex"],
] as const;
const KEY = [
  ["flags", "u16"],
  ["protocol", "u8"],
  ["algorithm", "u8"],
  ["publicKey", "base64"],
] as const;
const SIGNATURE = [
  ["typeCovered", "type"],
  ["algorithm", "u8"],
  ["labels", "u8"],
  ["originalTtl", "u32"],
  ["expiration", "time"],
  ["inception", "time"],
  ["keyTag", "u16"],
  ["signer", "name"],
  ["signature", "base64"],
] as const;
const ASSOCIATION = [
  ["usage", "u8"],
  ["selector", "u8"],
  ["matchingType", "u8"],
  ["data", "hex"],
] as const;
const SERVICE = [
  ["priority", "u16"],
  ["target", "name"],
  ["params", "params"],
] as const;
const PREFERRED = [
  ["preference", "u16"],
  ["host", "name"],
] as const;

export const RDATA = {
  [T.A]: [["address", "ipv4"]],
  [T.NS]: HOST,
  [T.MD]: HOST,
  [T.MF]: HOST,
  [T.CNAME]: HOST,
  [T.SOA]: [
    ["mname", "name"],
    ["rname", "name"],
    ["serial", "u32"],
    ["refresh", "u32"],
    ["retry", "u32"],
    ["expire", "u32"],
    ["minimum", "u32"],
  ],
  [T.MB]: HOST,
  [T.MG]: HOST,
  [T.MR]: HOST,
  [T.PTR]: HOST,
  [T.HINFO]: [
    ["cpu", "string"],
    ["os", "string"],
  ],
  [T.MINFO]: [
    ["rmailbx", "name"],
    ["emailbx", "name"],
  ],
  [T.MX]: PREFERRED,
  [T.TXT]: TEXTS,
  [T.RP]: [
    ["mbox", "name"],
    ["txt", "name"],
  ],
  [T.AFSDB]: [
    ["subtype", "u16"],
    ["host", "name"],
  ],
  [T.X25]: [["address", "string"]],
  [T.ISDN]: TEXTS,
  [T.RT]: PREFERRED,
  [T["NSAP-PTR"]]: HOST,
  [T.SIG]: SIGNATURE,
  [T.KEY]: KEY,
  [T.PX]: [
    ["preference", "u16"],
    ["map822", "name"],
    ["mapx400", "name"],
  ],
  [T.GPOS]: [
    ["longitude", "string"],
    ["latitude", "string"],
    ["altitude", "string"],
  ],
  [T.AAAA]: [["address", "ipv6"]],
  [T.LOC]: [["location", "location"]],
  [T.SRV]: [
    ["priority", "u16"],
    ["weight", "u16"],
    ["port", "u16"],
    ["target", "name"],
  ],
  [T.NAPTR]: [
    ["order", "u16"],
    ["preference", "u16"],
    ["flags", "string"],
    ["services", "string"],
    ["regexp", "string"],
    ["replacement", "name"],
  ],
  [T.KX]: PREFERRED,
  [T.CERT]: [
    ["certType", "u16"],
    ["keyTag", "u16"],
    ["algorithm", "u8"],
    ["certificate", "base64"],
  ],
  [T.DNAME]: [["target", "name"]],
  [T.APL]: [["prefixes", "prefixes"]],
  [T.DS]: DIGEST,
  [T.SSHFP]: [
    ["algorithm", "u8"],
    ["fingerprintType", "u8"],
    ["fingerprint", "hex"],
  ],
  [T.RRSIG]: SIGNATURE,
  [T.NSEC]: [
    ["next", "name"],
    ["types", "types"],
  ],
  [T.DNSKEY]: KEY,
  [T.DHCID]: [["digest", "base64"]],
  [T.NSEC3]: [
    ["hashAlgorithm", "u8"],
    ["flags", "u8"],
    ["iterations", "u16"],
    ["salt", "salt"],
    ["next", "hash"],
    ["types", "types"],
  ],
  [T.NSEC3PARAM]: [
    ["hashAlgorithm", "u8"],
    ["flags", "u8"],
    ["iterations", "u16"],
    ["salt", "salt"],
  ],
  [T.TLSA]: ASSOCIATION,
  [T.SMIMEA]: ASSOCIATION,
  [T.CDS]: DIGEST,
  [T.CDNSKEY]: KEY,
  [T.OPENPGPKEY]: [["key", "base64"]],
  [T.CSYNC]: [
    ["serial", "u32"],
    ["flags", "u16"],
    ["types", "types"],
  ],
  [T.ZONEMD]: [
    ["serial", "u32"],
    ["scheme", "u8"],
    ["hashAlgorithm", "u8"],
    ["digest", "hex"],
  ],
  [T.SVCB]: SERVICE,
  [T.HTTPS]: SERVICE,
  [T.SPF]: TEXTS,
  [T.LP]: PREFERRED,
  [T.L32]: [
    ["preference", "u16"],
    ["locator", "ipv4"],
  ],
  [T.EUI48]: [["address", "eui48"]],
  [T.EUI64]: [["address", "eui64"]],
  [T.TKEY]: [
    ["algorithm", "name"],
    ["inception", "time"],
    ["expiration", "time"],
    ["mode", "u16"],
    ["error", "u16"],
    ["key", "blob"],
    ["other", "blob"],
  ],
  [T.TSIG]: [
    ["algorithm", "name"],
    ["timeSigned", "u48"],
    ["fudge", "u16"],
    ["mac", "blob"],
    ["originalId", "u16"],
    ["error", "u16"],
    ["other", "blob"],
  ],
  [T.URI]: [
    ["priority", "u16"],
    ["weight", "u16"],
    ["target", "rest"],
  ],
  [T.CAA]: [
    ["flags", "u8"],
    ["tag", "word"],
    ["value", "rest"],
  ],
  [T.AVC]: TEXTS,
  [T.DLV]: DIGEST,
} as const satisfies Readonly<Record<number, readonly FieldSpec[]>>;

type Table = typeof RDATA;
type FieldsOf<Specs extends readonly FieldSpec[]> = {
  readonly [Spec in Specs[number] as Spec[0]]: FieldValues[Spec[1]];
};

/** Rdata of a type that the table knows, e.g. `RdataOf<typeof TYPE.MX>` is `{ preference, host }`. */
export type RdataOf<Type extends keyof Table> = FieldsOf<Table[Type]>;

const SPECS: (readonly FieldSpec[] | undefined)[] = [];
for (const [type, specs] of Object.entries(RDATA))
  if (Number(type) < 512) SPECS[Number(type)] = specs;
const FAR = new Map<number, readonly FieldSpec[]>(
  Object.entries(RDATA)
    .filter(([type]) => Number(type) >= 512)
    .map(([type, specs]) => [Number(type), specs]),
);

/** The fields of a type; undefined when its rdata is opaque. */
export function fieldsOf(type: number): readonly FieldSpec[] | undefined {
  return type < 512 ? SPECS[type] : FAR.get(type);
}

/** Types whose names an encoder may compress: those of RFC 1035 (RFC 3597 4). */
export const COMPRESSIBLE: ReadonlySet<number> = new Set([
  T.NS,
  T.MD,
  T.MF,
  T.CNAME,
  T.SOA,
  T.MB,
  T.MG,
  T.MR,
  T.PTR,
  T.MINFO,
  T.MX,
]);
