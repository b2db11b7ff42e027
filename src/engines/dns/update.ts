/** What an UPDATE makes of a zone: prerequisites, then changes, all or nothing. RFC 2136 3. */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import { compareSerials, isWithin, nameKey } from "../../codecs/dns/canonical.ts";
import { CLASS, RCODE, TYPE } from "../../codecs/dns/constants.ts";
import type { DnsMessage, RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import { isOpaque } from "../../codecs/dns/rdata.ts";
import type { Zone } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { recordKey, serialOf } from "./zone-diff.ts";

export type UpdateOutcome =
  | { readonly rcode: number }
  /** `diff` is missing where nothing changes. */
  | { readonly rcode: 0; readonly diff: ZoneDiff | undefined };

/** RFC 6895 3.1: types of questions and of the message itself, which no zone holds. */
function isMeta(type: number): boolean {
  return type === TYPE.OPT || type === 0 || (type >= 128 && type <= 255);
}
/** RFC 2181 10.1, RFC 6672 2.4: one of it at a name. */
const SINGLE: ReadonlySet<number> = new Set([TYPE.CNAME, TYPE.DNAME, TYPE.SOA]);
/** RFC 4034 2.5, 4: they may stand beside a CNAME. */
const BESIDE_CNAME: ReadonlySet<number> = new Set([TYPE.CNAME, TYPE.RRSIG, TYPE.NSEC, TYPE.KEY]);

/** Records of the names that are touched. */
class Draft {
  readonly zone: Zone;
  readonly before = new Map<NameKey, readonly ResourceRecord[]>();
  private readonly after = new Map<NameKey, ResourceRecord[]>();

  constructor(zone: Zone) {
    this.zone = zone;
  }

  at(name: string): readonly ResourceRecord[] {
    const key = nameKey(name);
    const known = this.after.get(key);
    if (known !== undefined) return known;
    const rrsets = this.zone.find(key)?.node?.rrsets ?? [];
    const records = rrsets.flatMap((rrset) => rrset.records);
    this.before.set(key, records);
    this.after.set(key, [...records]);
    return records;
  }

  set(name: string, records: ResourceRecord[]): void {
    this.at(name);
    this.after.set(nameKey(name), records);
  }

  diff(): ZoneDiff | undefined {
    const removed: ResourceRecord[] = [];
    const added: ResourceRecord[] = [];
    let soa = this.zone.soa;
    for (const [key, old] of this.before) {
      const now = new Map((this.after.get(key) ?? []).map((record) => [recordKey(record), record]));
      for (const record of old) {
        if (record.type === TYPE.SOA) continue;
        const same = now.get(recordKey(record));
        if (same?.ttl === record.ttl) now.delete(recordKey(record));
        else removed.push(record);
      }
      for (const record of now.values()) {
        if (record.type === TYPE.SOA) soa = record;
        else added.push(record);
      }
    }
    const bumped = serialOf(soa) !== this.zone.serial;
    if (!bumped && removed.length + added.length === 0) return undefined;
    return { from: this.zone.soa, to: bumped ? soa : nextSoa(soa), removed, added };
  }
}

/** RFC 2136 3.6: by one; RFC 1982 has no use for zero, which some servers take for "none". */
export function nextSoa(soa: ResourceRecord): ResourceRecord {
  const serial = (serialOf(soa) + 1) >>> 0 || 1;
  return { ...soa, rdata: { ...(soa.rdata as RdataFields), serial } };
}

export function applyUpdate(zone: Zone, message: DnsMessage): UpdateOutcome {
  const draft = new Draft(zone);
  const rcode = prerequisites(draft, message.answers) || prescan(zone, message.authority);
  if (rcode !== RCODE.NOERROR) return { rcode };
  for (const record of message.authority) change(draft, record);
  return { rcode: 0, diff: draft.diff() };
}

function hasData({ rdata }: ResourceRecord): boolean {
  return !isOpaque(rdata) || rdata.opaque !== "";
}

/** RFC 2136 3.2. */
function prerequisites(draft: Draft, records: readonly ResourceRecord[]): number {
  const sets = new Map<string, ResourceRecord[]>();
  for (const record of records) {
    if (record.ttl !== 0) return RCODE.FORMERR;
    if (!isWithin(nameKey(record.name), draft.zone.origin)) return RCODE.NOTZONE;
    if (record.class === CLASS.IN) {
      const key = `${nameKey(record.name)}/${record.type}`;
      const set = sets.get(key);
      if (set === undefined) sets.set(key, [record]);
      else set.push(record);
      continue;
    }
    if ((record.class !== CLASS.ANY && record.class !== CLASS.NONE) || hasData(record))
      return RCODE.FORMERR;
    const any = record.type === TYPE.ANY;
    const found = draft.at(record.name).some(({ type }) => any || type === record.type);
    if (record.class === CLASS.ANY && !found) return any ? RCODE.NXDOMAIN : RCODE.NXRRSET;
    if (record.class === CLASS.NONE && found) return any ? RCODE.YXDOMAIN : RCODE.YXRRSET;
  }
  for (const wanted of sets.values()) {
    const [{ name, type }] = wanted as [ResourceRecord];
    const there = draft.at(name).filter((record) => record.type === type);
    if (keysOf(there) !== keysOf(wanted)) return RCODE.NXRRSET;
  }
  return RCODE.NOERROR;
}

function keysOf(records: readonly ResourceRecord[]): string {
  return [...new Set(records.map(recordKey))].sort().join(" ");
}

/** RFC 2136 3.4.1: nothing is changed by a message that is wrong anywhere. */
function prescan(zone: Zone, records: readonly ResourceRecord[]): number {
  for (const record of records) {
    const { class: rdclass, type, ttl } = record;
    if (!isWithin(nameKey(record.name), zone.origin)) return RCODE.NOTZONE;
    if (rdclass === CLASS.IN) {
      if (isMeta(type) || !hasData(record)) return RCODE.FORMERR;
    } else if (rdclass === CLASS.ANY) {
      if (ttl !== 0 || hasData(record) || (isMeta(type) && type !== TYPE.ANY)) return RCODE.FORMERR;
    } else if (rdclass !== CLASS.NONE || ttl !== 0 || isMeta(type)) return RCODE.FORMERR;
  }
  return RCODE.NOERROR;
}

/** RFC 2136 3.4.2. */
function change(draft: Draft, record: ResourceRecord): void {
  const { name, type } = record;
  const apex = nameKey(name) === draft.zone.origin;
  const there = draft.at(name);
  if (record.class === CLASS.IN) return add(draft, record, there, apex);
  // The SOA and the last NS of a zone stay (3.4.2.3, 3.4.2.4).
  const stays = (other: ResourceRecord) =>
    apex && (other.type === TYPE.SOA || other.type === TYPE.NS);
  if (record.class === CLASS.ANY) {
    const goes = (other: ResourceRecord) => type === TYPE.ANY || other.type === type;
    draft.set(
      name,
      there.filter((other) => stays(other) || !goes(other)),
    );
    return;
  }
  const key = recordKey(record);
  const left = there.filter((other) => other.type === TYPE.SOA || recordKey(other) !== key);
  if (!apex || type !== TYPE.NS || left.some((other) => other.type === TYPE.NS))
    draft.set(name, left);
}

/** RFC 2136 3.4.2.2. */
function add(
  draft: Draft,
  record: ResourceRecord,
  there: readonly ResourceRecord[],
  apex: boolean,
): void {
  const { name, type, ttl } = record;
  if (type === TYPE.SOA) {
    const [old] = there.filter((other) => other.type === TYPE.SOA);
    if (!apex || old === undefined || !(compareSerials(serialOf(record), serialOf(old)) > 0))
      return;
  }
  const besides = there.some((other) => !BESIDE_CNAME.has(other.type));
  if (type === TYPE.CNAME && besides) return;
  if (!BESIDE_CNAME.has(type) && there.some((other) => other.type === TYPE.CNAME)) return;
  const key = recordKey(record);
  const kept = there
    .filter((other) => (SINGLE.has(type) ? other.type !== type : recordKey(other) !== key))
    // RFC 2181 5.2: one TTL for all of an RRset, the one that came last.
    .map((other) => (other.type === type ? { ...other, ttl } : other));
  draft.set(name, [...kept, record]);
}
