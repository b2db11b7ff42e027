import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import type { Strategy } from "../../../../src/engines/http/fetch/strategy.ts";
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
