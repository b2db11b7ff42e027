/** The comparison of the three ways to resolve, as a table for people. */
import type { ChalkInstance } from "chalk";
import { RCODE_NAMES } from "../../render/dns-names.ts";
import type { LabRow } from "./simulated.ts";

const HEAD = [
  "mode",
  "cache",
  "name",
  "answer",
  "ms",
  "client",
  "recursor",
  "root",
  "servers",
  "packets",
];
const LEFT = 4;

function cells(row: LabRow): string[] {
  const rcode =
    row.rcode === undefined ? "none" : (RCODE_NAMES.get(row.rcode) ?? String(row.rcode));
  return [
    row.mode,
    row.cache,
    `${row.name} ${row.type}`,
    row.answers > 0 ? `${rcode} ${row.answers}` : rcode,
    row.ms.toFixed(1),
    ...[row.clientSent, row.recursorSent, row.rootQuestions, row.serverQuestions, row.packets].map(
      String,
    ),
  ];
}

/** Columns: milliseconds; questions sent by the client and the recursor, received by root servers and by all servers; packets in all. */
export function renderRows(rows: readonly LabRow[], paint: ChalkInstance): string {
  const all = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, i) => Math.max(...all.map((line) => (line[i] as string).length)));
  const text = all.map((line, n) => {
    const padded = line.map((cell, i) =>
      i < LEFT ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
    );
    const joined = padded.join("  ").trimEnd();
    return n === 0 ? paint.bold(joined) : joined;
  });
  return `${text.join("\n")}\n`;
}
