/**
 * Loads pages by all strategies on real Linux TCP, with captures at the client and the times of all.
 *   node scripts/run-ts.mjs test/interop/linux-tcp/pages.ts FOLDER [RUNS]
 * FOLDER gets truth.csv and for each cell a capture and PAGE-STRATEGY-*.objects.txt (path, status, bytes, start, end).
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PageCell, PageObject, Strategy } from "./lab.ts";
import { LATE_US, Lab, missing, queueOf } from "./lab.ts";

const COLUMNS =
  "page,rtt_ms,rate_mbps,queue_bytes,strategy,state,time_ms_median,time_ms_min,time_ms_max,runs,drops_down,packets_down,late_us";
const ON = ["serial", "persistent", "concurrent", "concurrent-persistent", "pipelined"] as const;
const PATHS = [
  [60, 20],
  [30, 50],
  [100, 10],
  [150, 5],
  [20, 100],
  [250, 4],
] as const;

const html = (bytes: number, thinkMs: number): PageObject => ({
  path: "/index.html",
  type: "text/html",
  bytes,
  thinkMs,
  parent: undefined,
});
const many = (
  name: string,
  type: PageObject["type"],
  sizes: readonly number[],
  thinkMs: number,
  parent = 0,
): PageObject[] =>
  sizes.map((bytes, i) => ({
    path: `/${name.replace("*", `${i}`)}`,
    type,
    bytes,
    thinkMs,
    parent,
  }));
const alike = (count: number, bytes: number): number[] => new Array<number>(count).fill(bytes);

const PAGES: Readonly<Record<string, readonly PageObject[]>> = {
  small: [
    html(12_000, 15),
    ...many("s*.css", "text/css", [8000], 1),
    ...many("j*.js", "text/javascript", [15_000, 4000], 1),
    ...many("i*.png", "image/png", alike(6, 2500), 1),
  ],
  page: [
    html(45_000, 40),
    ...many("s*.css", "text/css", [30_000], 2),
    ...many("j*.js", "text/javascript", [120_000, 25_000], 2),
    ...many(
      "i*.png",
      "image/png",
      [...alike(6, 1500), ...alike(8, 8000), ...alike(4, 20_000), 60_000],
      2,
    ),
    ...many("f*.woff2", "font/woff2", [30_000], 2, 1),
  ],
  gallery: [
    html(20_000, 80),
    ...many("s*.css", "text/css", [12_000, 6000], 3),
    ...many("b*.png", "image/png", [9000, 14_000], 5, 1),
    ...many("i*.png", "image/png", [...alike(20, 12_000), ...alike(20, 3000), 150_000], 0),
  ],
};

const [folder, given] = process.argv.slice(2);
if (folder === undefined) {
  process.stderr.write("usage: pages.ts FOLDER [RUNS]\n");
  process.exit(2);
}
const why = missing();
if (why !== undefined) {
  process.stderr.write(`linux-tcp: ${why}\n`);
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
const truth = join(folder, "truth.csv");
if (!existsSync(truth)) writeFileSync(truth, `${COLUMNS}\n`);
const had = readFileSync(truth, "utf8");
const lab = await Lab.open();
try {
  for (const [rttMs, rateMbps] of PATHS)
    for (const [name, page] of Object.entries(PAGES))
      for (const strategy of ON)
        for (const reload of [false, true])
          await measure(name, { rttMs, rateMbps, page, strategy, reload });
} finally {
  await lab.close();
}

async function measure(name: string, cell: PageCell & { strategy: Strategy }): Promise<void> {
  const state = cell.reload === true ? "reload" : "first";
  const key = [name, cell.rttMs, cell.rateMbps, queueOf(cell), cell.strategy, state].join();
  if (had.includes(`${key},`)) return;
  const { median, min, max } = await lab.measure(cell, Number(given ?? 3));
  // biome-ignore format: the order of COLUMNS
  const row = [key, median.ms, min, max, given ?? 3, median.dropsDown, median.packetsDown, median.lateUs];
  appendFileSync(truth, `${row.join()}\n`);
  const prefix = join(
    folder as string,
    `${name}-${cell.strategy}-${state}-${cell.rttMs}ms-${cell.rateMbps}mbps`,
  );
  let run = await lab.run(cell, [prefix, 1500]);
  for (let tries = 0; tries < 5 && run.lateUs > LATE_US; tries++) {
    run = await lab.run(cell, [prefix, 1500]);
  }
  const lines = run.objects.map(
    (o) => `obj ${o.path} status ${o.status} body ${o.bytes} start ${o.startMs} end ${o.endMs}\n`,
  );
  writeFileSync(
    `${prefix}.objects.txt`,
    `page time_ms ${run.ms} drops ${run.dropsDown}\n${lines.join("")}`,
  );
}
