/** A whole zone as messages: the SOA, all records, the SOA again. RFC 5936 2.2. */

import { readMessage } from "../../codecs/dns/decode.ts";
import { encode } from "../../codecs/dns/encode.ts";
import type { ResourceRecord } from "../../codecs/dns/message.ts";
import { concat } from "../../codecs/writer.ts";
import type { Zone } from "./zone.ts";

/** Records of one message: far below 65535 octets unless they are large. */
const BATCH = 200;
/** With room for a TSIG. */
const MOST = 65_000;

/** `questionEnd`: of the request, whose id and question each message has. */
export function* transferMessages(
  zone: Zone,
  request: Uint8Array,
  questionEnd: number,
): Generator<Uint8Array> {
  const head = concat([request.subarray(0, questionEnd)]);
  for (let i = 6; i < 12; i++) head[i] = 0;
  const { message } = readMessage(head);
  const of = (answers: readonly ResourceRecord[]): Uint8Array =>
    encode({ ...message, qr: 1, aa: true, rcode: 0, rd: false, answers });
  let batch: ResourceRecord[] = [];
  for (const record of withLast(zone)) {
    batch.push(record);
    if (batch.length < BATCH) continue;
    yield* fitting(batch, of);
    batch = [];
  }
  if (batch.length > 0) yield* fitting(batch, of);
}

function* withLast(zone: Zone): Generator<ResourceRecord> {
  yield* zone.records();
  yield zone.soa;
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
