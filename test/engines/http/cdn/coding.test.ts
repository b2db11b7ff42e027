import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { codingFor } from "../../../../src/engines/http/cdn/coding.ts";
import { edgeWorld, reply } from "./edge-world.ts";

const TEXT = "a line of some length, again and again\n".repeat(50);
const PLAIN = { "Content-Type": "text/css", "Cache-Control": "max-age=60", ETag: '"v1"' };

function world(fields: Record<string, string> = {}, body = TEXT) {
  return edgeWorld({
    functions: { compress: true },
    origin: (exchange) => {
      if (exchange.field("range") === undefined) reply(exchange, { ...PLAIN, ...fields }, body);
      else exchange.respondError(500, "no ranges of the origin");
    },
  });
}

describe("RFC 9110 12.5.3: which coding", () => {
  it.each([
    [undefined, undefined],
    ["gzip", "gzip"],
    ["GZIP", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip, br", "br"],
    ["gzip;q=1, br;q=0.9", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["*", "br"],
    ["*;q=0.5, gzip;q=0", "br"],
    ["gzip;q=0", undefined],
    ["identity, gzip;q=0.5", undefined],
    ["gzip;q=0.5, identity;q=0.5", "gzip"],
    ["deflate, zstd", undefined],
    ["", undefined],
  ])("%j: %s", (accepted, coding) => {
    expect(codingFor(accepted)).toBe(coding);
  });
});

describe("codings at the edge", () => {
  it("the origin is asked once, for plain; each client has what it takes", () => {
    const { get, asked, requests, edge } = world();
    const gzip = get("www.foo.com", "/a", { "Accept-Encoding": "gzip" });
    const br = get("www.foo.com", "/a", { "Accept-Encoding": "br, gzip" });
    const plain = get("www.foo.com", "/a");
    expect(gunzipSync(gzip.bytes).toString()).toBe(TEXT);
    expect(brotliDecompressSync(br.bytes).toString()).toBe(TEXT);
    expect(plain.body).toBe(TEXT);
    expect(asked).toHaveLength(1);
    expect(requests[0]?.fields.some(({ name }) => name.toLowerCase() === "accept-encoding")).toBe(
      false,
    );
    expect([gzip, br, plain].map((one) => one.field("content-encoding"))).toEqual([
      "gzip",
      "br",
      undefined,
    ]);
    // RFC 9110 8.8.1, 12.5.5
    expect([gzip, br, plain].map((one) => one.field("etag"))).toEqual(['W/"v1"', 'W/"v1"', '"v1"']);
    for (const one of [gzip, br, plain]) expect(one.field("vary")).toBe("Accept-Encoding");
    expect(gzip.field("content-length")).toBe(String(gzip.bytes.length));
    get("www.foo.com", "/a", { "Accept-Encoding": "gzip" });
    expect(edge.stats().functions.coding).toMatchObject({ coded: 3, kept: 1 });
  });

  it("RFC 9110 13.1.2, 15.4.5: a 304 has the validator that the client holds", () => {
    const { get } = world();
    get("www.foo.com", "/a", { "Accept-Encoding": "gzip" });
    const asked = { "Accept-Encoding": "gzip", "If-None-Match": 'W/"v1"' };
    const unchanged = get("www.foo.com", "/a", asked);
    expect([unchanged.statusCode, unchanged.field("etag")]).toEqual([304, 'W/"v1"']);
    const strong = get("www.foo.com", "/a", { "If-None-Match": '"v1"' });
    expect([strong.statusCode, strong.field("etag")]).toEqual([304, '"v1"']);
  });

  it("RFC 9110 14: ranges are of the plain form", () => {
    const { get } = world();
    get("www.foo.com", "/a");
    const part = get("www.foo.com", "/a", { "Accept-Encoding": "gzip", Range: "bytes=0-5" });
    expect([part.statusCode, part.body, part.field("content-encoding")]).toEqual([
      206,
      "a line",
      undefined,
    ]);
    const asked = { "Accept-Encoding": "gzip", Range: "bytes=0-5", "If-Range": 'W/"v1"' };
    expect(get("www.foo.com", "/a", asked).statusCode).toBe(200);
  });

  it("HEAD tells what GET would", () => {
    const { get } = world();
    const head = get("www.foo.com", "/a", { "Accept-Encoding": "gzip" }, { method: "HEAD" });
    expect([head.field("content-encoding"), head.field("etag"), head.bytes.length]).toEqual([
      "gzip",
      'W/"v1"',
      0,
    ]);
  });

  it.each([
    ["no-transform (RFC 9110 7.7)", { "Cache-Control": "max-age=60, no-transform" }, TEXT],
    ["what is coded already", { "Content-Encoding": "zstd" }, TEXT],
    ["what does not become shorter", { "Content-Type": "image/png" }, TEXT],
    ["what is short", {}, "short"],
  ])("left alone: %s", (_, fields, body) => {
    const { get } = world(fields as Record<string, string>, body);
    const got = get("www.foo.com", "/a", { "Accept-Encoding": "gzip" });
    expect(got.body).toBe(body);
    expect(got.field("etag")).toBe('"v1"');
  });

  it("what changed at the origin is coded anew", () => {
    let version = 1;
    const { get } = edgeWorld({
      functions: { compress: true },
      origin: (exchange) =>
        reply(
          exchange,
          { ...PLAIN, "Cache-Control": "max-age=0", ETag: `"v${version}"` },
          `${version} ${TEXT}`,
        ),
    });
    const take = () =>
      gunzipSync(get("www.foo.com", "/a", { "Accept-Encoding": "gzip" }).bytes).toString();
    expect(take().slice(0, 2)).toBe("1 ");
    version = 2;
    expect(take().slice(0, 2)).toBe("2 ");
  });
});
