/**
 * A zone that is fetched from its primary: asked for by the SOA's timers (RFC 1034 4.3.5) and when
 * told (RFC 1996), taken whole (RFC 5936) or by its differences (RFC 1995), kept on disk. A transfer
 * that breaks off, or gives what may not be served, changes nothing.
 */
import { compareSerials, nameKey } from "../../codecs/dns/canonical.ts";
import { RCODE } from "../../codecs/dns/constants.ts";
import type { ResourceRecord } from "../../codecs/dns/message.ts";
import { readZone, writeZone } from "../../codecs/dns/zonefile.ts";
import { DecodeError } from "../../codecs/errors.ts";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { Endpoint, Engine, Host, Nanos, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import type { TransferResult } from "./client/transfer.ts";
import { ZoneTransfer } from "./client/transfer.ts";
import type { TsigKey } from "./tsig.ts";
import { Zone, ZoneError } from "./zone.ts";
import type { ZoneDiff } from "./zone-diff.ts";
import { applyDiffs } from "./zone-diff.ts";

/** Before the first transfer there is no SOA to say when to try again. */
const FIRST_RETRY = 10;

export interface SecondaryOptions {
  readonly zone: string;
  readonly primary: Endpoint;
  /** Where the zone is kept; without it only in memory. */
  readonly file?: string | undefined;
  readonly connectTimeout?: Nanos;
  /** Transfers are signed with it, and must come back signed (RFC 8945). */
  readonly key?: TsigKey | undefined;
  /** `diffs`: from the zone before, when that is how it came. */
  onZone(zone: Zone, diffs?: readonly ZoneDiff[]): void;
  /** It is not to be served any more: RFC 1035 3.3.13 EXPIRE. */
  onExpire(): void;
  onFailure?(why: string): void;
}

export class Secondary implements Engine {
  readonly key: string;
  zone: Zone | undefined;
  private readonly options: SecondaryOptions;
  private host!: Host;
  private timer!: Timer;
  private expiry!: Timer;
  private running: ZoneTransfer | undefined;
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
    const { file } = this.options;
    if (file === undefined) this.check();
    else this.load(file);
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
    if (this.running !== undefined) this.again = true;
    else this.check();
  }

  private check(): void {
    if (this.stopped || this.running !== undefined) return;
    this.again = false;
    // RFC 1995 2: the answer to an IXFR also tells that there is nothing new.
    this.transfer(this.zone?.serial);
  }

  private transfer(serial: number | undefined): void {
    const { zone, primary: server, key, connectTimeout } = this.options;
    const options = { zone, server, serial, key, connectTimeout };
    this.running = new ZoneTransfer(this.host, options, (result) => {
      this.running = undefined;
      if (this.stopped) return;
      const outcome = this.outcome(result);
      // RFC 1995 4: what cannot be had by differences is had whole.
      if (outcome === "whole" && serial !== undefined) this.transfer(undefined);
      else this.finish(outcome === "whole" ? "no zone came" : outcome);
    });
  }

  /** Undefined: all is well; why not; or `whole`, when only an AXFR can help. */
  private outcome(result: TransferResult): string | undefined {
    switch (result.kind) {
      case "current":
        return undefined;
      case "failed":
        return result.cause === "rcode" && this.zone !== undefined && this.mayHelp(result.rcode)
          ? "whole"
          : result.why;
      case "zone": {
        const zone = zoneOf(this.options.zone, () => result.records);
        return typeof zone === "string" ? zone : this.take(zone, undefined);
      }
      case "diffs": {
        const records = this.zone === undefined ? undefined : applyDiffs(this.zone, result.diffs);
        if (records === undefined) return "whole";
        const zone = zoneOf(this.options.zone, () => records);
        return typeof zone === "string" ? "whole" : this.take(zone, result.diffs);
      }
    }
  }

  /** A server that knows no IXFR says so in one of these ways. */
  private mayHelp(rcode: number): boolean {
    return rcode === RCODE.FORMERR || rcode === RCODE.NOTIMP || rcode === RCODE.SERVFAIL;
  }

  private take(zone: Zone, diffs: readonly ZoneDiff[] | undefined): undefined {
    // RFC 1982: newer only; undefined order counts as newer, else the zone would stay for ever.
    if (this.zone !== undefined && compareSerials(zone.serial, this.zone.serial) <= 0) return;
    this.accept(zone, diffs);
    this.save(zone);
  }

  private finish(why: string | undefined): void {
    const soa = this.zone?.soaRdata;
    const now = this.host.clock.now();
    if (why !== undefined) {
      this.options.onFailure?.(why);
      this.timer.armAt(now + Math.max(soa?.retry ?? FIRST_RETRY, 1) * SECOND);
    } else if (soa !== undefined) {
      this.timer.armAt(now + Math.max(soa.refresh, 1) * SECOND);
      this.expiry.armAt(now + Math.max(soa.expire, 1) * SECOND);
    }
    if (this.again) this.check();
  }

  private accept(zone: Zone, diffs?: readonly ZoneDiff[]): void {
    this.zone = zone;
    this.options.onZone(zone, diffs);
  }

  private load(path: string): void {
    this.host.disk.open(path, "read", (error, file) => {
      if (error !== null || file === undefined) {
        this.check();
        return;
      }
      file.size((_e, size = 0) => {
        file.read(0, size, (_failed, bytes = new Uint8Array(0)) => {
          file.close();
          const zone = zoneOf(this.options.zone, () =>
            readZone(latin1(bytes, 0, bytes.length), { origin: this.options.zone }),
          );
          if (typeof zone === "string") this.options.onFailure?.(`${path}: ${zone}`);
          else {
            this.accept(zone);
            this.expiry.armAt(this.host.clock.now() + zone.soaRdata.expire * SECOND);
          }
          this.check();
        });
      });
    });
  }

  /** The old file stays whole until the new one is on the disk. */
  private save(zone: Zone): void {
    const { file: path } = this.options;
    if (path === undefined) return;
    const { disk } = this.host;
    const next = `${path}.new`;
    const text = latin1Bytes(writeZone(zone.records()));
    const failed = (error: Error) => this.options.onFailure?.(`${path}: ${error.message}`);
    disk.open(next, "create", (error, file) => {
      if (error !== null || file === undefined) return failed(error ?? new Error("not opened"));
      file.truncate(0, () => {
        file.write(0, text, (unwritten) => {
          file.sync((unsynced) => {
            file.close();
            const fault = unwritten ?? unsynced;
            if (fault !== null) failed(fault);
            else disk.rename(next, path, (unnamed) => unnamed !== null && failed(unnamed));
          });
        });
      });
    });
  }
}

function zoneOf(name: string, records: () => Iterable<ResourceRecord>): Zone | string {
  try {
    return new Zone(name, records());
  } catch (error) {
    if (!(error instanceof ZoneError) && !(error instanceof DecodeError)) throw error;
    return error.message;
  }
}
