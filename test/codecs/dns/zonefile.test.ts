import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRdata, rdataFromText, readZone, writeZone } from "../../../src/codecs/dns/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import { typed } from "../../support/arbitraries/dns.ts";

const ZONE = `$ORIGIN example.com.
$TTL 1h
@ IN SOA ns hostmaster ( 2026010101 ; serial
      1d 2h 4w
      300 )
  NS ns
  NS ns.example.net.
ns 60 A 192.0.2.1
   AAAA 2001:db8::1
txt TXT "a;b" "c \\"d\\" \\233" e
esc\\.aped CNAME @
svc HTTPS 1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.1
any TYPE999 \\# 3 010203
loc LOC 52 22 23.000 N 4 53 32.000 E -2m
$INCLUDE sub sub.example.com.
last IN 5 A 192.0.2.9
`;

describe("RFC 1035 5: master files", () => {
  const records = [...readZone(ZONE, { include: () => "www A 192.0.2.7\n" })];
  const text = writeZone(records);

  it("reads directives, parentheses, comments, blanks for the owner before, units and escapes", () => {
    expect(text.split("\n")).toEqual([
      "example.com.\t3600\tIN\tSOA\tns.example.com. hostmaster.example.com. 2026010101 86400 7200 2419200 300",
      "example.com.\t3600\tIN\tNS\tns.example.com.",
      "example.com.\t3600\tIN\tNS\tns.example.net.",
      "ns.example.com.\t60\tIN\tA\t192.0.2.1",
      "ns.example.com.\t3600\tIN\tAAAA\t2001:db8::1",
      'txt.example.com.\t3600\tIN\tTXT\t"a;b" "c \\"d\\" \\233" "e"',
      "esc\\.aped.example.com.\t3600\tIN\tCNAME\texample.com.",
      "svc.example.com.\t3600\tIN\tHTTPS\t1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1",
      "any.example.com.\t3600\tIN\tTYPE999\t\\# 3 010203",
      "loc.example.com.\t3600\tIN\tLOC\t52 22 23.000 N 4 53 32.000 E -2.00m 1.00m 10000.00m 10.00m",
      "www.sub.example.com.\t3600\tIN\tA\t192.0.2.7",
      "last.example.com.\t5\tIN\tA\t192.0.2.9",
      "",
    ]);
  });

  it("reads what it writes", () => {
    expect([...readZone(text)]).toEqual(records);
  });

  it("any rdata comes back from its text", () => {
    fc.assert(
      fc.property(typed, ({ type, rdata }) => {
        expect(rdataFromText(type, formatRdata(type, rdata))).toEqual(rdata);
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ["a A 192.0.2.1\n", /line 1: a is relative/],
    ["$ORIGIN e.\n\na 1 A 192.0.2\n", /line 3/],
    ["a. 1 A 192.0.2.1 x\n", /too many/],
    ["a. 1 BOGUS x\n", /BOGUS is no type/],
    ["a. 1 TXT ( x\n", /never closed/],
    ['a. 1 TXT "x\n', /no end/],
    ["a. A 192.0.2.1\n", /no TTL/],
    ["$INCLUDE x\n", /not allowed/],
    [" A 192.0.2.1\n", /owner/],
  ])("%j is refused with its line", (zone, message) => {
    expect(() => [...readZone(zone)]).toThrow(message);
  });

  it("any text gives records or a DecodeError", () => {
    const word = fc.constantFrom(
      "a.",
      "@",
      "1h",
      "IN",
      "A",
      "TXT",
      "SOA",
      "(",
      ")",
      '"',
      ";",
      "\\",
      "\\#",
      "$TTL",
      "$ORIGIN",
      " ",
      "\n",
      "192.0.2.1",
      "\\300",
    );
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 30 }).map((words) => words.join(" ")),
        (zone) => {
          try {
            for (const _record of readZone(zone));
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
