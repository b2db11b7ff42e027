/** A record as a tree: parts with their offsets where the message's bytes tell, else its keys and values. */
import type { ChalkInstance } from "chalk";
import type { CaptureRecord } from "../engines/capture/record.ts";
import { hexDump } from "./hex-dump.ts";
import { layoutOf } from "./layout.ts";
import { safe } from "./safe.ts";

/** Items of one list that are shown. */
const MAX_ITEMS = 200;

export interface Details {
  readonly tree: boolean;
  readonly hex: boolean;
}

/** What stands under the record's line. */
export function renderDetails(
  record: CaptureRecord,
  details: Details,
  color: ChalkInstance,
): string {
  const parts: string[] = [];
  if (details.tree) {
    const rows = record.raw === undefined ? undefined : layoutOf(record.protocol, record.raw);
    if (rows === undefined) parts.push(...valueRows(record.body, 2));
    else {
      for (const { offset, depth, text } of rows) {
        parts.push(
          `        ${color.dim(String(offset).padStart(5))}  ${"  ".repeat(depth)}${safe(text)}`,
        );
      }
      for (const key of ["requestFrame", "requestIn", "latency", "duration"]) {
        if (record.body[key] !== undefined)
          parts.push(`               ${key}: ${String(record.body[key])}`);
      }
    }
    for (const issue of record.issues ?? []) {
      parts.push(
        color.yellow(
          `        ${String(issue.offset).padStart(5)}  ! ${safe(issue.message)} (${issue.code}, ${issue.spec})`,
        ),
      );
    }
  }
  if (details.hex && record.raw !== undefined && record.raw.length > 0)
    parts.push(hexDump(record.raw));
  return parts.length === 0 ? "" : `\n${parts.join("\n")}`;
}

function valueRows(value: unknown, depth: number): string[] {
  const indent = "    ".repeat(depth);
  if (typeof value !== "object" || value === null) return [`${indent}${safe(String(value))}`];
  const entries = Array.isArray(value)
    ? value.slice(0, MAX_ITEMS).map((item, i) => [`[${i}]`, item] as const)
    : Object.entries(value);
  return entries.flatMap(([key, item]) =>
    typeof item === "object" && item !== null
      ? [`${indent}${safe(key)}`, ...valueRows(item, depth + 1)]
      : [`${indent}${safe(key)}: ${safe(String(item))}`],
  );
}
