import { describe, expect, it } from "vitest";
import { parseDictionary } from "../../../../src/codecs/http/structured.ts";
import { controlOf, parseDirectives } from "../../../../src/engines/http/cache/directives.ts";
import { explainHeads } from "../../../../src/engines/http/cache/explain-heads.ts";
import { sameOriginKey } from "../../../../src/engines/http/cache/key.ts";

const NOW = Date.UTC(2026, 0, 1);
const request = {
  method: "GET",
  key: "http://x/a",
  fields: [{ name: "Accept-Language", value: "en" }],
};

function explained(fields: Record<string, string>, after: number, shared = true, statusCode = 200) {
  const list = Object.entries(fields).map(([name, value]) => ({ name, value }));
  const rules = { shared, targets: ["CDN-Cache-Control"] };
  const found = explainHeads(
    request,
    { statusCode, fields: list },
    request,
    rules,
    NOW,
    after * 1000,
  );
  const last = found.decision?.reasons.at(-1);
  return [found.storing.spec, found.decision?.kind, last?.spec];
}

describe("why a cache does what it does", () => {
  it.each([
    [{ "Cache-Control": "max-age=20" }, 10, "use", "RFC 9111 4.2.1"],
    [{ "Cache-Control": "max-age=20", ETag: '"1"' }, 30, "validate", "RFC 9111 4.2.4"],
    [{ "Cache-Control": "max-age=20, must-revalidate" }, 30, "validate", "RFC 9111 5.2.2.2"],
    [{ "Cache-Control": "max-age=20, no-cache" }, 0, "validate", "RFC 9111 5.2.2.4"],
    [
      { "Cache-Control": "max-age=20, stale-while-revalidate=20" },
      30,
      "use-validate",
      "RFC 5861 3",
    ],
    [
      { "Cache-Control": "max-age=1", "CDN-Cache-Control": "max-age=20" },
      10,
      "use",
      "RFC 9213 2.2",
    ],
    [{ Expires: "Thu, 01 Jan 2026 00:00:20 GMT" }, 10, "use", "RFC 9111 5.3"],
    [{ "Last-Modified": "Wed, 31 Dec 2025 00:00:00 GMT" }, 60, "use", "RFC 9111 4.2.2"],
  ] as const)("%j after %i s: %s (%s)", (fields, after, kind, spec) => {
    expect(explained(fields, after).slice(1)).toEqual([kind, spec]);
  });

  it.each([
    [{ "Cache-Control": "no-store" }, true, 200, "RFC 9111 5.2.2.5"],
    [{ "Cache-Control": "private, max-age=9" }, true, 200, "RFC 9111 5.2.2.7"],
    [{ "Cache-Control": "max-age=9", Vary: "*" }, true, 200, "RFC 9111 4.1"],
    [{ ETag: '"1"' }, true, 201, "RFC 9111 3"],
  ] as const)("%j is not stored (shared: %s, %i): %s", (fields, shared, statusCode, spec) => {
    expect(explained(fields, 0, shared, statusCode)).toEqual([spec, undefined, undefined]);
  });

  it("RFC 9111 5.2.2.7: a private cache stores what is private", () => {
    expect(explained({ "Cache-Control": "private, max-age=9" }, 5, false)[1]).toBe("use");
  });
});

describe("directives", () => {
  it.each([
    ["max-age=5, MAX-AGE=6", [["max-age", "5"]]],
    [
      'private="a, b", x="c,\\"d"',
      [
        ["private", "a, b"],
        ["x", 'c,"d'],
      ],
    ],
    ['no-cache="a", no-cache', [["no-cache", true]]],
    ["max-age = 5", [["max-age", ""]]],
    ["public,,", [["public", true]]],
  ])("RFC 9111 5.2: %s", (text, directives) => {
    expect([...parseDirectives(text)]).toEqual(directives);
  });

  it.each([
    ["max-age=5, &", undefined],
    ["max-age=5,", undefined],
    ["Max-Age=5", undefined],
    ["max-age =5", undefined],
    ['a=1.5, b;x=?1, c=(1 "x");y, d=:YQ==:, e=@5, f=tok/en, a=2', ["b", "c", "d", "e", "f", "a"]],
    ["a=1000000000000000", undefined],
    ["a=1.2345", undefined],
    ["", []],
  ])("RFC 9651 4.2.2: %s", (text, keys) => {
    const found = parseDictionary(text);
    expect(found === undefined ? undefined : [...found.keys()]).toEqual(keys);
  });

  it("RFC 9213 2.1, 2.2: a valid targeted field rules, members of a wrong type do not count", () => {
    const control = (value: string) =>
      controlOf(
        [
          { name: "CDN-Cache-Control", value },
          { name: "Cache-Control", value: "no-store" },
        ],
        ["CDN-Cache-Control"],
      );
    expect([control("max-age=5, x").source, control("max-age=5,").source]).toEqual([
      "CDN-Cache-Control",
      "Cache-Control",
    ]);
    expect([...control('max-age="5", must-revalidate').directives.keys()]).toEqual([
      "must-revalidate",
    ]);
  });

  it.each([
    ["b", "http://x/d/b"],
    ["/b?q", "http://x/b?q"],
    ["../b", "http://x/b"],
    ["?q", "http://x/d/a?q"],
    ["http://X:80/c", "http://x/c"],
    ["http://y/c", undefined],
    ["//x/c", "http://x/c"],
  ])("RFC 9111 4.4: Location %s names %s", (reference, key) => {
    expect(sameOriginKey("http://x/d/a", reference)).toBe(key);
  });
});
