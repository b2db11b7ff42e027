/**
 * Measures cells on real Linux TCP and appends them to a CSV file; cells that it has are left out.
 *   node scripts/run-ts.mjs test/interop/linux-tcp/grid.ts OUT.csv [CELLS.csv [FOLDER]]
 * FOLDER: one more run of each cell is captured there, at both ends (packets cut to 128 bytes).
 * CELLS.csv: columns n,bytes,rtt_ms,rate_mbps,strategy (and queue_bytes, loss_ppm, seed); without it the grid below.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Cell, Strategy } from "./lab.ts";
import { Lab, missing, queueOf, STRATEGIES } from "./lab.ts";

const COLUMNS =
  "n,bytes,rtt_ms,rate_mbps,queue_bytes,strategy,time_ms_median,time_ms_min,time_ms_max,runs,drops_up,drops_down,packets_up,packets_down,highest_queue,head_bytes,late_us,lost,loss_ppm,seed";
const PATHS = [
  [20, 100],
  [40, 50],
  [60, 20],
  [80, 8],
  [100, 10],
  [150, 5],
  [200, 10],
  [300, 2],
  [30, 30],
] as const;
const LONGEST_MS = 20_000;

/** A lower bound of the time: round trips of handshakes and requests, and the bytes at full rate. */
function ideal(c: Cell): number {
  const turns = {
    serial: 2 * c.n,
    persistent: c.n + 1,
    concurrent: 2 * Math.ceil(c.n / 6),
    "concurrent-persistent": 1 + Math.ceil(c.n / 6),
    pipelined: 2,
    "pipelined-warm": 3,
  }[c.strategy];
  return turns * c.rttMs + (c.n * c.bytes * 8.3) / (c.rateMbps * 1000);
}

function grid(): Cell[] {
  const cells: Cell[] = [];
  for (const [rttMs, rateMbps] of PATHS)
    for (const n of [1, 2, 5, 10, 20, 50])
      for (const bytes of [1000, 5000, 20_000, 100_000, 1_000_000])
        for (const strategy of STRATEGIES) cells.push({ n, bytes, rttMs, rateMbps, strategy });
  /* An order without pattern, so that the first part is a sample of all. */
  return cells
    .filter((c) => ideal(c) <= LONGEST_MS)
    .map((cell, i) => ({ cell, key: Math.imul(i + 1, 0x9e3779b1) >>> 0 }))
    .sort((a, b) => a.key - b.key)
    .map(({ cell }) => cell);
}

function read(file: string): Cell[] {
  const [head = "", ...lines] = readFileSync(file, "utf8").trim().split("\n");
  const names = head.split(",");
  return lines.map((line) => {
    const parts = line.split(",");
    const get = (name: string): string | undefined => parts[names.indexOf(name)];
    const strategy = (get("strategy") ?? "").replace("concurrent6", "concurrent") as Strategy;
    if (!STRATEGIES.includes(strategy)) throw new Error(`${file}: unknown strategy: ${line}`);
    const queue = get("queue_bytes");
    return {
      n: Number(get("n")),
      bytes: Number(get("bytes")),
      rttMs: Number(get("rtt_ms")),
      rateMbps: Number(get("rate_mbps")),
      strategy,
      ...(queue === undefined ? {} : { queueBytes: Number(queue) }),
      lossPpm: Number(get("loss_ppm") ?? 0),
      seed: Number(get("seed") ?? 1),
    };
  });
}

const keyOf = (c: Cell): string =>
  [c.n, c.bytes, c.rttMs, c.rateMbps, queueOf(c), c.strategy, c.lossPpm ?? 0, c.seed ?? 1].join();

const [out, given, captures] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write("usage: grid.ts OUT.csv [CELLS.csv [FOLDER]]\n");
  process.exit(2);
}
const why = missing();
if (why !== undefined) {
  process.stderr.write(`linux-tcp: ${why}\n`);
  process.exit(1);
}
if (!existsSync(out)) writeFileSync(out, `${COLUMNS}\n`);
const had = new Set(read(out).map(keyOf));
const lab = await Lab.open();
try {
  for (const cell of given === undefined ? grid() : read(given)) {
    if (had.has(keyOf(cell))) continue;
    const runs = ideal(cell) > 3000 ? 1 : 3;
    const { median: m, min, max } = await lab.measure(cell, runs);
    // biome-ignore format: the order of COLUMNS
    const row = [cell.n, cell.bytes, cell.rttMs, cell.rateMbps, queueOf(cell), cell.strategy, m.ms, min, max, runs,
      m.dropsUp, m.dropsDown, m.packetsUp, m.packetsDown, m.highestQueue, m.headBytes, m.lateUs, m.lost, cell.lossPpm ?? 0, cell.seed ?? 1];
    appendFileSync(out, `${row.join()}\n`);
    if (captures !== undefined)
      await lab.run(cell, [
        `${captures}/${cell.strategy}-${cell.n}x${cell.bytes}-${cell.rttMs}ms-${cell.rateMbps}mbps`,
        128,
      ]);
  }
} finally {
  await lab.close();
}
