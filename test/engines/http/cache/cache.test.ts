import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { MemoryStore } from "../../../../src/engines/http/cache/memory-store.ts";
import { field } from "../../../../src/engines/http/fields.ts";
import { bytesOf } from "../world.ts";
import { cacheWorld, reply } from "./world.ts";

const FRESH = { "Cache-Control": "max-age=60" };
const TEXT = "0123456789";

describe("a shared cache", () => {
  it("RFC 9111 4.2: a fresh response is used again, with its age", () => {
    const { get, world, asked } = cacheWorld((exchange) => reply(exchange, FRESH, "one"));
    get("/a");
    world.run(world.now + 5 * SECOND);
    const second = get("/a");
    expect([second.body, asked.length]).toEqual(["one", 1]);
    expect(Number(field(second.fields, "age"))).toBeGreaterThanOrEqual(5);
    expect(field(second.fields, "cache-status")).toMatch(/^netkit; hit; ttl=5\d$/);
  });

  it("RFC 9111 4.3: a stale one is validated, and a 304 makes it fresh", () => {
    const { get, world, asked, told } = cacheWorld((exchange) => {
      if (exchange.field("if-none-match") === '"v1"') {
        exchange.respond({ statusCode: 304, fields: [{ name: "X", value: "new" }] });
      } else reply(exchange, { "Cache-Control": "max-age=2", ETag: '"v1"', X: "old" }, "one");
    });
    get("/a");
    world.run(world.now + 5 * SECOND);
    const second = get("/a");
    const third = get("/a");
    expect([second.body, field(second.fields, "x"), third.body]).toEqual(["one", "new", "one"]);
    expect(asked.length).toBe(2);
    expect(told.map(({ outcome }) => outcome.verdict)).toEqual(["miss", "revalidated", "hit"]);
  });

  it("RFC 9111 4: 1000 who ask at once make one fetch", () => {
    const { client, world, asked } = cacheWorld((exchange) => reply(exchange, FRESH, TEXT));
    const all = Array.from({ length: 1000 }, () => client().send("GET", "/a"));
    world.run(10 * SECOND);
    expect(asked.length).toBe(1);
    expect(all.every(({ body, state }) => body === TEXT && state === "whole")).toBe(true);
  });

  it("RFC 9111 4: those who wait for one validation share it, even where nothing stays fresh", () => {
    const { client, get, world, asked } = cacheWorld((exchange) => {
      if (exchange.field("if-none-match") === '"v"')
        exchange.respond({ statusCode: 304, fields: [] });
      else reply(exchange, { "Cache-Control": "max-age=0", ETag: '"v"' }, TEXT);
    });
    get("/a");
    const all = Array.from({ length: 100 }, () => client().send("GET", "/a"));
    world.run(world.now + SECOND);
    expect([asked.length, all.every(({ body }) => body === TEXT)]).toEqual([2, true]);
  });

  it("those who wait for what turns out to be for one alone ask themselves", () => {
    const { client, world, asked } = cacheWorld((exchange, count) =>
      reply(exchange, { "Cache-Control": "private" }, `for ${count}`),
    );
    const all = Array.from({ length: 5 }, () => client().send("GET", "/a"));
    world.run(10 * SECOND);
    expect(asked.length).toBe(5);
    expect(new Set(all.map(({ body }) => body)).size).toBe(5);
  });

  it("RFC 9111 4.4: what was asked for before an unsafe request is not stored after it", () => {
    const { client, get, world, asked } = cacheWorld((exchange, count) => {
      if (exchange.request.method === "GET" && count === 1) {
        const timer = exchange.host.clock.timer(() => reply(exchange, FRESH, "old"));
        timer.armAt(exchange.host.clock.now() + 500 * MILLISECOND);
      } else reply(exchange, FRESH, "new");
    });
    client().send("GET", "/a");
    world.run(200 * MILLISECOND);
    get("/a", {}, "DELETE");
    world.run(world.now + SECOND);
    expect([get("/a").body, asked.length]).toEqual(["new", 3]);
  });

  it("RFC 9111 3.3, 3.4: parts are stored, completed with what is missing, and used as a whole", () => {
    const { get, asked } = cacheWorld((exchange) => {
      const range = exchange.field("range");
      const [from = 0, to = 9] =
        /bytes=(\d+)-(\d*)/
          .exec(range ?? "")
          ?.slice(1)
          .map((n) => (n === "" ? 9 : Number(n))) ?? [];
      const part = { ...FRESH, ETag: '"v"', "Content-Range": `bytes ${from}-${to}/10` };
      if (range === undefined) reply(exchange, { ...FRESH, ETag: '"v"' }, TEXT);
      else reply(exchange, part, TEXT.slice(from, to + 1), 206);
    });
    expect(get("/a", { Range: "bytes=0-4" }).body).toBe("01234");
    const inside = get("/a", { Range: "bytes=2-3" });
    expect([inside.statusCode, inside.body, asked.length]).toEqual([206, "23", 1]);
    const whole = get("/a");
    expect([whole.statusCode, whole.body]).toEqual([200, TEXT]);
    expect(asked[1]?.fields.filter(({ name }) => /range/i.test(name))).toEqual([
      { name: "Range", value: "bytes=5-" },
      { name: "If-Range", value: '"v"' },
    ]);
    expect([get("/a").body, get("/a", { Range: "bytes=-3" }).body, asked.length]).toEqual([
      TEXT,
      "789",
      2,
    ]);
    expect(get("/a", { Range: "bytes=20-" }).statusCode).toBe(416);
  });

  it("RFC 9110 15.3.7.3: parts of another representation are not combined", () => {
    const { get, asked } = cacheWorld((exchange, count) => {
      if (exchange.field("range") === undefined) {
        reply(exchange, { ...FRESH, ETag: '"w"' }, "abcdefghij");
      } else {
        const range = count === 1 ? [0, 4] : [5, 9];
        const fields = {
          ...FRESH,
          ETag: count === 1 ? '"v"' : '"w"',
          "Content-Range": `bytes ${range.join("-")}/10`,
        };
        reply(exchange, fields, count === 1 ? "01234" : "fghij", 206);
      }
    });
    get("/a", { Range: "bytes=0-4" });
    expect([get("/a").body, asked.length]).toEqual(["abcdefghij", 3]);
  });

  it("RFC 5861 3: stale-while-revalidate answers at once, and validates behind", () => {
    const { get, client, world, asked } = cacheWorld((exchange, count) =>
      reply(exchange, { "Cache-Control": "max-age=1, stale-while-revalidate=60" }, `v${count}`),
    );
    get("/a");
    world.run(world.now + 3 * SECOND);
    const started = world.now / MILLISECOND;
    const stale = client().send("GET", "/a");
    world.run(world.now + 500 * MILLISECOND);
    expect([stale.body, stale.at - started]).toEqual(["v1", 8]);
    expect([get("/a").body, asked.length]).toEqual(["v2", 2]);
  });

  it.each([
    ["max-age=1, stale-if-error=60", 503, "v1"],
    ["max-age=1", 503, "sorry"],
    ["max-age=1, stale-if-error=60, must-revalidate", 503, "sorry"],
    ["max-age=1", 0, "v1"],
    ["max-age=1, proxy-revalidate", 0, ""],
  ])("RFC 5861 4, RFC 9111 4.2.4: %s, origin says %i: %j", (control, failing, body) => {
    const { get, world } = cacheWorld((exchange, count) => {
      if (count === 1) reply(exchange, { "Cache-Control": control, ETag: '"v"' }, "v1");
      else if (failing === 0) exchange.abort();
      else reply(exchange, {}, "sorry", failing);
    });
    get("/a");
    world.run(world.now + 5 * SECOND);
    const got = get("/a");
    expect(got.body).toBe(body);
    if (body === "") {
      expect([got.statusCode, field(got.fields, "proxy-status")?.slice(0, 36)]).toEqual([
        502,
        "netkit; error=connection_terminated;",
      ]);
    }
  });

  it.each([
    ["Accept-Language", "en, de", "de,en"],
    ["Accept-Language", "en;q=0.5, DE", "de;q=1.0, en;q=0.5"],
    ["Accept-Encoding", "gzip,  br", "br, gzip"],
    ["Foo", "1,2", "1,  2"],
  ])("RFC 9111 4.1: Vary: %s takes %j for %j", (name, first, second) => {
    const { get, asked } = cacheWorld((exchange) => reply(exchange, { ...FRESH, Vary: name }, "x"));
    get("/a", { [name]: first });
    get("/a", { [name]: second });
    expect(asked.length).toBe(1);
    get("/a", { [name]: "fr" });
    expect(asked.length).toBe(2);
  });

  it("RFC 9111 3.5: with Authorization only what says so is stored", () => {
    for (const [control, fetches] of [
      ["max-age=60", 2],
      ["max-age=60, public", 1],
      ["max-age=60, must-revalidate", 1],
      ["s-maxage=60", 1],
    ] as const) {
      const { get, asked } = cacheWorld((exchange) =>
        reply(exchange, { "Cache-Control": control }, "x"),
      );
      get("/a", { Authorization: "Basic x" });
      get("/a", { Authorization: "Basic x" });
      expect([control, asked.length]).toEqual([control, fetches]);
    }
  });

  it("RFC 9111 5.2.2.3: must-understand stores what is understood, despite no-store", () => {
    for (const [statusCode, fetches] of [
      [200, 1],
      [599, 2],
    ] as const) {
      const fields = { "Cache-Control": "max-age=60, no-store, must-understand" };
      const { get, asked } = cacheWorld((exchange) => reply(exchange, fields, "x", statusCode));
      get("/a");
      get("/a");
      expect([statusCode, asked.length]).toEqual([statusCode, fetches]);
    }
  });

  it("RFC 9111 5.2.1.7: only-if-cached is answered with 504 where nothing is", () => {
    const { get, asked } = cacheWorld((exchange) => reply(exchange, FRESH, "x"));
    expect(get("/a", { "Cache-Control": "only-if-cached" }).statusCode).toBe(504);
    get("/a");
    expect([get("/a", { "Cache-Control": "only-if-cached" }).body, asked.length]).toEqual(["x", 1]);
  });

  it("RFC 9111 3.3: a response that was cut is not stored", () => {
    const { get, asked } = cacheWorld((exchange, count) => {
      if (count > 1) reply(exchange, FRESH, TEXT);
      else {
        exchange.start({
          statusCode: 200,
          fields: [
            { name: "Content-Length", value: "10" },
            { name: "Cache-Control", value: "max-age=60" },
          ],
        });
        exchange.write(bytesOf("01234"));
        const { clock } = exchange.host;
        clock.timer(() => exchange.abort()).armAt(clock.now() + 10 * MILLISECOND);
      }
    });
    expect(get("/a").state).toBe("cut");
    expect([get("/a").body, asked.length]).toEqual([TEXT, 2]);
  });

  it("RFC 9111 4.3.2: If-Modified-Since is compared with Last-Modified, or else with the date", () => {
    const date = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toUTCString();
    for (const [fields, since, statusCode] of [
      [{ "Last-Modified": date(-5000) }, date(-5000), 304],
      [{ "Last-Modified": date(-5000) }, date(-6000), 200],
      [{}, date(60_000), 304],
      [{}, date(-60_000), 200],
      [{ ETag: '"a"', "Last-Modified": date(-5000) }, "no date", 200],
    ] as const) {
      const { get, asked } = cacheWorld((exchange) =>
        reply(exchange, { ...FRESH, ...fields }, "x"),
      );
      get("/a");
      const got = get("/a", { "If-Modified-Since": since });
      expect([fields, got.statusCode, asked.length]).toEqual([fields, statusCode, 1]);
    }
  });

  it("RFC 9111 4.1: a response with Vary is kept beside those for other requests", () => {
    const { get, asked } = cacheWorld((exchange) =>
      reply(exchange, { ...FRESH, Vary: "Foo, Bar" }, `${exchange.field("foo")}`),
    );
    expect([get("/a", { Foo: "1" }).body, get("/a", { Foo: "2" }).body]).toEqual(["1", "2"]);
    expect([get("/a", { Foo: "1" }).body, get("/a", { Foo: "2" }).body, asked.length]).toEqual([
      "1",
      "2",
      2,
    ]);
    get("/a", { Foo: "1", Bar: "1" });
    get("/a");
    expect(asked.length).toBe(4);
  });

  it("RFC 9111 4.3.4: a 304 that names another stored variant selects it", () => {
    const { get, asked } = cacheWorld((exchange) => {
      const tags = exchange.field("if-none-match") ?? "";
      const foo = exchange.field("foo");
      if (tags.includes('"1"') && foo === "3") {
        exchange.respond({ statusCode: 304, fields: [{ name: "ETag", value: '"1"' }] });
      } else reply(exchange, { ...FRESH, Vary: "Foo", ETag: `"${foo}"` }, `body ${foo}`);
    });
    get("/a", { Foo: "1" });
    get("/a", { Foo: "2" });
    expect(get("/a", { Foo: "3" }).body).toBe("body 1");
    expect(asked[2]?.fields.find(({ name }) => name === "If-None-Match")?.value).toBe('"1", "2"');
  });

  it("RFC 9111 4.3.5: a HEAD that tells of another length makes what is stored invalid", () => {
    const { get, asked } = cacheWorld((exchange, count) => {
      reply(exchange, { "Cache-Control": "max-age=2" }, count === 1 ? "old" : "newer");
    });
    get("/a");
    get("/a", { "Cache-Control": "no-cache" }, "HEAD");
    expect([get("/a").body, asked.length]).toEqual(["newer", 3]);
  });

  it("RFC 9111 5.2.2.4: fields that no-cache names are left out without validation", () => {
    const { get } = cacheWorld((exchange) =>
      reply(exchange, {
        "Cache-Control": 'max-age=60, no-cache="x-one"',
        "X-One": "1",
        "X-Two": "2",
      }),
    );
    expect(field(get("/a").fields, "x-one")).toBe("1");
    const again = get("/a");
    expect([field(again.fields, "x-one"), field(again.fields, "x-two")]).toEqual([undefined, "2"]);
  });

  it("a body that the store cannot take is passed on, and not kept", () => {
    const { get, asked, told } = cacheWorld(
      (exchange) => reply(exchange, FRESH, "x".repeat(2000)),
      { store: new MemoryStore(4000) },
    );
    expect([get("/a").body.length, get("/a").body.length, asked.length]).toEqual([2000, 2000, 2]);
    expect(told[0]?.outcome.reasons.at(-1)?.text).toBe("a larger body than the store takes");
  });

  it("the store is bounded: what was not used for the longest time goes first", () => {
    const store = new MemoryStore(4000);
    const { get, asked } = cacheWorld((exchange) => reply(exchange, FRESH, "x".repeat(500)), {
      store,
    });
    for (const path of ["/1", "/2", "/3", "/1", "/4", "/5"]) get(path);
    expect(store.bytes).toBeLessThanOrEqual(4000);
    const before = asked.length;
    get("/5");
    expect(asked.length).toBe(before);
    get("/2");
    expect(asked.length).toBe(before + 1);
  });

  it("RFC 9110 9.3.3: a POST is sent once, whatever becomes of it", () => {
    const { get, asked } = cacheWorld((exchange) => exchange.abort());
    expect(get("/a", {}, "POST", "x").statusCode).toBe(502);
    expect(asked.length).toBe(1);
  });
});
