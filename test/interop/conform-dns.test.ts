import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { hasNsd, startNsd } from "./support/nsd.ts";

if (!hasNsd) process.stderr.write("conform dns: nsd is not installed: skipped\n");

const ZONE = `$TTL 300
@ SOA ns root 1 3600 600 86400 60
@ NS ns
@ TXT "hello"
ns A 127.0.0.1
`;

describe.skipIf(!hasNsd)("netkit conform dns", () => {
  it("NSD keeps every rule that an authoritative server must and should keep", async () => {
    const nsd = await startNsd("example.", ZONE);
    try {
      const args = ["bin/run.js", "conform", "dns", `127.0.0.1:${nsd.port}`, "--zone", "example."];
      const run = spawnSync("node", [...args, "--format", "json"], { encoding: "utf8" });
      const report = JSON.parse(run.stdout) as {
        passed: number;
        failed: number;
        results: { id: string; outcome: string }[];
      };
      expect(report.results.filter((r) => r.outcome !== "passed")).toEqual([]);
      expect(report.passed).toBeGreaterThan(50);
      expect(run.status).toBe(0);
    } finally {
      nsd.stop();
    }
  });
});
