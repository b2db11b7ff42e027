/** Predictions from one capture, held against the measured times of the other strategies and placements. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadWorkload } from "../../src/replay/load.ts";
import type { ReplayFlags } from "../../src/replay/options.ts";
import { assume } from "../../src/replay/options.ts";
import type { Prediction } from "../../src/replay/predict.ts";
import { predict } from "../../src/replay/predict.ts";
import { CORPUS } from "./support/corpus.ts";

const FOLDER = join(CORPUS, "captures/replay");
const FLAGS: ReplayFlags = {
  bottleneck: "behind-forward",
  upstream: "warm",
  cold: "documents",
  connections: 6,
  pages: 20,
  edge: "rtt=12ms",
};

interface Row {
  readonly strategy: string;
  readonly placement: string;
  readonly ms: number;
}

async function predicted(capture: string): Promise<readonly Prediction[]> {
  const path = join(FOLDER, capture);
  const workload = await loadWorkload(path);
  const { predictions, failures } = predict(workload, assume(workload, FLAGS, path).options);
  expect(failures).toEqual([]);
  return predictions;
}

function rowsOf(file: string): string[][] {
  const text = readFileSync(join(FOLDER, file), "utf8");
  return text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
}

function strategyName(name: string): string {
  return name.replace("concurrent6", "concurrent");
}

function placementName(placement: string, state: string): string {
  if (placement === "direct") return "none";
  if (placement === "browser")
    return state.startsWith("reload") ? "browser-reload" : "browser-revisit";
  return `${placement}-${state}`;
}

/** Errors as fractions, sorted, and the share of rows whose bar covers the truth. */
function compared(rows: readonly Row[], predictions: readonly Prediction[]) {
  let covered = 0;
  const errors = rows.map(({ strategy, placement, ms }) => {
    const one = predictions.find((p) => p.strategy === strategy && p.placement === placement);
    if (one === undefined) throw new Error(`no prediction of ${strategy}, ${placement}`);
    if (Math.abs(one.timeMs - ms) <= one.errorMs) covered++;
    return Math.abs(one.timeMs - ms) / ms;
  });
  errors.sort((a, b) => a - b);
  return { errors, covered: covered / rows.length };
}

const shared = rowsOf("shared.truth.csv");
const captures = [...new Set(shared.map((row) => row[0] as string))];

describe("from a capture of one strategy the times of the others", () => {
  it.each(captures)("%s: each within 2 % or its bar, median below 0.5 %", async (capture) => {
    const rows = shared
      .filter((row) => row[0] === capture)
      .map((row) => ({
        strategy: strategyName(row[6] as string),
        placement: "none",
        ms: Number(row[7]),
      }));
    const predictions = await predicted(capture);
    const { errors, covered } = compared(rows, predictions);
    expect(errors[errors.length >> 1]).toBeLessThan(0.005);
    expect(errors[errors.length - 2]).toBeLessThan(0.02);
    expect(covered).toBeGreaterThanOrEqual(0.8);
  });

  it("a page: every strategy, without a cache and with one anywhere", async () => {
    const rows = rowsOf("pageB.truth.csv").map((row) => ({
      strategy: strategyName(row[4] as string),
      placement: placementName(row[3] as string, row[5] as string),
      ms: Number(row[6]),
    }));
    const { errors, covered } = compared(
      rows,
      await predicted("pageB-concurrent6-persistent.pcap"),
    );
    expect(errors[errors.length >> 1]).toBeLessThan(0.01);
    expect(errors[Math.floor(errors.length * 0.8)]).toBeLessThan(0.05);
    expect(covered).toBeGreaterThanOrEqual(0.75);
  });
});
