/** Simulated and live times side by side. */
import type { ChalkInstance } from "chalk";
import type { LiveRun } from "../../replay/live.ts";
import { aligned } from "../table.ts";
import { number } from "./comparison.ts";

export function renderLive(runs: readonly LiveRun[], paint: ChalkInstance): string {
  const cells = runs.map(({ page, strategy, liveMs, simulatedMs }) => [
    `page ${page}, ${strategy}`,
    number(simulatedMs),
    number(liveMs),
    `${(liveMs / simulatedMs).toFixed(2)} x`,
  ]);
  const [head = "", ...body] = aligned(
    ["for real", "simulated, ms", "live, ms", "live to simulated"],
    cells,
    true,
  );
  return `\n${paint.bold(head)}\n${body.join("\n")}\n`;
}
