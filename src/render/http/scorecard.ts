/** The strategies side by side: what each cost, and what the course says that it costs. */
import type { ChalkInstance } from "chalk";
import type { SetResult } from "../../http/fetch/set.ts";
import { ms } from "./waterfall.ts";

export function renderScorecard(results: readonly SetResult[], paint: ChalkInstance): string {
  const rtts = results.flatMap(({ rtt }) => (rtt === undefined ? [] : [rtt]));
  const rtt = rtts.length === 0 ? undefined : Math.min(...rtts);
  const best = Math.min(...results.map(({ started, ended }) => ended - started));
  const rows = results.map((result) => {
    const total = result.ended - result.started;
    return [
      result.name,
      String(result.connections),
      ms(total),
      `${(total / best).toFixed(2)} x`,
      rtt === undefined || rtt === 0 ? "-" : (total / rtt).toFixed(1),
      `${result.formula} = ${result.roundTrips}`,
    ];
  });
  const heads = ["strategy", "connections", "time", "to best", "RTT", "RTT by the course"];
  const widths = heads.map((head, i) =>
    Math.max(head.length, ...rows.map((row) => (row[i] as string).length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number),
      )
      .join("  ")
      .trimEnd();
  const objects = results[0]?.objects.length ?? 0;
  const tail = `${objects} object${objects === 1 ? "" : "s"}${rtt === undefined ? "" : `, RTT ${ms(rtt)}`}`;
  return `${paint.bold(line(heads))}\n${rows.map(line).join("\n")}\n${tail}\n`;
}
