/** A signed hierarchy on simulated nodes, made by our own signer. */
import { generateKeyPairSync } from "node:crypto";
import type { ResourceRecord } from "../../../src/codecs/dns/index.ts";
import { CLASS, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import type { Dnskey } from "../../../src/engines/dns/dnssec/keys.ts";
import { dsOf } from "../../../src/engines/dns/dnssec/keys.ts";
import type { Nsec3Options, SigningKey } from "../../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../../src/engines/dns/sign.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { Lab } from "./lab.ts";

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

/** Root, a signed zone with much in it, and zones that are expired, unsigned, or signed by others. */
export function signedLab(nsec3: Nsec3Options | undefined, kind: "ed25519" | "p256"): Lab {
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
