/**
 * Which keys a zone has, from the trust anchor down. RFC 4035 5.2, RFC 6840 5, RFC 4509 3.
 * An entry says secure with keys, insecure (nobody vouches for it), or bogus with the reason.
 */
import type { RdataOf } from "../../../codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import type { Dnskey, Ds } from "../dnssec/keys.ts";
import { DIGEST, dsMatches, keyTag } from "../dnssec/keys.ts";
import { isWithin, keyOf, labelCount, parentOf, suffix } from "../dnssec/names.ts";
import { Nsec3Proofs } from "../dnssec/nsec3.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import { sameRdata } from "../dnssec/rrset.ts";
import type { ZoneKey } from "../dnssec/verify.ts";
import { usableKeys, verifyRrset } from "../dnssec/verify.ts";
import type { Explanation, Reply } from "./cache.ts";
import type { Core } from "./core.ts";
import { collectDenials, dsVerdict } from "./denial.ts";
import { explain } from "./explain.ts";
import { EDE } from "./store.ts";
import type { Task } from "./task.ts";
import type { Place } from "./work.ts";
import { deeper } from "./work.ts";

export interface KeyEntry {
  readonly zone: string;
  readonly state: "secure" | "insecure" | "bogus";
  readonly keys: readonly ZoneKey[];
  readonly expires: number;
  readonly ede: Explanation | undefined;
}

/** DS records that match no key before the zone is given up (KeyTrap; unbound: 4). */
const MAX_DS_FAILURES = 4;
/** Servers that are tried when one gives bogus data (unbound: val-max-restart 5). */
const MAX_RETRIES = 3;
/** Bogus key entries are kept so long, so that not each question repeats the work (unbound: 60). */
const BOGUS_SECONDS = 60;

const NO_ANCHOR: KeyEntry = {
  zone: ".",
  state: "insecure",
  keys: [],
  expires: Number.POSITIVE_INFINITY,
  ede: undefined,
};

/** The status of the zone that the name lies in, as far as `name` is known to be a zone's apex. */
export function* zoneKeys(core: Core, place: Place, name: string): Task<KeyEntry> {
  const anchor = anchorAbove(core, name);
  if (anchor === undefined) return NO_ANCHOR;
  let entry: KeyEntry | undefined;
  for (let at = name; isWithin(at, anchor); at = parentOf(at)) {
    const known = core.keys.get(at);
    if (known !== undefined && known.expires > core.seconds) {
      entry = known;
      break;
    }
    if (at === ".") break;
  }
  entry ??= yield* anchorKeys(core, place, anchor);
  for (let labels = labelCount(entry.zone) + 1; labels <= labelCount(name); labels++) {
    if (entry.state !== "secure") return entry;
    const at = suffix(name, labels);
    if (core.insecure.has(at)) return { ...NO_ANCHOR, zone: at };
    const next: KeyEntry | undefined = yield* step(core, place, entry, at);
    if (next === undefined) continue;
    if (next.state === "secure" || next.state === "insecure" || next.zone === at) entry = next;
  }
  return entry;
}

function anchorAbove(core: Core, name: string): string | undefined {
  for (let at = name; ; at = parentOf(at)) {
    if (core.insecure.has(at)) return undefined;
    if (core.anchors.has(at)) return at;
    if (at === ".") return undefined;
  }
}

function* anchorKeys(core: Core, place: Place, anchor: string): Task<KeyEntry> {
  const mine = core.options.anchors.filter(({ name }) => keyOf(name) === anchor);
  const ds = mine.filter(({ type }) => type === TYPE.DS).map(({ rdata }) => rdata as Ds);
  const keys = mine.filter(({ type }) => type === TYPE.DNSKEY).map(({ rdata }) => rdata as Dnskey);
  return yield* dnskeys(core, place, anchor, ds, keys);
}

/** One label down from a secure zone. Undefined: no zone begins at `at`. */
function* step(core: Core, place: Place, parent: KeyEntry, at: string): Task<KeyEntry | undefined> {
  const cached = core.cache.reply(at, TYPE.DS);
  if (
    (cached === undefined || cached.expires <= core.seconds) &&
    knownInsecure(core, place, parent, at)
  )
    return { zone: at, state: "insecure", keys: [], expires: core.seconds, ede: undefined };
  let avoid = place.avoid;
  let bogus: KeyEntry | undefined;
  for (let n = 0; n <= MAX_RETRIES; n++) {
    const inner = deeper(place, { avoid, fresh: n > 0 });
    const reply = yield* core.fetch(inner, at, TYPE.DS);
    const found = judgeDs(core, place, parent, at, reply);
    if (found === "no-cut") return undefined;
    if (Array.isArray(found)) return yield* dnskeys(core, place, at, found, []);
    if (found.state !== "bogus") return remember(core, found);
    bogus ??= found;
    if (reply.from === undefined || place.work.exhausted !== undefined) break;
    avoid = new Set([...avoid, reply.from]);
  }
  return remember(core, bogus as KeyEntry);
}

/** Whether NSEC3 records seen before show an unsigned delegation, so that nobody need be asked. */
function knownInsecure(core: Core, place: Place, parent: KeyEntry, at: string): boolean {
  if (!core.options.negativeCache || !core.options.aggressiveNsec) return false;
  const records = core.negative.nsec3(parent.zone, core.seconds);
  if (records.length === 0) return false;
  const nsec3 = new Nsec3Proofs(records, place.work);
  return dsVerdict({ nsecs: [], nsec3, failure: undefined }, at) === "insecure";
}

function remember(core: Core, entry: KeyEntry): KeyEntry {
  core.keys.delete(entry.zone);
  core.keys.set(entry.zone, entry);
  if (core.keys.size > core.options.cacheEntries)
    core.keys.delete(core.keys.keys().next().value as string);
  return entry;
}

function bogusEntry(core: Core, zone: string, ede: Explanation): KeyEntry {
  return { zone, state: "bogus", keys: [], expires: core.seconds + BOGUS_SECONDS, ede };
}

/** The verified DS set, or what its absence means. */
function judgeDs(
  core: Core,
  place: Place,
  parent: KeyEntry,
  at: string,
  reply: Reply,
): Ds[] | KeyEntry | "no-cut" {
  if (reply.rcode === RCODE.SERVFAIL)
    return bogusEntry(
      core,
      at,
      reply.ede ?? { code: EDE.NO_REACHABLE, text: `no DS of ${at} could be had` },
    );
  const cached = reply.answer.find(({ set }) => set.type === TYPE.DS && set.key === at);
  const insecure: KeyEntry = {
    zone: at,
    state: "insecure",
    keys: [],
    expires: reply.expires,
    ede: undefined,
  };
  if (cached !== undefined) {
    const verdict = verifyRrset(
      cached.set,
      parent.zone,
      parent.keys,
      core.validationTime,
      place.work,
    );
    if (!verdict.ok) return bogusEntry(core, at, explain(verdict.reason, cached.set));
    cached.security = "secure";
    return strongest(cached.set.rdatas as readonly Ds[]);
  }
  // An alias at the name: no zone begins there.
  const alias = reply.answer.find(
    ({ set }) => set.key === at && (set.type === TYPE.CNAME || set.type === TYPE.DNAME),
  );
  if (
    alias !== undefined &&
    verifyRrset(alias.set, parent.zone, parent.keys, core.validationTime, place.work).ok
  )
    return "no-cut";
  const denials = collectDenials(core, place.work, parent, reply);
  const verdict = dsVerdict(denials, at);
  if (verdict === "no-cut") return "no-cut";
  if (verdict === "insecure") return insecure;
  return bogusEntry(core, at, {
    code: denials.failure?.code ?? EDE.NSEC_MISSING,
    text: denials.failure?.text ?? `nothing proves that ${at} has no DS`,
  });
}

/** RFC 4509 3: SHA-1 digests do not count where there are others. */
function strongest(all: readonly Ds[]): Ds[] {
  const better = all.filter(
    ({ digestType }) => digestType === DIGEST.SHA256 || digestType === DIGEST.SHA384,
  );
  return better.length > 0 ? better : [...all];
}

/** The zone's keys, vouched for by DS records (or by keys that are trusted themselves). */
function* dnskeys(
  core: Core,
  place: Place,
  zone: string,
  ds: readonly Ds[],
  trusted: readonly Dnskey[],
): Task<KeyEntry> {
  const supported = ds.filter(
    ({ algorithm, digestType }) => core.known.signature(algorithm) && core.known.digest(digestType),
  );
  const anchored = trusted.filter(({ algorithm }) => core.known.signature(algorithm));
  // RFC 4035 5.2: with no algorithm that we know the zone is as if it were unsigned.
  if (supported.length === 0 && anchored.length === 0) {
    const digestOnly = ds.some(({ algorithm }) => core.known.signature(algorithm));
    const ede = {
      code: digestOnly ? EDE.UNSUPPORTED_DS : EDE.UNSUPPORTED_DNSKEY,
      text: `no supported algorithm for ${zone}`,
    };
    return remember(core, { zone, state: "insecure", keys: [], expires: core.seconds + 3600, ede });
  }
  let avoid = place.avoid;
  let bogus: KeyEntry | undefined;
  for (let n = 0; n <= MAX_RETRIES; n++) {
    const reply = yield* core.fetch(deeper(place, { avoid, fresh: n > 0 }), zone, TYPE.DNSKEY);
    const entry = judgeKeys(core, place, zone, supported, anchored, reply);
    if (entry.state !== "bogus") return remember(core, entry);
    bogus ??= entry;
    if (reply.from === undefined || place.work.exhausted !== undefined) break;
    avoid = new Set([...avoid, reply.from]);
  }
  return remember(core, bogus as KeyEntry);
}

function judgeKeys(
  core: Core,
  place: Place,
  zone: string,
  ds: readonly Ds[],
  trusted: readonly Dnskey[],
  reply: Reply,
): KeyEntry {
  const cached = reply.answer.find(({ set }) => set.type === TYPE.DNSKEY && set.key === zone);
  if (cached === undefined)
    return bogusEntry(core, zone, { code: EDE.DNSKEY_MISSING, text: `${zone} has no DNSKEY` });
  const set = cached.set as Rrset;
  const all = set.rdatas as readonly RdataOf<typeof TYPE.DNSKEY>[];
  const entries = entryKeys(zone, all, ds, trusted);
  if (entries.length === 0)
    return bogusEntry(core, zone, {
      code: EDE.DNSKEY_MISSING,
      text: `no DNSKEY of ${zone} matches its DS`,
    });
  const wanted = core.options.allAlgorithms
    ? [...new Set(ds.map(({ algorithm }) => algorithm))]
    : [undefined];
  let expires = Math.min(reply.expires, core.seconds + core.options.maxTtl);
  for (const algorithm of wanted) {
    const keys = usableKeys(
      entries.filter((key) => algorithm === undefined || key.algorithm === algorithm),
      core.known,
    );
    const verdict = verifyRrset(set, zone, keys, core.validationTime, place.work);
    if (!verdict.ok)
      return bogusEntry(
        core,
        zone,
        keys.length === 0
          ? { code: EDE.BOGUS, text: `${zone} is not signed with all algorithms of its DS` }
          : explain(verdict.reason, set),
      );
    expires = Math.min(expires, cached.stored + verdict.ttl);
  }
  cached.security = "secure";
  reply.security = "secure";
  return { zone, state: "secure", keys: usableKeys(all, core.known), expires, ede: undefined };
}

/** Keys of the set that DS records or anchors point at. */
function entryKeys(
  zone: string,
  all: readonly Dnskey[],
  ds: readonly Ds[],
  trusted: readonly Dnskey[],
): Dnskey[] {
  const found = all.filter((key) => trusted.some((one) => sameRdata(one, key)));
  let failures = 0;
  for (const one of ds) {
    for (const key of all) {
      if (key.algorithm !== one.algorithm || keyTag(key) !== one.keyTag) continue;
      if (dsMatches(zone, key, one)) {
        if (!found.includes(key)) found.push(key);
      } else if (++failures >= MAX_DS_FAILURES) {
        return found;
      }
    }
  }
  return found;
}
