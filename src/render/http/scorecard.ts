/** The strategies side by side: what each cost, and what the course says that it costs. */
import type { ChalkInstance } from "chalk";
import type { SetResult } from "../../http/fetch/set.ts";
import { aligned } from "../table.ts";
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
  const [head = "", ...lines] = aligned(heads, rows, true);
  const objects = results[0]?.objects.length ?? 0;
  const tail = `${objects} object${objects === 1 ? "" : "s"}${rtt === undefined ? "" : `, RTT ${ms(rtt)}`}`;
  return `${paint.bold(head)}\n${lines.join("\n")}\n${tail}\n`;
}
