import { defineConfig } from "vitest/config";

/**
 * Four suites: `unit` needs nothing but Node; `long` has its simulated runs with 200 seeds (or
 * NETKIT_SEEDS) and what takes minutes; `corpus` needs real captures; `interop` real peers.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/corpus/**", "test/interop/**", "test/**/*.long.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: "long",
          include: [
            "test/**/*-faults.test.ts",
            "test/**/*-mutations.test.ts",
            "test/**/*.long.test.ts",
          ],
          env: { NETKIT_SEEDS: process.env["NETKIT_SEEDS"] ?? "200" },
          testTimeout: 600_000,
        },
      },
      { test: { name: "corpus", include: ["test/corpus/**/*.test.ts"], testTimeout: 600_000 } },
      { test: { name: "interop", include: ["test/interop/**/*.test.ts"], testTimeout: 120_000 } },
    ],
  },
});
