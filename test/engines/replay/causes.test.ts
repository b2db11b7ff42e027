import { describe, expect, it } from "vitest";
import { CAUSES } from "../../../src/engines/replay/play/causes.ts";
import { loadWorkload } from "../../../src/replay/load.ts";
import { assume, HOST_TIME } from "../../../src/replay/options.ts";
import { predict } from "../../../src/replay/predict.ts";
import { scorecard } from "../../../src/replay/scorecard.ts";
import { STRATEGIES } from "../../../src/replay/strategies.ts";
import { FLAGS, pagePredictions, pageWorkload } from "./page.ts";

describe("where the time of a page goes", () => {
  it("the parts sum to the whole within 0.1 ms, by every strategy and placement, modelled ones too", () => {
    const predictions = pagePredictions();
    expect(predictions.length).toBe(54);
    for (const { strategy, placement, causes, timeMs } of predictions) {
      const sum = CAUSES.reduce((total, cause) => total + causes[cause], 0);
      expect([strategy, placement, Math.abs(sum - timeMs) < 0.1]).toEqual([
        strategy,
        placement,
        true,
      ]);
    }
  });

  it("serial fetching pays with handshakes, pipelined with slow start", () => {
    const of = (name: string) =>
      pagePredictions().find((p) => p.strategy === name && p.placement === "none");
    const serial = of("serial")?.causes;
    const pipelined = of("pipelined")?.causes;
    expect(serial?.handshake).toBeGreaterThan(10 * (pipelined?.handshake ?? 0));
    expect(serial?.handshake).toBeGreaterThan(serial?.headOfLine ?? 0);
  });
});

describe("a capture of names, and of a link without a rate that could be told", () => {
  const workload = loadWorkload("fixtures/captures/office.pcap");
  const predictions = async () => {
    const read = await workload;
    return predict(read, assume(read, FLAGS, "office.pcap").options).predictions;
  };

  it("who waits for a connection that another opened pays for its lookup and handshake", async () => {
    const pipelined = (await predictions()).filter(
      ({ strategy, placement }) => strategy === "pipelined" && placement === "none",
    );
    expect(pipelined.map(({ dns, causes }) => [dns, causes.lookup > 0, causes.handshake])).toEqual([
      ["cold", true, 9],
      ["warm", false, 9],
      ["negative", true, 9],
    ]);
    for (const { causes } of pipelined) expect(causes.headOfLine).toBeLessThan(3);
  });

  it("octets are counted there too", async () => {
    for (const { bytes, serverBytes } of await predictions())
      if (serverBytes > 0) expect(bytes).toBeGreaterThan(serverBytes);
  });
});

describe("RFC 9112 9.3, the course's scorecard", () => {
  const card = (objects: number, size: number) =>
    scorecard({
      objects,
      size,
      path: { rttMs: 100, rateMbps: 1000, queueBytes: 1e9, lossRate: 0 },
      connections: 6,
      background: 0,
      headBytes: 250,
      hostTime: { exchange: 0, accept: 0 },
      strategies: STRATEGIES,
      seed: 1,
    });

  it("small objects on a fast link: 2n, n + 1, 2 ceil(n/m), 1 + ceil(n/m), 2 and 1 round trips", () => {
    for (const { formulaMs, simulatedMs, drops } of card(12, 500)) {
      expect(drops).toBe(0);
      expect(Math.abs(simulatedMs / formulaMs - 1)).toBeLessThan(0.01);
    }
  });

  it("what exceeds the initial window costs round trips that the formulas do not count", () => {
    const pipelined = card(50, 1000).find(({ strategy }) => strategy === "pipelined");
    expect(pipelined?.formulaMs).toBeCloseTo(200, -1);
    expect(pipelined?.simulatedMs).toBeGreaterThan(390);
  });

  it("M connections take M shares of a link that others use, and the others pay", () => {
    const rows = scorecard({
      objects: 12,
      size: 100_000,
      path: { rttMs: 40, rateMbps: 20, queueBytes: 100_000, lossRate: 0 },
      connections: 6,
      background: 4,
      headBytes: 250,
      hostTime: HOST_TIME,
      strategies: ["persistent", "concurrent-persistent"],
      seed: 1,
    });
    const [one, many] = rows;
    expect(many?.others?.pageShare).toBeGreaterThan(1.5 * (one?.others?.pageShare ?? 1));
    expect(many?.others?.slowdown).toBeGreaterThan(one?.others?.slowdown ?? 9);
    expect(many?.simulatedMs).toBeLessThan(one?.simulatedMs ?? 0);
  });
});

describe("one multiplexed connection, as a model", () => {
  const of = (name: string) =>
    pagePredictions().find((p) => p.strategy === name && p.placement === "none");

  it("is marked as modelled, waits in no line, and costs about what pipelining does", () => {
    const modern = of("http2");
    expect(modern?.modelled).toBe(true);
    expect(of("pipelined")?.modelled).toBeUndefined();
    expect(modern?.causes.headOfLine).toBeLessThan(1);
    expect((modern?.timeMs ?? 0) / (of("pipelined")?.timeMs ?? 1)).toBeGreaterThan(0.8);
    expect((modern?.timeMs ?? 0) / (of("pipelined")?.timeMs ?? 1)).toBeLessThan(1.1);
  });

  it("RFC 9001 4.6: 0-RTT saves the handshake's round trip", () => {
    const saved = (of("http3")?.timeMs ?? 0) - (of("http3-0rtt")?.timeMs ?? 0);
    expect(saved).toBeGreaterThan(58);
    expect(saved).toBeLessThan(64);
  });
});

describe("names", () => {
  it("that are not known cost a lookup, and two where one of them finds nothing first", () => {
    const workload = pageWorkload();
    const lookup = {
      name: "www.example.test.",
      type: "A",
      startMs: 0,
      timeMs: 25,
      ttl: 60,
      negative: false,
      client: "10.0.0.1",
      server: "10.0.0.53",
      page: 0,
    };
    const named = { ...workload, dns: [lookup] };
    const { options } = assume(
      named,
      { ...FLAGS, strategy: ["persistent"], placement: ["none"] },
      "x",
    );
    const times = new Map(predict(named, options).predictions.map((p) => [p.dns, p]));
    const warm = times.get("warm")?.timeMs ?? 0;
    expect((times.get("cold")?.timeMs ?? 0) - warm).toBeCloseTo(25, 1);
    expect((times.get("negative")?.timeMs ?? 0) - warm).toBeCloseTo(50, 1);
    expect(times.get("cold")?.causes.lookup).toBeCloseTo(25, 3);
  });
});
