/**
 * Zones that a resolver keeps itself (unbound: auth-zone): from a file, or fetched from their
 * primaries (RFC 5936, RFC 1995), and told of changes by them (RFC 1996).
 */
import { RCODE } from "../../codecs/dns/constants.ts";
import type { Endpoint, Engine, Host } from "../host.ts";
import { keyOf } from "./dnssec/names.ts";
import type { OwnZoneUse } from "./resolver/own-zones.ts";
import { OwnZones } from "./resolver/own-zones.ts";
import { inPrefix, octetsOf } from "./resolver/private.ts";
import { Secondary } from "./secondary.ts";
import type { TsigKey } from "./tsig.ts";
import type { Zone } from "./zone.ts";
import { ZoneFile } from "./zone-store.ts";

export interface AuthZone extends OwnZoneUse {
  /** Without any the zone is what its file holds, or `content`. */
  readonly primaries: readonly Endpoint[];
  /** Read at the start, and written when a transfer has come. */
  readonly file?: string | undefined;
  readonly trustFile?: boolean;
  readonly content?: Zone | undefined;
  /** Prefixes that may tell of changes, beside the primaries. */
  readonly allowNotify: readonly string[];
  readonly key?: TsigKey | undefined;
}

export interface AuthZonesOptions {
  readonly zones: readonly AuthZone[];
  /** A zone has come, changed or gone. */
  onChange?(): void;
  say?(what: string): void;
  /** Addresses of primaries that are named. */
  lookUp?(name: string, done: (addresses: readonly string[]) => void): void;
}

export class AuthZones implements Engine {
  readonly own: OwnZones;
  private readonly options: AuthZonesOptions;
  private readonly secondaries = new Map<string, Secondary>();

  constructor(options: AuthZonesOptions) {
    this.options = options;
    this.own = new OwnZones(options.zones);
    this.own.onNotify = (key, client) => this.notified(key, client);
  }

  start(host: Host): void {
    for (const one of this.options.zones) {
      const { content, file, zone } = one;
      if (content !== undefined) this.own.set(content);
      const [primary, ...others] = one.primaries;
      if (primary !== undefined) this.follow(host, one, primary, others);
      else if (file !== undefined)
        new ZoneFile(host.disk, file, (why) => this.say(why)).load(zone, (loaded) => {
          if (loaded !== undefined) this.take(loaded);
          else this.say(`${file}: ${zone} is not served`);
        });
    }
  }

  private follow(
    host: Host,
    { zone, file, key, trustFile = false }: AuthZone,
    primary: Endpoint,
    others: readonly Endpoint[],
  ): void {
    const { lookUp } = this.options;
    const secondary = new Secondary({
      ...{ zone, primary, others, file, key, trustFile },
      ...(lookUp === undefined ? {} : { lookUp }),
      onZone: (fetched) => this.take(fetched),
      onExpire: () => {
        this.own.remove(zone);
        this.options.onChange?.();
        this.say(`${zone} has expired`);
      },
      onFailure: (why) => this.say(`${zone} from ${primary.addr}:${primary.port}: ${why}`),
    });
    this.secondaries.set(keyOf(zone), secondary);
    secondary.start(host);
  }

  /** In place of the zone of that name. */
  take(zone: Zone): void {
    this.own.set(zone);
    this.options.onChange?.();
    this.say(`${zone.name} serial ${zone.serial}`);
  }

  private notified(key: string, client: string): number {
    const secondary = this.secondaries.get(key);
    const config = this.options.zones.find(({ zone }) => keyOf(zone) === key);
    if (secondary === undefined || config === undefined) return RCODE.NOTAUTH;
    const octets = octetsOf(client);
    // RFC 1996 3.10: a stranger is not heard.
    const known =
      config.primaries.some(({ addr }) => addr === client) ||
      (octets !== undefined && config.allowNotify.some((prefix) => inPrefix(octets, prefix)));
    if (!known) return RCODE.REFUSED;
    secondary.notify();
    return RCODE.NOERROR;
  }

  private say(what: string): void {
    this.options.say?.(what);
  }

  stop(graceful: boolean, done: () => void): void {
    let left = this.secondaries.size;
    if (left === 0) return done();
    for (const one of this.secondaries.values()) one.stop(graceful, () => --left === 0 && done());
  }
}
