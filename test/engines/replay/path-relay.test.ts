import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { Fetcher } from "../../../src/engines/http/fetch/fetcher.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { PathRelay } from "../../../src/engines/replay/play/path-relay.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { strategyOf } from "../../../src/replay/strategies.ts";

const HERE = "127.0.0.1";
const RTT = 100 * MILLISECOND;

/** Milliseconds that `count` objects take through the relay, all on one simulated machine. */
function through(
  name: "serial" | "persistent" | "pipelined",
  count: number,
  size: number,
  rate: number,
): number {
  const world = new World({ seed: 1 });
  const node = world.node("machine", { addresses: [HERE] });
  const body = new Uint8Array(size);
  new HttpServer((exchange) => exchange.respond({ statusCode: 200, fields: [] }, body), {
    listen: [{ addr: HERE, port: 80 }],
    limits: { pipelined: 1000 },
  }).start(node);
  let at: Endpoint | undefined;
  new PathRelay({
    listen: { addr: HERE, port: 8080 },
    target: { addr: HERE, port: 80 },
    rtt: RTT,
    rate,
    onListening: (where) => {
      at = where;
    },
  }).start(node);
  world.run(SECOND);
  const fetcher = new Fetcher(node, {
    strategy: strategyOf(name, 6),
    via: at,
    lookup: (_name, done) => done(null, { addresses: [HERE] }),
  });
  let left = count;
  let endedAt = 0;
  for (let i = 0; i < count; i++) {
    fetcher.fetch(
      {
        method: "GET",
        origin: { scheme: "http", host: "www.example.test", port: 80 },
        target: `/${i}`,
        fields: [{ name: "Host", value: "www.example.test" }],
      },
      {
        head: () => {},
        data: () => {},
        end: () => {
          if (--left === 0) endedAt = node.clock.now();
        },
        failed: (why) => {
          throw why;
        },
      },
    );
  }
  world.run(60 * SECOND);
  return (endedAt - SECOND) / MILLISECOND;
}

describe("a path in user space", () => {
  it("small objects cost the round trips of their strategy: 2n, n + 1, 2", () => {
    expect(through("serial", 4, 500, 1e9) / 800).toBeCloseTo(1, 1);
    expect(through("persistent", 4, 500, 1e9) / 500).toBeCloseTo(1, 1);
    expect(through("pipelined", 4, 500, 1e9) / 200).toBeCloseTo(1, 1);
  });

  it("RFC 6928: what exceeds ten segments takes more round trips; a rate makes octets wait", () => {
    const fast = through("pipelined", 1, 1448 * 25, 1e9);
    expect(fast).toBeGreaterThan(295);
    expect(fast).toBeLessThan(315);
    const slow = through("pipelined", 1, 1_000_000, 1_000_000);
    expect(slow).toBeGreaterThan(1200);
    expect(slow).toBeLessThan(1500);
  });
});
