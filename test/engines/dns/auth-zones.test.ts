import { describe, expect, it } from "vitest";
import { OPCODE, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import type { AuthZone } from "../../../src/engines/dns/auth-zones.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { addresses, apex, Lab, zone } from "../../support/dns/lab.ts";

const ROOT = zone(
  ".",
  `${apex("a.root.")}a.root. A 10.0.0.1\ncorp. NS ns.corp.\nns.corp. A 10.0.0.2\nother. NS ns.other.\nns.other. A 10.0.0.4\n`,
);
const OTHER = zone("other.", `${apex("ns.other.")}ns A 10.0.0.4\nwww A 192.0.2.44\n`);

function corp(serial: number, address = "192.0.2.1"): Zone {
  const text = `@ 60 SOA ns h ${serial} 20 10 100 60
@ 60 NS ns
ns 60 A 10.0.0.2
www 60 A ${address}
out 60 CNAME www.other.
in 60 CNAME www
sub 60 NS ns.sub
ns.sub 60 A 10.0.0.3
`;
  return new Zone("corp.", readZone(text, { origin: "corp." }));
}

const SUB = zone("sub.corp.", `${apex("ns.sub.corp.")}ns A 10.0.0.3\nwww A 192.0.2.33\n`);

function setUp(change: Partial<AuthZone> = {}, first: Zone | undefined = corp(1)) {
  const clock = { wallMs: () => 0 };
  const primary = new Authority(clock, { mayTransfer: () => true });
  if (first !== undefined) primary.setZone(first);
  const servers = { "10.0.0.1": ROOT, "10.0.0.2": primary, "10.0.0.3": SUB, "10.0.0.4": OTHER };
  const config: AuthZone = {
    zone: "corp.",
    primaries: [{ addr: "10.0.0.2", port: 53 }],
    ...{ downstream: true, upstream: true, fallback: false, allowNotify: [] },
    ...change,
  };
  const lab = new Lab(1, servers, { validate: false }, true, [config]);
  const run = (seconds: number) => lab.world.run(lab.world.now + seconds * SECOND);
  return { lab, primary, run };
}

const queriesTo = (lab: Lab, name: string) =>
  lab.events.filter((event) => event.kind === "query" && event.name === name).length;

describe("zones that the recursor keeps itself", () => {
  it("RFC 5936 2, RFC 1034 4.3.2: a zone that was fetched answers with AA and without its servers", () => {
    const { lab, run } = setUp();
    run(1);
    expect(lab.said).toEqual(["corp. serial 1"]);
    const answer = lab.ask("www.corp.");
    expect([answer?.aa, answer?.ra, addresses(answer)]).toEqual([true, true, ["192.0.2.1"]]);
    expect(lab.ask("no.corp.")).toMatchObject({ rcode: RCODE.NXDOMAIN, aa: true });
    expect(queriesTo(lab, "www.corp.")).toBe(0);
  });

  it("a recursor answers whole: referrals and aliases out of the zone are followed for RD, told without", () => {
    const { lab, run } = setUp();
    run(1);
    expect(addresses(lab.ask("out.corp."))).toEqual(["192.0.2.44"]);
    expect(addresses(lab.ask("www.sub.corp."))).toEqual(["192.0.2.33"]);
    expect(addresses(lab.ask("in.corp."))).toEqual(["192.0.2.1"]);
    const referral = lab.ask("www.sub.corp.", TYPE.A, SECOND, { rd: false });
    expect([referral?.aa, referral?.authority.map(({ type }) => type)]).toEqual([false, [TYPE.NS]]);
  });

  it("RFC 1034 4.3.5: the zone is asked for again at its REFRESH", () => {
    const { lab, primary, run } = setUp();
    run(1);
    expect(addresses(lab.ask("www.corp."))).toEqual(["192.0.2.1"]);
    primary.setZone(corp(2, "192.0.2.2"));
    run(21);
    expect(addresses(lab.ask("www.corp."))).toEqual(["192.0.2.2"]);
  });

  it("RFC 1996 3.7, 3.10: a primary's NOTIFY fetches the zone, a stranger's is refused, another zone's is NOTAUTH", () => {
    const { lab, primary, run } = setUp({ allowNotify: ["10.1.0.0/16"] });
    run(1);
    primary.setZone(corp(2, "192.0.2.2"));
    const note = { opcode: OPCODE.NOTIFY, rd: false };
    expect(lab.ask("other.", TYPE.SOA, SECOND, note)?.rcode).toBe(RCODE.NOTAUTH);
    expect(lab.ask("corp.", TYPE.SOA, SECOND, note)?.rcode).toBe(RCODE.NOERROR);
    run(1);
    expect(addresses(lab.ask("www.corp."))).toEqual(["192.0.2.2"]);
    const strict = setUp();
    expect(strict.lab.ask("corp.", TYPE.SOA, SECOND, note)?.rcode).toBe(RCODE.REFUSED);
  });

  it("RFC 1035 3.3.13: an expired zone is SERVFAIL, or with fallback asked of its servers", () => {
    for (const fallback of [false, true]) {
      const { lab, primary, run } = setUp({ fallback });
      run(1);
      primary.removeZone("corp.");
      run(150);
      expect(lab.said).toContain("corp. has expired");
      if (fallback) primary.setZone(corp(1, "192.0.2.9"));
      const answer = lab.ask("www.corp.");
      if (fallback) expect([answer?.aa, addresses(answer)]).toEqual([false, ["192.0.2.9"]]);
      else expect(answer?.rcode).toBe(RCODE.SERVFAIL);
    }
  });

  it("RFC 8806 3: used upstream only, answers are resolved ones, made without its servers", () => {
    const { lab, run } = setUp({ downstream: false });
    run(1);
    const answer = lab.ask("www.corp.");
    expect([answer?.aa, addresses(answer)]).toEqual([false, ["192.0.2.1"]]);
    expect(lab.asked.get("10.0.0.1")).toBeUndefined();
    expect(addresses(lab.ask("www.sub.corp."))).toEqual(["192.0.2.33"]);
  });

  it("a primary that is named is looked up, the next is asked when one gives nothing", () => {
    const primaries = [
      { addr: "10.0.0.4", port: 53 },
      { addr: "ns.corp.", port: 53 },
    ];
    const { lab, run } = setUp({ primaries, fallback: true });
    run(20);
    expect(lab.said.at(-1)).toBe("corp. serial 1");
    expect(lab.said.length).toBe(2);
  });
});
