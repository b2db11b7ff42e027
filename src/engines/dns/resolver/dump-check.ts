/** Whether a value is a dump of the cache that can be loaded: a file may be cut, edited or another's. */
import { encode } from "../../../codecs/dns/index.ts";
import { keyOf } from "../dnssec/names.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import { recordsOf } from "../dnssec/rrset.ts";
import type { CacheDump } from "./dump.ts";
import { questionFor } from "./resolver.ts";
import type { Security } from "./trace.ts";

type Fields = Readonly<Record<string, unknown>>;

const SECURITY: readonly unknown[] = [
  "unchecked",
  "indeterminate",
  "insecure",
  "secure",
  "bogus",
] satisfies Security[];

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
const isTime = (value: unknown): value is number => typeof value === "number" && value >= 0;

/** What the codec cannot write is no record set; it says why. @throws Error */
function checkSet(value: unknown): void {
  const { set, trust, security, left } = isObject(value) ? value : {};
  if (!isObject(set)) throw new TypeError("is no record set");
  if (!isCount(trust) || !SECURITY.includes(security) || !isTime(left))
    throw new TypeError("has no rank, security and time that is left");
  const { name, key, type, class: rdclass, ttl, rdatas, signatures } = set;
  if (typeof name !== "string" || key !== keyOf(name))
    throw new TypeError("has no name, or another's key");
  if (!isCount(type) || !isCount(rdclass) || !isCount(ttl))
    throw new TypeError("has no type, class and TTL");
  if (!Array.isArray(rdatas) || rdatas.length === 0 || !Array.isArray(signatures))
    throw new TypeError("has no data");
  encode({ ...questionFor(name), answers: recordsOf(set as unknown as Rrset, ttl, true) });
}

function checkReply(value: unknown): void {
  if (!isObject(value)) throw new TypeError("is no answer");
  const { name, type, rcode, left, security, zone } = value;
  if (typeof name !== "string" || typeof zone !== "string" || !isCount(type) || !isCount(rcode))
    throw new TypeError("has no name, type, rcode and zone");
  if (!SECURITY.includes(security) || !isTime(left))
    throw new TypeError("has no security and time that is left");
  for (const section of ["answer", "authority", "additional"]) {
    const sets = value[section];
    if (!Array.isArray(sets)) throw new TypeError(`has no ${section} section`);
    for (const set of sets) checkSet(set);
  }
}

/** The dump, or what is wrong with it. */
export function readCacheDump(value: unknown): CacheDump | string {
  if (!isObject(value)) return "this is no dump of --cache-dump";
  const { format, version } = value;
  if (format !== "netkit-dns-cache" || version !== 1) return "this is no dump of --cache-dump";
  const parts = { sets: checkSet, replies: checkReply };
  for (const [part, check] of Object.entries(parts)) {
    const all = value[part];
    if (!Array.isArray(all)) return `there are no ${part}`;
    for (const [i, one] of all.entries())
      try {
        check(one);
      } catch (error) {
        return `${part}[${i}]: ${(error as Error).message}`;
      }
  }
  return value as unknown as CacheDump;
}
