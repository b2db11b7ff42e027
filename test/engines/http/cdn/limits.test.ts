import { describe, expect, it } from "vitest";
import { SECOND } from "../../../../src/engines/host.ts";
import { Buckets, clientOf } from "../../../../src/engines/http/cdn/limits.ts";

function clock() {
  let now = 0;
  return {
    now: () => now,
    wallMs: () => now / 1e6,
    timer: () => ({ armAt: () => {}, armed: false }),
    defer: () => {},
    pass: (seconds: number) => {
      now += seconds * SECOND;
    },
  };
}

describe("a token bucket for each client", () => {
  it("a burst, then what comes back in time", () => {
    const time = clock();
    const buckets = new Buckets(time, { perSecond: 2, burst: 3 });
    const take = () => buckets.take("a", 1);
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
    expect(buckets.secondsUntil("a", 1)).toBe(1);
    expect(buckets.take("b", 1)).toBe(true);
    time.pass(0.5);
    expect([take(), take()]).toEqual([true, false]);
    time.pass(1000);
    expect(buckets.left("a")).toBe(3);
  });

  it("a debt is paid off before the next", () => {
    const time = clock();
    const buckets = new Buckets(time, { perSecond: 100, burst: 100 });
    expect(buckets.take("a", 350, Number.NEGATIVE_INFINITY)).toBe(true);
    expect(buckets.take("a", 0, 1)).toBe(false);
    expect(buckets.secondsUntil("a", 1)).toBe(3);
    time.pass(2.6);
    expect(buckets.take("a", 0, 1)).toBe(true);
  });

  it("remembers a bounded number of clients, the ones that came last", () => {
    const buckets = new Buckets(clock(), { perSecond: 1, burst: 1 }, 3);
    for (const client of ["a", "b", "c", "a", "d"]) buckets.take(client, 1);
    expect(buckets.size).toBe(3);
    expect(buckets.take("a", 1)).toBe(false);
    expect(buckets.take("b", 1)).toBe(true);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"],
  ])("%s counts as %s", (addr, client) => {
    expect(clientOf(addr)).toBe(client);
  });
});
