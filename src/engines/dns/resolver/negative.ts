/**
 * Denials that were proved, and what they prove about other names. RFC 8198 (NSEC), RFC 8020.
 * NSEC3 is left out: RFC 8198 5.4 lets it, but hashing each question is work for attackers.
 */
import type { RdataOf } from "../../../codecs/dns/index.ts";
import { RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { compareNames, isWithin, labelCount, parentOf, wildcardOf } from "../dnssec/names.ts";
import type { Nsec } from "../dnssec/nsec.ts";
import { closestEncloser, isPseudoType, nsecCovers, nsecOf, provesNodata } from "../dnssec/nsec.ts";
import type { Nsec3 } from "../dnssec/nsec3.ts";
import { nsec3Of } from "../dnssec/nsec3.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import type { CachedSet, Reply } from "./cache.ts";
import type { Core } from "./core.ts";

interface Link {
  readonly nsec: Nsec;
  readonly cached: CachedSet;
  /** Seconds until which it denies: less than the record lives. */
  readonly expires: number;
}

interface ZoneChain {
  /** In canonical order of the owners. */
  readonly links: Link[];
  soa: CachedSet | undefined;
}

const MAX_ZONES = 10_000;
const MAX_NSEC3_PER_ZONE = 100;
const MAX_LINKS_PER_ZONE = 20_000;

export class NegativeStore {
  private readonly zones = new Map<string, ZoneChain>();
  private readonly hashed = new Map<
    string,
    { readonly record: Nsec3; readonly expires: number }[]
  >();
  private readonly denied = new Map<string, Reply>();

  /** Takes the secure denials of an answer. */
  learn(core: Core, reply: Reply): void {
    if (!core.options.negativeCache) return;
    if (reply.rcode === RCODE.NXDOMAIN && reply.answer.length === 0) {
      this.denied.delete(reply.name);
      this.denied.set(reply.name, reply);
      if (this.denied.size > core.options.cacheEntries)
        this.denied.delete(this.denied.keys().next().value as string);
    }
    const soa = reply.authority.find(
      ({ set, security }) => set.type === TYPE.SOA && security === "secure",
    );
    for (const one of reply.authority) {
      const { set, security } = one;
      if ((set.type !== TYPE.NSEC && set.type !== TYPE.NSEC3) || security !== "secure") continue;
      const zone = set.signatures[0]?.signer.toLowerCase();
      // RFC 9077 3: no longer than the SOA lets a denial live.
      const limit = soa === undefined ? undefined : negativeLife(soa);
      const expires = limit === undefined ? one.expires : Math.min(one.expires, one.stored + limit);
      if (set.type === TYPE.NSEC3 && zone !== undefined) this.addNsec3(set, zone, expires);
      const nsec = zone === undefined || set.type !== TYPE.NSEC ? undefined : nsecOf(set, zone);
      if (nsec !== undefined) this.add({ nsec, cached: one, expires }, soa);
    }
  }

  private addNsec3(set: Rrset, zone: string, expires: number): void {
    const record = nsec3Of(set, zone);
    if (record === undefined) return;
    const known = this.hashed.get(zone) ?? [];
    if (known.length === 0) this.hashed.set(zone, known);
    const at = known.findIndex((one) => one.record.hash === record.hash);
    if (at >= 0) known.splice(at, 1);
    known.push({ record, expires });
    if (known.length > MAX_NSEC3_PER_ZONE) known.shift();
    if (this.hashed.size > MAX_ZONES) this.hashed.delete(this.hashed.keys().next().value as string);
  }

  /** NSEC3 records of a zone that were proved: they may show that a delegation is unsigned. */
  nsec3(zone: string, now: number): Nsec3[] {
    const known = this.hashed.get(zone) ?? [];
    return known.filter(({ expires }) => expires > now).map(({ record }) => record);
  }

  private add(link: Link, soa: CachedSet | undefined): void {
    const { nsec } = link;
    let chain = this.zones.get(nsec.zone);
    if (chain === undefined) {
      chain = { links: [], soa: undefined };
      this.zones.set(nsec.zone, chain);
      if (this.zones.size > MAX_ZONES) this.zones.delete(this.zones.keys().next().value as string);
    }
    if (soa?.set.key === nsec.zone) chain.soa = soa;
    const at = place(chain.links, nsec.owner);
    const same = chain.links[at]?.nsec.owner === nsec.owner;
    if (!same && chain.links.length >= MAX_LINKS_PER_ZONE) return;
    chain.links.splice(at, same ? 1 : 0, link);
  }

  /** RFC 8020. */
  nxdomain(name: string, now: number): Reply | undefined {
    const reply = this.denied.get(name);
    return reply !== undefined && reply.expires > now && reply.security === "secure"
      ? reply
      : undefined;
  }

  /** The answer that cached NSEC records prove; undefined when they prove none. */
  synthesise(core: Core, name: string, type: number, floor: number): Reply | undefined {
    // Bitmaps say nothing of ANY and its like, to which a server may give what it will (RFC 8482).
    if (isPseudoType(type)) return undefined;
    const from = type === TYPE.DS && name !== "." ? parentOf(name) : name;
    for (let zone = from; ; zone = parentOf(zone)) {
      const chain = this.zones.get(zone);
      if (chain !== undefined) return answerFrom(core, chain, zone, name, type);
      if (labelCount(zone) <= floor) return undefined;
    }
  }
}

/** RFC 2308 5: seconds that a denial lives. */
function negativeLife({ set }: CachedSet): number {
  const { minimum } = set.rdatas[0] as RdataOf<typeof TYPE.SOA>;
  return Math.min(set.ttl, minimum);
}

/** Index of the owner, or where it would be. */
function place(links: readonly Link[], owner: string): number {
  let low = 0;
  let high = links.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareNames((links[middle] as Link).nsec.owner, owner) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The link at the name, or the one before it. */
function linkFor(links: readonly Link[], name: string, now: number): Link | undefined {
  const at = place(links, name);
  const link = links[at]?.nsec.owner === name ? links[at] : links[at - 1];
  return link !== undefined && link.expires > now ? link : undefined;
}

function answerFrom(
  core: Core,
  chain: ZoneChain,
  zone: string,
  name: string,
  type: number,
): Reply | undefined {
  const now = core.seconds;
  const { soa, links } = chain;
  if (soa === undefined || soa.expires <= now || !isWithin(name, zone)) return undefined;
  const link = linkFor(links, name, now);
  if (link === undefined) return undefined;
  if (provesNodata([link.nsec], name, type))
    return denial(name, type, RCODE.NOERROR, [link], soa, now);
  if (!nsecCovers(link.nsec, name)) return undefined;
  const wildcard = wildcardOf(closestEncloser(link.nsec, name));
  const made = fromWildcard(core, wildcard, name, type, link);
  if (made !== undefined) return made;
  const star = linkFor(links, wildcard, now);
  if (star === undefined) return undefined;
  const used = star === link ? [link] : [link, star];
  if (nsecCovers(star.nsec, wildcard)) return denial(name, type, RCODE.NXDOMAIN, used, soa, now);
  if (provesNodata([link.nsec, star.nsec], name, type))
    return denial(name, type, RCODE.NOERROR, used, soa, now);
  return undefined;
}

/** RFC 8198 5.3: the name is covered, so that the wildcard's own records are its. */
function fromWildcard(
  core: Core,
  wildcard: string,
  name: string,
  type: number,
  link: Link,
): Reply | undefined {
  const now = core.seconds;
  const found = core.cache.get(wildcard, type, now) ?? core.cache.get(wildcard, TYPE.CNAME, now);
  if (found === undefined || found.security !== "secure") return undefined;
  const answer = { ...found, set: { ...found.set, name, key: name } };
  return {
    ...denial(name, type, RCODE.NOERROR, [link], link.cached, now),
    answer: [answer],
    authority: [link.cached],
    expires: Math.min(found.expires, link.expires),
  };
}

function denial(
  name: string,
  type: number,
  rcode: number,
  links: readonly Link[],
  soa: CachedSet,
  now: number,
): Reply {
  const minimum = (soa.set.rdatas[0] as RdataOf<typeof TYPE.SOA>).minimum ?? 0;
  const authority = [soa, ...links.map(({ cached }) => cached)];
  const expires = Math.min(now + minimum, soa.expires, ...links.map((one) => one.expires));
  return {
    name,
    type,
    rcode,
    aa: false,
    answer: [],
    authority,
    additional: [],
    zone: ".",
    from: undefined,
    stored: now,
    expires,
    security: "secure",
    ede: undefined,
    volatile: true,
  };
}
