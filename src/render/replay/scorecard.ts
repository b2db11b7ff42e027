/** The course's scorecard for people: formula, simulated time, and their ratio. */
import type { ChalkInstance } from "chalk";
import type { Scorecard } from "../../replay/scorecard-main.ts";
import { aligned } from "../table.ts";
import { number } from "./comparison.ts";

export function renderScorecard({ options, rows, idle }: Scorecard, paint: ChalkInstance): string {
  const { objects, size, path, connections: m, background } = options;
  const shared = background > 0;
  const cells = rows.map((row) => [
    row.strategy,
    number(row.formulaMs),
    ...(shared ? [number(row.sharedFormulaMs ?? 0)] : []),
    number(row.simulatedMs),
    `${row.ratio.toFixed(2)} x`,
    number(row.rtts),
    String(row.connections),
    String(row.packets),
    String(row.drops),
    ...(row.others === undefined
      ? []
      : [`${(row.others.pageShare * 100).toFixed(0)} %`, `${row.others.slowdown.toFixed(2)} x`]),
  ]);
  const heads = [
    "strategy",
    "formula, ms",
    ...(shared ? ["shared, ms"] : []),
    "simulated, ms",
    "ratio",
    "RTTs",
    "conns",
    "packets",
    "drops",
    ...(shared ? ["page's share", "others slower"] : []),
  ];
  const [head = "", ...body] = aligned(heads, cells, true);
  const best = Math.min(...rows.map(({ simulatedMs }) => simulatedMs));
  const lines = [
    `${objects} objects of ${size} B, RTT ${number(path.rttMs)} ms, ${number(path.rateMbps)} Mbit/s, queue ${Math.round(path.queueBytes)} B, M ${m}${shared ? `, ${background} long flows of others` : ""}`,
    paint.bold(head),
    ...body.map((line, i) => (rows[i]?.simulatedMs === best ? paint.green(line) : line)),
  ];
  if (idle !== undefined) {
    const table = idle.map((row) => [
      `${row.idleSeconds} s`,
      String(row.handshakes),
      String(row.reused),
      number(row.savedMs / 1000),
      String(row.heldSeconds),
      String(row.heldPerThousand),
    ]);
    const titles = [
      "closed after",
      "handshakes",
      "spared",
      "saved, s",
      "held idle, s",
      "open of 1000 clients",
    ];
    const [top = "", ...rest] = aligned(titles, table, true);
    lines.push("", paint.bold(top), ...rest);
  }
  return `${lines.join("\n")}\n`;
}
