import { defineConfig } from "vitest/config";

/** Three suites: `unit` needs nothing but Node; `corpus` real captures; `interop` real peers. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/corpus/**", "test/interop/**"],
          testTimeout: 60_000,
        },
      },
      { test: { name: "corpus", include: ["test/corpus/**/*.test.ts"], testTimeout: 600_000 } },
      { test: { name: "interop", include: ["test/interop/**/*.test.ts"], testTimeout: 120_000 } },
    ],
  },
});
