/** The account at the end: where every byte went. */
import type { ChalkInstance } from "chalk";
import type { Totals } from "../engines/capture/account.ts";

export function byteText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(value < 100 ? 1 : 0)} ${units[unit]}`;
}

export function renderAccount(totals: Totals, color: ChalkInstance): string {
  const share = (bytes: number) =>
    totals.payloadBytes === 0 ? "" : ` (${((100 * bytes) / totals.payloadBytes).toFixed(1)} %)`;
  const records = Object.entries(totals.records).sort((a, b) => b[1] - a[1]);
  const messages = records.filter(([name]) => name !== "gap" && name !== "unknown");
  const count = messages.reduce((sum, [, n]) => sum + n, 0);
  const lines = [
    `${totals.packets} ${totals.packets === 1 ? "packet" : "packets"}, ${byteText(totals.bytes)}; ${count} ${count === 1 ? "message" : "messages"}${
      messages.length === 0 ? "" : `: ${messages.map(([name, n]) => `${name} ${n}`).join(", ")}`
    }`,
    `payload ${byteText(totals.payloadBytes)}: decoded ${byteText(totals.decodedBytes)}${share(totals.decodedBytes)}, unknown ${byteText(totals.unknownBytes)}${share(totals.unknownBytes)}, truncated ${byteText(totals.truncatedBytes)}${share(totals.truncatedBytes)}`,
  ];
  const notes: string[] = [];
  const gaps = totals.records["gap"] ?? 0;
  if (totals.gapBytes > 0)
    notes.push(
      `missing from the capture ${byteText(totals.gapBytes)} in ${gaps} gap${gaps === 1 ? "" : "s"}`,
    );
  if (totals.duplicateBytes > 0) notes.push(`seen twice ${byteText(totals.duplicateBytes)}`);
  if (totals.malformedPackets > 0)
    notes.push(`packets with broken headers ${totals.malformedPackets}`);
  if (notes.length > 0) lines.push(notes.join("; "));
  return `${lines.map((line) => color.dim(line)).join("\n")}\n`;
}
