/**
 * Answers from one zone: RFC 1034 4.3.2 with RFC 2181 10, RFC 2308 3, RFC 4592, RFC 6672 3,
 * RFC 8482 (ANY over UDP), RFC 9471 (glue), and the proofs of RFC 4035 3.1 and RFC 5155 7.2.
 */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import { isWithin } from "../../codecs/dns/canonical.ts";
import { RCODE, TYPE } from "../../codecs/dns/constants.ts";
import type { RdataFields } from "../../codecs/dns/message.ts";
import { FLAG } from "../../codecs/dns/message.ts";
import { MAX_NAME_BYTES } from "../../codecs/dns/name.ts";
import type { Proof } from "./denial.ts";
import { denyBesideWildcard, denyName, denyType, denyWildcardType } from "./denial.ts";
import type { Tailor, Tailored } from "./nearest/nearest.ts";
import type { Network } from "./nearest/network.ts";
import type { AnswerWriter } from "./writer.ts";
import type { NameRef, Rrset, Zone, ZoneNode } from "./zone.ts";

const ANSWER = 6;
const AUTHORITY = 8;
const ADDITIONAL = 10;
/** CNAMEs and DNAMEs followed in one answer. */
const MAX_CHAIN = 16;
const HAS_EXTRA: ReadonlySet<number> = new Set([TYPE.NS, TYPE.MX, TYPE.SRV, TYPE.SVCB, TYPE.HTTPS]);

export interface Wanted {
  readonly type: number;
  readonly dnssec: boolean;
  /** RFC 8482 4.1: one RRset stands for all. */
  readonly minimalAny: boolean;
  /** Whom addresses are chosen for, where some are (RFC 7871). */
  readonly client?: Network | undefined;
}

/** One answer; `flags` and `rcode` are set by `run`. Reused. */
export class Answerer {
  flags = 0;
  rcode = 0;
  /** SCOPE PREFIX-LENGTH: for how much of the client's network the answer is. */
  scope = 0;
  tailor: Tailor | undefined;
  private readonly out: AnswerWriter;
  private zone!: Zone;
  private wanted!: Wanted;
  /** RRsets with targets whose addresses go along. */
  private readonly withExtra: Rrset[] = [];

  constructor(out: AnswerWriter) {
    this.out = out;
  }

  /** `key`: of the question's name, which stands at offset 12 of the message. */
  run(zone: Zone, key: NameKey, wanted: Wanted): void {
    this.zone = zone;
    this.wanted = wanted;
    this.flags = FLAG.AA;
    this.rcode = RCODE.NOERROR;
    this.scope = 0;
    // Setting the length of an array costs more than most answers need of it.
    if (this.withExtra.length > 0) this.withExtra.length = 0;
    if (this.pending.length > 0) this.pending.length = 0;
    if (this.sections(key) && this.flush()) this.additional();
    else this.flags |= FLAG.TC;
  }

  /** Proofs that go before all else of the authority section, once the answer section is whole. */
  private readonly pending: Proof[] = [];

  private flush(): boolean {
    if (this.pending.length === 0) return true;
    for (const proof of this.pending) if (!this.authority(proof)) return false;
    this.pending.length = 0;
    return true;
  }

  /** False: something needed does not fit. */
  private sections(qname: NameKey): boolean {
    const { zone, out } = this;
    let key = qname;
    let owner = 12;
    for (let n = 0; n < MAX_CHAIN; n++) {
      const ref = zone.find(key);
      let node = ref?.node;
      if (n === 0 && ref !== undefined) out.mark(ref, owner);
      const exact = node !== undefined;
      if (node === undefined) {
        node = zone.closest(key);
        if (n === 0) out.mark(node.ref, owner + key.length - node.ref.key.length);
      }
      const { cut } = node;
      if (cut !== undefined && !(exact && node === cut && this.wanted.type === TYPE.DS))
        return this.referral(cut, n === 0);
      const dname =
        node.dname ?? (exact || node.rrset(TYPE.DNAME) === undefined ? undefined : node);
      if (dname !== undefined) {
        const next = this.synthesise(dname, key, owner);
        if (next === undefined) return false;
        if (next === "" || !isWithin(next, zone.origin)) return true;
        key = next;
        owner = this.targetAt;
        continue;
      }
      const wildcard = exact ? undefined : node.wildcard;
      if (!exact && wildcard === undefined) {
        this.rcode = RCODE.NXDOMAIN;
        return this.negative(this.proves ? denyName(zone, key, node) : []);
      }
      const source = (wildcard ?? node) as ZoneNode;
      const cname = source.rrset(TYPE.CNAME);
      if (cname === undefined || this.stopsAtCname(source))
        return this.data(source, key, owner, wildcard === undefined ? undefined : node);
      // A chain that comes round again has been told already.
      if (wildcard === undefined && cname.epoch === out.epoch) return true;
      if (!out.rrset(ANSWER, owner, cname, zone, this.wanted.dnssec)) return false;
      if (wildcard !== undefined) this.prove(key, node);
      const target = (cname.wire(zone)[0]?.names[0]?.ref ?? node.ref) as NameRef;
      if (target.epoch !== out.epoch || !isWithin(target.key, zone.origin)) return true;
      key = target.key;
      owner = target.at;
    }
    return true;
  }

  /** RFC 4035 3.1: proofs for those who ask, from a zone that has them. */
  private get proves(): boolean {
    return this.wanted.dnssec && this.zone.signed;
  }

  /** A question for CNAME itself, or for what stands beside one. */
  private stopsAtCname(node: ZoneNode): boolean {
    const { type } = this.wanted;
    return type === TYPE.CNAME || type === TYPE.ANY || node.rrset(type) !== undefined;
  }

  private data(
    source: ZoneNode,
    key: NameKey,
    owner: number,
    encloser: ZoneNode | undefined,
  ): boolean {
    const { zone, out, wanted } = this;
    const { dnssec, type } = wanted;
    let found = false;
    if (type === TYPE.ANY) {
      for (const rrset of source.rrsets) {
        if (!out.rrset(ANSWER, owner, rrset, zone, dnssec)) return false;
        found = true;
        if (wanted.minimalAny) break;
      }
    } else if (type === TYPE.RRSIG) {
      for (const { sigs } of source.rrsets) {
        if (sigs === undefined) continue;
        if (!out.rrset(ANSWER, owner, sigs, zone, false)) return false;
        found = true;
        if (wanted.minimalAny) break;
      }
    } else {
      const rrset = source.rrset(type);
      const { tailor } = this;
      if (tailor !== undefined && (type === TYPE.A || type === TYPE.AAAA)) {
        const given = this.tailored(tailor, source, rrset);
        if (given !== undefined) {
          if (!out.rrset(ANSWER, owner, given.rrset, zone, false, given.ttl)) return false;
          if (encloser !== undefined) this.prove(key, encloser);
          return true;
        }
      }
      if (rrset !== undefined) {
        if (!out.rrset(ANSWER, owner, rrset, zone, dnssec)) return false;
        found = true;
        if (HAS_EXTRA.has(type)) this.withExtra.push(rrset);
      }
    }
    if (found) {
      if (encloser !== undefined) this.prove(key, encloser);
      return true;
    }
    if (!this.proves) return this.negative([]);
    return this.negative(
      encloser === undefined
        ? denyType(zone, source)
        : denyWildcardType(zone, key, encloser, source),
    );
  }

  /** What is chosen for each client has no signature: in a signed zone all have the same answer. */
  private tailored(tailor: Tailor, source: ZoneNode, own: Rrset | undefined): Tailored | undefined {
    const { client, type } = this.wanted;
    if (client === undefined || this.zone.signed) return undefined;
    const given = tailor.choose(source.ref.key, type, own, client);
    if (given !== undefined) this.scope = given.scope;
    return given;
  }

  private prove(key: NameKey, encloser: ZoneNode): void {
    if (this.proves) this.pending.push(denyBesideWildcard(this.zone, key, encloser));
  }

  private authority(proof: Proof): boolean {
    for (const { owner, rrset } of proof) {
      if (rrset.epoch === this.out.epoch) continue;
      if (!this.out.rrset(AUTHORITY, owner, rrset, this.zone, true)) return false;
    }
    return true;
  }

  /** RFC 2308 3: the SOA with the lesser of its TTL and MINIMUM. */
  private negative(proof: Proof): boolean {
    const { zone, out } = this;
    if (!this.flush()) return false;
    const soa = zone.apex.rrset(TYPE.SOA) as Rrset;
    const ttl = Math.min(soa.ttl, zone.soaRdata.minimum);
    if (!out.rrset(AUTHORITY, zone.apex.ref, soa, zone, this.wanted.dnssec, ttl)) return false;
    return this.authority(proof);
  }

  /** RFC 1034 4.2.1, 4.3.2 step 3b; RFC 4035 3.1.4. */
  private referral(cut: ZoneNode, first: boolean): boolean {
    const { zone, out } = this;
    if (first) this.flags &= ~FLAG.AA;
    if (!this.flush()) return false;
    const ns = cut.rrset(TYPE.NS) as Rrset;
    if (!out.rrset(AUTHORITY, cut.ref, ns, zone, false)) return false;
    if (this.proves) {
      const ds = cut.rrset(TYPE.DS);
      if (ds !== undefined) {
        if (!out.rrset(AUTHORITY, cut.ref, ds, zone, true)) return false;
      } else if (!this.authority(denyType(zone, cut))) return false;
    }
    // RFC 9471 3: addresses of servers within the delegated zone must come along.
    for (const target of extraOf(ns, zone)) {
      if (target.node?.cut !== cut) continue;
      if (!this.addresses(target)) return false;
    }
    this.withExtra.push(ns);
    return true;
  }

  private addresses(target: NameRef): boolean {
    const { out, zone, wanted } = this;
    const { node } = target;
    if (node === undefined) return true;
    const signed = wanted.dnssec && node.cut === undefined;
    for (const type of [TYPE.A, TYPE.AAAA]) {
      const rrset = node.rrset(type);
      if (rrset === undefined || rrset.epoch === out.epoch) continue;
      if (!out.rrset(ADDITIONAL, target, rrset, zone, signed)) return false;
    }
    return true;
  }

  /** What does not fit is left out without TC: it may be asked for. RFC 2181 9. */
  private additional(): void {
    for (const rrset of this.withExtra)
      for (const target of extraOf(rrset, this.zone)) if (!this.addresses(target)) return;
  }

  private targetAt = 0;

  /** DNAME and the CNAME made from it. The new name; "" when it is too long; undefined when it does not fit. */
  private synthesise(dname: ZoneNode, key: NameKey, owner: number): NameKey | undefined {
    const { zone, out } = this;
    const rrset = dname.rrset(TYPE.DNAME) as Rrset;
    if (!out.rrset(ANSWER, dname.ref, rrset, zone, this.wanted.dnssec)) return undefined;
    const prefixLength = key.length - dname.ref.key.length;
    const target = zone.intern(dnameTarget(rrset));
    const next = key.slice(0, prefixLength) + target.key;
    if (next.length > MAX_NAME_BYTES) {
      // RFC 6672 2.2: the name does not fit.
      this.rcode = RCODE.YXDOMAIN;
      return "";
    }
    const bytes = new Uint8Array(next.length);
    for (let i = 0; i < next.length; i++) bytes[i] = next.charCodeAt(i);
    const saved = out.at;
    if (!out.record(owner, TYPE.CNAME, rrset.class, rrset.ttl, { bytes, names: [] })) {
      out.at = saved;
      return undefined;
    }
    this.targetAt = out.at - bytes.length - out.start;
    out.count(ANSWER, 1);
    return next;
  }
}

/** Targets within the zone. */
function extraOf(rrset: Rrset, zone: Zone): readonly NameRef[] {
  rrset.extra ??= rrset.records.flatMap(({ rdata }) => {
    const fields = rdata as RdataFields;
    const name = (fields["host"] ?? fields["target"]) as string | undefined;
    const ref = name === undefined ? undefined : zone.intern(name);
    return ref !== undefined && isWithin(ref.key, zone.origin) ? [ref] : [];
  });
  return rrset.extra;
}

function dnameTarget(rrset: Rrset): string {
  const [record] = rrset.records as [Rrset["records"][number]];
  return (record.rdata as RdataFields)["target"] as string;
}
