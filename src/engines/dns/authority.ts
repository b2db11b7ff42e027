/**
 * The authoritative service: which zone, which operation, EDNS, and the answer. RFC 1034 4.3.1,
 * RFC 1035 4.1, RFC 6891 6 and 7, RFC 7873 5.2, RFC 5001, RFC 5936, RFC 1995, RFC 2136, RFC 9619 (one
 * question).
 */
import type { NameKey } from "../../codecs/dns/canonical.ts";
import {
  isWithin,
  keyOfWire,
  nameKey,
  parentKey,
  ROOT_KEY,
  sameName,
} from "../../codecs/dns/canonical.ts";
import { CLASS, HEADER_BYTES, OPCODE, RCODE, TYPE } from "../../codecs/dns/constants.ts";
import { readMessage } from "../../codecs/dns/decode.ts";
import type { DnsMessage, ResourceRecord } from "../../codecs/dns/message.ts";
import { FLAG } from "../../codecs/dns/message.ts";
import { parseIpv4, parseIpv6 } from "../../codecs/ip-text.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { Clock } from "../host.ts";
import { Answerer } from "./answer.ts";
import { serverCookie } from "./cookie.ts";
import type { DnsClient, DnsService, Reply } from "./listener.ts";
import type { Tailor } from "./nearest/nearest.ts";
import type { Network } from "./nearest/network.ts";
import { CLIENT_SUBNET, networkOf, readSubnet } from "./nearest/network.ts";
import { Query } from "./query.ts";
import { incrementalRecords, transferMessages, wholeZone } from "./transfer.ts";
import type { TsigKey } from "./tsig.ts";
import { checkTsig, signTsig, splitTsig, TSIG_ERROR } from "./tsig.ts";
import { AnswerWriter } from "./writer.ts";
import type { Zone } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { serialOf, ZoneHistory } from "./zone-diff.ts";

const OPTION = { NSID: 3, COOKIE: 10 } as const;
/** RFC 9715 3.1: what passes without fragments. */
export const UDP_LIMIT = 1232;
const TCP_LIMIT = 65_535;
/** Octets of a TSIG beside its key's name: the longest algorithm and MAC. */
const TSIG_ROOM = 130;

/** The versions of a zone that a server remembers, as the differences between them. RFC 1995 5. */
export interface ZonePast {
  readonly origin: NameKey;
  readonly diffs: readonly ZoneDiff[];
}

export interface AuthorityOptions {
  /** RFC 5001. */
  readonly nsid?: string;
  /** Sixteen octets of RFC 9018; without them no server cookies are given. */
  readonly cookieSecret?: Uint8Array;
  readonly udpLimit?: number;
  /** Who may have a zone whole. Default: nobody. */
  readonly mayTransfer?: (client: DnsClient, zone: Zone, key: string | undefined) => boolean;
  readonly tsigKeys?: readonly TsigKey[];
  /** A primary says that a zone has changed (RFC 1996 3.7), signed with `key`. False: it is none of ours. */
  readonly onNotify?: (zone: NameKey, client: DnsClient, key: string | undefined) => boolean;
  /** A zone is to be changed (RFC 2136). Without it NOTIMP is answered. */
  readonly onUpdate?: (
    zone: Zone,
    message: DnsMessage,
    client: DnsClient,
    key: string | undefined,
    answer: (rcode: number) => void,
  ) => void;
}

export class Authority implements DnsService {
  private readonly zones = new Map<NameKey, Zone>();
  /** Zones of ours whose data is not here: not yet, or no more. */
  private readonly missing = new Set<NameKey>();
  /** The zone, where there is one alone: then nothing has to be looked for. */
  private only: Zone | undefined;
  private readonly clock: Pick<Clock, "wallMs">;
  private readonly options: AuthorityOptions;
  private readonly query_ = new Query();
  private readonly out = new AnswerWriter();
  private readonly answerer = new Answerer(this.out);
  private readonly nsid: Uint8Array | undefined;

  constructor(clock: Pick<Clock, "wallMs">, options: AuthorityOptions = {}) {
    this.clock = clock;
    this.options = options;
    this.nsid = options.nsid === undefined ? undefined : latin1Bytes(options.nsid);
  }

  /** Chooses addresses for each client from now on; undefined: all have those of the zone. */
  setTailor(tailor: Tailor | undefined): void {
    this.answerer.tailor = tailor;
  }

  /** Its own network by Client Subnet, else its address. RFC 7871 7.2.1. */
  private networkFor(client: DnsClient): Network | undefined {
    const q = this.query_;
    const at = q.option(CLIENT_SUBNET);
    const told = at < 0 ? undefined : readSubnet(q.bytes, at, q.optionLength);
    // SOURCE PREFIX-LENGTH 0 tells nothing: where the resolver is, is then all that is known.
    return told === undefined || told.bits === 0 ? networkOf(client.addr) : told;
  }

  /** Versions of the zones that somebody may have whole. */
  private readonly past = new Map<NameKey, ZoneHistory>();

  /** Serves a zone in place of the one of that name. `diffs`: between the two, where they are known. */
  setZone(zone: Zone, diffs?: readonly ZoneDiff[]): void {
    const old = this.zones.get(zone.origin);
    this.zones.set(zone.origin, zone);
    this.missing.delete(zone.origin);
    this.only = this.zones.size === 1 ? zone : undefined;
    if (old === undefined || this.options.mayTransfer === undefined) return;
    const history = this.past.get(zone.origin) ?? new ZoneHistory();
    this.past.set(zone.origin, history);
    history.replaced(old, zone, diffs);
  }

  /** How the zones came to be what they are, for another server of the same zones. */
  histories(): ZonePast[] {
    return [...this.past].map(([origin, history]) => ({ origin, diffs: history.all() }));
  }

  /** What another server of the zones remembers, where it leads to the zone that is served here. */
  remember(pasts: readonly ZonePast[]): void {
    for (const { origin, diffs } of pasts) {
      const zone = this.zones.get(origin);
      const last = diffs.at(-1);
      if (zone === undefined || last === undefined || serialOf(last.to) !== zone.serial) continue;
      const history = new ZoneHistory();
      for (const diff of diffs) history.push(diff, zone.nodes.length);
      this.past.set(origin, history);
    }
  }

  removeZone(name: string): void {
    this.zones.delete(nameKey(name));
    const [first] = this.zones.values();
    this.only = this.zones.size === 1 ? first : undefined;
    this.past.delete(nameKey(name));
  }

  /** A zone that is served here when its data comes: until then the server fails, where one of no such zone refuses. */
  expectZone(name: string): void {
    this.removeZone(name);
    this.missing.add(nameKey(name));
  }

  private isMissing(key: NameKey): boolean {
    for (let at: NameKey | undefined = key; at !== undefined; at = parentKey(at))
      if (this.missing.has(at)) return true;
    return false;
  }

  zone(name: string): Zone | undefined {
    return this.zones.get(nameKey(name));
  }

  zoneAt(origin: NameKey): Zone | undefined {
    return this.zones.get(origin);
  }

  /** The zone that answers for a name. */
  zoneFor(key: NameKey): Zone | undefined {
    return this.zoneOf(key, TYPE.A);
  }

  /** The zone that is nearest above a name; for DS that of the parent, where it is here (RFC 4035 3.1.4.1). */
  private zoneOf(key: NameKey, type: number): Zone | undefined {
    const { only } = this;
    if (only !== undefined) return isWithin(key, only.origin) ? only : undefined;
    let apex: Zone | undefined;
    for (let at: NameKey | undefined = key; at !== undefined; at = parentKey(at)) {
      const zone = this.zones.get(at);
      if (zone === undefined) continue;
      if (type !== TYPE.DS || at !== key || key === ROOT_KEY) return zone;
      apex = zone;
    }
    return apex;
  }

  answerNow(request: Uint8Array, client: DnsClient): Uint8Array | undefined {
    const q = this.query_;
    q.read(request);
    const udp = client.transport === "udp";
    // RFC 6891 6.2.3: less than 512 counts as 512.
    const size = udp
      ? Math.min(Math.max(q.udpSize, 512), q.edns ? (this.options.udpLimit ?? UDP_LIMIT) : 512)
      : TCP_LIMIT;
    this.answerer.scope = 0;
    const optBytes = q.edns ? this.optLength() : 0;
    if ((q.tsig && !q.broken) || this.isUpdate()) return undefined;
    this.out.begin(
      request,
      q.broken ? HEADER_BYTES : q.questionEnd,
      size - optBytes - this.reserved,
    );
    if (!q.broken && q.questions > 0) this.out.count(4, 1);
    if (q.opcode === OPCODE.NOTIFY && !q.broken && q.questions === 1)
      return this.finish(this.notified(client), FLAG.AA, client);
    if (this.asksForCookie()) return this.finish(RCODE.NOERROR, 0, client);
    const refusal = this.refusal();
    if (refusal !== RCODE.NOERROR) return this.finish(refusal, 0, client);
    const key = keyOfWire(request, q.nameAt, 0);
    const zone = this.zoneOf(key, q.type);
    if (zone === undefined)
      return this.finish(this.isMissing(key) ? RCODE.SERVFAIL : RCODE.REFUSED, 0, client);
    if (q.type === TYPE.AXFR || q.type === TYPE.IXFR) {
      if (udp && q.type === TYPE.AXFR) return this.finish(RCODE.FORMERR, 0, client);
      if (zone.origin !== key) return this.finish(RCODE.NOTAUTH, 0, client);
      if (this.options.mayTransfer?.(client, zone, this.keyName) !== true)
        return this.finish(RCODE.REFUSED, 0, client);
      return udp ? this.incremental(request, zone, key, size, client) : undefined;
    }
    this.answerer.run(zone, key, {
      type: q.type,
      dnssec: q.dnssec,
      minimalAny: udp,
      client: this.answerer.tailor === undefined ? undefined : this.networkFor(client),
    });
    return this.finish(this.answerer.rcode, this.answerer.flags, client);
  }

  /** RFC 1995 2: over UDP what does not fit is the SOA alone, which tells the client to come by TCP. */
  private incremental(
    request: Uint8Array,
    zone: Zone,
    key: NameKey,
    size: number,
    client: DnsClient,
  ): Uint8Array {
    const answer = incrementalRecords(zone, this.past.get(key), request);
    if (answer === undefined) return this.finish(RCODE.FORMERR, 0, client);
    if (answer.kind === "diffs") {
      const messages = this.transfer(answer.records(), request);
      const first = messages.next().value as Uint8Array;
      if (first.length + this.reserved <= size && messages.next().done === true) return first;
    }
    this.answerer.run(zone, key, { type: TYPE.SOA, dnssec: false, minimalAny: true });
    return this.finish(this.answerer.rcode, this.answerer.flags, client);
  }

  private transfer(records: Iterable<ResourceRecord>, request: Uint8Array): Generator<Uint8Array> {
    const q = this.query_;
    const udpSize = this.options.udpLimit ?? UDP_LIMIT;
    const edns = q.edns ? { udpSize, version: 0, do: q.dnssec, options: [] } : undefined;
    return transferMessages(records, request, q.questionEnd, edns);
  }

  /** The key that signed the request now being answered, and the room that our signature takes. */
  private keyName: string | undefined;
  private reserved = 0;

  /** What `answerNow` leaves: zone transfers, the only answers of several messages, and what is signed. */
  query(request: Uint8Array, client: DnsClient, reply: Reply): void {
    const signed = splitTsig(request);
    if (signed === undefined) {
      this.query_.read(request);
      if (this.query_.tsig) {
        // One that is not of its form: RFC 8945 5.2.
        this.out.begin(request, HEADER_BYTES, TCP_LIMIT);
        reply(this.finish(RCODE.FORMERR, 0, client));
        return;
      }
      if (this.isUpdate()) {
        this.update(request.slice(), client, undefined, reply);
        return;
      }
      const [first, rest] = this.messages(request, client);
      reply(first, rest);
      return;
    }
    const seconds = Math.floor(this.clock.wallMs() / 1000);
    const known = this.options.tsigKeys?.find(({ name }) => sameName(name, signed.keyName));
    const error = checkTsig(signed, known, seconds);
    const { keyName: name, algorithm } = signed;
    const key = known ?? { name, algorithm, secret: new Uint8Array(0) };
    if (error !== TSIG_ERROR.NONE) {
      this.query_.read(signed.message);
      this.out.begin(signed.message, this.query_.questionEnd, TCP_LIMIT);
      if (this.query_.questions > 0) this.out.count(4, 1);
      const refusal = this.finish(RCODE.NOTAUTH, 0, client);
      reply(signTsig(refusal, key, seconds, { error, prior: signed.mac }).bytes);
      return;
    }
    this.query_.read(signed.message);
    if (this.isUpdate()) {
      this.update(signed.message, client, key.name, (bytes) => {
        const now = Math.floor(this.clock.wallMs() / 1000);
        reply(signTsig(bytes, key, now, { prior: signed.mac }).bytes);
      });
      return;
    }
    this.keyName = key.name;
    this.reserved = TSIG_ROOM + key.name.length;
    const [first, rest] = this.messages(signed.message, client);
    this.keyName = undefined;
    this.reserved = 0;
    const begun = signTsig(first, key, seconds, { prior: signed.mac });
    reply(begun.bytes, rest === undefined ? undefined : this.signRest(rest, key, begun.mac));
  }

  private isUpdate(): boolean {
    const q = this.query_;
    return q.opcode === OPCODE.UPDATE && !q.broken && this.options.onUpdate !== undefined;
  }

  /** RFC 2136 3.1: the request has been read. */
  private update(
    request: Uint8Array,
    client: DnsClient,
    keyName: string | undefined,
    reply: (bytes: Uint8Array) => void,
  ): void {
    const q = this.query_;
    const answer = (rcode: number) => {
      q.read(request);
      this.out.begin(request, q.questionEnd, UDP_LIMIT);
      if (q.questions > 0) this.out.count(4, 1);
      reply(this.finish(rcode, 0, client));
    };
    if (q.questions !== 1 || q.type !== TYPE.SOA) return answer(RCODE.FORMERR);
    const zone = this.zones.get(keyOfWire(request, q.nameAt, 0));
    if (zone === undefined || q.class !== CLASS.IN) return answer(RCODE.NOTAUTH);
    const { message } = readMessage(request);
    this.options.onUpdate?.(zone, message, client, keyName, answer);
  }

  private messages(
    request: Uint8Array,
    client: DnsClient,
  ): [first: Uint8Array, rest: Iterator<Uint8Array> | undefined] {
    const now = this.answerNow(request, client);
    if (now !== undefined) return [now, undefined];
    const q = this.query_;
    const zone = this.zones.get(keyOfWire(request, q.nameAt, 0)) as Zone;
    const answer =
      q.type === TYPE.IXFR
        ? incrementalRecords(zone, this.past.get(zone.origin), request)
        : undefined;
    if (q.type === TYPE.IXFR && answer === undefined)
      return [this.finish(RCODE.FORMERR, 0, client), undefined];
    const messages = this.transfer(answer?.records() ?? wholeZone(zone), request);
    return [messages.next().value as Uint8Array, messages];
  }

  /** RFC 8945 5.3.1: each message of a transfer is signed over the MAC of the one before. */
  private *signRest(
    rest: Iterator<Uint8Array>,
    key: TsigKey,
    first: Uint8Array,
  ): Generator<Uint8Array> {
    let prior = first;
    for (let m = rest.next(); m.done !== true; m = rest.next()) {
      const seconds = Math.floor(this.clock.wallMs() / 1000);
      const { bytes, mac } = signTsig(m.value, key, seconds, { prior, timersOnly: true });
      prior = mac;
      yield bytes;
    }
  }

  private notified(client: DnsClient): number {
    const key = keyOfWire(this.query_.bytes, this.query_.nameAt, 0);
    return this.options.onNotify?.(key, client, this.keyName) === true
      ? RCODE.NOERROR
      : RCODE.NOTAUTH;
  }

  private refusal(): number {
    const q = this.query_;
    if (q.broken) return RCODE.FORMERR;
    if (q.opcode !== OPCODE.QUERY) return RCODE.NOTIMP;
    if (q.questions !== 1 || q.answers > 0) return RCODE.FORMERR;
    if (q.version > 0) return RCODE.BADVERS;
    if (q.class !== CLASS.IN && q.class !== CLASS.ANY) return RCODE.REFUSED;
    if (this.badCookie() || this.badSubnet()) return RCODE.FORMERR;
    return RCODE.NOERROR;
  }

  /** RFC 7873 5.2.2: 8 octets, or 16 to 40. */
  private badCookie(): boolean {
    const q = this.query_;
    if (q.option(OPTION.COOKIE) < 0) return false;
    const { optionLength } = q;
    return optionLength !== 8 && (optionLength < 16 || optionLength > 40);
  }

  /** RFC 7873 5.4: without a question, for the cookie alone. */
  private asksForCookie(): boolean {
    const q = this.query_;
    if (q.broken || q.questions !== 0 || q.answers > 0 || q.version > 0) return false;
    if (q.opcode !== OPCODE.QUERY || this.options.cookieSecret === undefined) return false;
    return q.option(OPTION.COOKIE) >= 0 && !this.badCookie();
  }

  /** Told by those alone who answer by it. */
  private badSubnet(): boolean {
    if (this.answerer.tailor === undefined) return false;
    const q = this.query_;
    const at = q.option(CLIENT_SUBNET);
    return at >= 0 && readSubnet(q.bytes, at, q.optionLength) === undefined;
  }

  /** Octets of Client Subnet in the answer, whose form has been checked. */
  private subnetLength(): number {
    const q = this.query_;
    if (this.answerer.tailor === undefined || q.option(CLIENT_SUBNET) < 0) return 0;
    return 4 + q.optionLength;
  }

  private optLength(): number {
    const nsid = this.nsid !== undefined && this.query_.option(OPTION.NSID) >= 0;
    const cookie =
      this.options.cookieSecret !== undefined && this.query_.option(OPTION.COOKIE) >= 0;
    return (
      11 +
      (nsid ? 4 + (this.nsid as Uint8Array).length : 0) +
      (cookie ? 28 : 0) +
      this.subnetLength()
    );
  }

  private finish(rcode: number, flags: number, client: DnsClient): Uint8Array {
    const { out } = this;
    const q = this.query_;
    out.flags(FLAG.QR | (q.flags & (0x7800 | FLAG.RD | FLAG.CD)) | flags | (rcode & 15));
    if (q.edns) this.opt(rcode, client);
    return out.finish();
  }

  /** RFC 7871 7.2.1: an option that was understood is in the answer, needed or not. */
  private putSubnet(): void {
    const { out, answerer } = this;
    const q = this.query_;
    const at = q.option(CLIENT_SUBNET);
    const told = at < 0 ? undefined : readSubnet(q.bytes, at, q.optionLength);
    if (told === undefined) return;
    out.u16(CLIENT_SUBNET);
    out.u16(q.optionLength);
    out.put(q.bytes, at, at + 3);
    // What is known of the resolver alone is for all of its clients.
    out.bytes[out.at++] = told.bits === 0 ? 0 : answerer.scope;
    out.put(q.bytes, at + 4, at + q.optionLength);
  }

  private opt(rcode: number, client: DnsClient): void {
    const { out } = this;
    const q = this.query_;
    out.count(10, 1);
    out.bytes[out.at++] = 0;
    out.u16(TYPE.OPT);
    out.u16(this.options.udpLimit ?? UDP_LIMIT);
    out.u16((rcode >> 4) << 8);
    out.u16(q.dnssec ? 0x8000 : 0);
    const lengthAt = out.at;
    out.u16(0);
    if (this.nsid !== undefined && q.option(OPTION.NSID) >= 0) {
      out.u16(OPTION.NSID);
      out.u16(this.nsid.length);
      out.put(this.nsid);
    }
    if (this.answerer.tailor !== undefined && !q.broken) this.putSubnet();
    const { cookieSecret } = this.options;
    const cookieAt = cookieSecret === undefined ? -1 : q.option(OPTION.COOKIE);
    if (cookieSecret !== undefined && cookieAt >= 0 && q.optionLength >= 8) {
      const addr = parseIpv4(client.addr) ?? parseIpv6(client.addr) ?? new Uint8Array(0);
      const cookie = q.bytes.subarray(cookieAt, cookieAt + 8);
      out.u16(OPTION.COOKIE);
      out.u16(24);
      out.put(serverCookie(cookieSecret, cookie, addr, Math.floor(this.clock.wallMs() / 1000)));
    }
    const length = out.at - lengthAt - 2;
    out.bytes[lengthAt] = length >> 8;
    out.bytes[lengthAt + 1] = length & 0xff;
  }
}
