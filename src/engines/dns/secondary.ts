/**
 * A zone that is fetched from its primary: asked for by the SOA's timers (RFC 1034 4.3.5) and when
 * told (RFC 1996), taken whole (RFC 5936), kept on disk. A transfer that breaks off, or gives what
 * may not be served, changes nothing.
 */
import { compareSerials, nameKey } from "../../codecs/dns/canonical.ts";
import { CLASS, RCODE, TYPE } from "../../codecs/dns/constants.ts";
import { readMessage } from "../../codecs/dns/decode.ts";
import { encode } from "../../codecs/dns/encode.ts";
import { FrameDecoder, frame } from "../../codecs/dns/framing.ts";
import type { RdataFields, ResourceRecord } from "../../codecs/dns/message.ts";
import { readZone, writeZone } from "../../codecs/dns/zonefile.ts";
import { DecodeError } from "../../codecs/errors.ts";
import { latin1 } from "../../codecs/reader.ts";
import { latin1Bytes } from "../../codecs/writer.ts";
import type { Endpoint, Engine, Host, Nanos, TcpConnection, TcpHandler, Timer } from "../host.ts";
import { SECOND } from "../host.ts";
import { Zone, ZoneError } from "./zone.ts";

/** Octets of one transfer: memory is a budget. */
const MAX_TRANSFER_BYTES = 512 * 1024 * 1024;
/** Before the first transfer there is no SOA to say when to try again. */
const FIRST_RETRY = 10;
const IDLE = 30 * SECOND;

export interface SecondaryOptions {
  readonly zone: string;
  readonly primary: Endpoint;
  /** Where the zone is kept; without it only in memory. */
  readonly file?: string | undefined;
  readonly connectTimeout?: Nanos;
  onZone(zone: Zone): void;
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
  private running: Transfer | undefined;
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
    this.running?.reset();
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
    this.running = new Transfer(this.host, this.options, this.zone?.serial, (result) =>
      this.finish(result),
    );
  }

  private finish(result: TransferResult): void {
    this.running = undefined;
    if (this.stopped) return;
    if (result.kind === "zone") {
      this.accept(result.zone);
      this.save(result.zone);
    }
    const soa = this.zone?.soaRdata;
    const now = this.host.clock.now();
    if (result.kind === "failed") {
      this.options.onFailure?.(result.why);
      this.timer.armAt(now + Math.max(soa?.retry ?? FIRST_RETRY, 1) * SECOND);
    } else if (soa !== undefined) {
      this.timer.armAt(now + Math.max(soa.refresh, 1) * SECOND);
      this.expiry.armAt(now + Math.max(soa.expire, 1) * SECOND);
    }
    if (this.again) this.check();
  }

  private accept(zone: Zone): void {
    this.zone = zone;
    this.options.onZone(zone);
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

type TransferResult =
  | { readonly kind: "zone"; readonly zone: Zone }
  | { readonly kind: "current" }
  | { readonly kind: "failed"; readonly why: string };

/** One look at the primary: its serial and, when that is newer, the zone, on one connection. */
class Transfer implements TcpHandler {
  private readonly options: SecondaryOptions;
  private readonly serial: number | undefined;
  private readonly done: (result: TransferResult) => void;
  private readonly connection: TcpConnection;
  private readonly frames = new FrameDecoder();
  private readonly id: number;
  private state: "soa" | "axfr" = "soa";
  private readonly records: ResourceRecord[] = [];
  private octets = 0;
  private result: TransferResult | undefined;

  constructor(
    host: Host,
    options: SecondaryOptions,
    serial: number | undefined,
    done: (result: TransferResult) => void,
  ) {
    this.options = options;
    this.serial = serial;
    this.done = done;
    this.id = host.random.below(65_536);
    this.connection = host.connect(this, {
      remote: options.primary,
      timeout: options.connectTimeout ?? 10 * SECOND,
    });
  }

  reset(): void {
    this.connection.reset();
  }

  onOpen(): void {
    this.connection.setIdleTimeout(IDLE);
    this.ask(TYPE.SOA);
  }

  private ask(type: number): void {
    const { id } = this;
    const questions = [{ name: this.options.zone, type, class: CLASS.IN }];
    const flags = { aa: false, tc: false, rd: false, ra: false, ad: false, cd: false };
    const sections = { questions, answers: [], authority: [], additional: [] };
    this.connection.write(frame(encode({ id, qr: 0, opcode: 0, rcode: 0, ...flags, ...sections })));
  }

  onData(data: Uint8Array): void {
    if (this.result !== undefined) return;
    this.octets += data.length;
    if (this.octets > MAX_TRANSFER_BYTES) return this.fail("the zone is too large");
    this.frames.push(data);
    try {
      for (let m = this.frames.next(); m !== undefined; m = this.frames.next()) {
        this.message(m);
        if (this.result !== undefined) return;
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.fail(error.message);
    }
  }

  private message(bytes: Uint8Array): void {
    const { message, malformed } = readMessage(bytes);
    if (malformed || message.qr !== 1 || message.id !== this.id)
      return this.fail("an answer that was not asked for");
    if (message.rcode !== RCODE.NOERROR)
      return this.fail(`the primary answers rcode ${message.rcode}`);
    if (this.state === "axfr") return this.take(message.answers);
    const soa = message.answers.find(({ type }) => type === TYPE.SOA);
    if (soa === undefined || !message.aa) return this.fail("the primary has no authority");
    const serial = (soa.rdata as RdataFields)["serial"] as number;
    // RFC 1982: newer only; undefined order counts as newer, else the zone would stay for ever.
    if (this.serial !== undefined && compareSerials(serial, this.serial) <= 0)
      return this.end({ kind: "current" });
    this.state = "axfr";
    this.ask(TYPE.AXFR);
  }

  private take(answers: readonly ResourceRecord[]): void {
    for (const record of answers) {
      const soa = record.type === TYPE.SOA;
      if (this.records.length === 0 && !soa) return this.fail("a transfer that begins without SOA");
      if (!soa || this.records.length === 0) {
        this.records.push(record);
        continue;
      }
      const [first] = this.records as [ResourceRecord];
      const serialOf = ({ rdata }: ResourceRecord) => (rdata as RdataFields)["serial"];
      // RFC 5936 2.2: the last SOA is the first.
      if (serialOf(first) !== serialOf(record)) return this.fail("the zone changed on the way");
      const zone = zoneOf(this.options.zone, () => this.records);
      return typeof zone === "string" ? this.fail(zone) : this.end({ kind: "zone", zone });
    }
  }

  private fail(why: string): void {
    this.end({ kind: "failed", why });
  }

  private end(result: TransferResult): void {
    this.result = result;
    if (result.kind === "failed") this.connection.reset();
    else this.connection.end();
    this.done(result);
  }

  onEnd(): void {
    if (this.result === undefined) this.fail("the transfer broke off");
  }

  onClose(cause: string): void {
    if (this.result !== undefined) return;
    this.result = { kind: "failed", why: `the connection closed: ${cause}` };
    this.done(this.result);
  }
}
