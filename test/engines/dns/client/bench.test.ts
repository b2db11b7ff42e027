import { afterEach, describe, expect, it } from "vitest";
import type { BenchOptions, BenchResult } from "../../../../src/engines/dns/client/bench.ts";
import { Bench } from "../../../../src/engines/dns/client/bench.ts";
import type { Host, UdpHandler } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { LiveHost } from "../../../../src/net/live/host.ts";
import { World } from "../../../../src/net/simulated/world.ts";

const hosts: LiveHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

/** A server that answers all questions but each `silent`-th with rcode 3, and the load on it. */
async function load(silent: number, options: Partial<BenchOptions>): Promise<BenchResult> {
  const host = new LiveHost();
  hosts.push(host);
  let count = 0;
  const port = await new Promise<number>((done) => {
    host.udp(
      {
        onBound: (socket) => done(socket.local.port),
        onDatagram: (data, addr, from, socket) => {
          if (++count % silent === 0) return;
          const answer = data.slice();
          answer[2] = 0x80;
          answer[3] = 3;
          socket.send(answer, addr, from);
        },
      },
      { local: { addr: "127.0.0.1", port: 0 } },
    );
  });
  return new Promise((done) => {
    new Bench(
      host,
      {
        server: { addr: "127.0.0.1", port },
        queries: [new Uint8Array(12)],
        concurrency: 10,
        duration: SECOND / 4,
        timeout: 50 * MILLISECOND,
        ...options,
      },
      done,
    );
  });
}

describe("load", () => {
  it("counts each question as answered or lost, by rcode, and no percentile is below another", async () => {
    const result = await load(7, {});
    expect(result.answered + result.lost).toBe(result.sent);
    expect([result.lost > 0, result.rcodes.get(3)]).toEqual([true, result.answered]);
    const times = [0.5, 0.9, 0.99, 1].map((part) => result.percentile(part));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times[0]).toBeGreaterThan(0);
  });

  it("keeps to the rate that is given", async () => {
    const { sent } = await load(Number.POSITIVE_INFINITY, { rate: 100 });
    expect(sent).toBeLessThanOrEqual(26);
    expect(sent).toBeGreaterThan(10);
  });

  it("a question that waits keeps its identifier while others take all there are", () => {
    const world = new World({ seed: 1, delay: MILLISECOND / 2 });
    let count = 0;
    const started = (start: (host: Host) => void) => () => ({
      start,
      stop: (_graceful: boolean, done: () => void) => done(),
    });
    const answering: UdpHandler = {
      onDatagram: (data, addr, from, socket) => {
        if (++count <= 3) return;
        const answer = data.slice();
        answer[2] = 0x80;
        socket.send(answer, addr, from);
      },
    };
    const at = { addr: "10.0.0.1", port: 53 };
    world.node("server", {
      addresses: [at.addr],
      boot: started((host) => host.udp(answering, { local: at })),
    });
    let result: BenchResult | undefined;
    const options = { server: at, queries: [new Uint8Array(12)], concurrency: 200 };
    const times = { duration: SECOND, timeout: 5 * SECOND };
    world.node("client", {
      addresses: ["10.0.0.2"],
      boot: started((host) => {
        new Bench(host, { ...options, ...times }, (ended) => {
          result = ended;
        });
      }),
    });
    world.run(10 * SECOND);
    expect(result?.sent).toBeGreaterThan(65_536);
    expect(result).toMatchObject({ lost: 3, answered: (result?.sent ?? 0) - 3 });
  });
});
