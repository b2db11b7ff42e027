import { describe, expect, it } from "vitest";
import type { Field } from "../../../../src/codecs/http/message.ts";
import { SECOND } from "../../../../src/engines/host.ts";
import { Cache } from "../../../../src/engines/http/cache/cache.ts";
import { MemoryStore } from "../../../../src/engines/http/cache/memory-store.ts";
import { httpDate } from "../../../../src/engines/http/date.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import { Agent } from "../../../../src/engines/http/fetch/agent.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import { bytesOf, httpWorld, SERVER, textOf } from "../world.ts";

function cachedWorld(control: string, more: Field[] = []) {
  const asked: string[] = [];
  const { world, client } = httpWorld((exchange: Exchange) => {
    const known = exchange.field("if-none-match");
    asked.push(`${exchange.request.target} ${known ?? "-"}`);
    const fields = [
      { name: "ETag", value: '"1"' },
      { name: "Cache-Control", value: control },
      { name: "Date", value: httpDate(exchange.host.clock.wallMs()) },
      ...more,
    ];
    const target = exchange.request.target;
    if (target === "/moved") {
      exchange.respond({ statusCode: 301, fields: [...fields, { name: "Location", value: "/a" }] });
    } else if (known === '"1"') exchange.respond({ statusCode: 304, fields });
    else exchange.respond({ statusCode: 200, fields }, bytesOf(`body of ${target}`));
  });
  const fetcher = new Fetcher(client, {
    strategy: { connections: 2, keep: true, depth: 1 },
    lookup: (_name, done) => done(null, { addresses: [SERVER.addr] }),
  });
  const cache = new Cache(client, { store: new MemoryStore(1_000_000), shared: false });
  const set: string[] = [];
  const cookies = {
    header: () => undefined,
    store: (_o: unknown, _t: unknown, fields: readonly Field[]) => {
      for (const { name, value } of fields) if (name === "Set-Cookie") set.push(value);
    },
  };
  const agent = new Agent(fetcher, { follow: true, cache, cookies });
  const get = (target: string, method = "GET") => {
    let got = "";
    agent.fetch(
      {
        method,
        origin: { scheme: "http", host: "a.test", port: 80 },
        target,
        fields: [{ name: "Host", value: "a.test" }],
      },
      {
        head: () => {},
        data: (bytes) => {
          got += textOf(bytes);
        },
        end: (_trailers, timing) => {
          got += ` (${timing.cached}, ${timing.bodyBytes})`;
        },
        failed: (why) => {
          got += why.message;
        },
      },
    );
    world.run(world.now + 10 * SECOND);
    return got;
  };
  return { world, get, asked, set };
}

describe("a private cache", () => {
  it("RFC 9111 4.2: what is fresh costs no request, also for one user alone", () => {
    const { get, asked } = cachedWorld("private, max-age=60");
    expect([get("/a"), get("/a"), asked]).toEqual([
      "body of /a (miss, 10)",
      "body of /a (hit, 10)",
      ["/a -"],
    ]);
  });

  it("RFC 9111 4.3: what is stale is asked for by its entity tag, and the body comes from the store", () => {
    const { get, asked, world } = cachedWorld("max-age=1");
    get("/a");
    world.run(world.now + 100 * SECOND);
    expect([get("/a"), asked]).toEqual(["body of /a (revalidated, 10)", ["/a -", '/a "1"']]);
  });

  it("RFC 9111 3: what may not be stored is not", () => {
    const { get, asked } = cachedWorld("no-store");
    expect([get("/a"), get("/a"), asked.length]).toEqual([
      "body of /a (miss, 10)",
      "body of /a (miss, 10)",
      2,
    ]);
  });

  it("RFC 9110 15.4.2: a redirect is remembered, and a stored cookie is not set again", () => {
    const { get, asked, set } = cachedWorld("max-age=60", [{ name: "Set-Cookie", value: "n=1" }]);
    get("/moved");
    expect([get("/moved"), asked, set.length]).toEqual([
      "body of /a (hit, 10)",
      ["/moved -", "/a -"],
      2,
    ]);
  });
});
