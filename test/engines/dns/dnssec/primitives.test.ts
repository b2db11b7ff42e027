import { describe, expect, it } from "vitest";
import { readZone, TYPE } from "../../../../src/codecs/dns/index.ts";
import type { Dnskey, Ds } from "../../../../src/engines/dns/dnssec/keys.ts";
import { algorithms, dsMatches, dsOf, keyTag } from "../../../../src/engines/dns/dnssec/keys.ts";
import {
  compareNames,
  isWithin,
  labelCount,
  parentOf,
  sharedAncestor,
} from "../../../../src/engines/dns/dnssec/names.ts";
import {
  closestEncloser,
  nsecCovers,
  provesNodata,
  provesNxdomain,
} from "../../../../src/engines/dns/dnssec/nsec.ts";
import {
  HashBudgetError,
  Nsec3Proofs,
  nsec3Hash,
} from "../../../../src/engines/dns/dnssec/nsec3.ts";
import { groupSections } from "../../../../src/engines/dns/dnssec/rrset.ts";
import type { VerifyBudget } from "../../../../src/engines/dns/dnssec/verify.ts";
import {
  MAX_SIGNATURES_PER_SET,
  usableKeys,
  verifyRrset,
} from "../../../../src/engines/dns/dnssec/verify.ts";

const budget = (): VerifyBudget => ({ signatures: 100, hashes: 100 });
const records = (text: string) => [...readZone(text, { origin: ".", ttl: 3600 })];

/** RFC 8080 6.1. */
const ED25519 = `
example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=
example.com. 3600 IN MX 10 mail.example.com.
example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==
`;

describe("names", () => {
  it("RFC 4034 6.1: canonical order", () => {
    const sorted = [
      "example.",
      "a.example.",
      "yljkjljk.a.example.",
      "z.a.example.",
      "zabc.a.example.",
      "z.example.",
      "\\001.z.example.",
      "*.z.example.",
      "\\200.z.example.",
    ];
    expect([...sorted].reverse().sort(compareNames)).toEqual(sorted);
  });

  it("RFC 1035 5.1: an escaped dot does not separate", () => {
    expect(parentOf("a\\.b.c.")).toBe("c.");
    expect(isWithin("a\\.c.", "c.")).toBe(false);
    expect(labelCount("a\\.b.c.")).toBe(2);
    expect(sharedAncestor("a.b.c.", "x.b.c.")).toBe("b.c.");
  });
});

describe("keys and signatures", () => {
  it("RFC 4034 5.4: the DS of a key", () => {
    const key = records(
      "dskey.example.com. DNSKEY 256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==",
    )[0]?.rdata as Dnskey;
    expect(keyTag(key)).toBe(60_485);
    expect(dsOf("dskey.example.com.", key, 1)?.digest).toBe(
      "2bb183af5f22588179a53b0a98631fad1a292118",
    );
    expect(dsMatches("other.example.com.", key, dsOf("dskey.example.com.", key, 1) as Ds)).toBe(
      false,
    );
  });

  it.each([
    ["RFC 8080 6.1: the signature is good", 1_439_000_000, {}, true],
    ["RFC 4034 3.1.5: it has expired", 1_450_000_000, {}, "expired"],
    ["RFC 4034 3.1.5: it is not valid yet", 1_430_000_000, {}, "not-yet-valid"],
    [
      "RFC 4035 5.3.1: another record was signed",
      1_439_000_000,
      { preference: 11, host: "mail.example.com." },
      "bad-signature",
    ],
  ])("%s", (_title, now, change, wanted) => {
    const [answer] = groupSections([records(ED25519), [], []]);
    const mx = answer.find(({ type }) => type === TYPE.MX);
    const keys = usableKeys(
      answer.find(({ type }) => type === TYPE.DNSKEY)?.rdatas as Dnskey[],
      algorithms(),
    );
    const set = Object.keys(change).length === 0 ? mx : { ...(mx as object), rdatas: [change] };
    const verdict = verifyRrset(set as never, "example.com.", keys, now as number, budget());
    expect(verdict.ok ? true : verdict.reason).toBe(wanted);
  });

  it("RFC 4035 5.3.1: a signer outside the zone does not count", () => {
    const [answer] = groupSections([records(ED25519), [], []]);
    const mx = answer.find(({ type }) => type === TYPE.MX);
    expect(verifyRrset(mx as never, "com.", [], 1_439_000_000, budget())).toEqual({
      ok: false,
      reason: "no-signature",
    });
  });

  it("CVE-2023-50387: signatures and colliding keys are tried a few times, whatever their number", () => {
    const [answer] = groupSections([records(ED25519), [], []]);
    const mx = answer.find(({ type }) => type === TYPE.MX) as NonNullable<(typeof answer)[number]>;
    const keys = usableKeys(
      answer.find(({ type }) => type === TYPE.DNSKEY)?.rdatas as Dnskey[],
      algorithms(),
    );
    const [signature] = mx.signatures;
    const wrong = Array.from({ length: 100 }, (_, i) => ({
      ...signature,
      signature: `${String(i).padStart(4, "A")}${signature?.signature.slice(4)}`,
    }));
    const many = { ...mx, signatures: wrong } as never;
    const spent = budget();
    const verdict = verifyRrset(
      many,
      "example.com.",
      Array.from({ length: 50 }, () => keys[0] as never),
      1_439_000_000,
      spent,
    );
    expect(verdict).toEqual({ ok: false, reason: "budget" });
    expect(100 - spent.signatures).toBeLessThanOrEqual(MAX_SIGNATURES_PER_SET);
  });

  it("RFC 8624 3.1: DSA and SHA-1 count only where old zones are tested", () => {
    expect([3, 5, 7, 8, 13, 15].map((number) => algorithms().signature(number))).toEqual([
      false,
      false,
      false,
      true,
      true,
      true,
    ]);
    expect([3, 5, 7].every((number) => algorithms(true).signature(number))).toBe(true);
  });
});

describe("NSEC", () => {
  const zone = "example.";
  const nsec = (owner: string, next: string, types: number[]) => ({ owner, next, types, zone });

  it.each([
    ["between", nsec("a.example.", "c.example.", [1]), "b.example.", true],
    [
      "RFC 4034 4.1.1: the last one wraps to the apex",
      nsec("x.example.", "example.", [1]),
      "z.example.",
      true,
    ],
    ["an empty non-terminal exists", nsec("a.example.", "d.c.example.", [1]), "c.example.", false],
    [
      "RFC 6840 4.1: from above a cut it says nothing of below",
      nsec("a.example.", "c.example.", [TYPE.NS]),
      "x.a.example.",
      false,
    ],
    [
      "RFC 6672 5.3.4.1: nor above a DNAME",
      nsec("a.example.", "c.example.", [TYPE.DNAME]),
      "x.a.example.",
      false,
    ],
    ["outside of its zone", nsec("a.example.", "c.example.", [1]), "b.other.", false],
  ])("%s", (_title, record, name, covered) => {
    expect(nsecCovers(record, name)).toBe(covered);
  });

  it("RFC 4035 5.4: NXDOMAIN needs the wildcard denied too", () => {
    const covering = nsec("a.example.", "c.example.", [1]);
    expect(closestEncloser(covering, "b.example.")).toBe("example.");
    expect(provesNxdomain([covering], "b.example.")).toBe(false);
    expect(
      provesNxdomain([covering, nsec("example.", "a.example.", [TYPE.SOA, TYPE.NS])], "b.example."),
    ).toBe(true);
  });

  it("RFC 6840 4.1: the parent's NSEC at a cut denies only DS", () => {
    const cut = nsec("a.example.", "c.example.", [TYPE.NS]);
    expect(provesNodata([cut], "a.example.", TYPE.A)).toBe(false);
    expect(provesNodata([cut], "a.example.", TYPE.DS)).toBe(true);
  });
});

describe("NSEC3", () => {
  it("RFC 5155 appendix A: hashes", () => {
    expect(nsec3Hash("example.", "aabbccdd", 12)).toBe("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
    expect(nsec3Hash("a.example.", "aabbccdd", 12)).toBe("35mthgpgcu1qg68fab165klnsnk3dpvl");
  });

  it("CVE-2023-50868: hashes are taken from the budget", () => {
    const record = {
      hash: "0",
      next: "v",
      optOut: false,
      iterations: 150,
      salt: "",
      types: [],
      zone: "example.",
    };
    const spent: VerifyBudget = { signatures: 0, hashes: 5 };
    const proofs = new Nsec3Proofs([record], spent);
    expect(() => proofs.nxdomain(`${"a.".repeat(60)}example.`)).toThrow(HashBudgetError);
    expect(spent.hashes).toBe(0);
  });

  it("RFC 9276 3.2: too many iterations are told before any is done", () => {
    const record = {
      hash: "0",
      next: "v",
      optOut: false,
      iterations: 151,
      salt: "",
      types: [],
      zone: "example.",
    };
    expect(new Nsec3Proofs([record], budget()).tooManyIterations).toBe(true);
  });
});
