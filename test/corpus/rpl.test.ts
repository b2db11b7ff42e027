/** Resolver scenarios that others wrote, by topic and in two strictnesses. docs/rpl.md explains failures. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { runFile, scenarioFiles } from "../../src/dns/scenario/run.ts";
import { CORPUS } from "./support/corpus.ts";

const folder = join(CORPUS, "dns/rpl");
/** Topics without DNSSEC must pass whole. */
const WHOLE = /^(?!dnssec|aggressive)/;

function topics(): Map<string, string> {
  const rows = readFileSync(join(folder, "INDEX.md"), "utf8").split("\n");
  const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
  return new Map(
    cells
      .filter((row) => /rpl$/.test(row[1] ?? ""))
      .map((row) => [row[1] as string, row[2] as string]),
  );
}

describe.runIf(existsSync(folder))("resolver scenarios", () => {
  it.each([
    ["relaxed", false, 0.98],
    ["strict", true, 0.88],
  ])("%s: as many pass as docs/rpl.md says", (name, strict, least) => {
    const topicOf = topics();
    const counts = new Map<string, { passed: number; total: number }>();
    const failed: string[] = [];
    for (const file of scenarioFiles([folder])) {
      const row = runFile(file, { strict: strict as boolean, seed: 1 });
      const topic = topicOf.get(basename(file)) ?? "other";
      const count = counts.get(topic) ?? { passed: 0, total: 0 };
      count.total++;
      if (row.passed) count.passed++;
      else failed.push(`${basename(file)}: step ${row.step}: ${row.why}`);
      counts.set(topic, count);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count.total, 0);
    const lines = [...counts].map(
      ([topic, count]) => `  ${topic}: ${count.passed} of ${count.total}`,
    );
    process.stdout.write(
      `${name}: ${total - failed.length} of ${total}\n${lines.join("\n")}\n${failed.join("\n")}\n`,
    );
    expect((total - failed.length) / total).toBeGreaterThanOrEqual(least as number);
    if (strict === true) return;
    for (const [topic, count] of counts)
      if (WHOLE.test(topic)) expect([topic, count.passed]).toEqual([topic, count.total]);
  });
});
