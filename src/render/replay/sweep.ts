/** A sweep for people: a row for each value. */
import type { ChalkInstance } from "chalk";
import { POLICIES } from "../../engines/replay/policies.ts";
import { STRATEGIES } from "../../replay/strategies.ts";
import type { Sweep } from "../../replay/what-if.ts";
import { aligned } from "../table.ts";
import { number } from "./comparison.ts";

export function renderSweep(sweep: Sweep, paint: ChalkInstance): string {
  if (sweep.quantity === "cache") {
    const cells = sweep.steps.map(({ bytes, policies }) => [
      String(bytes),
      ...POLICIES.map((policy) => {
        const { hits, requests } = policies[policy];
        return requests === 0 ? "-" : `${((hits / requests) * 100).toFixed(1)} %`;
      }),
    ]);
    const heads = ["shared cache, bytes", ...POLICIES.map((policy) => `${policy} hits`)];
    const [head = "", ...body] = aligned(heads, cells, true);
    return `\n${paint.bold(head)}\n${body.join("\n")}\nall objects once: ${sweep.distinctBytes} bytes\n`;
  }
  const pages = [
    ...new Set(sweep.steps.flatMap(({ predictions }) => predictions.map((p) => p.page))),
  ];
  const lines: string[] = [];
  for (const page of pages) {
    const cells = sweep.steps.map(({ value, predictions }) => [
      value,
      ...STRATEGIES.map((strategy) => {
        const one = predictions.find((p) => p.page === page && p.strategy === strategy);
        return one === undefined ? "-" : number(one.timeMs);
      }),
    ]);
    const [head = "", ...body] = aligned(
      [`page ${page}, ms by ${sweep.quantity}`, ...STRATEGIES],
      cells,
      true,
    );
    lines.push("", paint.bold(head), ...body);
  }
  return `${lines.join("\n")}\n`;
}
