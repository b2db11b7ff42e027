/** The ways in which `netkit decode` shows records: each is an output of the analyser. */
import type { ChalkInstance } from "chalk";
import { JsonWriter } from "../codecs/json-writer.ts";
import type { Totals } from "../engines/capture/account.ts";
import type { AnalyserOutput } from "../engines/capture/analyser.ts";
import { DnsRows } from "../engines/capture/dns-rows.ts";
import { NdjsonOutput } from "../engines/capture/ndjson-output.ts";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { ObjectOutput, recordText } from "../engines/capture/record.ts";
import { renderAccount } from "./account.ts";

/** Bytes gathered before they are written: what a pipe takes at once. */
const WRITE_BYTES = 64 * 1024;

export interface ByteSink {
  write(bytes: Uint8Array): void;
}

export interface View {
  readonly output: AnalyserOutput;
  /** Writes what has gathered. */
  flush(): void;
}

/** What records are let through, and how many. */
export interface Selection {
  readonly keep?: (record: CaptureRecord) => boolean;
  readonly limit?: number;
  /** Called when the limit is reached. */
  readonly onLimit?: () => void;
}

/** NDJSON of all records: no object is made. */
export function bulkJsonView(sink: ByteSink): View {
  const output = new NdjsonOutput((json: JsonWriter) => {
    if (json.at >= WRITE_BYTES) {
      sink.write(json.written());
      json.at = 0;
    }
  }, WRITE_BYTES * 2);
  return {
    output,
    flush: () => {
      const { json } = output;
      if (json.at > 0) sink.write(json.written());
      json.at = 0;
    },
  };
}

/** One text a record, of those that the selection lets through. */
export function textView(
  sink: ByteSink,
  selection: Selection,
  render: (record: CaptureRecord) => string | undefined,
  wantsBytes = false,
): View {
  let parts: string[] = [];
  let length = 0;
  let shown = 0;
  const { keep, limit } = selection;
  const flush = () => {
    if (parts.length === 0) return;
    const bytes = Buffer.from(parts.join(""));
    parts = [];
    length = 0;
    sink.write(bytes);
  };
  const output = new ObjectOutput((record) => {
    if (limit !== undefined && shown >= limit) return;
    if (keep !== undefined && !keep(record)) return;
    const text = render(record);
    if (text === undefined) return;
    parts.push(text, "\n");
    length += text.length;
    if (length >= WRITE_BYTES) flush();
    if (++shown === limit) selection.onLimit?.();
  }, wantsBytes);
  return { output, flush };
}

/**
 * Columns: rows of DNS are written by themselves, without an object, where `fields` and the time's
 * style allow it; all others by `render`, in order.
 */
export function columnsView(
  sink: ByteSink,
  names: readonly string[],
  render: (record: CaptureRecord) => string | undefined,
): View | undefined {
  const json = new JsonWriter(WRITE_BYTES * 2);
  const flush = () => {
    if (json.at > 0) sink.write(json.written());
    json.at = 0;
  };
  const wrote = () => {
    if (json.at >= WRITE_BYTES) flush();
  };
  const output = new ObjectOutput((record) => {
    const text = render(record);
    if (text === undefined) return;
    json.raw(`${text}\n`);
    wrote();
  });
  output.rows = DnsRows.of(json, names, () => {
    output.count("dns");
    wrote();
  });
  return output.rows === undefined ? undefined : { output, flush };
}

export function jsonView(sink: ByteSink, selection: Selection): View {
  return textView(sink, selection, recordText);
}

export function accountText(totals: Totals, json: boolean, color: ChalkInstance): string {
  if (!json) return renderAccount(totals, color);
  const { packets, bytes, payloadBytes, decodedBytes, gapBytes, unknownBytes, ...rest } = totals;
  const account = { packets, bytes, payloadBytes, decodedBytes, gapBytes, unknownBytes, ...rest };
  return `${JSON.stringify({ account })}\n`;
}
