import { describe, expect, it } from "vitest";
import type { Timer } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { Reno, Window } from "../../../../src/net/simulated/tcp/congestion.ts";
import { Cubic } from "../../../../src/net/simulated/tcp/cubic.ts";
import { expiry } from "../../../../src/net/simulated/tcp/jiffies.ts";
import { Reduction } from "../../../../src/net/simulated/tcp/prr.ts";
import { Rack } from "../../../../src/net/simulated/tcp/rack.ts";
import { Receiver } from "../../../../src/net/simulated/tcp/receiver.ts";
import { RoundTrips } from "../../../../src/net/simulated/tcp/rtt.ts";
import { Sent, SentQueue } from "../../../../src/net/simulated/tcp/sent.ts";

const MS = MILLISECOND;

describe("round trips", () => {
  it("RFC 6298 2.2: the first sample R gives RTO = R + max(G, 4 R/2)", () => {
    const trips = new RoundTrips(0);
    trips.sample(100 * MS, 0, 0);
    expect(trips.srtt).toBe(100 * MS);
    expect(trips.rto).toBe(300 * MS);
  });

  it("RFC 6298 2.3: SRTT moves by an eighth, RTTVAR by a quarter", () => {
    const trips = new RoundTrips(0);
    trips.sample(100 * MS, 0, 0);
    trips.sample(140 * MS, 1, 1);
    expect(trips.srtt).toBe(105 * MS);
    // RTTVAR = 3/4 50 + 1/4 40 = 47.5; what was greatest in the round counts at first.
    expect(trips.rto).toBe(105 * MS + 4 * 50 * MS);
    // The rounds after that let the greatest deviation go, a quarter at a time.
    for (let i = 2; i < 200; i++) trips.sample(105 * MS, i, i);
    expect(trips.rto).toBeLessThan(120 * MS);
  });

  it("RFC 6298 2.4: the timeout has a floor: Linux holds the variance at 200 ms", () => {
    const trips = new RoundTrips();
    for (let i = 0; i < 100; i++) trips.sample(20 * MS, i, i);
    expect(trips.rto).toBe(220 * MS);
  });

  it("kernel timers fire at a tick behind their time, and the coarser the farther", () => {
    expect(expiry(0, 40 * MS)).toBe(44 * MS);
    expect(expiry(5 * MS, 200 * MS)).toBe(208 * MS);
    // 75 ticks lie in the second level of the wheel, eight ticks wide.
    expect(expiry(0, 300 * MS)).toBe(320 * MS);
  });
});

describe("congestion control", () => {
  it("RFC 5681 3.1: slow start adds what was acknowledged, up to the threshold; then one a window", () => {
    const window = new Window();
    const reno = new Reno(window);
    expect(window.cwnd).toBe(10);
    reno.grow(10);
    expect(window.cwnd).toBe(20);
    window.ssthresh = 25;
    reno.grow(7);
    expect(window.cwnd).toBe(25);
    reno.grow(23);
    expect(window.cwnd).toBe(26);
    expect(reno.threshold()).toBe(13);
  });

  it("RFC 9438 4.6: the threshold is 0.7 of the window; 4.7: lower maxima converge fast", () => {
    const window = new Window();
    const cubic = new Cubic(window, 0);
    window.cwnd = 100;
    expect(cubic.threshold()).toBe(70);
    window.cwnd = 80;
    expect(cubic.threshold()).toBe(56);
  });

  it("RFC 9438 4.2: the window is back at W_max after K = cbrt(W_max 0.3 / C), and flat there", () => {
    const window = new Window();
    const cubic = new Cubic(window, 0);
    window.cwnd = 1000;
    window.ssthresh = cubic.threshold();
    window.cwnd = window.ssthresh;
    expect(window.cwnd).toBe(700);
    const rtt = 100 * MS;
    const k = Math.cbrt((1000 * 0.3) / 0.4);
    const at = new Map<number, number>();
    for (let t = 0; t < 15; t += 0.1) {
      const now = t * SECOND;
      cubic.measured(rtt, now, 1, 2);
      for (let left = window.cwnd; left > 0; left -= 2) cubic.grow(2, now);
      at.set(Math.round(t * 10), window.cwnd);
    }
    const near = (t: number) => at.get(Math.round(t * 10)) as number;
    expect(near(k) / 1000).toBeGreaterThan(0.97);
    expect(near(k) / 1000).toBeLessThan(1.03);
    // Concave before, convex behind.
    expect(near(k / 2) - 700).toBeGreaterThan((near(k) - 700) / 2);
    expect(near(k + 3) - near(k)).toBeLessThan(near(k + 5) - near(k + 3));
  });

  it("RFC 6937 3: over a round trip of 20 segments that lost one, ssthresh of them are sent", () => {
    const window = new Window();
    window.cwnd = 20;
    window.ssthresh = 10;
    const reduction = new Reduction();
    reduction.begin(20);
    let inFlight = 19;
    let sent = 0;
    for (let ack = 0; ack < 19; ack++) {
      inFlight--;
      reduction.adjust(window, inFlight, 1, false);
      for (; inFlight < window.cwnd; inFlight++) {
        reduction.sentOne();
        sent++;
      }
    }
    expect(sent).toBe(10);
    expect(inFlight).toBe(10);
  });
});

describe("RFC 8985: RACK", () => {
  const sentAt = (times: readonly number[]) => {
    const queue = new SentQueue();
    const list = times.map((at, i) => new Sent(i * 1000, (i + 1) * 1000, false, at));
    for (const one of list) queue.push(one);
    return { queue, list };
  };

  it("what was sent before something that arrived is lost after a round trip and the reordering window", () => {
    const { queue, list } = sentAt([0, 1 * MS, 2 * MS]);
    const rack = new Rack();
    rack.delivered(list[2] as Sent, 102 * MS, 100 * MS);
    const lost: Sent[] = [];
    const wait = rack.detect(queue, 102 * MS, 25 * MS, (one) => lost.push(one));
    expect(lost).toEqual([]);
    // The one sent last of those waits longest: 100 + 25 - (102 - 1).
    expect(wait).toBe(24 * MS);
    rack.detect(queue, 125 * MS, 25 * MS, (one) => lost.push(one));
    expect(lost).toEqual([list[0]]);
    rack.detect(queue, 126 * MS, 25 * MS, (one) => lost.push(one));
    expect(lost).toEqual([list[0], list[1]]);
  });

  it("6.2 step 4: the window is nothing after three that arrived, a quarter of the round trip after reordering", () => {
    const rack = new Rack();
    expect(rack.reorderWindow(false, 1, 100 * MS, 120 * MS)).toBe(25 * MS);
    expect(rack.reorderWindow(false, 3, 100 * MS, 120 * MS)).toBe(0);
    expect(rack.reorderWindow(true, 0, 100 * MS, 120 * MS)).toBe(0);
    rack.reordered = true;
    expect(rack.reorderWindow(true, 3, 100 * MS, 120 * MS)).toBe(25 * MS);
  });
});

/** A receiver whose acknowledgments are written down. */
function receiver() {
  let now = 0;
  const acks: { ack: number; sacks: readonly number[] | undefined }[] = [];
  const timer = (): Timer => ({ armAt: () => {}, armed: false });
  const one: Receiver = new Receiver({
    now: () => now,
    timer,
    acknowledge: () => {
      acks.push({ ack: one.next, sacks: one.sacks() });
      one.told(one.window());
    },
    timeout: () => 200 * MS,
    roundTrip: () => 20 * MS,
  });
  const segment = (start: number, bytes = 500) => {
    now += MS;
    one.arrived(start, new Uint8Array(bytes), false, false);
    one.decide();
  };
  return { acks, segment, one };
}

describe("RFC 2018 7: eight segments of 500 octets from 5000 on", () => {
  const base = 5000;
  const arriving = (order: readonly number[]) => {
    const { acks, segment } = receiver();
    segment(0, base);
    for (const i of order) segment(base + 500 * (i - 1));
    return acks.slice(1);
  };

  it("case 1: the last four are lost: no SACK", () => {
    const acks = arriving([1, 2, 3, 4]);
    expect(acks.at(-1)).toEqual({ ack: 7000, sacks: undefined });
  });

  it("case 2: the first is lost: one block that grows", () => {
    const acks = arriving([2, 3, 4]);
    expect(acks).toEqual([
      { ack: 5000, sacks: [5500, 6000] },
      { ack: 5000, sacks: [5500, 6500] },
      { ack: 5000, sacks: [5500, 7000] },
    ]);
  });

  it("case 3: every second is lost: the latest block first; the fourth fills a hole", () => {
    const acks = arriving([1, 3, 5, 7, 4]);
    expect(acks.map(({ ack, sacks }) => [ack, ...(sacks ?? [])])).toEqual([
      [5500],
      [5500, 6000, 6500],
      [5500, 7000, 7500, 6000, 6500],
      [5500, 8000, 8500, 7000, 7500, 6000, 6500],
      [5500, 6000, 7500, 8000, 8500],
    ]);
  });

  it("RFC 2883 4.1: a duplicate is reported in the first block, once", () => {
    const { acks, segment } = receiver();
    segment(0, 1000);
    segment(1000);
    segment(1000);
    expect(acks.at(-1)).toEqual({ ack: 1500, sacks: [1000, 1500] });
    segment(1500);
    expect(acks.at(-1)).toEqual({ ack: 2000, sacks: undefined });
  });
});
