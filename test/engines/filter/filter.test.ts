import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CaptureRecord } from "../../../src/engines/capture/record.ts";
import {
  compileFilter,
  FilterError,
  renderFilterError,
} from "../../../src/engines/filter/filter.ts";

const base = {
  frame: 7,
  time: "1700000000.5",
  protocol: "dns",
  src: "10.1.2.3",
  sport: 40000,
  dst: "192.0.2.53",
  dport: 53,
  transport: "udp",
  stream: 0,
  bytes: 100,
} as const;
const dns: CaptureRecord = {
  ...base,
  body: {
    id: 1,
    qr: 1,
    rcode: 3,
    aa: true,
    tc: false,
    questions: [{ name: "www.Example.com.", type: 1, class: 1 }],
    answers: [
      { name: "www.example.com.", type: 5, class: 1, ttl: 60, data: "a.example.net." },
      { name: "a.example.net.", type: 1, class: 1, ttl: 30, data: "203.0.113.9" },
    ],
    latency: 0.25,
  },
};
const http: CaptureRecord = {
  ...base,
  protocol: "http",
  transport: "tcp",
  src: "2001:db8::1",
  dport: 80,
  body: { kind: "request", method: "GET", headers: [["User-Agent", "curl/8.1"]] },
};

describe("filter", () => {
  it.each([
    ["dns", true, false],
    ["!dns", false, true],
    ["not http and dns", true, false],
    ['dns.qname contains "example" && ip.src == 10.0.0.0/8 && !http', true, false],
    ["dns.rcode == NXDOMAIN", true, false],
    ["dns.qtype == A or http", true, true],
    ["dns.answers.type == 1 && dns.answers.type == 5", true, false],
    ["dns.answers.type != 1", false, false],
    ["dns.answers.ttl in {20..40}", true, false],
    ["dns.rcode in {0, 2}", false, false],
    ["dns.a == 203.0.113.0/24", true, false],
    ["dns.aa", true, false],
    ["dns.tc", false, false],
    ["dns.tc == false", true, false],
    ["dns.latency > 0.2 && dns.latency <= 0.25", true, false],
    ["tcp.port == 80", false, true],
    ["udp.port == 53", true, false],
    ["ip.addr == 2001:db8::/32", false, true],
    ['http.user_agent matches "^curl/[0-9]"', false, true],
    ['http.headers contains "user-agent: CURL"', false, true],
    ["frame.number == 7", true, true],
    ["(dns || http) && frame < 8", true, true],
    ["malformed", false, false],
    ["time >= 1700000000", true, true],
  ] as const)("%s", (source, onDns, onHttp) => {
    const predicate = compileFilter(source);
    expect([predicate(dns), predicate(http)]).toEqual([onDns, onHttp]);
  });

  it.each([
    ["", 0],
    ["dns.qnam == 1", 0],
    ["dns.rcode == bogus", 13],
    ["dns.qname ==", 12],
    ["dns &&", 6],
    ["(dns", 4],
    ["dns http", 4],
    ['dns.qname == "a', 13],
    ["ip.src == 10.0.0.0/40", 10],
    ["dns.rcode in 1", 13],
    ["dns == 1", 4],
    ["dns.rcode ; 1", 10],
  ])("%s: the fault is at %i", (source, at) => {
    try {
      compileFilter(source);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FilterError);
      expect((error as FilterError).at).toBe(at);
    }
  });

  it("a misspelt name is told with its neighbours, over a caret", () => {
    try {
      compileFilter("frame == 1 && dns.qnmae == 2");
      expect.unreachable();
    } catch (error) {
      const text = renderFilterError("frame == 1 && dns.qnmae == 2", error as FilterError);
      expect(text).toContain("did you mean dns.qname");
      expect(text.split("\n")[2]?.indexOf("^")).toBe(16);
    }
  });

  it("any text gives a predicate or a FilterError", () => {
    const words = fc.constantFrom(
      "dns",
      "http.status",
      "==",
      "!",
      "&&",
      "(",
      ")",
      "{",
      "}",
      "..",
      ",",
      '"x"',
      "1",
      "10.0.0.0/8",
      "in",
      "or",
      " ",
      "\\",
      "§",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(words).map((w) => w.join(" ")),
        ),
        (source) => {
          try {
            compileFilter(source)(dns);
          } catch (error) {
            if (!(error instanceof FilterError)) throw error;
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
