/**
 * Predicts from each capture of pages.ts how long all other strategies took, and holds it against what was measured.
 *   node scripts/run-ts.mjs test/interop/linux-tcp/compare-pages.ts FOLDER
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loadWorkload } from "../../../src/replay/load.ts";
import { assume } from "../../../src/replay/options.ts";
import { predict } from "../../../src/replay/predict.ts";

interface Row {
  readonly error: number;
  readonly covered: boolean;
  readonly strategy: string;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder that pages.ts filled");
const NAME = /^(\w+?)-(.*)-first-(\d+)ms-(\d+)mbps-client\.pcap$/;

const measured = new Map<string, number>();
for (const line of readFileSync(join(folder, "truth.csv"), "utf8").trim().split("\n").slice(1)) {
  const [page, rtt, rate, , strategy, state, median] = line.split(",");
  measured.set([page, rtt, rate, strategy, state].join(" "), Number(median));
}

const rows: Row[] = [];
let captures = 0;
for (const name of readdirSync(folder).sort()) {
  const parts = NAME.exec(name);
  if (parts === null) continue;
  captures++;
  const [, page, , rtt, rate] = parts;
  const path = join(folder, name);
  const workload = await loadWorkload(path);
  const { options } = assume(
    workload,
    {
      bottleneck: "behind-forward",
      upstream: "warm",
      cold: "documents",
      connections: 6,
      pages: 1,
      placement: ["none", "browser-reload"],
    },
    path,
  );
  for (const { strategy, placement, timeMs, errorMs } of predict(workload, options).predictions) {
    const state = placement === "none" ? "first" : "reload";
    const truth = measured.get([page, rtt, rate, strategy, state].join(" "));
    if (truth === undefined) continue;
    const off = Math.abs(timeMs - truth);
    rows.push({ error: off / truth, covered: off <= errorMs, strategy });
  }
}

function report(title: string, some: readonly Row[]): void {
  const errors = some.map(({ error }) => error * 100).sort((a, b) => a - b);
  const at = (share: number) =>
    (errors[Math.min(errors.length - 1, Math.floor(errors.length * share))] ?? 0).toFixed(2);
  const covered = (some.filter((row) => row.covered).length / some.length) * 100;
  process.stdout.write(
    `${title.padEnd(24)} ${String(some.length).padStart(5)}  median ${at(0.5)} %  p95 ${at(0.95)} %  worst ${at(1)} %  covered ${covered.toFixed(0)} %\n`,
  );
}

report(`${captures} captures`, rows);
for (const strategy of new Set(rows.map((row) => row.strategy)))
  report(
    strategy,
    rows.filter((row) => row.strategy === strategy),
  );
