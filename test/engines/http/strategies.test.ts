import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { Fetcher } from "../../../src/engines/http/fetch/fetcher.ts";
import type { Strategy } from "../../../src/engines/http/fetch/strategy.ts";
import { nameOf, roundTrips } from "../../../src/engines/http/fetch/strategy.ts";
import { bytesOf, httpWorld, SERVER, textOf } from "./world.ts";

const echo = (exchange: Exchange) =>
  exchange.respond({ statusCode: 200, fields: [] }, bytesOf(exchange.request.target));
const RTT = 100;

function fetchAll(
  handler: (exchange: Exchange) => void,
  strategy: Strategy,
  count: number,
  method = "GET",
) {
  const { world } = httpWorld(handler);
  const fallbacks: number[] = [];
  const fetcher = new Fetcher(world.get("client"), {
    strategy,
    lookup: (_name, done) => done(null, { addresses: [SERVER.addr] }),
    onFallback: (_origin, depth) => fallbacks.push(depth),
  });
  const bodies: string[] = new Array<string>(count).fill("");
  const ends: number[] = [];
  const run = () => {
    const started = world.now;
    bodies.fill("");
    ends.length = 0;
    for (let i = 0; i < count; i++) {
      fetcher.fetch(
        {
          method,
          origin: { scheme: "http", host: "x", port: 80 },
          target: `/${i}`,
          fields: [{ name: "Host", value: "x" }],
        },
        {
          head: () => {
            bodies[i] = "";
          },
          data: (bytes) => {
            bodies[i] += textOf(bytes);
          },
          end: (_trailers, timing) => ends.push(((timing.end ?? 0) - started) / MILLISECOND),
          failed: (why) => {
            bodies[i] = `failed: ${why.fault}`;
          },
        },
      );
    }
    world.run(world.now + 10 * SECOND);
    return Math.max(...ends);
  };
  return { run, bodies, fetcher, fallbacks };
}

const ALL: readonly Strategy[] = [
  { connections: 1, keep: false, depth: 1 },
  { connections: 1, keep: true, depth: 1 },
  { connections: 4, keep: false, depth: 1 },
  { connections: 4, keep: true, depth: 1 },
  { connections: 1, keep: true, depth: 100 },
  { connections: 4, keep: true, depth: 100 },
];

describe("strategies on a path of one round trip", () => {
  it.each(ALL.map((strategy) => [nameOf(strategy), strategy] as const))(
    "%s takes the round trips that the course counts, whatever the number of objects",
    (_name, strategy) => {
      for (const count of [1, 3, 4, 10]) {
        const { run, bodies } = fetchAll(echo, strategy, count);
        expect(run() / RTT).toBe(roundTrips(strategy, count));
        expect(bodies).toEqual(bodies.map((_, i) => `/${i}`));
      }
    },
  );

  it("pipelined on a warm connection takes one round trip", () => {
    const { run } = fetchAll(echo, { connections: 1, keep: true, depth: 100 }, 10);
    expect([run(), run()]).toEqual([2 * RTT, RTT]);
  });
});

describe("a pipeline that breaks", () => {
  it("RFC 9112 9.3.2: what a server that closes after each response left is asked for again, with fewer ahead", () => {
    const closing = (exchange: Exchange) =>
      exchange.respond(
        { statusCode: 200, fields: [{ name: "Connection", value: "close" }] },
        bytesOf(exchange.request.target),
      );
    const { run, bodies, fallbacks } = fetchAll(
      closing,
      { connections: 1, keep: true, depth: 8 },
      10,
    );
    run();
    expect(bodies).toEqual(bodies.map((_, i) => `/${i}`));
    expect(fallbacks).toEqual([4, 2, 1]);
  });

  it("RFC 9110 9.2.2: a request that is not idempotent goes out alone, and is not repeated", () => {
    const seen: string[] = [];
    const dying = (exchange: Exchange) => {
      seen.push(exchange.request.target);
      if (exchange.request.target === "/1") exchange.abort();
      else echo(exchange);
    };
    const { run, bodies } = fetchAll(dying, { connections: 1, keep: true, depth: 8 }, 3, "POST");
    run();
    expect(bodies).toEqual(["/0", "failed: closed", "/2"]);
    expect(seen).toEqual(["/0", "/1", "/2"]);
  });

  it("a kept connection that the server closes as a request goes out is no failure", () => {
    const { run, bodies } = fetchAll(echo, { connections: 1, keep: true, depth: 1 }, 2);
    run();
    // The server closes after 15 idle seconds; the next request may be on its way then.
    expect(run()).toBeGreaterThan(0);
    run();
    expect(bodies).toEqual(["/0", "/1"]);
  });
});
