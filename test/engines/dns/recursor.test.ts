import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { decode, encode, RCODE, TYPE } from "../../../src/codecs/dns/index.ts";
import { readCacheDump } from "../../../src/engines/dns/resolver/dump-check.ts";
import { questionFor } from "../../../src/engines/dns/resolver/resolver.ts";
import type { TsigKey } from "../../../src/engines/dns/tsig.ts";
import { parseTsigKey, signTsig, splitTsig } from "../../../src/engines/dns/tsig.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { addresses, apex, Lab, zone } from "../../support/dns/lab.ts";

const ROOT = zone(
  ".",
  `${apex("a.root.")}a.root. A 10.0.0.1\ntest1. NS ns.test1.\nns.test1. A 10.0.0.2\n`,
);
const TLD = zone(
  "test1.",
  `${apex("ns.test1.")}ns.test1. A 10.0.0.2\nexample.test1. NS ns.example.test1.\nns.example.test1. A 10.0.0.3\n`,
);
const EXAMPLE = zone(
  "example.test1.",
  `${apex("ns.example.test1.")}ns A 10.0.0.3\nwww A 192.0.2.1\nalias CNAME www\na.b.c A 192.0.2.2\nbig TXT ${`"${"x".repeat(250)}" `.repeat(8)}\n`,
);
const SERVERS = { "10.0.0.1": ROOT, "10.0.0.2": TLD, "10.0.0.3": EXAMPLE };

describe("the recursor in a simulated network", () => {
  it("RFC 1034 5.3.3: a name is found by way of root and delegations, then from the cache", () => {
    const lab = new Lab(1, SERVERS);
    expect(addresses(lab.ask("www.example.test1."))).toEqual(["192.0.2.1"]);
    const before = lab.queries;
    expect(addresses(lab.ask("www.example.test1."))).toEqual(["192.0.2.1"]);
    expect(lab.queries).toBe(before);
    expect(lab.recursor.statistics()).toMatchObject({
      questions: 2,
      fromCache: 1,
      hitRatio: 0.5,
      pending: 0,
    });
  });

  it("RFC 9156 2: servers above see no more of the name than they must", () => {
    const lab = new Lab(2, SERVERS);
    lab.ask("a.b.c.example.test1.");
    const seen = lab.events.flatMap((event) =>
      event.kind === "query" && event.zone === "." ? [event.name] : [],
    );
    expect(new Set(seen)).toEqual(new Set([".", "test1."]));
  });

  it("RFC 2308 5: NXDOMAIN is answered from the cache, unless that is turned off", () => {
    for (const negativeCache of [true, false]) {
      const lab = new Lab(3, SERVERS, { negativeCache });
      expect(lab.ask("no.example.test1.")?.rcode).toBe(RCODE.NXDOMAIN);
      const before = lab.queries;
      expect(lab.ask("no.example.test1.")?.rcode).toBe(RCODE.NXDOMAIN);
      expect(lab.queries === before).toBe(negativeCache);
    }
  });

  it("RFC 7766 5: a truncated answer is fetched over TCP", () => {
    const lab = new Lab(4, SERVERS);
    expect(lab.ask("big.example.test1.", TYPE.TXT)?.answers).toHaveLength(1);
    expect(lab.recursor.statistics().tcp).toBe(1);
  });

  it("an answer that is cut short over TCP too denies nothing", () => {
    const example = (query: DnsMessage) =>
      query.questions[0]?.name.toLowerCase() === "www.example.test1."
        ? { aa: true, tc: true }
        : EXAMPLE(query);
    const lab = new Lab(10, { ...SERVERS, "10.0.0.3": example });
    expect(lab.ask("www.example.test1.")).toMatchObject({ rcode: RCODE.SERVFAIL, tc: false });
    expect(addresses(lab.ask("a.b.c.example.test1."))).toEqual(["192.0.2.2"]);
  });

  it("RFC 1034 3.6.2: an alias is followed", () => {
    const answer = new Lab(5, SERVERS).ask("alias.example.test1.");
    expect(answer?.answers.map(({ type }) => type)).toEqual([TYPE.CNAME, TYPE.A]);
  });

  it("a dumped cache answers after it was loaded", () => {
    const lab = new Lab(6, SERVERS);
    lab.ask("www.example.test1.");
    const other = new Lab(7, SERVERS);
    other.recursor.load(JSON.parse(JSON.stringify(lab.recursor.dump())));
    expect(addresses(other.ask("www.example.test1."))).toEqual(["192.0.2.1"]);
    expect(other.queries).toBe(0);
  });

  it("a dump that is damaged is refused with the place", () => {
    const lab = new Lab(9, SERVERS);
    lab.ask("www.example.test1.");
    lab.ask("no.example.test1.");
    const text = JSON.stringify(lab.recursor.dump());
    expect(readCacheDump(JSON.parse(text))).toEqual(JSON.parse(text));
    interface Parts {
      readonly sets: { readonly set: object }[];
      readonly replies: object[];
    }
    const damages: [(dump: Parts) => unknown, RegExp][] = [
      [(dump) => Object.assign(dump, { version: 2 }), /^this is no dump/],
      [(dump) => Object.assign(dump, { sets: undefined }), /^there are no sets/],
      [(dump) => Object.assign(dump, { sets: [null] }), /^sets\[0\]: is no record set/],
      [(dump) => Object.assign(dump.sets[1]?.set as object, { ttl: "x" }), /^sets\[1\]: .* TTL/],
      [
        (dump) => Object.assign(dump.sets[0]?.set as object, { rdatas: [{ host: 5 }] }),
        /^sets\[0\]/,
      ],
      [
        (dump) => Object.assign(dump.sets[0]?.set as object, { name: "a..b", key: "a..b" }),
        /empty label/,
      ],
      [
        (dump) => Object.assign(dump.replies[0] as object, { authority: 1 }),
        /^replies\[0\]: .*authority/,
      ],
    ];
    for (const [damage, why] of damages) {
      const dump = JSON.parse(text) as Parts;
      damage(dump);
      expect(readCacheDump(dump)).toMatch(why);
    }
  });

  it("RFC 1035 7.4: a question that comes again gets the answer's octets, its own id and a TTL counted down", () => {
    const lab = new Lab(8, SERVERS, {}, false);
    const client = { addr: "10.1.1.1", port: 4000, transport: "udp" as const };
    const request = (id: number) => encode({ ...questionFor("www.example.test1."), id });
    const answers: Uint8Array[] = [];
    lab.recursor.query(request(1), client, (bytes) => answers.push(bytes));
    lab.world.run(lab.world.now + SECOND);
    expect(lab.recursor.answerNow(request(2), { ...client, transport: "tcp" })).toBeUndefined();
    lab.world.run(lab.world.now + 9 * SECOND);
    const again = decode(lab.recursor.answerNow(request(0xabcd), client) as Uint8Array);
    const first = decode(answers[0] as Uint8Array);
    expect(again.id).toBe(0xabcd);
    expect(first.answers[0]?.ttl).toBe(300);
    expect(again.answers[0]?.ttl).toBeLessThanOrEqual(291);
    expect({ ...again, id: 1, answers: [] }).toEqual({ ...first, answers: [] });
    lab.world.run(lab.world.now + 300 * SECOND);
    expect(lab.recursor.answerNow(request(3), client)).toBeUndefined();
  });

  it("RFC 8945 5.2.1: a signature by a key that it does not have is answered with NOTAUTH and BADKEY", () => {
    const lab = new Lab(10, SERVERS, {}, false);
    const client = { addr: "10.1.1.1", port: 4000, transport: "udp" as const };
    const key = parseTsigKey("nobody:c2VjcmV0") as TsigKey;
    const { bytes } = signTsig(encode(questionFor("www.example.test1.")), key, 1);
    const answers: Uint8Array[] = [];
    lab.recursor.query(bytes, client, (reply) => answers.push(reply));
    const signed = splitTsig(answers[0] as Uint8Array);
    expect(decode(signed?.message as Uint8Array).rcode).toBe(RCODE.NOTAUTH);
    expect(signed).toMatchObject({ keyName: "nobody.", error: 17, mac: new Uint8Array(0) });
    expect(lab.queries).toBe(0);
  });

  it("reload: new options count from now on, and who waits is answered by the old ones", () => {
    const lab = new Lab(9, SERVERS);
    const codes: number[] = [];
    lab.recursor.ask(questionFor("www.example.test1."), "10.1.1.1", (answer) =>
      codes.push(answer.rcode),
    );
    lab.recursor.reload({ hints: [{ name: "a.", addresses: ["10.0.0.99"] }], ipv6: false });
    lab.world.run(lab.world.now + 5 * SECOND);
    expect(codes).toEqual([RCODE.NOERROR]);
    expect(lab.ask("www.example.test1.")?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.recursor.statistics().pending).toBe(0);
  });
});
