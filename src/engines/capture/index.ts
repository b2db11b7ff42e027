/** The packet analyser as a library: packets in, records out. */
export type { Totals } from "./account.ts";
export type { AnalyserOptions, AnalyserOutput } from "./analyser.ts";
export { Analyser } from "./analyser.ts";
export { NdjsonOutput } from "./ndjson-output.ts";
export type { CaptureRecord } from "./record.ts";
export { ObjectOutput, recordText } from "./record.ts";
export { recordSchema } from "./schema.ts";
