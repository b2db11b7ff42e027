import { describe, expect, it } from "vitest";
import { poison } from "../../src/dns/lab/poison.ts";

const BASE = { seed: 1, races: 1500, forged: 20, idBits: 8, portBits: 0, randomCase: false };

describe("RFC 5452 7: the race between forged and true answers", () => {
  it.each([
    ["identifiers alone", BASE],
    ["identifiers and ports", { ...BASE, idBits: 5, portBits: 3 }],
    ["few bits", { ...BASE, idBits: 3, forged: 5 }],
  ])("is won as often as the closed formula says: %s", (_what, options) => {
    const { sigmas, won } = poison(options);
    expect(won).toBeGreaterThan(0);
    expect(Math.abs(sigmas)).toBeLessThan(3.5);
  });

  it("letters in random case are bits too: 0x20", () => {
    const plain = poison({ ...BASE, idBits: 1 });
    const mixed = poison({ ...BASE, idBits: 1, randomCase: true });
    expect(plain.rate).toBeGreaterThan(0.99);
    expect(mixed.bits).toBe(16);
    expect(mixed.rate).toBeLessThan(0.01);
  });

  it("with all that is random nobody wins", () => {
    expect(poison({ ...BASE, idBits: 16, portBits: 15, forged: 60 }).won).toBe(0);
  });
});
