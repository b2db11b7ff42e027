/** Zone transfers as messages: a whole zone (RFC 5936 2.2), or its differences (RFC 1995 4). */
import { compareSerials } from "../../codecs/dns/canonical.ts";
import { TYPE } from "../../codecs/dns/constants.ts";
import { readMessage } from "../../codecs/dns/decode.ts";
import { encode } from "../../codecs/dns/encode.ts";
import type { Edns, ResourceRecord } from "../../codecs/dns/message.ts";
import { concat } from "../../codecs/writer.ts";
import type { Zone } from "./zone.ts";
import type { ZoneHistory } from "./zone-diff.ts";
import { diffRecords, serialOf } from "./zone-diff.ts";

/** Records of one message: far below 65535 octets unless they are large. */
const BATCH = 200;
/** With room for a TSIG. */
const MOST = 65_000;

/** `questionEnd`: of the request, whose id and question each message has; EDNS is in the first. */
export function* transferMessages(
  records: Iterable<ResourceRecord>,
  request: Uint8Array,
  questionEnd: number,
  edns?: Edns,
): Generator<Uint8Array> {
  const head = concat([request.subarray(0, questionEnd)]);
  for (let i = 6; i < 12; i++) head[i] = 0;
  const { message } = readMessage(head);
  let opt = edns === undefined ? {} : { edns };
  const of = (answers: readonly ResourceRecord[]): Uint8Array => {
    const bytes = encode({ ...message, qr: 1, aa: true, rcode: 0, rd: false, answers, ...opt });
    opt = {};
    return bytes;
  };
  let batch: ResourceRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    yield* fitting(batch, of);
    batch = [];
  }
  if (batch.length > 0) yield* fitting(batch, of);
}

/** The SOA, all records, the SOA again. */
export function* wholeZone(zone: Zone): Generator<ResourceRecord> {
  yield* zone.records();
  yield zone.soa;
}

/** What an IXFR is answered with; undefined when the request tells no serial. RFC 1995 2 to 4. */
export function incrementalRecords(
  zone: Zone,
  history: ZoneHistory | undefined,
  request: Uint8Array,
): { readonly kind: "soa" | "diffs" | "zone"; records(): Iterable<ResourceRecord> } | undefined {
  const { message } = readMessage(request);
  const [soa] = message.authority;
  if (soa === undefined || soa.type !== TYPE.SOA || message.authority.length !== 1)
    return undefined;
  const serial = serialOf(soa);
  if (typeof serial !== "number") return undefined;
  if (compareSerials(zone.serial, serial) <= 0) return { kind: "soa", records: () => [zone.soa] };
  const diffs = history?.since(serial);
  return diffs === undefined
    ? { kind: "zone", records: () => wholeZone(zone) }
    : { kind: "diffs", records: () => diffRecords(zone, diffs) };
}

/** Halves what does not fit one message. */
function* fitting(
  records: readonly ResourceRecord[],
  of: (answers: readonly ResourceRecord[]) => Uint8Array,
): Generator<Uint8Array> {
  const bytes = sized(records) ? of(records) : undefined;
  if (bytes !== undefined && bytes.length <= MOST) yield bytes;
  else {
    const half = records.length >> 1;
    yield* fitting(records.slice(0, half), of);
    yield* fitting(records.slice(half), of);
  }
}

/** A guess from above, so that `encode` need not refuse: rdata as text is longer than as octets. */
function sized(records: readonly ResourceRecord[]): boolean {
  if (records.length === 1) return true;
  let sum = 0;
  for (const { rdata } of records) sum += 270 + JSON.stringify(rdata).length;
  return sum < MOST;
}
