/**
 * Zones that a resolver has whole: answered from (RFC 1034 4.3.2), and looked into in place of their
 * servers (RFC 8806 does so with the root). Each is a Zone that may come, change and go.
 */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { CLASS, decode, encode, OPCODE, RCODE } from "../../../codecs/dns/index.ts";
import { Authority } from "../authority.ts";
import { isWithin, keyOf, labelCount } from "../dnssec/names.ts";
import type { Zone } from "../zone.ts";

/** What is to be done with one zone. */
export interface OwnZoneUse {
  readonly zone: string;
  /** Clients' questions are answered from it. */
  readonly downstream: boolean;
  /** The resolver looks here in place of asking the zone's servers. */
  readonly upstream: boolean;
  /** The zone's servers are asked while it is not there. */
  readonly fallback: boolean;
}

export interface OwnZone extends OwnZoneUse {
  /** As `keyOf` has it. */
  readonly key: string;
  readonly loaded: boolean;
}

/** RFC 1996: how a NOTIFY is to be answered. */
export type NotifyHandler = (key: string, client: string) => number;

class Holder implements OwnZone {
  readonly zone: string;
  readonly downstream: boolean;
  readonly upstream: boolean;
  readonly fallback: boolean;
  readonly key: string;
  loaded = false;
  readonly authority = new Authority({ wallMs: () => 0 });

  constructor(use: OwnZoneUse) {
    this.zone = use.zone;
    this.downstream = use.downstream;
    this.upstream = use.upstream;
    this.fallback = use.fallback;
    this.key = keyOf(use.zone);
  }
}

export class OwnZones {
  private readonly holders: readonly Holder[];
  /** Without it no NOTIFY is for us. */
  onNotify: NotifyHandler = () => RCODE.NOTAUTH;

  constructor(uses: readonly OwnZoneUse[]) {
    // The deepest first.
    this.holders = uses
      .map((use) => new Holder(use))
      .sort((a, b) => labelCount(b.key) - labelCount(a.key));
  }

  set(zone: Zone): void {
    const holder = this.holders.find(({ key }) => key === keyOf(zone.name));
    holder?.authority.setZone(zone);
    if (holder !== undefined) holder.loaded = true;
  }

  remove(name: string): void {
    const holder = this.holders.find(({ key }) => key === keyOf(name));
    holder?.authority.removeZone(name);
    if (holder !== undefined) holder.loaded = false;
  }

  /** The zone that answers clients' questions for the name (for a DS: its parent). */
  downstream(name: string): OwnZone | undefined {
    return this.find(name, ({ downstream }) => downstream);
  }

  /** The zone that stands for its servers. */
  upstream(name: string): OwnZone | undefined {
    return this.find(name, ({ upstream, loaded, fallback }) => upstream && (loaded || !fallback));
  }

  at(key: string): OwnZone | undefined {
    return this.holders.find((holder) => holder.key === key);
  }

  private find(name: string, wanted: (zone: OwnZone) => boolean): Holder | undefined {
    return this.holders.find((holder) => isWithin(name, holder.key) && wanted(holder));
  }

  /** What the zone says; undefined when it is not there. */
  ask(zone: OwnZone, name: string, type: number, dnssec: boolean): DnsMessage | undefined {
    if (!zone.loaded) return undefined;
    const request = encode({
      id: 0,
      qr: 0,
      opcode: OPCODE.QUERY,
      rcode: RCODE.NOERROR,
      ...{ aa: false, tc: false, rd: false, ra: false, ad: false, cd: false },
      questions: [{ name, type, class: CLASS.IN }],
      answers: [],
      authority: [],
      additional: [],
      ...(dnssec ? { edns: { udpSize: 1232, version: 0, do: true, options: [] } } : {}),
    });
    const client = { addr: "", port: 0, transport: "tcp" } as const;
    const bytes = (zone as Holder).authority.answerNow(request, client);
    return bytes === undefined ? undefined : decode(bytes);
  }
}
