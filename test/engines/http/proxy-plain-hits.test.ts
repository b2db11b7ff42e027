import { describe, expect, it } from "vitest";
import { MILLISECOND } from "../../../src/engines/host.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { Exchange as ExchangeClass } from "../../../src/engines/http/exchange.ts";
import { Xoshiro } from "../../../src/net/random.ts";
import { seeds } from "../../support/seeds.ts";
import { cacheWorld, reply } from "./cache/world.ts";

/** Responses of every kind that a short way might get wrong, by the first letter of the path. */
const RESPONSES: Readonly<Record<string, Record<string, string>>> = {
  a: { "Cache-Control": "max-age=5", ETag: '"a"' },
  b: { "Cache-Control": "max-age=60", Vary: "Accept-Language" },
  c: { "Cache-Control": 'max-age=60, no-cache="X-Secret"', "X-Secret": "1", "X-Open": "2" },
  d: { "Cache-Control": "max-age=3, stale-while-revalidate=4" },
  e: { "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", Age: "7" },
  f: { "Cache-Control": "no-cache" },
  g: { Expires: "Thu, 01 Jan 2099 00:00:00 GMT", Date: "Thu, 01 Jan 2026 00:00:00 GMT" },
  h: { "Cache-Control": "s-maxage=2, max-age=0" },
  i: { "CDN-Cache-Control": "max-age=4", "Cache-Control": "no-store" },
};

const FIELDS: readonly Record<string, string>[] = [
  {},
  {},
  {},
  { "User-Agent": "x", accept: "*/*", Cookie: "a=b" },
  { Connection: "keep-alive" },
  { Connection: "close" },
  { Connection: "x-hop", "X-Hop": "1" },
  { "Accept-Language": "de" },
  { "Cache-Control": "no-cache" },
  { "Cache-Control": "max-age=1" },
  { "If-None-Match": '"a"' },
  { Range: "bytes=1-2" },
  { TE: "trailers" },
  { "Max-Forwards": "3" },
  { Authorization: "Basic dTpw" },
];

/** All that a client sees of a series of requests, and the origin. */
function series(seed: number, watched: boolean) {
  const random = new Xoshiro(seed);
  const { world, client, asked, cache } = cacheWorld(
    (exchange, count) => {
      const { target } = exchange.request;
      const kind = RESPONSES[target[1] ?? ""] ?? {};
      reply(exchange, kind, `${target} ${target[1] === "f" ? count : ""}`);
    },
    { seed, watched },
  );
  const seen: unknown[] = [];
  let kind = "a";
  for (let i = 0; i < 120; i++) {
    if (i % 12 === 0) kind = "abcdefghi"[random.below(9)] ?? "a";
    const target = `/${kind}${random.below(2)}`;
    const fields = FIELDS[random.below(FIELDS.length)] ?? {};
    const method = ["GET", "GET", "GET", "GET", "HEAD", "POST"][random.below(6)] ?? "GET";
    if (random.below(30) === 0) cache.purge(`http://192.0.2.80${target}`);
    const got = client().send(method, target, fields);
    // Mostly several in one second, so that there is something to be kept.
    const pause = random.below(10) === 0 ? 2000 : 240 + random.below(60);
    world.run(world.now + pause * MILLISECOND);
    seen.push([method, target, fields, got]);
  }
  return { seen, asked };
}

describe("hits that are alike, answered from their octets", () => {
  it.each(seeds())("seed %i: each response is what the long way gives", (seed) => {
    const short = series(seed, false);
    const long = series(seed, true);
    expect(short.seen).toEqual(long.seen);
    expect(short.asked).toEqual(long.asked);
  });

  it("the second hit of a second goes the short way, and so does none that is not plain", () => {
    const prepared: Exchange[] = [];
    const { respondPrepared } = ExchangeClass.prototype;
    ExchangeClass.prototype.respondPrepared = function (...args) {
      prepared.push(this);
      respondPrepared.apply(this, args);
    };
    try {
      const { client, world } = cacheWorld(
        (exchange) => reply(exchange, { "Cache-Control": "max-age=60" }, "body"),
        { watched: false },
      );
      const { send } = client();
      const run = (fields: Record<string, string> = {}) => {
        const before = prepared.length;
        const got = send("GET", "/a", fields);
        world.run(world.now + 20 * MILLISECOND);
        expect(got.body).toBe("body");
        return prepared.length - before;
      };
      send("GET", "/a");
      world.run(world.now + 300 * MILLISECOND);
      expect([run(), run(), run({ Range: "bytes=0-" }), run({ Cookie: "a" })]).toEqual([
        0, 1, 0, 1,
      ]);
      world.run(world.now + 1000 * MILLISECOND);
      expect([run(), run()]).toEqual([0, 1]);
    } finally {
      ExchangeClass.prototype.respondPrepared = respondPrepared;
    }
  });
});
