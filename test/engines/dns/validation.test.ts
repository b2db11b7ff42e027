/** A signed hierarchy in the simulated world: what validates, what does not, and what is said of it. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { DnsMessage, ResourceRecord } from "../../../src/codecs/dns/index.ts";
import { CLASS, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import type { Dnskey } from "../../../src/engines/dns/dnssec/keys.ts";
import { dsOf } from "../../../src/engines/dns/dnssec/keys.ts";
import type { Nsec3Options, SigningKey } from "../../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../../src/engines/dns/sign.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { addresses, Lab } from "../../support/dns/lab.ts";

/** When a simulated world begins. */
const BEGIN = Date.UTC(2026, 0, 1) / 1000;
const DAY = 86_400;

function newKey(kind: "ed25519" | "p256"): SigningKey {
  const { privateKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return signingKey(privateKey, true) as SigningKey;
}

const ds = (name: string, key: SigningKey): ResourceRecord => ({
  name,
  type: TYPE.DS,
  class: CLASS.IN,
  ttl: 300,
  rdata: dsOf(name, key.dnskey as unknown as Dnskey, 2) as never,
});

interface Plan {
  readonly key: SigningKey;
  readonly nsec3?: Nsec3Options;
  readonly late?: number;
  readonly extra?: readonly ResourceRecord[];
  readonly change?: (records: ResourceRecord[]) => ResourceRecord[];
}

function served(name: string, text: string, plan: Plan | undefined): Authority {
  const authority = new Authority({ wallMs: () => BEGIN * 1000 });
  const records = [...readZone(text, { origin: name, ttl: 300 }), ...(plan?.extra ?? [])];
  if (plan === undefined) {
    authority.setZone(new Zone(name, records));
    return authority;
  }
  const late = plan.late ?? 0;
  const signed = signZone(new Zone(name, records), {
    ksk: plan.key,
    inception: BEGIN - 10 * DAY - late,
    expiration: BEGIN + 10 * DAY - late,
    nsec3: plan.nsec3,
  });
  authority.setZone(new Zone(name, plan.change === undefined ? signed : plan.change(signed)));
  return authority;
}

const APEX = (ns: string) => `@ SOA ${ns} h. 1 3600 600 86400 60\n@ NS ${ns}\n`;
const BODY = `www A 192.0.2.1
alias CNAME www
far CNAME www.plain1.
*.wild A 192.0.2.2
a.b.ent TXT deep
dn DNAME target
x.target A 192.0.2.3
forged A 192.0.2.4
naked A 192.0.2.5
sub NS ns.sub
ns.sub A 10.0.0.5
`;

/** One record is changed after signing, and one loses its signatures. */
function tamper(records: ResourceRecord[]): ResourceRecord[] {
  return records.flatMap((record) => {
    const [label] = record.name.split(".");
    if (label === "forged" && record.type === TYPE.A)
      return [{ ...record, rdata: { address: "192.0.2.66" } }];
    const covers = (record.rdata as { typeCovered?: number }).typeCovered;
    return label === "naked" && record.type === TYPE.RRSIG && covers === TYPE.A ? [] : [record];
  });
}

function lab(nsec3: Nsec3Options | undefined, kind: "ed25519" | "p256"): Lab {
  const root = newKey(kind);
  const child = newKey(kind);
  const stale = newKey(kind);
  const wrong = newKey(kind);
  const ROOT = `${APEX("a.root.")}a.root. A 10.0.0.1
signed1. NS ns.signed1.\nns.signed1. A 10.0.0.2
late1. NS ns.late1.\nns.late1. A 10.0.0.3
plain1. NS ns.plain1.\nns.plain1. A 10.0.0.4
wrong1. NS ns.wrong1.\nns.wrong1. A 10.0.0.6
`;
  return new Lab(
    1,
    {
      "10.0.0.1": served(".", ROOT, {
        key: root,
        extra: [ds("signed1.", child), ds("late1.", stale), ds("wrong1.", wrong)],
      }),
      "10.0.0.2": served("signed1.", `${APEX("ns")}ns A 10.0.0.2\n${BODY}`, {
        key: child,
        change: tamper,
        ...(nsec3 === undefined ? {} : { nsec3 }),
      }),
      "10.0.0.3": served("late1.", `${APEX("ns")}ns A 10.0.0.3\n${BODY}`, {
        key: stale,
        late: 30 * DAY,
      }),
      "10.0.0.4": served("plain1.", `${APEX("ns")}ns A 10.0.0.4\n${BODY}`, undefined),
      "10.0.0.5": served(
        "sub.signed1.",
        `${APEX("ns")}ns A 10.0.0.5\nwww A 192.0.2.9\n`,
        undefined,
      ),
      "10.0.0.6": served("wrong1.", `${APEX("ns")}ns A 10.0.0.6\n${BODY}`, { key: newKey(kind) }),
    },
    { anchors: [ds(".", root)] },
  );
}

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
  const world = lab(nsec3, kind);

  it.each(ROWS)("%s", (_row, name, type, rcode, ad) => {
    expect(world.ask(name, type)).toMatchObject({ rcode, ad });
  });

  it("NXDOMAIN, and RFC 8198 5.1: NSEC denies other names without a question", () => {
    expect(world.ask("no1.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: true });
    const before = world.queries;
    expect(world.ask("no2.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: true });
    if (nsec3 === undefined) expect(world.queries).toBe(before);
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
    const world = lab({ salt: "", iterations: 0, optOut: true }, "ed25519");
    expect(world.ask("no.signed1.")).toMatchObject({ rcode: RCODE.NXDOMAIN, ad: false });
    expect(world.ask("www.sub.signed1.")).toMatchObject({ rcode: RCODE.NOERROR, ad: false });
  });

  it("a question costs a bounded number of signature checks and hashes", () => {
    const world = lab({ salt: "aabb", iterations: 5, optOut: false }, "ed25519");
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
