/**
 * A zone asked for whole (AXFR) or from a version on (IXFR), on one connection. RFC 5936, RFC 1995,
 * RFC 8945 5.3.1. What is not whole is no result: the caller has nothing to undo.
 */
import { CLASS, OPCODE, RCODE, TYPE } from "../../../codecs/dns/constants.ts";
import { readMessage } from "../../../codecs/dns/decode.ts";
import { encode } from "../../../codecs/dns/encode.ts";
import { FrameDecoder, frame } from "../../../codecs/dns/framing.ts";
import type { ResourceRecord } from "../../../codecs/dns/message.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type {
  Endpoint,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
  TlsClient,
} from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { TsigKey } from "../tsig.ts";
import type { Transferred } from "./transfer-reader.ts";
import { TransferError, TransferReader } from "./transfer-reader.ts";
import { TsigSession } from "./tsig-session.ts";

/** Octets of one transfer: memory is a budget. */
const MAX_TRANSFER_BYTES = 512 * 1024 * 1024;
const IDLE = 30 * SECOND;

export interface TransferOptions {
  readonly zone: string;
  readonly server: Endpoint;
  /** IXFR from this version; without it AXFR. */
  readonly serial?: number | undefined;
  readonly key?: TsigKey | undefined;
  readonly connectTimeout?: Nanos | undefined;
  /** How long the server may say nothing. */
  readonly idleTimeout?: Nanos | undefined;
  readonly tls?: TlsClient | undefined;
}

export type TransferResult =
  | (Transferred & { readonly messages: number; readonly octets: number })
  | {
      readonly kind: "failed";
      /** `rcode`: the server said no; `protocol`: it broke the rules; `network`: it is away or left. */
      readonly cause: "rcode" | "protocol" | "network";
      readonly rcode: number;
      readonly why: string;
    };

export class ZoneTransfer implements TcpHandler {
  private readonly host: Host;
  private readonly options: TransferOptions;
  private readonly done: (result: TransferResult) => void;
  private readonly connection: TcpConnection;
  private readonly frames = new FrameDecoder();
  private readonly reader: TransferReader;
  private readonly session: TsigSession | undefined;
  private readonly id: number;
  private messages = 0;
  private octets = 0;
  private over = false;
  /** Whole, but not yet signed to its end. */
  private whole: Transferred | undefined;

  constructor(host: Host, options: TransferOptions, done: (result: TransferResult) => void) {
    this.host = host;
    this.options = options;
    this.done = done;
    this.reader = new TransferReader(options.serial);
    this.session = options.key === undefined ? undefined : new TsigSession(options.key);
    this.id = host.random.below(65_536);
    this.connection = host.connect(this, {
      remote: options.server,
      timeout: options.connectTimeout ?? 10 * SECOND,
      tls: options.tls,
    });
  }

  /** Gives it up; `done` is not called. */
  cancel(): void {
    this.over = true;
    this.connection.reset();
  }

  private get seconds(): number {
    return Math.floor(this.host.clock.wallMs() / 1000);
  }

  onOpen(): void {
    this.connection.setIdleTimeout(this.options.idleTimeout ?? IDLE);
    const { zone, serial } = this.options;
    const type = serial === undefined ? TYPE.AXFR : TYPE.IXFR;
    const request = encode({
      id: this.id,
      qr: 0,
      opcode: OPCODE.QUERY,
      rcode: RCODE.NOERROR,
      ...{ aa: false, tc: false, rd: false, ra: false, ad: false, cd: false },
      questions: [{ name: zone, type, class: CLASS.IN }],
      answers: [],
      // RFC 1995 3: the client's SOA, of which only the serial counts.
      authority: serial === undefined ? [] : [soaOf(zone, serial)],
      additional: [],
    });
    this.connection.write(frame(this.session?.sign(request, this.seconds) ?? request));
  }

  onData(data: Uint8Array): void {
    if (this.over) return;
    this.octets += data.length;
    if (this.octets > MAX_TRANSFER_BYTES) return this.fail("protocol", "the zone is too large");
    this.frames.push(data);
    try {
      for (let m = this.frames.next(); m !== undefined && !this.over; m = this.frames.next())
        this.message(m);
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof TransferError)) throw error;
      this.fail("protocol", error.message);
    }
  }

  private message(bytes: Uint8Array): void {
    this.messages++;
    const checked = this.session?.check(bytes, this.seconds);
    if (checked?.ok === false) return this.fail("protocol", checked.why);
    const { message, malformed, issues } = readMessage(checked?.message ?? bytes);
    if (malformed || message.qr !== 1 || message.id !== this.id)
      return this.fail("protocol", "an answer that was not asked for");
    // What cannot be read would be served as it is: a zone has no such records.
    const damaged = issues.find(({ code }) => code.startsWith("dns.rdata."));
    if (damaged !== undefined)
      return this.fail("protocol", `${damaged.message} (octet ${damaged.offset}, ${damaged.spec})`);
    if (message.rcode !== RCODE.NOERROR)
      return this.fail("rcode", `the server answers rcode ${message.rcode}`, message.rcode);
    this.whole ??= this.reader.take(message.answers);
    if (this.whole === undefined) return;
    // A last message without records may be what signs those before.
    if (this.session !== undefined && !this.session.complete) return;
    const { messages, octets } = this;
    this.end({ ...this.whole, messages, octets });
  }

  private fail(cause: "rcode" | "protocol" | "network", why: string, rcode = 0): void {
    this.end({ kind: "failed", cause, rcode, why });
  }

  private end(result: TransferResult): void {
    if (this.over) return;
    this.over = true;
    if (result.kind === "failed") this.connection.reset();
    else this.connection.end();
    this.done(result);
  }

  onEnd(): void {
    this.fail("network", "the transfer broke off");
  }

  onClose(cause: string, error: NetError | null): void {
    const why = error === null || error.code === "" ? "" : ` (${error.code})`;
    this.fail("network", `the connection closed: ${cause}${why}`);
  }
}

function soaOf(zone: string, serial: number): ResourceRecord {
  const rdata = { mname: ".", rname: ".", serial, refresh: 0, retry: 0, expire: 0, minimum: 0 };
  return { name: zone, type: TYPE.SOA, class: CLASS.IN, ttl: 0, rdata };
}
