/** The parts of the resolver by themselves: cache, servers, the meaning of responses, cycles. */
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { groupSections } from "../../../src/engines/dns/dnssec/rrset.ts";
import { Cache, TRUST } from "../../../src/engines/dns/resolver/cache.ts";
import { Infrastructure } from "../../../src/engines/dns/resolver/infra.ts";
import { RESOLVER_DEFAULTS } from "../../../src/engines/dns/resolver/options.ts";
import { matchReply, queryMessage, randomCase } from "../../../src/engines/dns/resolver/query.ts";
import { questionFor } from "../../../src/engines/dns/resolver/resolver.ts";
import { interpret } from "../../../src/engines/dns/resolver/response.ts";
import {
  clientSubnet,
  parseSubnet,
  subnetOption,
} from "../../../src/engines/dns/resolver/subnet.ts";
import type { Task } from "../../../src/engines/dns/resolver/task.ts";
import { Job, run } from "../../../src/engines/dns/resolver/task.ts";
import { Xoshiro } from "../../../src/net/random.ts";

const records = (text: string) => [...readZone(text, { origin: ".", ttl: 300 })];
const set = (text: string) =>
  groupSections([records(text), [], []])[0][0] as NonNullable<
    ReturnType<typeof groupSections>[0][0]
  >;
const response = (change: Partial<DnsMessage>): DnsMessage => ({
  ...questionFor("www.example."),
  qr: 1,
  ...change,
});
const asked = { name: "www.example.", type: TYPE.A, zone: "example.", recursive: false };

describe("the cache", () => {
  const cache = () => new Cache(RESOLVER_DEFAULTS);

  it("RFC 2181 5.4.1: less credible data does not replace more credible data", () => {
    const one = cache();
    one.put(set("a.example. A 192.0.2.1"), TRUST.ANSWER_AA, 0);
    one.put(set("a.example. A 192.0.2.66"), TRUST.ADDITIONAL, 0);
    expect(one.get("a.example.", TYPE.A, 1)?.set.rdatas).toEqual([{ address: "192.0.2.1" }]);
    one.put(set("a.example. A 192.0.2.2"), TRUST.SECURE, 0);
    expect(one.get("a.example.", TYPE.A, 1)?.set.rdatas).toEqual([{ address: "192.0.2.2" }]);
  });

  it("RFC 1035 3.2.1: what has expired is not there", () => {
    const one = cache();
    one.put(set("a.example. 10 A 192.0.2.1"), TRUST.ANSWER_AA, 100);
    expect(one.get("a.example.", TYPE.A, 109)).toBeDefined();
    expect(one.get("a.example.", TYPE.A, 110)).toBeUndefined();
  });

  it("ghost domains: an NS set does not prolong its own life", () => {
    const one = cache();
    one.put(set("example. 100 NS a.example."), TRUST.GLUE, 0);
    one.put(set("example. 100000 NS b.example."), TRUST.AUTHORITY_AA, 50);
    expect(one.get("example.", TYPE.NS, 99)?.set.rdatas).toEqual([{ host: "b.example." }]);
    expect(one.get("example.", TYPE.NS, 100)).toBeUndefined();
  });

  it("it holds as many sets as it may, and lets go the oldest", () => {
    const one = new Cache({ ...RESOLVER_DEFAULTS, cacheEntries: 2 });
    for (const name of ["a", "b", "c"]) one.put(set(`${name}. A 192.0.2.1`), TRUST.ANSWER, 0);
    expect(["a.", "b.", "c."].map((name) => one.get(name, TYPE.A, 1) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    expect(one.counts()).toMatchObject({ evictions: 1, sets: 2 });
  });

  it("RFC 8767 4: TTLs have a cap", () => {
    const one = new Cache({ ...RESOLVER_DEFAULTS, maxTtl: 60 });
    expect(one.put(set("a. 99999 A 192.0.2.1"), TRUST.ANSWER, 0).expires).toBe(60);
  });
});

describe("what a response means", () => {
  it.each([
    [
      "RFC 1034 5.3.3: an answer",
      { aa: true, answers: records("www.example. A 192.0.2.1") },
      "answer",
    ],
    [
      "RFC 2308 2.2: NODATA by its SOA",
      { aa: true, authority: records("example. SOA a. b. 1 2 3 4 5") },
      "nodata",
    ],
    ["RFC 2308 2.1: NXDOMAIN", { aa: true, rcode: RCODE.NXDOMAIN }, "nxdomain"],
    [
      "RFC 1034 4.3.2: a referral",
      { authority: records("www.example. NS ns.www.example.") },
      "referral",
    ],
    [
      "RFC 4697 2.1: an upward referral is lame",
      { authority: records(". NS a.root.") },
      "upward-referral",
    ],
    [
      "RFC 4697 2.2: what a resolver answers is no authority's",
      { ra: true, answers: records("www.example. A 192.0.2.1") },
      "recursive-only",
    ],
    ["REFUSED", { rcode: RCODE.REFUSED }, "refused"],
    ["SERVFAIL", { rcode: RCODE.SERVFAIL }, "error"],
    ["nothing at all", {}, "empty"],
    ["an alias", { aa: true, answers: records("www.example. CNAME other.test1.") }, "alias"],
    [
      "RFC 6672 2.2: a DNAME that makes a name too long",
      {
        aa: true,
        rcode: RCODE.YXDOMAIN,
        answers: records(`example. DNAME ${"x23456789.".repeat(25)}ab.`),
      },
      "nxdomain",
    ],
  ])("%s", (_title, change, kind) => {
    expect(interpret(response(change as Partial<DnsMessage>), asked, RESOLVER_DEFAULTS).kind).toBe(
      kind,
    );
  });

  it("bailiwick: records of other zones are dropped, and counted", () => {
    const message = response({
      aa: true,
      answers: records("www.example. A 192.0.2.1\nwww.bank. A 192.0.2.66"),
      authority: records("bank. NS ns.evil."),
      additional: records("ns.bank. A 192.0.2.66"),
    });
    const meaning = interpret(message, asked, RESOLVER_DEFAULTS);
    expect(meaning).toMatchObject({
      kind: "answer",
      content: { dropped: 3, authority: [], additional: [] },
    });
  });

  it("rebinding: private addresses of public names are dropped where that is wanted", () => {
    const rules = { ...RESOLVER_DEFAULTS, privateAddresses: ["10.0.0.0/8"] };
    const message = response({ aa: true, answers: records("www.example. A 10.1.2.3") });
    expect(interpret(message, asked, rules).kind).toBe("nodata");
    expect(interpret(message, asked, { ...rules, privateZones: ["example."] }).kind).toBe("answer");
  });
});

describe("questions to servers", () => {
  const query = {
    server: { addr: "192.0.2.1", port: 53 },
    tcp: false,
    name: "www.example.",
    type: 1,
    recursive: false,
    checkingDisabled: false,
    edns: true,
    randomCase: true,
    subnet: undefined,
    timeoutMs: 1,
  };

  it.each([
    ["the reply", {}, "match"],
    ["RFC 5452 9.1: another id", { id: 8 }, "other"],
    ["another name", { questions: [{ name: "ww.example.", type: 1, class: 1 }] }, "other"],
    ["another type", { questions: [{ name: "www.example.", type: 28, class: 1 }] }, "other"],
    ["a query", { qr: 0 as const }, "other"],
  ])("RFC 5452 9: %s", (_title, change, wanted) => {
    const reply = { ...queryMessage(query, 7, query.name), qr: 1 as const, ...change };
    expect(matchReply(reply as DnsMessage, 7, query.name, 1)).toBe(wanted);
  });

  it("0x20: letters are drawn, nothing else changes", () => {
    const random = new Xoshiro(1);
    const name = "www.example-1.test.";
    const drawn = Array.from({ length: 20 }, () => randomCase(name, random));
    expect(new Set(drawn).size).toBeGreaterThan(15);
    expect(drawn.every((one) => one.toLowerCase() === name)).toBe(true);
  });

  it("RFC 6298 2, 5.5: time-outs double up to a limit, and a reply ends that", () => {
    const infra = new Infrastructure();
    const { server } = query;
    const first = infra.timeoutMs(server, 0);
    infra.timedOut(server, 0);
    expect(infra.timeoutMs(server, 0)).toBe(first * 2);
    for (let i = 0; i < 10; i++) infra.timedOut(server, 0);
    expect(infra.timeoutMs(server, 0)).toBeLessThanOrEqual(3000);
    infra.replied(server, 20, 0);
    expect(infra.timeoutMs(server, 0)).toBeLessThan(first);
  });

  it("the fast server is asked, until it does not answer", () => {
    const infra = new Infrastructure();
    const servers = [1, 2].map((n) => ({ addr: `192.0.2.${n}`, port: 53 }));
    infra.replied(servers[0] as never, 1000, 0);
    infra.replied(servers[1] as never, 10, 0);
    expect(infra.pick(servers, () => 0, new Xoshiro(1), 0)).toBe(servers[1]);
    for (let i = 0; i < 4; i++) infra.timedOut(servers[1] as never, 0);
    expect(infra.pick(servers, () => 0, new Xoshiro(1), 0)).toBe(servers[0]);
  });
});

describe("client subnet", () => {
  const options = { servers: [], zones: [], maxIpv4: 24, maxIpv6: 56, always: true };

  it("RFC 7871 11.1: no more of the address is told than allowed", () => {
    expect(clientSubnet(options, "198.51.100.77", undefined)).toEqual({
      family: 1,
      source: 24,
      address: "c63364",
    });
    expect(clientSubnet(options, "2001:db8:1:2:3::1", undefined)).toMatchObject({
      source: 56,
      address: "20010db8000100",
    });
  });

  it("RFC 7871 6: bits behind the prefix must be zero, and the length must fit", () => {
    expect(
      parseSubnet(subnetOption({ family: 1, source: 20, address: "c63360" }).data),
    ).toBeDefined();
    expect(
      parseSubnet(subnetOption({ family: 1, source: 20, address: "c6336f" }).data),
    ).toBeUndefined();
    expect(
      parseSubnet(subnetOption({ family: 1, source: 33, address: "c633640101" }).data),
    ).toBeUndefined();
    expect(parseSubnet("0001")).toBeUndefined();
  });
});

describe("jobs", () => {
  it("TsuNAME: a job that would wait for itself is found", () => {
    const a = new Job<number>("a");
    const b = new Job<number>("b");
    function* waitFor(job: Job<number>, from: Job<number>): Task<number> {
      return yield* job.join(from);
    }
    a.start(waitFor(b, a));
    expect(b.leadsTo(a)).toBe(false);
    expect(a.leadsTo(b)).toBe(true);
  });

  it("all that wait get the result, those that come later too", () => {
    let resume: (value: unknown) => void = () => {};
    const job = new Job<number>("a");
    job.start(
      (function* (): Task<number> {
        return (yield (r) => {
          resume = r;
        }) as number;
      })(),
    );
    const got: number[] = [];
    for (let i = 0; i < 2; i++) run(job.join(undefined), (value) => got.push(value));
    resume(7);
    run(job.join(undefined), (value) => got.push(value));
    expect(got).toEqual([7, 7, 7]);
  });
});
