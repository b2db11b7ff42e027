import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Head } from "../../../src/codecs/http/head.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";

function seen(head: Head): object {
  const { kind, method, version, major, minor, statusCode, start, end } = head;
  const line =
    kind === "request"
      ? { method, target: head.target }
      : { statusCode, reason: head.reasonPhrase };
  const ids = head.fields().map((_, i) => head.id(i));
  return { ...line, version, major, minor, start, end, ids, fields: head.fields() };
}

/** What `scan` reads must be what `parse` reads, without a deviation. */
function agree(kind: "request" | "response", text: string): boolean {
  const bytes = latin1Bytes(`xx${text}`);
  const scanned = new Head();
  const stop = scanned.scan(kind, bytes, 2, bytes.length);
  if (stop < 0) return false;
  const parsed = new Head();
  parsed.parse(kind, bytes, 2, stop, {});
  expect(seen(scanned)).toEqual(seen(parsed));
  return true;
}

const PIECES = fc.constantFrom(
  ..."GET |POST |/a?b |/ |* |HTTP/1.1|HTTP/1.0|HTTP/2.0| 200 OK| 204 | 99 |\r\n|\r\n|\r\n|\n|\r|Host: x|Content-Length: 5|X:y |X:\t|: z| fold|\x00|\x7f|é|a b".split(
    "|",
  ),
);

describe("a head of which nothing is out of the ordinary", () => {
  it.each([
    ["request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true],
    ["request", "GET /\xe9 HTTP/1.1\r\n\r\n", false],
    ["request", "CONNECT /x HTTP/1.1\r\n\r\n", false],
    ["request", "GET / HTTP/1.1\r\nHost: a\r\n", false],
    ["request", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", false],
    ["request", "GET / HTTP/1.1\nHost: a\n\n", false],
    ["response", "HTTP/1.1 200 OK\r\nA:  b\t \r\n\r\n", true],
    ["response", "HTTP/1.1 200\r\n\r\n", false],
    ["response", "HTTP/1.1 600 X\r\n\r\n", false],
  ] as const)("%s %j: one pass suffices: %s", (kind, text, expected) => {
    expect(agree(kind, text)).toBe(expected);
  });

  it("RFC 9112 2 to 5: what one pass accepts is read alike by the parser of all", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(PIECES, { maxLength: 14 }), (pieces) => {
        for (const start of ["GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", ""]) {
          const text = `${start}${pieces.join("")}\r\n\r\n`;
          for (const kind of ["request", "response"] as const) if (agree(kind, text)) accepted++;
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("RFC 9110 5.1, 5.5: any octet in any place of a long head, with names that were seen before", () => {
    const head =
      "GET /a-path/of/some/length?and=a&query=too HTTP/1.1\r\nHost: www.example.com\r\nDNT: 1\r\n" +
      "Accept-Encoding: gzip, deflate, br\r\nUser-Agent: one of some length, with blanks\r\n" +
      `X-${"a-name-longer-than-those-that-are-kept-".repeat(2)}: v\r\nCookie: a=b; c=d\r\n\r\n`;
    for (let round = 0; round < 2; round++) expect(agree("request", head)).toBe(true);
    let refused = 0;
    for (let at = 0; at < head.length; at++)
      for (const octet of "\0\t\n\r :A~\x7f\x80\xff") {
        if (!agree("request", head.slice(0, at) + octet + head.slice(at + 1))) refused++;
        expect(agree("request", head)).toBe(true);
      }
    expect(refused).toBeGreaterThan(head.length * 4);
  });
});
