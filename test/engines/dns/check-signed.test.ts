import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { readZone } from "../../../src/codecs/dns/zonefile.ts";
import { checkSigned } from "../../../src/engines/dns/check-signed.ts";
import type { Nsec3Options, SigningKey } from "../../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../../src/engines/dns/sign.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";

const TEXT = `$ORIGIN example.
$TTL 300
@ SOA ns1 host 1 7200 900 1209600 300
@ NS ns1
ns1 A 127.0.0.1
a.b.ent TXT deep
*.wild A 192.0.2.9
sub NS ns.sub
ns.sub A 192.0.2.20
`;
const NOW = 1_700_000_000;
const KEY = signingKey(generateKeyPairSync("ed25519").privateKey, true) as SigningKey;

function signed(nsec3?: Nsec3Options): ResourceRecord[] {
  const times = { inception: NOW - 3600, expiration: NOW + 100_000 };
  const zone = new Zone("example.", readZone(TEXT));
  return signZone(zone, { ksk: KEY, zsk: undefined, ...times, nsec3 });
}

function problems(records: readonly ResourceRecord[], now = NOW): readonly string[] {
  return checkSigned(new Zone("example.", records), now).problems;
}

const OPTIONS: readonly (Nsec3Options | undefined)[] = [
  undefined,
  { salt: "", iterations: 0, optOut: false },
  { salt: "ab", iterations: 2, optOut: true },
];

describe.each(OPTIONS)("a signed zone with %j", (nsec3) => {
  it("RFC 4035 5.3, RFC 5155 7.1: what we sign holds, and ends when it says", () => {
    const report = checkSigned(new Zone("example.", signed(nsec3)), NOW);
    expect([report.problems, report.expires]).toEqual([[], NOW + 100_000]);
    expect(report.sets).toBeGreaterThan(8);
  });

  it("RFC 4035 5.3.1: signatures that have expired do not hold", () => {
    expect(problems(signed(nsec3), NOW + 900_000).length).toBeGreaterThan(8);
  });

  it("RFC 4035 5.3.3: a record that was changed does not hold", () => {
    const records = signed(nsec3).map((record) =>
      record.name === "ns1.example." && record.type === 1
        ? { ...record, rdata: { address: "192.0.2.66" } }
        : record,
    );
    expect(problems(records)).toEqual(["ns1.example. A: bad-signature"]);
  });

  it("RFC 4035 2.2: a record that is added has no signature, and the chain does not know it", () => {
    const extra = [...readZone("new.example. 300 A 192.0.2.1\n")];
    expect(problems([...signed(nsec3), ...extra]).length).toBe(2);
  });

  it("RFC 4035 2.3, RFC 5155 7.1: a chain with a gap is told", () => {
    const type = nsec3 === undefined ? 47 : 50;
    const records = signed(nsec3);
    const owner = records.findLast((record) => record.type === type)?.name;
    const rest = records.filter(({ name, type: is, rdata }) => {
      const covers = (rdata as { typeCovered?: number }).typeCovered;
      return name !== owner || (is !== type && covers !== type);
    });
    expect(problems(rest).length).toBeGreaterThan(0);
  });
});
