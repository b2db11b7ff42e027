import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { siteOf } from "../../../../src/engines/http/cdn/edge.ts";
import { rewritePage } from "../../../../src/engines/http/cdn/rewrite.ts";
import { sign } from "../../../../src/engines/http/cdn/signed-url.ts";
import { compareWays } from "../../../../src/http/cdn/compare.ts";
import { edgeWorld } from "./edge-world.ts";

const OPTIONS = {
  base: "http://www.foo.com/dir/page.html",
  sites: new Set(["www.foo.com"]),
  cdn: "http://cdn.example",
};

describe("pages rewritten to a CDN", () => {
  it.each([
    ['<img src="a.gif">', '<img src="http://cdn.example/www.foo.com/dir/a.gif">'],
    [
      "<IMG alt=x SRC=/a.gif?q=1&amp;r=2 id=y>",
      '<IMG alt=x SRC="http://cdn.example/www.foo.com/a.gif?q=1&amp;r=2" id=y>',
    ],
    ['<img src="http://www.foo.com/a.gif">', '<img src="http://cdn.example/www.foo.com/a.gif">'],
    ['<img src="http://elsewhere/a.gif">', '<img src="http://elsewhere/a.gif">'],
    ['<img src="data:image/gif;base64,AA==">', '<img src="data:image/gif;base64,AA==">'],
    ['<a href="b.html">b</a>', '<a href="b.html">b</a>'],
    [
      '<link rel=stylesheet href="s.css"><link rel=canonical href="p">',
      '<link rel=stylesheet href="http://cdn.example/www.foo.com/dir/s.css"><link rel=canonical href="p">',
    ],
    [
      '<base href="/other/"><img src=a.gif>',
      '<base href="/other/"><img src="http://cdn.example/www.foo.com/other/a.gif">',
    ],
    [
      '<script>"<img src=a.gif>"</script><!-- <img src=a.gif> -->',
      '<script>"<img src=a.gif>"</script><!-- <img src=a.gif> -->',
    ],
    [
      '<img srcset="a.png 1x, b.png 2x">',
      '<img srcset="http://cdn.example/www.foo.com/dir/a.png 1x, http://cdn.example/www.foo.com/dir/b.png 2x">',
    ],
    ["<p>\xe9 &amp; text\r\n</P>", "<p>\xe9 &amp; text\r\n</P>"],
  ])("%j", (page, expected) => {
    expect(rewritePage(page, OPTIONS)).toBe(expected);
  });

  it("what was rewritten is not rewritten again", () => {
    const once = rewritePage("<img src=a.gif><img src=b.gif>", OPTIONS);
    expect(rewritePage(once, OPTIONS)).toBe(once);
  });
});

describe("an edge", () => {
  it("pulls once, under the site's name and under its own as /SITE/PATH", () => {
    const { edge, get, asked } = edgeWorld();
    expect(get("www.foo.com", "/a?q").body).toBe("body");
    expect(get("cdn.example", "/www.foo.com/a?q").body).toBe("body");
    expect(get("WWW.FOO.COM:80", "/a?q").body).toBe("body");
    expect(asked).toEqual(["198.51.100.80/a?q"]);
    expect(edge.stats()).toMatchObject({ requests: 3, hits: 2, misses: 1, stored: 1 });
  });

  it("a site that is no customer's has no content here", () => {
    const { get, asked } = edgeWorld();
    expect(get("www.bar.com", "/a").statusCode).toBe(404);
    expect(get("cdn.example", "/www.bar.com/a").statusCode).toBe(404);
    expect(asked).toEqual([]);
  });

  it("what is purged is pulled again", () => {
    const { edge, get, asked, sites } = edgeWorld();
    get("www.foo.com", "/a");
    const place = siteOf("http://www.foo.com/a", sites);
    expect(place).toEqual({ site: "www.foo.com", target: "/a" });
    expect(edge.purge("www.foo.com", "/a")).toBe(1);
    expect(edge.purge("www.foo.com", "/a")).toBe(0);
    get("www.foo.com", "/a");
    expect(asked.length).toBe(2);
  });

  it("its load is what came in the last whole second", () => {
    const { world, edge, get } = edgeWorld();
    world.run(SECOND);
    for (let i = 0; i < 3; i++) get("www.foo.com", `/${i}`);
    world.run(2 * SECOND + MILLISECOND);
    expect(edge.load).toBe(3);
    world.run(5 * SECOND);
    expect(edge.load).toBe(0);
  });
});

describe("functions of an edge", () => {
  const key = new Uint8Array(16).fill(1);
  const signing = { keys: new Map([["k", key]]), prefixes: ["/private/"] };

  it("what is signed is given once, from one place in the cache, and refused otherwise", () => {
    const { edge, get, asked, world } = edgeWorld({ functions: { signing } });
    const expires = Math.floor((world.startedMs + world.now / MILLISECOND) / 1000) + 60;
    const url = (client?: string) =>
      sign("www.foo.com", "/private/a?x", { keyId: "k", key, expires, client }) as string;
    expect(get("www.foo.com", url()).body).toBe("body");
    expect(get("www.foo.com", url("10.0.0.1")).body).toBe("body");
    expect(get("cdn.example", `/www.foo.com${url()}`).body).toBe("body");
    expect(asked).toEqual(["198.51.100.80/private/a?x"]);
    expect(get("www.foo.com", "/private/a?x")).toMatchObject({
      statusCode: 403,
      body: "not signed\n",
    });
    expect(get("www.foo.com", "/x/%2e%2e//Private/a").statusCode).toBe(403);
    expect(get("www.foo.com", url("10.0.0.9"))).toMatchObject({ body: "wrong client\n" });
    expect(get("www.foo.com", "/public").body).toBe("body");
    expect(edge.stats().functions).toMatchObject({
      signed: 3,
      refused: { "not signed": 2, "wrong client": 1 },
    });
  });

  it("what is given with a signature only can be pushed, and is as well kept for those who have one", () => {
    const requests = { perSecond: 1, burst: 1 };
    const { world, edge, get, asked } = edgeWorld({ functions: { signing, requests } });
    const pushed: unknown[] = [];
    for (const target of ["/private/a", "/b", "/b"]) {
      edge.push("www.foo.com", target, (result) => pushed.push(result));
      world.run(world.now + SECOND / 4);
    }
    edge.push("www.bar.com", "/", (result) => pushed.push(result));
    const done = { statusCode: 200 };
    expect(pushed).toEqual([done, done, done, { error: "no such site" }]);
    const expires = Math.floor((world.startedMs + world.now / MILLISECOND) / 1000) + 60;
    const url = sign("www.foo.com", "/private/a", { keyId: "k", key, expires }) as string;
    expect(get("www.foo.com", url).body).toBe("body");
    expect(get("www.foo.com", "/private/a").statusCode).not.toBe(200);
    expect(asked).toEqual(["198.51.100.80/private/a", "198.51.100.80/b"]);
  });

  it("RFC 6585 4: beyond its share a client gets 429, and is told when to come again", () => {
    const { edge, get } = edgeWorld({ functions: { requests: { perSecond: 1, burst: 2 } } });
    const given = [get("www.foo.com", "/a"), get("www.foo.com", "/a")];
    expect(given.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    // From the draft, 1.1: what is left is told before it is used up.
    expect(given.map((one) => one.field("ratelimit"))).toEqual([
      '"requests";r=1;t=1',
      '"requests";r=0;t=1',
    ]);
    const refused = get("www.foo.com", "/a");
    expect(refused.statusCode).toBe(429);
    const told = (name: string) => refused.fields.find((one) => one.name === name)?.value;
    expect(told("Retry-After")).toBe("1");
    expect(told("RateLimit-Policy")).toBe('"requests";q=2;w=2');
    expect(told("RateLimit")).toBe('"requests";r=0;t=1');
    expect(edge.stats().functions.limited).toBe(1);
    // A request takes a quarter of a second here.
    const later = [1, 2, 3].map(() => get("www.foo.com", "/a").statusCode);
    expect(later).toContain(200);
    expect(later).toContain(429);
  });

  it("octets that were sent are paid for before the next response", () => {
    const { get } = edgeWorld({ functions: { octets: { perSecond: 9, burst: 3 } } });
    expect(get("www.foo.com", "/a").body).toBe("body");
    expect(get("www.foo.com", "/a").statusCode).toBe(200);
    expect(get("www.foo.com", "/a").statusCode).toBe(429);
  });
});

describe("the three ways beside each other", () => {
  it("DNS and anycast bring objects near; DNS lags by its TTL, anycast breaks what is under way", () => {
    const ways = new Map(compareWays(20).map((one) => [one.way, one]));
    const [none, dns, anycast, rewrite] = ["none", "dns", "anycast", "rewrite"].map((way) =>
      ways.get(way as "dns"),
    );
    for (const one of [dns, anycast, rewrite]) {
      expect(Object.values(one?.rttMs ?? {}).every((rtt) => rtt < 10)).toBe(true);
      expect(one?.load["eu"]).toBe(one?.load["as"]);
    }
    expect(none?.rttMs["as"]).toBeGreaterThan(100);
    expect(dns?.pageMs["eu"]).toBeLessThan((none?.pageMs["eu"] as number) / 3);
    expect(rewrite?.pageMs["eu"]).toBeGreaterThan(dns?.pageMs["eu"] as number);
    expect(dns?.failoverSeconds).toBeGreaterThan(5);
    expect(dns?.failoverSeconds).toBeLessThanOrEqual(24);
    expect(anycast?.failoverSeconds).toBeLessThanOrEqual(4);
    expect([dns?.broken, anycast?.broken, rewrite?.broken]).toEqual(["0 of 4", "4 of 4", "0 of 4"]);
  });
});
