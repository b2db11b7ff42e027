import { describe, expect, it } from "vitest";
import type { AskFor } from "../../../src/engines/dialing/families.ts";
import { inFamilies } from "../../../src/engines/dialing/families.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";

const AAAA = 28;
const A = 1;

/** When each family is answered, and with what; undefined: never. */
type Answers = Readonly<
  Record<number, readonly [ms: number, found: readonly string[]] | undefined>
>;

function looked(answers: Answers): string[] {
  const world = new World({ seed: 1 });
  const { clock } = world.node("client", { addresses: ["198.51.100.1"] });
  const ask: AskFor = (_name, type, done) => {
    const answer = answers[type];
    if (answer === undefined) return;
    const [ms, found] = answer;
    clock
      .timer(() => done(found.length > 0 ? null : `no ${type}`, { addresses: found, ttl: ms }))
      .armAt(clock.now() + ms * MILLISECOND);
  };
  const told: string[] = [];
  inFamilies(clock, ask, [AAAA, A])("x.test", (error, { addresses, ttl }) => {
    const text = error?.message ?? `${addresses.join(" ")}, for ${ttl} s`;
    told.push(`${world.now / MILLISECOND}: ${text}`);
  });
  world.run(10 * SECOND);
  return told;
}

describe("RFC 8305 3: both families at once", () => {
  it.each<[string, Answers, string]>([
    ["both come", { [A]: [10, ["1.1.1.1"]], [AAAA]: [30, ["2::1"]] }, "30: 2::1 1.1.1.1, for 10 s"],
    [
      "IPv6 is late, and waited for 50 ms",
      { [A]: [10, ["1.1.1.1"]], [AAAA]: [900, ["2::1"]] },
      "60: 1.1.1.1, for 10 s",
    ],
    ["IPv6 is never answered", { [A]: [10, ["1.1.1.1"]] }, "60: 1.1.1.1, for 10 s"],
    ["IPv4 is never answered", { [AAAA]: [10, ["2::1"]] }, "60: 2::1, for 10 s"],
    [
      "one family says no: the other one is waited for",
      { [AAAA]: [5, []], [A]: [400, ["1.1.1.1"]] },
      "400: 1.1.1.1, for 400 s",
    ],
    ["there is none", { [AAAA]: [5, []], [A]: [9, []] }, "9: no 28"],
  ])("%s", (_what, answers, wanted) => {
    expect(looked(answers)).toEqual([wanted]);
  });
});
