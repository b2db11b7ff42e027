import { describe, expect, it } from "vitest";
import { RCODE, TYPE } from "../../src/codecs/dns/index.ts";
import type { LabRow } from "../../src/dns/lab/simulated.ts";
import { SimulatedLab } from "../../src/dns/lab/simulated.ts";
import { MILLISECOND } from "../../src/engines/host.ts";

const RTT = 40;
const run = (names: readonly string[], loss = 0, negativeCache = true, seed = 1) => {
  const lab = new SimulatedLab({ seed, rtt: RTT * MILLISECOND, loss, negativeCache });
  const rows = lab.compare(names.map((name) => ({ name, type: TYPE.A })));
  return { rows, digest: lab.world.digest.text };
};
const pick = (rows: readonly LabRow[], mode: string, cache: string) =>
  rows.filter((row) => row.mode === mode && row.cache === cache);

describe("the lab, simulated", () => {
  const { rows, digest } = run(["www.example.com.", "nothing.cs.uni.edu."]);

  it("RFC 1034 5.3.1: all three ways give the same answers", () => {
    for (const { name, rcode } of rows)
      expect(rcode).toBe(name.startsWith("nothing") ? RCODE.NXDOMAIN : RCODE.NOERROR);
    expect(rows).toHaveLength(12);
  });

  it("iterative: the client does the work; hybrid: the recursor; recursive: the servers among themselves", () => {
    const [iterative] = pick(rows, "iterative", "cold");
    const [hybrid] = pick(rows, "hybrid", "cold");
    const [recursive] = pick(rows, "recursive", "cold");
    expect(iterative?.clientSent).toBeGreaterThan(4);
    expect([hybrid?.clientSent, recursive?.clientSent]).toEqual([1, 1]);
    expect(hybrid?.recursorSent).toBe(iterative?.clientSent);
    expect(recursive).toMatchObject({ recursorSent: 0, rootQuestions: 1, serverQuestions: 3 });
  });

  it("a warm cache of the recursor costs one round trip and no server a question", () => {
    for (const row of pick(rows, "hybrid", "warm"))
      expect(row).toMatchObject({ ms: RTT, serverQuestions: 0, packets: 2 });
    for (const row of pick(rows, "recursive", "warm")) expect(row.rootQuestions).toBe(1);
  });

  it("RFC 2308: without negative caching a name that does not exist is asked for each time", () => {
    const off = run(["nothing.shop.com."], 0, false).rows;
    const on = run(["nothing.shop.com."]).rows;
    expect(pick(on, "hybrid", "warm")[0]?.serverQuestions).toBe(0);
    expect(pick(off, "hybrid", "warm")[0]?.serverQuestions).toBeGreaterThan(0);
  });

  it("the same seed gives the same run; loss only costs time", () => {
    expect(run(["www.example.com.", "nothing.cs.uni.edu."]).digest).toBe(digest);
    for (let seed = 1; seed <= 5; seed++) {
      const lossy = run(["www.cs.uni.edu."], 0.1, true, seed).rows;
      expect(lossy.map((row) => row.rcode)).toEqual(Array(6).fill(RCODE.NOERROR));
    }
  });

  it("RFC 5936: secondaries have their zones from the primary before anybody asks, and keep them when it is down", () => {
    const options = { seed: 1, rtt: RTT * MILLISECOND, loss: 0, negativeCache: true };
    const lab = new SimulatedLab({ ...options, down: ["ns1.example.com"] });
    // 14 instances of the root beside the primary and six other secondaries, each with a connection.
    expect(lab.world.sent).toBeGreaterThan(20 * 7);
    const rows = lab.compare([{ name: "www.example.com.", type: TYPE.A }]);
    for (const { rcode, answers } of rows)
      expect({ rcode, answers }).toEqual({ rcode: RCODE.NOERROR, answers: 2 });
    // Where nothing arrives, nobody but the primary has a zone.
    const deaf = new SimulatedLab({ ...options, loss: 1 });
    const [row] = deaf.compare([{ name: "www.example.com.", type: TYPE.A }]);
    expect(row?.rcode).toBe(RCODE.SERVFAIL);
  });
});
