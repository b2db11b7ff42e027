/**
 * Holds the simulated TCP against measured cells of Linux: how far off it is, by what was dropped and by strategy.
 *   node scripts/run-ts.mjs test/interop/linux-tcp/compare.ts MEASURED.csv [WORST]
 */
import { readFileSync } from "node:fs";
import type { Cell, Strategy } from "./lab.ts";
import { STRATEGIES } from "./lab.ts";
import { HOST_MS, predict } from "./simulated.ts";

interface Compared {
  readonly cell: Cell;
  readonly ms: number;
  readonly predicted: number;
  readonly drops: number;
  readonly error: number;
}

const [file, worst] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: compare.ts MEASURED.csv [WORST]\n");
  process.exit(2);
}
const [head = "", ...lines] = readFileSync(file, "utf8").trim().split("\n");
const names = head.split(",");
const compared: Compared[] = [];
for (const line of lines) {
  const parts = line.split(",");
  const get = (name: string): number => Number(parts[names.indexOf(name)]);
  if (get("loss_ppm") > 0) continue;
  const cell: Cell = {
    n: get("n"),
    bytes: get("bytes"),
    rttMs: get("rtt_ms"),
    rateMbps: get("rate_mbps"),
    queueBytes: get("queue_bytes"),
    strategy: parts[names.indexOf("strategy")] as Strategy,
  };
  const ms = get("time_ms_median");
  const predicted = predict(cell, { hostMs: HOST_MS, headBytes: get("head_bytes") }).ms;
  compared.push({ cell, ms, predicted, drops: get("drops_down"), error: predicted / ms - 1 });
}
compared.sort((a, b) => Math.abs(b.error) - Math.abs(a.error));

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

function tell(name: string, list: readonly Compared[]): void {
  if (list.length === 0) return;
  const errors = list.map(({ error }) => Math.abs(error)).reverse();
  const at = (part: number) =>
    errors[Math.min(errors.length - 1, Math.floor(errors.length * part))];
  process.stdout.write(
    `${name.padEnd(22)} ${`${list.length}`.padStart(5)} cells, median ${percent(at(0.5) ?? 0)}, p90 ${percent(at(0.9) ?? 0)}, worst ${percent(at(1) ?? 0)}\n`,
  );
}

tell("all", compared);
tell(
  "without drops",
  compared.filter(({ drops }) => drops === 0),
);
tell(
  "with drops",
  compared.filter(({ drops }) => drops > 0),
);
for (const strategy of STRATEGIES) {
  tell(
    strategy,
    compared.filter(({ cell }) => cell.strategy === strategy),
  );
}

/** Strategies of one set on one path whose times differ by more than this have an order. */
const APART = 1.05;
const sets = new Map<string, Compared[]>();
for (const one of compared) {
  const { n, bytes, rttMs, rateMbps } = one.cell;
  const key = `${n} ${bytes} ${rttMs} ${rateMbps}`;
  sets.set(key, [...(sets.get(key) ?? []), one]);
}
let pairs = 0;
let wrong = 0;
for (const list of sets.values())
  for (const a of list)
    for (const b of list) {
      if (a.ms * APART >= b.ms) continue;
      pairs++;
      if (a.predicted >= b.predicted) wrong++;
    }
process.stdout.write(`order of strategies: ${pairs - wrong} of ${pairs} pairs right\n`);
for (const { cell, ms, predicted, drops, error } of compared.slice(0, Number(worst ?? 10))) {
  process.stdout.write(
    `  ${percent(error)} ${cell.strategy} ${cell.n} x ${cell.bytes}, ${cell.rttMs} ms, ${cell.rateMbps} Mb/s: measured ${ms}, predicted ${predicted.toFixed(1)}, ${drops} dropped\n`,
  );
}
