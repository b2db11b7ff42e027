/**
 * A zone that is fetched from its primary: asked for by the SOA's timers (RFC 1034 4.3.5) and when
 * told (RFC 1996), taken whole (RFC 5936) or by its differences (RFC 1995), kept on disk. A transfer
 * that breaks off, or gives what may not be served, changes nothing.
 */
import { compareSerials, nameKey } from "../../codecs/dns/canonical.ts";
import { RCODE } from "../../codecs/dns/constants.ts";
import { parseIpv4, parseIpv6 } from "../../codecs/ip-text.ts";
import type { Endpoint, Engine, Host, Nanos, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import type { TransferOptions, TransferResult } from "./client/transfer.ts";
import { ZoneTransfer } from "./client/transfer.ts";
import type { TsigKey } from "./tsig.ts";
import type { Zone } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { applyDiffs } from "./zone-diff.ts";
import { ZoneFile, zoneOf } from "./zone-store.ts";

/** Before the first transfer there is no SOA to say when to try again. */
const FIRST_RETRY = 10;

export interface SecondaryOptions {
  readonly zone: string;
  /** By address, or, with `lookUp`, by name. */
  readonly primary: Endpoint;
  /** Asked in turn when the primary gives nothing. */
  readonly others?: readonly Endpoint[] | undefined;
  /** Where the zone is kept; without it only in memory. */
  readonly file?: string | undefined;
  /** What the file holds counts as fetched when it is read: the primary is asked at its REFRESH. */
  readonly trustFile?: boolean;
  readonly connectTimeout?: Nanos;
  /** Addresses of a server that is named; none: it could not be found. */
  lookUp?(name: string, done: (addresses: readonly string[]) => void): void;
  /** Transfers are signed with it, and must come back signed (RFC 8945). */
  readonly key?: TsigKey | undefined;
  /** `diffs`: from the zone before, when that is how it came. */
  onZone(zone: Zone, diffs?: readonly ZoneDiff[]): void;
  /** It is not to be served any more: RFC 1035 3.3.13 EXPIRE. */
  onExpire(): void;
  onFailure?(why: string): void;
}

interface Fetched {
  readonly zone: Zone;
  /** From the one before, when that is how it came. */
  readonly diffs: readonly ZoneDiff[] | undefined;
}

export class Secondary implements Engine {
  readonly key: string;
  zone: Zone | undefined;
  private readonly options: SecondaryOptions;
  private host!: Host;
  private file: ZoneFile | undefined;
  /** Which of the servers is asked. */
  private server = 0;
  /** Servers that failed since one did not. */
  private failures = 0;
  private timer!: Timer;
  private expiry!: Timer;
  private running: ZoneTransfer | undefined;
  /** The zone is being read, asked for or written. */
  private busy = false;
  /** Told of a change while a transfer ran. */
  private again = false;
  private stopped = false;

  constructor(options: SecondaryOptions) {
    this.options = options;
    this.key = nameKey(options.zone);
  }

  start(host: Host): void {
    this.host = host;
    this.timer = host.clock.timer(() => this.check());
    this.expiry = host.clock.timer(() => {
      this.zone = undefined;
      this.options.onExpire();
    });
    const { file: path } = this.options;
    if (path === undefined) return this.soon();
    this.file = new ZoneFile(host.disk, path, (why) => this.options.onFailure?.(why));
    this.load(this.file);
  }

  stop(_graceful: boolean, done: () => void): void {
    this.stopped = true;
    this.timer.armAt(undefined);
    this.expiry.armAt(undefined);
    this.running?.cancel();
    done();
  }

  /** RFC 1996 4.4: as if the refresh time were over. */
  notify(): void {
    if (this.busy) this.again = true;
    else this.check();
  }

  private soon(): void {
    this.timer.armAt(this.host.clock.now());
  }

  private check(): void {
    if (this.stopped || this.busy) return;
    this.busy = true;
    this.again = false;
    // RFC 1995 2: the answer to an IXFR also tells that there is nothing new.
    this.transfer(this.zone?.serial);
  }

  private transfer(serial: number | undefined): void {
    const { zone, primary, others = [], key, connectTimeout } = this.options;
    const servers = [primary, ...others];
    const server = servers[this.server % servers.length] as Endpoint;
    const begin = (found: Endpoint) =>
      this.begin({ zone, server: found, serial, key, connectTimeout });
    const { lookUp } = this.options;
    if (lookUp === undefined || isAddress(server.addr)) return begin(server);
    lookUp(server.addr, ([addr]) => {
      if (this.stopped) return;
      if (addr === undefined) this.finish(`${server.addr} has no address`);
      else begin({ addr, port: server.port });
    });
  }

  private begin(options: TransferOptions): void {
    const { serial } = options;
    this.running = new ZoneTransfer(this.host, options, (result) => {
      this.running = undefined;
      if (this.stopped) return;
      const outcome = this.outcome(result);
      // RFC 1995 4: what cannot be had by differences is had whole.
      if (outcome === "whole" && serial !== undefined) this.transfer(undefined);
      else if (outcome === "whole") this.finish("no zone came");
      else if (typeof outcome === "object") this.take(outcome);
      else this.finish(outcome);
    });
  }

  /** The zone that came; undefined: nothing new; why not; or `whole`, when only an AXFR can help. */
  private outcome(result: TransferResult): Fetched | string | undefined {
    switch (result.kind) {
      case "current":
        return undefined;
      case "failed":
        return result.cause === "rcode" && this.zone !== undefined && this.mayHelp(result.rcode)
          ? "whole"
          : result.why;
      case "zone": {
        const zone = zoneOf(this.options.zone, () => result.records);
        return typeof zone === "string" ? zone : { zone, diffs: undefined };
      }
      case "diffs": {
        const records = this.zone === undefined ? undefined : applyDiffs(this.zone, result.diffs);
        if (records === undefined) return "whole";
        const zone = zoneOf(this.options.zone, () => records);
        return typeof zone === "string" ? "whole" : { zone, diffs: result.diffs };
      }
    }
  }

  /** A server that knows no IXFR says so in one of these ways. */
  private mayHelp(rcode: number): boolean {
    return rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode === RCODE.SERVFAIL;
  }

  private take({ zone, diffs }: Fetched): void {
    // RFC 1982: newer only; undefined order counts as newer, else the zone would stay for ever.
    if (this.zone !== undefined && compareSerials(zone.serial, this.zone.serial) <= 0)
      return this.finish(undefined);
    const accept = () => {
      if (this.stopped) return;
      this.accept(zone, diffs);
      this.finish(undefined);
    };
    // On the disk before it is served: else a crash would bring back an older one.
    if (this.file === undefined) accept();
    else this.file.save(zone, accept);
  }

  private finish(why: string | undefined): void {
    this.busy = false;
    const soa = this.zone?.soaRdata;
    const now = this.host.clock.now();
    if (why !== undefined) {
      this.options.onFailure?.(why);
      this.server++;
      // All have failed in turn: RETRY is what the primary asks for.
      if (++this.failures > (this.options.others?.length ?? 0)) {
        this.failures = 0;
        this.server = 0;
        this.timer.armAt(now + Math.max(soa?.retry ?? FIRST_RETRY, 1) * SECOND);
      } else this.soon();
    } else if (soa !== undefined) {
      this.failures = 0;
      this.timer.armAt(now + Math.max(soa.refresh, 1) * SECOND);
      this.expiry.armAt(now + Math.max(soa.expire, 1) * SECOND);
    }
    if (this.again) this.check();
  }

  private accept(zone: Zone, diffs?: readonly ZoneDiff[]): void {
    this.zone = zone;
    this.options.onZone(zone, diffs);
  }

  private load(file: ZoneFile): void {
    this.busy = true;
    file.load(this.options.zone, (zone) => {
      this.busy = false;
      if (this.stopped) return;
      if (zone !== undefined) {
        this.accept(zone);
        this.expiry.armAt(this.host.clock.now() + zone.soaRdata.expire * SECOND);
      }
      if (zone === undefined || this.options.trustFile !== true) this.soon();
      else this.timer.armAt(this.host.clock.now() + Math.max(zone.soaRdata.refresh, 1) * SECOND);
      if (this.again) this.soon();
    });
  }
}

function isAddress(text: string): boolean {
  return (parseIpv4(text) ?? parseIpv6(text)) !== undefined;
}
