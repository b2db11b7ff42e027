/** The packet analyser as a library: packets in, records out. */
export type { Totals } from "./account.ts";
export type { AnalyserOptions, AnalyserOutput } from "./analyser.ts";
export { Analyser } from "./analyser.ts";
export type { DnsColumnBatch } from "./dns-columns.ts";
export { DNS_COLUMN_KIND, DnsColumns } from "./dns-columns.ts";
export { NdjsonOutput } from "./ndjson-output.ts";
export type { CaptureRecord } from "./record.ts";
export { ObjectOutput, recordText } from "./record.ts";
export { recordSchema } from "./schema.ts";
