/**
 * The records of a zone transfer, as they come, put together: a whole zone, differences, or the
 * word that nothing is new. RFC 5936 2.2 and 3, RFC 1995 4.
 */
import { compareSerials } from "../../../codecs/dns/canonical.ts";
import { TYPE } from "../../../codecs/dns/constants.ts";
import type { ResourceRecord } from "../../../codecs/dns/message.ts";
import type { ZoneDiff } from "../zone-diff.ts";
import { serialOf } from "../zone-diff.ts";

export type Transferred =
  /** Without the second SOA. */
  | { readonly kind: "zone"; readonly records: readonly ResourceRecord[] }
  | { readonly kind: "diffs"; readonly soa: ResourceRecord; readonly diffs: readonly ZoneDiff[] }
  | { readonly kind: "current"; readonly soa: ResourceRecord };

/** Thrown in words when the records are no transfer. */
export class TransferError extends Error {}

interface Growing {
  readonly from: ResourceRecord;
  readonly removed: ResourceRecord[];
  to: ResourceRecord | undefined;
  readonly added: ResourceRecord[];
}

export class TransferReader {
  /** Of an IXFR: the version that we have. */
  private readonly serial: number | undefined;
  private first: ResourceRecord | undefined;
  private readonly records: ResourceRecord[] = [];
  private readonly diffs: ZoneDiff[] = [];
  private growing: Growing | undefined;

  constructor(serial?: number) {
    this.serial = serial;
  }

  /** The answers of one message; the result once it is whole. @throws TransferError */
  take(answers: readonly ResourceRecord[]): Transferred | undefined {
    let result: Transferred | undefined;
    for (const record of answers) {
      if (result !== undefined) throw new TransferError("records behind the end of the transfer");
      result = this.one(record);
    }
    return result ?? this.isCurrent();
  }

  private isCurrent(): Transferred | undefined {
    const { first, serial } = this;
    if (first === undefined || serial === undefined) return undefined;
    if (this.records.length > 1 || this.growing !== undefined) return undefined;
    // RFC 1995 2: the server has nothing newer.
    return compareSerials(serialOf(first), serial) <= 0
      ? { kind: "current", soa: first }
      : undefined;
  }

  private one(record: ResourceRecord): Transferred | undefined {
    const soa = record.type === TYPE.SOA;
    const { first, growing } = this;
    if (first === undefined) {
      if (!soa) throw new TransferError("the transfer does not begin with an SOA");
      this.first = record;
      this.records.push(record);
      return undefined;
    }
    if (growing !== undefined) return soa ? this.turn(record, growing, first) : this.grow(record);
    if (!soa) {
      this.records.push(record);
      return undefined;
    }
    // RFC 1995 4: the second record of differences is the SOA that the client has.
    if (this.records.length === 1 && serialOf(record) === this.serial) {
      this.begin(record);
      return undefined;
    }
    // RFC 5936 2.2: the last SOA is the first.
    if (serialOf(record) !== serialOf(first))
      throw new TransferError("the zone changed during the transfer");
    return { kind: "zone", records: this.records };
  }

  private begin(from: ResourceRecord): void {
    this.growing = { from, removed: [], to: undefined, added: [] };
  }

  private grow(record: ResourceRecord): undefined {
    const { removed, added, to } = this.growing as Growing;
    (to === undefined ? removed : added).push(record);
    return undefined;
  }

  /** An SOA amid differences: from what goes to what comes, to the next difference, or the end. */
  private turn(
    soa: ResourceRecord,
    growing: Growing,
    first: ResourceRecord,
  ): Transferred | undefined {
    const { from, removed, added, to } = growing;
    if (to === undefined) {
      growing.to = soa;
      return undefined;
    }
    this.diffs.push({ from, to, removed, added });
    if (serialOf(soa) !== serialOf(to))
      throw new TransferError("the differences do not follow each other");
    if (serialOf(to) === serialOf(first)) return { kind: "diffs", soa: first, diffs: this.diffs };
    this.begin(soa);
    return undefined;
  }
}
