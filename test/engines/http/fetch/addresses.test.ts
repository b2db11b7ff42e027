import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import type { Strategy } from "../../../../src/engines/http/fetch/strategy.ts";
import { HttpServer } from "../../../../src/engines/http/server.ts";
import { httpWorld, SERVER } from "../world.ts";

const DEAD = "2001:db8::dead";

/** When each of some objects was there, in milliseconds, and the connections' attempts. */
function fetched(strategy: Strategy, count: number, reached?: Map<string, string>) {
  const { world } = httpWorld((exchange) => exchange.respond({ statusCode: 200, fields: [] }));
  world.node("silent", { addresses: [DEAD] });
  world.faults.crash("silent");
  const client = world.node("dual", { addresses: ["198.51.100.2", "2001:db8:1::1"] });
  const fetcher = new Fetcher(client, {
    strategy,
    reached,
    lookup: (_name, done) => done(null, { addresses: [DEAD, SERVER.addr] }),
  });
  const ends: number[] = [];
  const attempts: number[] = [];
  for (let i = 0; i < count; i++) {
    const origin = { scheme: "http", host: "x", port: 80 } as const;
    const fields = [{ name: "Host", value: "x" }];
    fetcher.fetch(
      { method: "GET", origin, target: `/${i}`, fields },
      {
        head: () => {},
        data: () => {},
        end: (_trailers, { end = 0, connect }) => {
          ends.push(end / MILLISECOND);
          attempts.push(connect?.attempts?.length ?? 0);
        },
        failed: (why) => {
          throw why;
        },
      },
    );
  }
  world.run(10 * SECOND);
  return { ends, attempts };
}

describe("RFC 8305: an origin of which one address is dead", () => {
  it("costs the first connection 250 ms, and the next ones nothing", () => {
    const { ends, attempts } = fetched({ connections: 1, keep: false, depth: 1 }, 3);
    expect(ends).toEqual([450, 650, 850]);
    expect(attempts).toEqual([2, 1, 1]);
  });

  it("costs the next fetcher nothing that knows what was reached", () => {
    const reached = new Map<string, string>();
    const strategy = { connections: 1, keep: true, depth: 1 };
    expect(fetched(strategy, 1, reached).ends).toEqual([450]);
    expect(reached).toEqual(new Map([["x", SERVER.addr]]));
    expect(fetched(strategy, 1, reached).ends).toEqual([200]);
  });

  it("connections that are opened together race each for itself", () => {
    const { ends } = fetched({ connections: 3, keep: true, depth: 1 }, 3);
    expect(ends).toEqual([450, 450, 450]);
  });
});

describe("RFC 1035 3.2.1: addresses for their time", () => {
  it("a connection that is opened after it asks again, and goes where the name leads now", () => {
    const { world, client } = httpWorld((exchange) =>
      exchange.respond({ statusCode: 200, fields: [] }),
    );
    const moved: string[] = [];
    const other = world.node("moved", { addresses: ["192.0.2.81"] });
    new HttpServer(
      (exchange) => {
        moved.push(exchange.request.target);
        exchange.respond({ statusCode: 200, fields: [] });
      },
      { listen: [{ addr: "192.0.2.81", port: 80 }] },
    ).start(other);
    const asked: number[] = [];
    const fetcher = new Fetcher(client, {
      strategy: { connections: 1, keep: false, depth: 1 },
      lookup: (_name, done) => {
        const now = client.clock.now();
        asked.push(now / MILLISECOND);
        const addr = now < 700 * MILLISECOND ? SERVER.addr : "192.0.2.81";
        done(null, { addresses: [addr], until: now + 700 * MILLISECOND });
      },
    });
    for (let i = 0; i < 6; i++) {
      const origin = { scheme: "http", host: "x", port: 80 } as const;
      const fields = [{ name: "Host", value: "x" }];
      fetcher.fetch(
        { method: "GET", origin, target: `/${i}`, fields },
        { head: () => {}, data: () => {}, end: () => {}, failed: () => {} },
      );
    }
    world.run(3 * SECOND);
    // Two round trips each: at 0, 200, 400, 600, 800, 1000.
    expect(asked).toEqual([0, 800]);
    expect(moved).toEqual(["/4", "/5"]);
  });

  it.each([0, 5])(
    "with a TTL of 0 they hold for those who waited for them (a look-up of %i ms)",
    (ms) => {
      const { world, client } = httpWorld((exchange) =>
        exchange.respond({ statusCode: 200, fields: [] }),
      );
      let asked = 0;
      const fetcher = new Fetcher(client, {
        strategy: { connections: 2, keep: true, depth: 2 },
        lookup: (_name, done) => {
          if (++asked > 100) throw new Error("looked up without end");
          const found = () => done(null, { addresses: [SERVER.addr], until: client.clock.now() });
          if (ms === 0) found();
          else client.clock.timer(found).armAt(client.clock.now() + ms * MILLISECOND);
        },
      });
      const ends: string[] = [];
      const fetch = (target: string) =>
        fetcher.fetch(
          {
            method: "GET",
            origin: { scheme: "http", host: "x", port: 80 },
            target,
            fields: [{ name: "Host", value: "x" }],
          },
          {
            head: () => {},
            data: () => {},
            end: () => ends.push(target),
            failed: (why) => ends.push(why.message),
          },
        );
      fetch("/1");
      world.run(20 * MILLISECOND);
      for (const target of ["/2", "/3", "/4"]) fetch(target);
      world.run(3 * SECOND);
      expect(ends.toSorted()).toEqual(["/1", "/2", "/3", "/4"]);
      expect(asked).toBe(2);
    },
  );
});
