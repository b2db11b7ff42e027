import { describe, expect, it } from "vitest";
import { mutate, Random } from "../../bench/fuzz/mutate.ts";
import { fuzzTarget, TARGETS } from "../../bench/fuzz/targets.ts";
import { DecodeError } from "../../src/codecs/errors.ts";

/** The short form of `npm run fuzz`. */
const RUNS = 5000;

describe("mutated messages give a message or a DecodeError", () => {
  it.each(Object.keys(TARGETS))("%s", (name) => {
    const target = fuzzTarget(name);
    const random = new Random(7);
    for (let i = 0; i < RUNS; i++) {
      const bytes = mutate(target.seeds, random);
      try {
        target.run(bytes);
      } catch (error) {
        if (!(error instanceof DecodeError)) {
          throw new Error(`${name}: ${Buffer.from(bytes).toString("hex")}`, { cause: error });
        }
        expect(error.offset).toBeLessThanOrEqual(bytes.length);
      }
    }
  });
});
