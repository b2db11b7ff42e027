/**
 * One question to one server, until it is answered or given up: over UDP with back-off, over TCP
 * when the answer is cut short, over TLS where asked. RFC 1035 4.2, RFC 5452 9, RFC 7766, RFC 7858.
 */

import { sameName } from "../../../codecs/dns/canonical.ts";
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { decode, encode, RCODE } from "../../../codecs/dns/index.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import type { Endpoint, Host, Nanos, NetError, Timer, TlsClient, UdpSocket } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { LostCause } from "../streams.ts";
import { Streams } from "../streams.ts";
import type { TsigKey } from "../tsig.ts";
import { OPTION } from "./query.ts";
import { TsigSession } from "./tsig-session.ts";

/** RFC 7858 4.1, when nothing is said of TLS. */
const OPPORTUNISTIC: TlsClient = {};

export type Transport = "udp" | "tcp" | "tls";

export interface ExchangeOptions {
  readonly server: Endpoint;
  readonly transport: Transport;
  readonly tls?: TlsClient;
  readonly query: DnsMessage;
  /** Datagrams sent before the server is given up. */
  readonly tries: number;
  /** For the first; doubled for each that follows. */
  readonly timeoutMs: number;
  /** Connections for this question and others; without them it has one of its own. */
  readonly streams?: Streams | undefined;
  /** One identifier for all tries. Otherwise each has its own, since a guess is then good for one only (RFC 5452 4.3). */
  readonly sameId?: boolean;
  /** The answer is wanted as it comes, cut short or not. */
  readonly ignoreTruncation?: boolean;
  /** The question is signed with it, and only what is signed is an answer (RFC 8945 5.3). */
  readonly key?: TsigKey | undefined;
}

/** What happened on the way. */
export type ExchangeEvent =
  | { readonly kind: "sent"; readonly transport: Transport; readonly bytes: number }
  | { readonly kind: "timeout"; readonly afterMs: number }
  | {
      readonly kind: "ignored";
      /** Why what came back is no answer to the question. */
      readonly why: "id" | "question" | "malformed" | "query" | "tsig";
      readonly detail: string;
    }
  | {
      readonly kind: "answered";
      readonly rcode: number;
      readonly rtt: Nanos;
      readonly bytes: number;
    }
  | { readonly kind: "failed"; readonly cause: Unanswered["cause"]; readonly detail: string }
  | { readonly kind: "truncated" }
  | { readonly kind: "no-edns" }
  | { readonly kind: "bad-cookie" };

export interface Answered {
  readonly ok: true;
  readonly query: DnsMessage;
  readonly response: DnsMessage;
  /** The octets of the response. */
  readonly bytes: Uint8Array;
  readonly server: Endpoint;
  readonly transport: Transport;
  /** From the sending of what was answered. */
  readonly rtt: Nanos;
  /** Messages sent in all. */
  readonly sent: number;
}

export interface Unanswered {
  readonly ok: false;
  readonly server: Endpoint;
  readonly transport: Transport;
  readonly cause: "timeout" | "refused" | "unreachable" | "reset" | "tls" | "tsig";
  readonly detail: string;
  readonly sent: number;
}

export type ExchangeResult = Answered | Unanswered;

export class Exchange {
  private readonly host: Host;
  private readonly options: ExchangeOptions;
  private readonly done: (result: ExchangeResult) => void;
  private readonly tell: (event: ExchangeEvent) => void;
  private query: DnsMessage;
  private transport: Transport;
  private tries = 0;
  private sent = 0;
  private sentAt: Nanos = 0;
  private over = false;
  private withoutEdns = false;
  private cookieTried = false;
  private readonly timer: Timer;
  private socket: UdpSocket | undefined;
  private withdraw: (() => void) | undefined;
  private session: TsigSession | undefined;
  /** Why what came was not signed as it must be. */
  private unsigned: string | undefined;
  /** Why the last that came was no answer. */
  private ignored: string | undefined;

  constructor(
    host: Host,
    options: ExchangeOptions,
    done: (result: ExchangeResult) => void,
    tell: (event: ExchangeEvent) => void = () => {},
  ) {
    this.host = host;
    this.options = options;
    this.done = done;
    this.tell = tell;
    this.query = options.query;
    this.transport = options.transport;
    this.timer = host.clock.timer(() => this.timedOut());
  }

  start(): void {
    if (this.transport === "udp") this.udp();
    else this.stream();
  }

  /** Gives it up; `done` is not called. */
  cancel(): void {
    this.over = true;
    this.release();
  }

  private release(): void {
    this.timer.armAt(undefined);
    this.socket?.close();
    this.socket = undefined;
    this.withdraw?.();
    this.withdraw = undefined;
  }

  private finish(result: ExchangeResult): void {
    if (this.over) return;
    this.over = true;
    this.release();
    this.done(result);
  }

  private fail(cause: Unanswered["cause"], detail: string): void {
    const { server } = this.options;
    if (!this.over && cause !== "timeout") this.tell({ kind: "failed", cause, detail });
    this.finish({ ok: false, server, transport: this.transport, cause, detail, sent: this.sent });
  }

  private get waitMs(): number {
    return this.options.timeoutMs * 2 ** Math.max(0, this.tries - 1);
  }

  private count(bytes: number): void {
    this.sent++;
    this.sentAt = this.host.clock.now();
    this.tell({ kind: "sent", transport: this.transport, bytes });
    this.timer.armAt(this.sentAt + this.waitMs * MILLISECOND);
  }

  private get seconds(): number {
    return Math.floor(this.host.clock.wallMs() / 1000);
  }

  /** The octets of the question as it is put now. */
  private signed(): Uint8Array {
    const { key } = this.options;
    const bytes = encode(this.query);
    if (key === undefined) return bytes;
    this.session = new TsigSession(key);
    return this.session.sign(bytes, this.seconds);
  }

  private udp(): void {
    const { server, sameId } = this.options;
    this.tries++;
    if (this.tries > 1 && sameId !== true)
      this.query = { ...this.query, id: this.host.random.below(0x10000) };
    this.socket?.close();
    const bytes = this.signed();
    // A port of its own for each try (RFC 5452 9.2); connected, so that only the server is heard.
    this.socket = this.host.udp(
      {
        onDatagram: (data, _addr, _port, socket) => {
          if (socket === this.socket) this.received(data);
        },
        onUdpError: (error, socket) => {
          if (socket === this.socket || this.socket === undefined) this.unreachable(error);
        },
        onBound: (socket) => {
          if (this.over) return;
          socket.send(bytes, server.addr, server.port);
          this.count(bytes.length);
        },
      },
      { connect: server },
    );
  }

  private unreachable(error: NetError): void {
    this.fail(error.code === "ECONNREFUSED" ? "refused" : "unreachable", error.code);
  }

  private stream(): void {
    const { server, tls } = this.options;
    this.tries = Math.max(1, this.tries);
    const bytes = this.signed();
    const streams = this.options.streams ?? new Streams(this.host, 0);
    this.withdraw = streams.ask(
      this.transport === "tls" ? { ...server, tls: tls ?? OPPORTUNISTIC } : server,
      {
        bytes,
        // For the connection (with TLS its handshake), and as much again for the answer.
        timeout: this.waitMs * MILLISECOND,
        onSent: () => this.count(bytes.length),
        onMessage: (message) => this.received(message),
        onLost: (cause, error) => this.lost(cause, error),
      },
    );
  }

  private lost(cause: LostCause, error: NetError | DecodeError | null): void {
    if (error instanceof DecodeError) this.fail("reset", `${error.message} (${error.spec})`);
    else if (error?.syscall === "tls" && cause !== "timeout") this.fail("tls", error.message);
    else if (cause === "ended") this.fail("reset", "the connection was closed before the answer");
    else {
      const detail = error?.code.startsWith("E") === true ? error.code : (error?.message ?? cause);
      const named = cause === "timeout" || cause === "refused" || cause === "unreachable";
      this.fail(named ? cause : "reset", `${detail}${this.besides}`);
    }
  }

  private timedOut(): void {
    if (this.over) return;
    this.tell({ kind: "timeout", afterMs: this.waitMs });
    if (this.transport === "udp" && this.tries < this.options.tries) this.udp();
    else if (this.unsigned !== undefined) this.fail("tsig", this.unsigned);
    else this.fail("timeout", `no answer within ${this.waitMs} ms${this.besides}`);
  }

  private received(data: Uint8Array): void {
    if (this.over) return;
    const received = data.slice();
    const checked = this.session?.check(received, this.seconds);
    if (checked?.ok === false) {
      this.notSigned(received, checked.why);
      return;
    }
    const bytes = checked?.message ?? received;
    let response: DnsMessage;
    try {
      response = decode(bytes, { tolerate: () => {} });
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.ignore("malformed", `${error.message} (${error.spec})`);
      return;
    }
    const wrong = mismatch(this.query, response);
    if (wrong !== undefined) this.ignore(...wrong);
    else if (!this.tryAnother(response)) this.answered(response, bytes);
  }

  /**
   * RFC 8945 5.4: it is discarded, since over UDP anybody may have sent it, and the true answer may
   * still come; over a stream none will. That the server refuses the key (5.4.1) ends it.
   */
  private notSigned(bytes: Uint8Array, why: string): void {
    const ours =
      bytes.length > 3 && (((bytes[0] as number) << 8) | (bytes[1] as number)) === this.query.id;
    this.ignore("tsig", why);
    if (!ours) return;
    this.unsigned = why;
    const refused = ((bytes[3] as number) & 15) === RCODE.NOTAUTH;
    if (this.transport !== "udp" || refused) this.fail("tsig", why);
  }

  /** What came and was no answer, for who is told that none came. */
  private get besides(): string {
    return this.ignored === undefined ? "" : `; what came was ignored: ${this.ignored}`;
  }

  private ignore(why: "id" | "question" | "malformed" | "query" | "tsig", detail: string): void {
    this.ignored = detail;
    this.tell({ kind: "ignored", why, detail });
  }

  /** Whether the response only says that the question must be put otherwise. */
  private tryAnother(response: DnsMessage): boolean {
    const { edns } = this.query;
    if (this.transport === "udp" && response.tc && this.options.ignoreTruncation !== true) {
      this.tell({ kind: "truncated" });
      this.again("tcp");
      return true;
    }
    // RFC 6891 7: a server from before EDNS.
    if (
      response.rcode === RCODE.FORMERR &&
      edns !== undefined &&
      response.edns === undefined &&
      !this.withoutEdns
    ) {
      this.tell({ kind: "no-edns" });
      this.withoutEdns = true;
      const { edns: _dropped, ...plain } = this.query;
      this.query = plain;
      this.again(this.transport);
      return true;
    }
    const cookie = response.edns?.options.find((option) => option.code === OPTION.COOKIE);
    if (
      response.rcode === RCODE.BADCOOKIE &&
      edns !== undefined &&
      cookie !== undefined &&
      !this.cookieTried
    ) {
      // RFC 7873 5.3: the server's cookie makes the same question good.
      this.tell({ kind: "bad-cookie" });
      this.cookieTried = true;
      const others = edns.options.filter((option) => option.code !== OPTION.COOKIE);
      this.query = { ...this.query, edns: { ...edns, options: [...others, cookie] } };
      this.again(this.transport);
      return true;
    }
    return false;
  }

  private again(transport: Transport): void {
    this.release();
    this.transport = transport;
    this.tries = 0;
    this.query = {
      ...this.query,
      id: this.options.sameId === true ? this.query.id : this.host.random.below(0x10000),
    };
    this.start();
  }

  private answered(response: DnsMessage, bytes: Uint8Array): void {
    const rtt = this.host.clock.now() - this.sentAt;
    this.tell({ kind: "answered", rcode: response.rcode, rtt, bytes: bytes.length });
    this.finish({
      ok: true,
      query: this.query,
      response,
      bytes,
      server: this.options.server,
      transport: this.transport,
      rtt,
      sent: this.sent,
    });
  }
}

/** Why a message is no answer to the query. RFC 5452 9.1. */
function mismatch(
  query: DnsMessage,
  response: DnsMessage,
): readonly ["id" | "question" | "query", string] | undefined {
  if (response.id !== query.id)
    return ["id", `its identifier is ${response.id}, the question's ${query.id}`];
  if (response.qr !== 1) return ["query", "it is a question itself"];
  const asked = query.questions[0];
  const [echoed] = response.questions;
  // Errors may come without the question: they say nothing that could be false.
  if (echoed === undefined && response.answers.length === 0) return undefined;
  const same =
    asked !== undefined &&
    echoed !== undefined &&
    echoed.type === asked.type &&
    echoed.class === asked.class &&
    sameName(echoed.name, asked.name);
  return same ? undefined : ["question", `it answers ${echoed?.name ?? "nothing"}`];
}
