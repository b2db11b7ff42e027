/**
 * What a server's message means to the one that asked it, with everything dropped that it has no
 * say in. RFC 1034 5.3.3, RFC 2181 5.4.1, RFC 6672 (DNAME), RFC 4697 (lame servers).
 */
import type { DnsMessage, RdataOf } from "../../../codecs/dns/index.ts";
import { CLASS, isOpaque, nameLabels, RCODE, TYPE } from "../../../codecs/dns/index.ts";
import { isBelow, isWithin, keyOf } from "../dnssec/names.ts";
import type { Rrset } from "../dnssec/rrset.ts";
import { groupSections, targetOf } from "../dnssec/rrset.ts";
import { isPrivate } from "./private.ts";

export interface Asked {
  /** Key of the name, and the type. */
  readonly name: string;
  readonly type: number;
  /** The zone as whose server it was asked. */
  readonly zone: string;
  /** With RD: a forwarder, or the last resort. */
  readonly recursive: boolean;
}

export interface Content {
  readonly rcode: number;
  readonly aa: boolean;
  /** From the name asked for, alias by alias. */
  readonly answer: readonly Rrset[];
  readonly authority: readonly Rrset[];
  readonly additional: readonly Rrset[];
  /** Where the chain of aliases ends. */
  readonly end: string;
  /** Records of others. */
  readonly dropped: number;
}

export type Meaning =
  | { readonly kind: "answer" | "alias" | "nodata" | "nxdomain"; readonly content: Content }
  | { readonly kind: "referral"; readonly content: Content; readonly ns: Rrset }
  | {
      readonly kind: "lame" | "upward-referral" | "recursive-only" | "error" | "refused" | "empty";
    };

/** Aliases in one message. */
const MAX_CHAIN = 16;

export interface ScrubRules {
  readonly scrubAuthority: boolean;
  readonly maxNsRecords: number;
  readonly privateAddresses: readonly string[];
  readonly privateZones: readonly string[];
}

/** What `message` says about what was asked. */
export function interpret(message: DnsMessage, asked: Asked, rules: ScrubRules): Meaning {
  const { rcode } = message;
  if (rcode === RCODE.REFUSED) return { kind: "refused" };
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN && rcode !== RCODE.YXDOMAIN)
    return { kind: "error" };
  const sections = groupSections([
    message.answers.filter(inClass),
    message.authority.filter(inClass),
    message.additional.filter(inClass),
  ]);
  for (const at of [0, 1, 2] as const)
    sections[at] = sections[at]
      .map((set) => clean(set, rules))
      .filter((set) => set.rdatas.length > 0);
  const chain = followChain(sections[0], asked);
  const content = contentOf(message, sections, chain, asked, rules);
  const mayAnswer = message.aa || !message.ra || asked.recursive;
  if (rcode !== RCODE.NOERROR) {
    if (!mayAnswer) return { kind: "recursive-only" };
    return { kind: chain.sets.length > 0 && !chain.complete ? "alias" : "nxdomain", content };
  }
  if (chain.sets.length > 0) return ofAnswer(message, content, chain, asked, mayAnswer);
  return ofAuthority(message, sections, content, asked, mayAnswer);
}

/** Types whose rdata is used here: what is not of its form is not looked at. */
const FORMED: ReadonlySet<number> = new Set([
  TYPE.A,
  TYPE.AAAA,
  TYPE.NS,
  TYPE.CNAME,
  TYPE.DNAME,
  TYPE.SOA,
]);

/** Without records that cannot be, are too many, or that no public name may have. */
function clean(set: Rrset, rules: ScrubRules): Rrset {
  let { rdatas } = set;
  if (FORMED.has(set.type)) rdatas = rdatas.filter((rdata) => !isOpaque(rdata));
  if (set.type === TYPE.NS) rdatas = rdatas.slice(0, rules.maxNsRecords);
  if (
    rules.privateAddresses.length > 0 &&
    !rules.privateZones.some((zone) => isWithin(set.key, keyOf(zone)))
  )
    rdatas = rdatas.filter((rdata) => !isPrivate(rdata, rules.privateAddresses));
  return rdatas.length === set.rdatas.length ? set : { ...set, rdatas };
}

const inClass = (record: { readonly class: number }) => record.class === CLASS.IN;

interface Chain {
  readonly sets: Rrset[];
  readonly end: string;
  readonly complete: boolean;
}

/** The chain from the question's name, as far as the zone goes. */
function followChain(answer: readonly Rrset[], asked: Asked): Chain {
  const sets: Rrset[] = [];
  let name = asked.name;
  for (let n = 0; n < MAX_CHAIN; n++) {
    if (!isWithin(name, asked.zone)) break;
    const here = answer.filter(
      (set) => set.key === name && (asked.type === TYPE.ANY || set.type === asked.type),
    );
    if (here.length > 0) {
      sets.push(...here);
      return { sets, end: name, complete: true };
    }
    const alias = answer.find((set) => set.key === name && set.type === TYPE.CNAME);
    const dname = answer.find(
      (set) => set.type === TYPE.DNAME && isBelow(name, set.key) && isWithin(set.key, asked.zone),
    );
    if (dname !== undefined) {
      const synthesised = synthesise(dname, name, alias);
      sets.push(dname);
      // RFC 6672 2.2: a name that grows too long has no alias (YXDOMAIN).
      if (synthesised === undefined) return { sets, end: name, complete: true };
      sets.push(synthesised);
      name = keyOf(targetOf(synthesised.rdatas[0] as never) as string);
    } else if (alias !== undefined) {
      // RFC 2181 10.1: a name has one alias.
      const one =
        alias.rdatas.length === 1 ? alias : { ...alias, rdatas: alias.rdatas.slice(0, 1) };
      const target = targetOf(one.rdatas[0] as never);
      if (target === undefined) break;
      sets.push(one);
      name = keyOf(target);
      // What an alias leads to is asked for by itself, so that one spoofed message says less.
      if (!asked.recursive) break;
    } else {
      break;
    }
    if (sets.some((set) => set.type === TYPE.CNAME && set.key === name)) break;
  }
  return { sets, end: name, complete: false };
}

/** RFC 6672 3.1: the CNAME that a DNAME makes; the server's own is kept when it is right. */
export function synthesise(
  dname: Rrset,
  name: string,
  given: Rrset | undefined,
): Rrset | undefined {
  const target = targetOf(dname.rdatas[0] as never);
  if (target === undefined) return undefined;
  const prefix = name.slice(0, name.length - (dname.key === "." ? 0 : dname.key.length));
  const host = target === "." ? prefix : `${prefix}${target}`;
  try {
    nameLabels(host);
  } catch {
    return undefined;
  }
  const rdata: RdataOf<typeof TYPE.CNAME> = { host };
  const own = given?.rdatas[0];
  if (given !== undefined && own !== undefined && keyOf(targetOf(own) ?? "") === keyOf(host))
    return given;
  return {
    name: given?.name ?? name,
    key: name,
    type: TYPE.CNAME,
    class: dname.class,
    ttl: dname.ttl,
    rdatas: [rdata],
    signatures: [],
  };
}

function contentOf(
  message: DnsMessage,
  [answer, authority, additional]: readonly [Rrset[], Rrset[], Rrset[]],
  chain: Chain,
  asked: Asked,
  rules: ScrubRules,
): Content {
  const keptAuthority = authority.filter((set) => belongsInAuthority(set, chain, asked, rules));
  const wanted = new Set<string>();
  for (const set of [...chain.sets, ...keptAuthority])
    for (const rdata of set.rdatas) {
      const target = targetOf(rdata);
      if (target !== undefined && set.type !== TYPE.CNAME) wanted.add(keyOf(target));
    }
  const keptAdditional = additional.filter(
    (set) =>
      (set.type === TYPE.A || set.type === TYPE.AAAA) &&
      wanted.has(set.key) &&
      isWithin(set.key, asked.zone),
  );
  const dropped =
    answer.filter(
      (set) => !chain.sets.some((kept) => kept.key === set.key && kept.type === set.type),
    ).length +
    (authority.length - keptAuthority.length) +
    (additional.length - keptAdditional.length);
  return {
    rcode: message.rcode,
    aa: message.aa,
    answer: chain.sets,
    authority: keptAuthority,
    additional: keptAdditional,
    end: chain.end,
    dropped,
  };
}

function belongsInAuthority(set: Rrset, chain: Chain, asked: Asked, rules: ScrubRules): boolean {
  if (!isWithin(set.key, asked.zone)) return false;
  switch (set.type) {
    case TYPE.SOA:
      return isWithin(chain.end, set.key);
    case TYPE.NS:
      if (!isWithin(chain.end, set.key)) return false;
      return chain.sets.length === 0 || !rules.scrubAuthority;
    case TYPE.DS:
      return isWithin(asked.name, set.key);
    case TYPE.NSEC:
    case TYPE.NSEC3:
      return true;
    default:
      return false;
  }
}

function ofAnswer(
  message: DnsMessage,
  content: Content,
  chain: Chain,
  asked: Asked,
  mayAnswer: boolean,
): Meaning {
  const [first] = chain.sets;
  // The parent's NS set in the answer section is a referral all the same.
  if (
    asked.type === TYPE.NS &&
    !message.aa &&
    !asked.recursive &&
    first?.type === TYPE.NS &&
    isBelow(first.key, asked.zone)
  )
    return { kind: "referral", content: { ...content, answer: [], authority: [first] }, ns: first };
  if (!mayAnswer) return { kind: "recursive-only" };
  return { kind: chain.complete ? "answer" : "alias", content };
}

/** RFC 2308 2.2: SOA tells NODATA, NS from elsewhere tells where to go. */
function ofAuthority(
  message: DnsMessage,
  [answer, authority]: readonly [Rrset[], Rrset[], Rrset[]],
  content: Content,
  asked: Asked,
  mayAnswer: boolean,
): Meaning {
  const nodata: Meaning = mayAnswer ? { kind: "nodata", content } : { kind: "recursive-only" };
  if (authority.some((set) => set.type === TYPE.SOA && isWithin(asked.name, set.key)))
    return nodata;
  for (const set of authority) {
    if (set.type !== TYPE.NS) continue;
    if (set.key === asked.zone) {
      if (!mayAnswer) return { kind: "recursive-only" };
      // RFC 2308 2.2: NODATA has AA and SOA; this is what a stranger's cache says.
      return message.aa || asked.recursive || answer.length > 0 ? nodata : { kind: "error" };
    }
    if (isWithin(asked.zone, set.key))
      return { kind: asked.recursive ? "error" : "upward-referral" };
    // A resolver that was asked with RD has followed its referrals itself.
    if (asked.recursive) continue;
    if (isBelow(set.key, asked.zone) && isWithin(asked.name, set.key)) {
      const ns = content.authority.find((kept) => kept.type === TYPE.NS && kept.key === set.key);
      if (ns !== undefined) return { kind: "referral", content, ns };
    }
  }
  const { answers, authority: told, additional: more } = message;
  if (answers.length === 0 && told.length === 0 && more.length === 0) return { kind: "empty" };
  return nodata;
}
