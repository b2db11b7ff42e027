/** Records of one owner, type and class, with the signatures over them. RFC 2181 5, RFC 4035 2.2. */
import type { Rdata, RdataOf, ResourceRecord } from "../../../codecs/dns/index.ts";
import { isOpaque, TYPE } from "../../../codecs/dns/index.ts";
import { keyOf } from "./names.ts";

export type Rrsig = RdataOf<typeof TYPE.RRSIG>;

export interface Rrset {
  /** As it was received first. */
  readonly name: string;
  /** `name` in lower case. */
  readonly key: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  readonly rdatas: readonly Rdata[];
  readonly signatures: readonly Rrsig[];
  /** TTLs of the signatures when they are not the set's, for text. */
  readonly signatureTtl?: number;
}

/** What a name in rdata points at: NS, CNAME, DNAME, MX, SRV, PTR, SVCB. */
export function targetOf(rdata: Rdata): string | undefined {
  const { host, target } = rdata as { host?: unknown; target?: unknown };
  if (typeof host === "string") return host;
  return typeof target === "string" ? target : undefined;
}

interface Growing {
  name: string;
  key: string;
  type: number;
  class: number;
  ttl: number;
  rdatas: Rdata[];
  signatures: Rrsig[];
  signatureTtl?: number;
}

/**
 * The record sets of a message, each in the section where it came first. Signatures join the set
 * that they cover, wherever they stand; those that cover nothing are a set of type RRSIG.
 * The TTL of a set is its lowest (RFC 2181 5.2).
 */
export function groupSections(
  sections: readonly (readonly ResourceRecord[])[],
): [Rrset[], Rrset[], Rrset[]] {
  const sets = new Map<string, Growing>();
  const out: [Growing[], Growing[], Growing[]] = [[], [], []];
  const loose: { record: ResourceRecord; section: number }[] = [];
  sections.forEach((records, section) => {
    for (const record of records) {
      if (record.type === TYPE.RRSIG && !isOpaque(record.rdata)) loose.push({ record, section });
      else add(sets, out, record, section);
    }
  });
  for (const { record, section } of loose) {
    const signature = record.rdata as Rrsig;
    const covered = sets.get(setKey(keyOf(record.name), signature.typeCovered, record.class));
    if (covered === undefined) {
      add(sets, out, record, section);
    } else if (!covered.signatures.some((other) => sameRdata(other, signature))) {
      covered.signatures.push(signature);
      covered.signatureTtl = Math.min(covered.signatureTtl ?? record.ttl, record.ttl);
    }
  }
  return out;
}

function setKey(key: string, type: number, rrclass: number): string {
  return `${key} ${type} ${rrclass}`;
}

function add(
  sets: Map<string, Growing>,
  out: [Growing[], Growing[], Growing[]],
  record: ResourceRecord,
  section: number,
): void {
  const key = keyOf(record.name);
  const id = setKey(key, record.type, record.class);
  let set = sets.get(id);
  if (set === undefined) {
    set = {
      name: record.name,
      key,
      type: record.type,
      class: record.class,
      ttl: record.ttl,
      rdatas: [],
      signatures: [],
    };
    sets.set(id, set);
    out[section as 0 | 1 | 2].push(set);
  }
  set.ttl = Math.min(set.ttl, record.ttl);
  if (!set.rdatas.some((other) => sameRdata(other, record.rdata))) set.rdatas.push(record.rdata);
}

/** Deep equality of plain data. */
export function sameRdata(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The records of a set, and its signatures where they are wanted. */
export function recordsOf(set: Rrset, ttl: number, withSignatures: boolean): ResourceRecord[] {
  const base = { name: set.name, class: set.class, ttl };
  const records: ResourceRecord[] = set.rdatas.map((rdata) => ({ ...base, type: set.type, rdata }));
  if (withSignatures)
    for (const rdata of set.signatures) records.push({ ...base, type: TYPE.RRSIG, rdata });
  return records;
}
