/**
 * What lies between two versions of a zone, and the versions that a server remembers. RFC 1995 4
 * (a difference is the old SOA, what went, the new SOA, what came), RFC 1995 5 (how long they are
 * kept).
 */
import { canonicalRdata, compareSerials, nameKey } from "../../codecs/dns/canonical.ts";
import { CLASS, TYPE } from "../../codecs/dns/constants.ts";
import type { RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import { hex } from "../../codecs/reader.ts";
import type { Zone } from "./zone.ts";

/** From one serial to another. Neither list holds the SOA. */
export interface ZoneDiff {
  readonly from: ResourceRecord;
  readonly to: ResourceRecord;
  readonly removed: readonly ResourceRecord[];
  readonly added: readonly ResourceRecord[];
}

export function serialOf(soa: ResourceRecord): number {
  return (soa.rdata as RdataFields)["serial"] as number;
}

/** Equal for records that differ at most in TTL and in the case of names. RFC 2181 5. */
export function recordKey({ name, type, rdata }: ResourceRecord): string {
  return `${nameKey(name)}/${type}/${hex(canonicalRdata(type, rdata))}`;
}

function keyed(zone: Zone): Map<string, ResourceRecord> {
  const map = new Map<string, ResourceRecord>();
  for (const record of zone.records())
    if (record.type !== TYPE.SOA) map.set(recordKey(record), record);
  return map;
}

export function diffZones(from: Zone, to: Zone): ZoneDiff {
  const before = keyed(from);
  const added: ResourceRecord[] = [];
  for (const [key, record] of keyed(to)) {
    // A TTL that changed is a record that went and one that came.
    if (before.get(key)?.ttl === record.ttl) before.delete(key);
    else added.push(record);
  }
  return { from: from.soa, to: to.soa, removed: [...before.values()], added };
}

/**
 * The records of the zone after the differences; undefined when they are not of this zone: a
 * record is missing that should go, one is there that should come, or the serials do not follow.
 */
export function applyDiffs(zone: Zone, diffs: readonly ZoneDiff[]): ResourceRecord[] | undefined {
  const records = keyed(zone);
  let soa = zone.soa;
  for (const { from, to, removed, added } of diffs) {
    if (serialOf(from) !== serialOf(soa)) return undefined;
    for (const record of removed) if (!records.delete(recordKey(record))) return undefined;
    for (const record of added) {
      const key = recordKey(record);
      if (record.class !== CLASS.IN || records.has(key)) return undefined;
      records.set(key, record);
    }
    soa = to;
  }
  return [soa, ...records.values()];
}

/** Versions of one zone, the newest last. RFC 1995 5: no more than a whole zone is worth. */
const MAX_VERSIONS = 512;
/** A small zone that changes often keeps some versions all the same. */
const MIN_RECORDS = 2000;

export class ZoneHistory {
  private diffs: ZoneDiff[] = [];
  private size = 0;

  /** `records`: of the zone now, the bound of what is kept. */
  push(diff: ZoneDiff, records: number): void {
    const last = this.diffs.at(-1);
    if (last !== undefined && serialOf(last.to) !== serialOf(diff.from)) this.clear();
    this.diffs.push(diff);
    this.size += sizeOf(diff);
    const most = Math.max(records, MIN_RECORDS);
    while (this.diffs.length > MAX_VERSIONS || this.size > most) {
      const old = this.diffs.shift();
      if (old === undefined) break;
      this.size -= sizeOf(old);
    }
  }

  /** All that is remembered. */
  all(): readonly ZoneDiff[] {
    return this.diffs;
  }

  clear(): void {
    this.diffs = [];
    this.size = 0;
  }

  /** From that serial to the newest; undefined when it is not remembered. */
  since(serial: number): readonly ZoneDiff[] | undefined {
    const at = this.diffs.findIndex(({ from }) => serialOf(from) === serial);
    return at < 0 ? undefined : this.diffs.slice(at);
  }

  /** Remembers how the zone came to be another; nothing where the serial did not grow. */
  replaced(old: Zone, zone: Zone, diffs?: readonly ZoneDiff[]): void {
    if (!(compareSerials(zone.serial, old.serial) > 0)) {
      if (old.serial !== zone.serial) this.clear();
      return;
    }
    const records = zone.nodes.length;
    for (const diff of diffs ?? [diffZones(old, zone)]) this.push(diff, records);
  }
}

function sizeOf({ removed, added }: ZoneDiff): number {
  return removed.length + added.length + 2;
}

/** The answer section of an IXFR: RFC 1995 4. */
export function* diffRecords(zone: Zone, diffs: readonly ZoneDiff[]): Generator<ResourceRecord> {
  yield zone.soa;
  for (const { from, to, removed, added } of diffs) {
    yield from;
    yield* removed;
    yield to;
    yield* added;
  }
  yield zone.soa;
}
