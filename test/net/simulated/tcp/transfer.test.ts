import { describe, expect, it } from "vitest";
import type { Host, TcpConnection, TcpHandler } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import type { Packet } from "../../../../src/net/simulated/packet.ts";
import type { LinkQuality } from "../../../../src/net/simulated/topology.ts";
import { World } from "../../../../src/net/simulated/world.ts";

const SERVER = "10.0.0.2";
const RTT = 100 * MILLISECOND;

interface Sent {
  readonly at: number;
  readonly seq: number;
  readonly length: number;
}

/** A server that sends `bytes`, over one link; what it sent, and when the client had all. */
function transfer(
  bytes: number,
  link: Partial<LinkQuality>,
  options: {
    seed?: number;
    congestion?: "cubic" | "reno";
    lose?: (packet: Packet, n: number) => boolean;
    /** The server leaves the connection open. */
    open?: boolean;
  } = {},
) {
  const { seed = 1, congestion, lose } = options;
  const ends = options.open !== true;
  const world = new World({ seed, delay: 0, ...(congestion === undefined ? {} : { congestion }) });
  const sent: Sent[] = [];
  let got = 0;
  let doneAt = 0;
  let closed = "";
  const idle = { stop: (_: boolean, done: () => void) => done() };
  const quiet: TcpHandler = { onData: () => {}, onClose: () => {} };
  const serve = (host: Host) => () => {
    const open = (c: TcpConnection) => {
      c.setNoDelay(true);
      c.write(new Uint8Array(bytes));
      if (ends) c.end();
    };
    host.listen(() => ({ ...quiet, onOpen: open }), { local: { addr: SERVER, port: 80 } });
  };
  const fetch = (host: Host) => () => {
    const handler: TcpHandler = {
      onData: (data) => {
        got += data.length;
        if (got === bytes) doneAt = host.clock.now();
      },
      onEnd: (c) => c.end(),
      onClose: (cause) => {
        closed = cause;
      },
    };
    host.connect(handler, { remote: { addr: SERVER, port: 80 } });
  };
  const server = world.node("server", {
    addresses: [SERVER],
    link: { delay: 0 },
    boot: (host) => ({ ...idle, start: serve(host) }),
  });
  world.node("client", {
    addresses: ["10.0.0.1"],
    link: { delay: RTT / 2, ...link },
    boot: (host) => ({ ...idle, start: fetch(host) }),
  });
  let n = 0;
  world.faults.rule((packet) => {
    if (packet.src !== SERVER || packet.data.length === 0) return "pass";
    sent.push({ at: world.now, seq: packet.seq, length: packet.data.length });
    return lose?.(packet, n++) === true ? "drop" : "pass";
  });
  world.run(300 * SECOND);
  const down = world.topology.linksBetween("core", "client").find((l) => l.from.name === "core");
  return {
    sent,
    doneAt,
    closed,
    resent: server.resentAt.length,
    drops: down?.queue.drops ?? 0,
    digest: world.digest.toString(),
  };
}

/** Segments by the round trip in which they were sent. */
function flights(sent: readonly Sent[]): number[] {
  const counts: number[] = [];
  for (const { at } of sent) {
    const round = Math.floor((at - RTT) / RTT);
    counts[round] = (counts[round] ?? 0) + 1;
  }
  return counts;
}

describe("a transfer over simulated TCP", () => {
  it("RFC 6928 2, RFC 5681 3.1: ten segments first, then twice as many each round trip", () => {
    const { sent, resent } = transfer(1448 * 70, {});
    expect(flights(sent)).toEqual([10, 20, 40]);
    expect(resent).toBe(0);
  });

  it("a link's rate is filled: time is round trips and bytes at the rate", () => {
    const bytes = 4_000_000;
    const { doneAt, drops } = transfer(bytes, { rate: 10e6, queue: 1e9 });
    const needed = (bytes * (1500 / 1448) * 8) / 10e6;
    expect(drops).toBe(0);
    expect(doneAt / SECOND).toBeGreaterThan(needed + 0.2);
    expect(doneAt / SECOND).toBeLessThan(needed + 0.6);
  });

  it("RFC 6675, RFC 8985: one segment lost of many costs one retransmission and no timeout", () => {
    const whole = transfer(1448 * 60, {});
    const holed = transfer(1448 * 60, {}, { lose: (_, n) => n === 15 });
    expect(holed.resent).toBe(1);
    expect(holed.doneAt - whole.doneAt).toBeLessThan(1.2 * RTT);
    expect(holed.closed).toBe("ended");
  });

  it("RFC 8985 7: a lost last segment is probed for after two round trips, before any timeout", () => {
    const whole = transfer(1448 * 5, {});
    const tail = transfer(1448 * 5, {}, { open: true, lose: (_, n) => n === 4 });
    expect(tail.resent).toBe(1);
    const late = tail.doneAt - whole.doneAt;
    expect(late).toBeGreaterThan(1.5 * RTT);
    expect(late).toBeLessThan(4.5 * RTT);
  });

  it("RFC 6298 5.5: when retransmissions are lost too, each timeout is twice the last", () => {
    const { sent, closed } = transfer(1448, {}, { lose: (_, n) => n < 5 });
    const gaps = sent.slice(1).map(({ at }, i) => (at - (sent[i] as Sent).at) / MILLISECOND);
    expect(sent.length).toBe(6);
    expect(closed).toBe("ended");
    for (let i = 2; i < gaps.length; i++) {
      expect((gaps[i] as number) / (gaps[i - 1] as number)).toBeGreaterThan(1.7);
      expect((gaps[i] as number) / (gaps[i - 1] as number)).toBeLessThan(2.3);
    }
  });

  it.each(["cubic", "reno"] as const)(
    "%s: a queue that overflows is recovered from; every drop is sent again once",
    (congestion) => {
      const run = transfer(3_000_000, { rate: 10e6, queue: 60_000 }, { congestion });
      expect(run.closed).toBe("ended");
      expect(run.drops).toBeGreaterThan(0);
      expect(run.resent).toBeGreaterThanOrEqual(run.drops);
      expect(run.resent).toBeLessThanOrEqual(run.drops * 1.1 + 2);
    },
  );

  it("RFC 9293: whatever is lost at random, all of the stream arrives, over 100 seeds", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { doneAt, closed } = transfer(
        120_000,
        { loss: 0.15, reorder: 0.1, duplicate: 0.05 },
        { seed },
      );
      expect([seed, doneAt > 0, closed]).toEqual([seed, true, "ended"]);
    }
  });

  it("equal seeds give equal runs", () => {
    const run = () => transfer(500_000, { rate: 5e6, queue: 30_000, loss: 0.01 }, { seed: 7 });
    expect(run()).toEqual(run());
  });

  it("RFC 9293 3.8.4: a connection whose peer is gone is given up after unanswered probes; one that answers lives", () => {
    const outcome = (gone: boolean) => {
      const keepAlive = { idle: 60 * SECOND, interval: 5 * SECOND, probes: 3 };
      const world = new World({ seed: 1, keepAlive });
      const server = world.node("server", { addresses: [SERVER] });
      const client = world.node("client", { addresses: ["10.0.0.1"] });
      server.listen(() => ({ onData: () => {}, onClose: () => {} }), {
        local: { addr: SERVER, port: 80 },
      });
      let ended: [string, number] | undefined;
      client.connect(
        {
          onData: () => {},
          onClose: (cause) => {
            ended = [cause, Math.round(client.clock.now() / SECOND)];
          },
        },
        { remote: { addr: SERVER, port: 80 } },
      );
      world.run(SECOND);
      if (gone) world.faults.partition(["server"], ["client"]);
      world.run(200 * SECOND);
      return ended;
    };
    expect(outcome(true)).toEqual(["timeout", 75]);
    expect(outcome(false)).toBeUndefined();
  });
});
