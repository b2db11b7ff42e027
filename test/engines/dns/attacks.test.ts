/** What attackers make resolvers do: the work for one question stays bounded. */
import { describe, expect, it } from "vitest";
import type { DnsMessage, ResourceRecord } from "../../../src/codecs/dns/index.ts";
import { CLASS, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { fromBase64, toBase64 } from "../../../src/codecs/writer.ts";
import type { Dnskey } from "../../../src/engines/dns/dnssec/keys.ts";
import { dsOf, keyTag } from "../../../src/engines/dns/dnssec/keys.ts";
import { keyOf } from "../../../src/engines/dns/dnssec/names.ts";
import { WORK_LIMITS } from "../../../src/engines/dns/resolver/options.ts";
import { addresses, apex, Lab, zone } from "../../support/dns/lab.ts";

const records = (text: string) => [...readZone(text, { origin: ".", ttl: 300 })];
const ROOT = zone(
  ".",
  `${apex("a.root.")}a.root. A 10.0.0.1\nvictim1. NS ns.victim1.\nns.victim1. A 10.0.0.2\nevil1. NS ns.evil1.\nns.evil1. A 10.0.0.6\n`,
);
const VICTIM = zone("victim1.", `${apex("ns.victim1.")}ns A 10.0.0.2\nwww A 192.0.2.1\n`);

/** Servers of a delegation: many names that nobody has. */
function fanOut(owner: string, count: number, under: string): ResourceRecord[] {
  return records(
    Array.from({ length: count }, (_, i) => `${owner} NS n${i}-${owner.length}.${under}`).join(
      "\n",
    ),
  );
}

describe("attacks on the resolver", () => {
  it("NXNS: a delegation to a hundred names that do not exist asks few of them", () => {
    const evil = (query: DnsMessage) => ({
      authority: fanOut("sub.evil1.", 100, "victim1."),
      questions: query.questions,
    });
    const lab = new Lab(1, { "10.0.0.1": ROOT, "10.0.0.2": VICTIM, "10.0.0.6": evil });
    expect(lab.ask("x.sub.evil1.")?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.asked.get("10.0.0.2") ?? 0).toBeLessThanOrEqual(WORK_LIMITS.deadTargets + 1);
  });

  it("NXNS: each server name that exists counts too", () => {
    const evil = (query: DnsMessage) => {
      const name = keyOf(query.questions[0]?.name ?? "");
      const owner = name.split(".").slice(-3).join(".");
      return {
        authority: fanOut(owner, 30, `sub${name.length}.evil1.`),
        questions: query.questions,
      };
    };
    const lab = new Lab(2, { "10.0.0.1": ROOT, "10.0.0.2": VICTIM, "10.0.0.6": evil });
    expect(lab.ask("x.sub.evil1.")?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.recursor.statistics().mostQueries).toBeLessThanOrEqual(WORK_LIMITS.queries);
    expect(lab.queries).toBeLessThanOrEqual(WORK_LIMITS.queries);
  });

  it("TsuNAME: zones whose servers are in each other end in SERVFAIL, not in a circle", () => {
    const circle = zone(
      ".",
      `${apex("a.root.")}a.root. A 10.0.0.1\none. NS ns.two.\ntwo. NS ns.three.\nthree. NS ns.one.\n`,
    );
    const lab = new Lab(3, { "10.0.0.1": circle });
    expect(lab.ask("www.one.")?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.queries).toBeLessThan(20);
  });

  it("CAMP: aliases, deep names and fan-out together spend one budget", () => {
    let count = 0;
    const evil = (query: DnsMessage): Partial<DnsMessage> => {
      const question = query.questions[0] as DnsMessage["questions"][number];
      if (question.name.toLowerCase().includes("deleg"))
        return {
          authority: fanOut(keyOf(question.name).split(".").slice(-3).join("."), 20, "evil1."),
        };
      count++;
      const target = `${"l.".repeat(20)}c${count}.deleg${count}.evil1.`;
      return {
        aa: true,
        answers: [
          {
            name: question.name,
            type: TYPE.CNAME,
            class: CLASS.IN,
            ttl: 1,
            rdata: { host: target },
          },
        ],
      };
    };
    const lab = new Lab(4, { "10.0.0.1": ROOT, "10.0.0.6": evil });
    expect(lab.ask(`${"a.".repeat(20)}evil1.`)?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.recursor.statistics().mostQueries).toBeLessThanOrEqual(WORK_LIMITS.queries);
  });

  it("RFC 1034 5.3.3: aliases that never end, end", () => {
    let count = 0;
    const evil = (query: DnsMessage) => ({
      aa: true,
      answers: records(`${query.questions[0]?.name} CNAME n${++count}.evil1.`),
    });
    const lab = new Lab(5, { "10.0.0.1": ROOT, "10.0.0.6": evil });
    expect(lab.ask("x.evil1.")?.rcode).toBe(RCODE.SERVFAIL);
    expect(count).toBeLessThanOrEqual(2 * WORK_LIMITS.aliases);
  });

  it("CVE-2023-50387 (KeyTrap): colliding keys and worthless signatures cost a bounded number of checks", () => {
    const keys = collidingKeys(60);
    const signature = (type: number, i: number): ResourceRecord => ({
      name: ".",
      type: TYPE.RRSIG,
      class: CLASS.IN,
      ttl: 300,
      rdata: {
        typeCovered: type,
        algorithm: 15,
        labels: 0,
        originalTtl: 300,
        expiration: 4_000_000_000,
        inception: 1_000_000_000,
        keyTag: keyTag(keys[0] as Dnskey),
        signer: ".",
        signature: toBase64(Uint8Array.from({ length: 64 }, (_, n) => (n === 0 ? i : n))),
      },
    });
    const evil = (query: DnsMessage): Partial<DnsMessage> => {
      const type = query.questions[0]?.type;
      const own: ResourceRecord[] =
        type === TYPE.DNSKEY
          ? keys.map((rdata) => ({
              name: ".",
              type: TYPE.DNSKEY,
              class: CLASS.IN,
              ttl: 300,
              rdata,
            }))
          : records(". NS a.root.");
      const signatures = Array.from({ length: 60 }, (_, i) => signature(type as number, i));
      return { aa: true, answers: [...own, ...signatures] };
    };
    const anchor: ResourceRecord = {
      name: ".",
      type: TYPE.DS,
      class: CLASS.IN,
      ttl: 300,
      rdata: dsOf(".", keys[0] as Dnskey, 2) as never,
    };
    const lab = new Lab(6, { "10.0.0.1": evil }, { anchors: [anchor], validate: true });
    expect(lab.ask(".", TYPE.NS)?.rcode).toBe(RCODE.SERVFAIL);
    expect(lab.recursor.statistics().signatureChecks).toBeLessThanOrEqual(40);
  });

  it("RFC 5452 9.1, RFC 2181 5.4.1: what a server says of others' names is not kept", () => {
    const evil = (query: DnsMessage) => ({
      aa: true,
      answers: records(`${query.questions[0]?.name} A 192.0.2.66\nwww.victim1. A 192.0.2.66`),
      authority: records("victim1. NS ns.evil1."),
      additional: records("ns.victim1. A 10.0.0.6\nwww.victim1. A 192.0.2.66"),
    });
    const lab = new Lab(7, { "10.0.0.1": ROOT, "10.0.0.2": VICTIM, "10.0.0.6": evil });
    lab.ask("x.evil1.");
    expect(addresses(lab.ask("www.victim1."))).toEqual(["192.0.2.1"]);
  });

  it("coalescing: equal questions at one time are one question to servers (birthday attacks)", () => {
    const lab = new Lab(8, { "10.0.0.1": ROOT, "10.0.0.2": VICTIM });
    lab.ask("ns.victim1.");
    const before = lab.queries;
    lab.askMany("www.victim1.", 50);
    expect(lab.queries - before).toBe(1);
  });
});

/** Ed25519 keys of one tag: the last two octets are chosen for it. */
function collidingKeys(count: number): Dnskey[] {
  const make = (i: number, low: number): Dnskey => {
    const bytes = Uint8Array.from({ length: 32 }, (_, n) =>
      n === 0 ? i : n === 30 ? low >> 8 : n === 31 ? low & 255 : n,
    );
    return { flags: 257, protocol: 3, algorithm: 15, publicKey: toBase64(bytes) };
  };
  const wanted = keyTag(make(0, 5000));
  return Array.from({ length: count }, (_, i) => {
    for (let low = 0; low < 65_536; low++) {
      const key = make(i, low);
      if (keyTag(key) === wanted && fromBase64(key.publicKey)?.length === 32) return key;
    }
    throw new Error("no key of the tag");
  });
}
