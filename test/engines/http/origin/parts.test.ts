import { describe, expect, it } from "vitest";
import { precondition, rangeStillHolds } from "../../../../src/engines/http/conditions.ts";
import { httpDate, parseHttpDate } from "../../../../src/engines/http/date.ts";
import { cgiHead } from "../../../../src/engines/http/origin/cgi-response.ts";
import { segmentsOf } from "../../../../src/engines/http/origin/path.ts";
import { parseContentRange, parseRanges } from "../../../../src/engines/http/ranges.ts";
import { bytesOf } from "../world.ts";

const NOW = Date.UTC(2026, 0, 15);

describe("dates of HTTP", () => {
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  it.each([
    ["Sun, 06 Nov 1994 08:49:37 GMT", ms],
    ["Sunday, 06-Nov-94 08:49:37 GMT", ms],
    ["Sun Nov  6 08:49:37 1994", ms],
    ["Sunday, 06-Nov-76 08:49:37 GMT", Date.UTC(2076, 10, 6, 8, 49, 37)],
    ["Sunday, 06-Nov-77 08:49:37 GMT", Date.UTC(1977, 10, 6, 8, 49, 37)],
    ["Sun, 6 Nov 1994 08:49:37 GMT", undefined],
    ["Sun, 31 Feb 1994 08:49:37 GMT", undefined],
    ["Sun, 06 Nov 1994 24:00:00 GMT", undefined],
    ["Sun, 06 Nov 1994 08:49:37 UTC", undefined],
    ["0", undefined],
  ])("RFC 9110 5.6.7: %j", (text, expected) => {
    expect(parseHttpDate(text, NOW)).toBe(expected);
  });

  it("what is written can be read", () => {
    expect(parseHttpDate(httpDate(NOW + 999), NOW)).toBe(NOW);
  });
});

describe("byte ranges", () => {
  it.each([
    ["bytes=0-4", 10, [[0, 4]]],
    ["bytes=5-", 10, [[5, 9]]],
    ["bytes=-3", 10, [[7, 9]]],
    ["bytes=-30", 10, [[0, 9]]],
    ["bytes=8-30", 10, [[8, 9]]],
    ["bytes=10-", 10, []],
    ["bytes=-0", 10, []],
    [
      "bytes=0-0, -1",
      10,
      [
        [0, 0],
        [9, 9],
      ],
    ],
    [
      "bytes=7-8,0-1",
      10,
      [
        [7, 8],
        [0, 1],
      ],
    ],
    ["bytes=0-3,2-5", 10, [[0, 5]]],
    ["bytes=0-1,2-3", 10, [[0, 3]]],
    ["bytes=5-4", 10, undefined],
    ["bytes=a-b", 10, undefined],
    ["bytes=", 10, undefined],
    ["lines=0-4", 10, undefined],
    [`bytes=${"0-0,".repeat(60)}`, 10, undefined],
  ])("RFC 9110 14.1.2: %j of %i octets", (value, size, expected) => {
    expect(parseRanges(value, size)?.map(({ first, last }) => [first, last])).toEqual(expected);
  });

  it.each([
    ["bytes 0-4/10", { range: { first: 0, last: 4 }, size: 10 }],
    ["bytes 0-4/*", { range: { first: 0, last: 4 }, size: undefined }],
    ["bytes 4-0/10", undefined],
    ["bytes 0-10/10", undefined],
    ["bytes */10", undefined],
  ])("RFC 9110 14.4: Content-Range %j", (value, expected) => {
    expect(parseContentRange(value)).toEqual(expected);
  });
});

describe("preconditions", () => {
  const current = { etag: '"a"', lastModifiedMs: Date.UTC(2026, 0, 10, 12) };
  const at = (hour: number) => httpDate(Date.UTC(2026, 0, 10, hour));
  it.each([
    ["GET", { "If-None-Match": '"a"' }, 304],
    ["GET", { "If-None-Match": 'W/"a"' }, 304],
    ["GET", { "If-None-Match": '"b", "a"' }, 304],
    ["GET", { "If-None-Match": '"b"' }, "go on"],
    ["GET", { "If-None-Match": "*" }, 304],
    ["PUT", { "If-None-Match": "*" }, 412],
    ["GET", { "If-None-Match": '"b"', "If-Modified-Since": at(13) }, "go on"],
    ["GET", { "If-Modified-Since": at(12) }, 304],
    ["GET", { "If-Modified-Since": at(11) }, "go on"],
    ["GET", { "If-Modified-Since": "yesterday" }, "go on"],
    ["POST", { "If-Modified-Since": at(13) }, "go on"],
    ["PUT", { "If-Match": '"a"' }, "go on"],
    ["PUT", { "If-Match": 'W/"a"' }, 412],
    ["PUT", { "If-Match": '"b"' }, 412],
    ["GET", { "If-Unmodified-Since": at(11) }, 412],
    ["GET", { "If-Unmodified-Since": at(12) }, "go on"],
    ["GET", { "If-Match": '"a"', "If-Unmodified-Since": at(1) }, "go on"],
  ])("RFC 9110 13.2.2: %s with %j: %s", (method, fields, expected) => {
    const lines = Object.entries(fields).map(([name, value]) => ({ name, value }));
    expect(precondition(method, lines, current, true, NOW)).toBe(expected);
  });

  it.each([
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    [at(12), true],
    [at(11), false],
    ["nonsense", false],
  ])("RFC 9110 13.1.5: If-Range %j: %s", (value, expected) => {
    expect(rangeStillHolds([{ name: "If-Range", value }], current, NOW)).toBe(expected);
  });
});

describe("paths below a folder", () => {
  it.each([
    ["/", [], true],
    ["/a/b.html?q=/../", ["a", "b.html"], false],
    ["/a%20b/", ["a b"], true],
    ["/a/./b/../c", ["a", "c"], false],
    ["//a///b", ["a", "b"], false],
    ["http://host/x", ["x"], false],
    ["/.well-known/x", [".well-known", "x"], false],
  ])("RFC 3986 5.2.4: %j", (target, segments, folder) => {
    expect(segmentsOf(target)).toEqual({ segments, folder });
  });

  it.each([
    ["/..", 400],
    ["/a/../../b", 400],
    ["/%2e%2e/x", 400],
    ["/a%2fb", 400],
    ["/a%5c..%5cb", 400],
    ["/a%00", 400],
    ["/%zz", 400],
    ["*", 400],
    ["/.git/config", 404],
    ["/a/.env", 404],
    ["/%2egit", 404],
  ])("RFC 9110 17.3: %j is refused", (target, expected) => {
    expect(segmentsOf(target)).toBe(expected);
  });
});

describe("responses of CGI scripts", () => {
  const F = (name: string, value: string) => ({ name, value });
  it.each([
    [
      "Content-Type: text/plain\n\nhi",
      { head: { statusCode: 200, fields: [F("Content-Type", "text/plain")] }, bodyAt: 26 },
    ],
    [
      "Status: 404 Not Here\r\nX: y\r\n\r\n",
      { head: { statusCode: 404, reasonPhrase: "Not Here", fields: [F("X", "y")] }, bodyAt: 30 },
    ],
    [
      "Location: http://x/\n\n",
      { head: { statusCode: 302, fields: [F("Location", "http://x/")] }, bodyAt: 21 },
    ],
    ["Location: /other\n\n", { local: "/other", bodyAt: 18 }],
    ["Content-Type: text/plain\n", "more"],
    ["hello world\n\n", "malformed"],
    ["Status: abc\n\n", "malformed"],
    ["X y: z\n\n", "malformed"],
    ["X: \x1b[31m\n\n", "malformed"],
    ["Status: 200 O\x7fK\n\n", "malformed"],
    ["Status: 101 Switching\nUpgrade: x\n\n", "malformed"],
    ["Status: 000\n\n", "malformed"],
    ["\n", "malformed"],
  ])("RFC 3875 6: %j", (text, expected) => {
    expect(cgiHead(bytesOf(text))).toEqual(expected);
  });
});
