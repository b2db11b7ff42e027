/** The public suite of HTTP caching (http-tests/cache-tests), run in virtual time. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSuites } from "../support/cache-tests/description.ts";
import type { Judged } from "../support/cache-tests/run.ts";
import { scoreOf } from "../support/cache-tests/run.ts";
import { privateInWorld, sharedInWorld, sharedLive } from "../support/cache-tests/worlds.ts";
import { CORPUS } from "./support/corpus.ts";

const path = join(CORPUS, "http-parse/cache-tests.json");

const kindOf = ({ test }: Judged) => test.kind ?? "required";

function tell(what: string, judged: readonly Judged[]): void {
  const { required, optimal, check } = scoreOf(judged);
  const score = (name: string, [passed, of]: readonly [number, number]) =>
    `${name} ${passed}/${of}`;
  process.stderr.write(
    `cache-tests, ${what}: ${score("required", required)}, ${score("optimal", optimal)}, ${score("check", check)}\n`,
  );
  for (const one of judged) {
    if (one.verdict === "pass") continue;
    process.stderr.write(`  ${kindOf(one)} ${one.verdict} ${one.test.id}: ${one.why}\n`);
  }
}

describe.skipIf(!existsSync(path))("cache-tests", () => {
  it("RFC 9111: the shared cache passes all required tests, and the optimal ones", async () => {
    const judged = await sharedInWorld(readSuites(path));
    tell("shared", judged);
    const { required, optimal } = scoreOf(judged);
    expect(required[0]).toBe(required[1]);
    expect(optimal[0]).toBeGreaterThanOrEqual(optimal[1] - 2);
  });

  // The clock of this machine: some 20 seconds.
  it.skipIf(process.env["NETKIT_LIVE"] === undefined)(
    "RFC 9111: the shared cache passes them over real sockets too",
    async () => {
      const judged = await sharedLive(readSuites(path));
      tell("shared, live", judged);
      const { required, optimal } = scoreOf(judged);
      expect(required[0]).toBe(required[1]);
      expect(optimal[0]).toBeGreaterThanOrEqual(optimal[1] - 2);
    },
  );

  it("RFC 9111: the private cache passes all required tests, and the optimal ones", async () => {
    const judged = await privateInWorld(readSuites(path));
    tell("private", judged);
    const { required, optimal } = scoreOf(judged);
    expect(required[0]).toBe(required[1]);
    expect(optimal[0]).toBeGreaterThanOrEqual(optimal[1] - 2);
  });
});
