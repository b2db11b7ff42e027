/** The lab's zones, signed from the leaves to the root so that each DS stands in the zone above. */
import type { KeyObject } from "node:crypto";
import { createPrivateKey } from "node:crypto";
import type { ResourceRecord } from "../../../codecs/dns/index.ts";
import { CLASS, TYPE } from "../../../codecs/dns/index.ts";
import { fromHex, toBase64 } from "../../../codecs/writer.ts";
import type { Dnskey } from "../dnssec/keys.ts";
import { dsOf } from "../dnssec/keys.ts";
import type { SigningKey } from "../sign.ts";
import { signingKey, signZone } from "../sign.ts";
import { Zone } from "../zone.ts";
import type { LabPlan } from "./plan.ts";

export interface BuiltLab {
  readonly zones: ReadonlyMap<string, Zone>;
  /** DS of the root's key: where trust begins. */
  readonly anchors: readonly ResourceRecord[];
}

/** RFC 8410 7: an Ed25519 private key in PKCS 8 is this and its 32 octets. */
const PKCS8_ED25519 = "302e020100300506032b657004220420";

/** The Ed25519 key of 32 octets. Its signatures are always the same (RFC 8032 5.1.6): runs can be repeated. */
export function keyOfOctets(octets: Uint8Array): KeyObject {
  const head = fromHex(PKCS8_ED25519) as Uint8Array;
  const der = new Uint8Array(head.length + octets.length);
  der.set(head);
  der.set(octets, head.length);
  return createPrivateKey({ key: toBase64(der), format: "der", type: "pkcs8", encoding: "base64" });
}

const DAY = 86_400;
const SHA256 = 2;
const DS_TTL = 86_400;

/** `keyFor`: an Ed25519 or P-256 key for each zone. `unixSeconds`: when signatures begin to count. */
export function buildLab(
  plan: LabPlan,
  keyFor: (zone: string) => KeyObject,
  unixSeconds: number,
): BuiltLab {
  const zones = new Map<string, Zone>();
  const ds: ResourceRecord[] = [];
  // Longest names first: children before their parents.
  const order = [...plan.zones].sort((a, b) => depth(b.name) - depth(a.name));
  for (const { name, records, signed } of order) {
    const below = ds.filter((record) => isChild(record.name, name));
    const plain = new Zone(name, [...records, ...below]);
    if (!signed) {
      zones.set(name, plain);
      continue;
    }
    const key = signingKey(keyFor(name), true);
    if (key === undefined) throw new RangeError(`the key of ${name} is neither Ed25519 nor P-256`);
    const inception = unixSeconds - DAY;
    const expiration = unixSeconds + 30 * DAY;
    zones.set(name, new Zone(name, signZone(plain, { ksk: key, inception, expiration })));
    ds.push(delegationSigner(name, key));
  }
  return { zones, anchors: ds.filter(({ name }) => name === ".") };
}

function depth(name: string): number {
  return name === "." ? 0 : name.split(".").length - 1;
}

/** Whether a zone of the lab is delegated by another: directly below it, with no zone between. */
function isChild(name: string, parent: string): boolean {
  return (
    name !== parent &&
    depth(name) === depth(parent) + 1 &&
    (parent === "." || name.endsWith(`.${parent}`))
  );
}

function delegationSigner(name: string, key: SigningKey): ResourceRecord {
  const rdata = dsOf(name, key.dnskey as unknown as Dnskey, SHA256);
  if (rdata === undefined) throw new RangeError(`no DS can be made of the key of ${name}`);
  return { name, type: TYPE.DS, class: CLASS.IN, ttl: DS_TTL, rdata };
}
