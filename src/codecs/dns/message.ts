/** DNS messages as data. RFC 1035 4.1, RFC 6891 6. */
import type { RDATA, RdataOf } from "./rdata-table.ts";

export interface Question {
  /** Presentation form, absolute, case as on the wire. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

/** Fields of rdata by the names of the table (`rdata-table.ts`), e.g. `{ preference, host }` of MX. */
export interface RdataFields {
  readonly [field: string]: RdataValue;
}

export type RdataValue =
  | string
  | number
  | readonly string[]
  | readonly number[]
  | readonly { readonly key: number; readonly value: string }[];

/** Rdata of an unknown type, or not of the form of its type: its octets in hex (RFC 3597). */
export interface OpaqueRdata {
  readonly opaque: string;
}

/** `RdataOf<15>` and the like are the exact types of what the table knows. */
export type Rdata = RdataFields | OpaqueRdata | RdataOf<keyof typeof RDATA>;

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds, 0 to 2^31 - 1 (RFC 2181 8). */
  readonly ttl: number;
  readonly rdata: Rdata;
}

export interface EdnsOption {
  readonly code: number;
  /** Hex. */
  readonly data: string;
}

/** The OPT record, out of the additional section. RFC 6891 6.1. */
export interface Edns {
  readonly udpSize: number;
  readonly version: number;
  readonly do: boolean;
  /** The 15 bits of the flags beside DO, when they are not zero. */
  readonly z?: number;
  readonly options: readonly EdnsOption[];
  /** Its place among the additional records, when it is not the last. */
  readonly index?: number;
}

export interface DnsMessage {
  readonly id: number;
  readonly qr: 0 | 1;
  readonly opcode: number;
  /** Extended by EDNS: 12 bits. */
  readonly rcode: number;
  readonly aa: boolean;
  readonly tc: boolean;
  readonly rd: boolean;
  readonly ra: boolean;
  /** The one bit that is still reserved (RFC 1035 4.1.1), when it is set. */
  readonly z?: true;
  readonly ad: boolean;
  readonly cd: boolean;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  readonly edns?: Edns;
  /** Octets after the last record, in hex: the TLVs of DSO (RFC 8490). */
  readonly trailing?: string;
}

/** Bits of the second header word. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  Z: 0x0040,
  AD: 0x0020,
  CD: 0x0010,
} as const;
