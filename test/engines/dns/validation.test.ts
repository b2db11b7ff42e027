/** A signed hierarchy in the simulated world: what validates, what does not, and what is said of it. */
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../src/codecs/dns/index.ts";
import { addresses } from "../../support/dns/lab.ts";
import { signedLab } from "../../support/dns/signed.ts";

const ROWS: readonly [title: string, name: string, type: number, rcode: number, ad: boolean][] = [
  ["RFC 4035 3.2.3: a signed answer", "www.signed1.", TYPE.A, RCODE.NOERROR, true],
  ["an alias within the zone", "alias.signed1.", TYPE.A, RCODE.NOERROR, true],
  [
    "RFC 4035 3.2.3: an alias into an unsigned zone is not authentic",
    "far.signed1.",
    TYPE.A,
    RCODE.NOERROR,
    false,
  ],
  ["RFC 4035 5.3.4: from a wildcard", "x.y.wild.signed1.", TYPE.A, RCODE.NOERROR, true],
  ["NODATA", "www.signed1.", TYPE.AAAA, RCODE.NOERROR, true],
  ["NODATA of an empty non-terminal", "b.ent.signed1.", TYPE.A, RCODE.NOERROR, true],
  ["NODATA of a wildcard", "x.wild.signed1.", TYPE.TXT, RCODE.NOERROR, true],
  [
    "RFC 6672 5.3.1: a DNAME's alias needs no signature",
    "x.dn.signed1.",
    TYPE.A,
    RCODE.NOERROR,
    true,
  ],
  ["the DS of a signed zone", "signed1.", TYPE.DS, RCODE.NOERROR, true],
  [
    "RFC 4035 5.2: an unsigned delegation is insecure",
    "www.sub.signed1.",
    TYPE.A,
    RCODE.NOERROR,
    false,
  ],
  ["an unsigned zone", "www.plain1.", TYPE.A, RCODE.NOERROR, false],
];

describe.each([
  ["Ed25519, NSEC", undefined, "ed25519"],
  ["P-256, NSEC3", { salt: "", iterations: 0, optOut: false }, "p256"],
  ["P-256, NSEC3 with salt and iterations", { salt: "aabb", iterations: 5, optOut: false }, "p256"],
] as const)("validation: %s", (_title, nsec3, kind) => {
  const world = signedLab(nsec3, kind);

  it.each(ROWS)("%s", (_row, name, type, rcode, ad) => {
    expect(world.ask(name, type)).toMatchObject({ rcode, ad });
  });

  it("NXDOMAIN, and RFC 8198 5.1: NSEC denies other names without a question", () => {
    expect(world.ask("no1.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: true });
    const before = world.queries;
    expect(world.ask("no2.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: true });
    if (nsec3 === undefined) expect(world.queries).toBe(before);
  });

  it("RFC 8198 4, RFC 8482: what NSEC proved says nothing of ANY", () => {
    expect(world.ask("www.signed1.", TYPE.MX)).toMatchObject({ rcode: RCODE.NOERROR, ad: true });
    expect(addresses(world.ask("www.signed1.", TYPE.ANY))).toContain("192.0.2.1");
  });

  it("RFC 2308 2.2, RFC 4035 3.1.4.1: a client's question for DS is answered with the SOA, also after a referral", () => {
    world.ask("www.plain1.");
    world.ask("www.sub.signed1.");
    for (const [name, zone] of [
      ["plain1.", "."],
      ["sub.signed1.", "signed1."],
    ] as const) {
      const edns = { udpSize: 1232, version: 0, do: true, options: [] };
      const answer = world.ask(name, TYPE.DS, undefined, { edns });
      expect(answer).toMatchObject({ rcode: RCODE.NOERROR, ad: true, answers: [] });
      const soa = answer?.authority.filter(({ type }) => type === TYPE.SOA);
      expect(soa?.map(({ name: owner }) => owner)).toEqual([zone]);
    }
  });

  it.each([
    ["RFC 4035 5.3.3: a record that was changed", "forged.signed1.", 6],
    ["RFC 4035 5.5: signatures that are missing", "naked.signed1.", 10],
    ["RFC 4034 3.1.5: a zone whose signatures expired", "www.late1.", 7],
    ["RFC 4035 5.2: keys that the parent does not know", "www.wrong1.", 9],
  ])("%s: SERVFAIL with its reason, and with CD the data", (_row, name, ede) => {
    const edns = { udpSize: 1232, version: 0, do: true, options: [] };
    const answer = world.ask(name, TYPE.A, undefined, { edns });
    expect(answer?.rcode).toBe(RCODE.SERVFAIL);
    expect(codes(answer)).toEqual([ede]);
    const data = world.ask(name, TYPE.A, undefined, { cd: true, edns });
    expect(data).toMatchObject({ rcode: RCODE.NOERROR, ad: false, cd: true });
    expect(addresses(data)).toHaveLength(1);
  });
});

describe("validation at its edges", () => {
  it("RFC 5155 9.2: what an opt-out span covers is never authentic", () => {
    const world = signedLab({ salt: "", iterations: 0, optOut: true }, "ed25519");
    expect(world.ask("no.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: false });
    expect(world.ask("www.sub.signed1.")).toMatchObject({ rcode: RCODE.NOERROR, ad: false });
  });

  it("a question costs a bounded number of signature checks and hashes", () => {
    const world = signedLab({ salt: "aabb", iterations: 5, optOut: false }, "ed25519");
    world.ask("a.b.c.d.e.signed1.");
    const { signatureChecks, hashes } = world.recursor.statistics();
    expect(signatureChecks).toBeLessThan(20);
    expect(hashes).toBeLessThan(40);
  });
});

function codes(message: DnsMessage | undefined): number[] {
  return (message?.edns?.options ?? [])
    .filter(({ code }) => code === 15)
    .map(({ data }) => Number.parseInt(data.slice(0, 4), 16));
}
