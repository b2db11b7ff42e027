/**
 * The three ways to resolve a name, beside each other: iterative (the client walks from the root),
 * hybrid (the client asks a server that walks, as the Internet does), recursive (each server asks
 * the next). RFC 1034 4.3.1, 5.3.1.
 */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import type { Endpoint, Host, Nanos } from "../../host.ts";
import type { ExchangeEvent, ExchangeResult } from "../client/exchange.ts";
import { Exchange } from "../client/exchange.ts";
import { clientQuery } from "../client/query.ts";
import { Recursor } from "../recursor.ts";
import type { ResolverOptions, ServerAddress } from "../resolver/options.ts";
import type { Tracer } from "../resolver/trace.ts";

export const MODES = ["iterative", "hybrid", "recursive"] as const;
export type Mode = (typeof MODES)[number];

export interface ModeOptions {
  /** The servers of the root, and how to walk from them. */
  readonly resolver: Partial<ResolverOptions>;
  /** Who walks for others (hybrid). */
  readonly recursor: ServerAddress | undefined;
  /** The first server that is asked for everything (recursive). */
  readonly first: Endpoint;
  readonly timeoutMs: number;
}

export interface ModeAnswer {
  /** Undefined when nothing came. */
  readonly response: DnsMessage | undefined;
  readonly took: Nanos;
  /** Messages that the client sent. */
  readonly sent: number;
  /** Who was asked, where that is one server. */
  readonly exchange?: ExchangeResult;
}

/** What is told of the way: steps of a walk, or of the question to one server. */
export interface ModeTracers {
  readonly walk?: Tracer;
  readonly step?: (event: ExchangeEvent, server: Endpoint) => void;
}

/** A client that resolves in one of the ways; what it learnt it keeps for the next name. */
export class ModalClient {
  private readonly host: Host;
  private readonly options: ModeOptions;
  private walker: Recursor | undefined;

  constructor(host: Host, options: ModeOptions) {
    this.host = host;
    this.options = options;
  }

  resolve(
    mode: Mode,
    name: string,
    type: number,
    done: (answer: ModeAnswer) => void,
    tracers: ModeTracers = {},
  ): void {
    const { recursor, first } = this.options;
    if (mode === "iterative") this.walk(name, type, done, tracers.walk);
    else this.askOne(mode === "hybrid" ? recursor : first, name, type, done, tracers);
  }

  private walk(
    name: string,
    type: number,
    done: (answer: ModeAnswer) => void,
    tracer: Tracer | undefined,
  ): void {
    const { host } = this;
    if (this.walker === undefined) {
      this.walker = new Recursor({ resolver: this.options.resolver });
      this.walker.start(host);
    }
    const { walker } = this;
    const started = host.clock.now();
    const before = walker.statistics().queriesSent;
    const query = clientQuery(name, type, { dnssec: false }, host.random);
    walker.ask(
      query,
      "127.0.0.1",
      (response) =>
        done({
          response,
          took: host.clock.now() - started,
          sent: walker.statistics().queriesSent - before,
        }),
      tracer,
    );
  }

  private askOne(
    server: ServerAddress | undefined,
    name: string,
    type: number,
    done: (answer: ModeAnswer) => void,
    tracers: ModeTracers,
  ): void {
    const { host, options } = this;
    if (server === undefined) {
      done({ response: undefined, took: 0, sent: 0 });
      return;
    }
    const started = host.clock.now();
    const query = clientQuery(name, type, {}, host.random);
    new Exchange(
      host,
      {
        server,
        query,
        tries: 4,
        timeoutMs: options.timeoutMs,
        ...(server.tls === undefined
          ? { transport: "udp" }
          : { transport: "tls", tls: server.tls }),
      },
      (result) =>
        done({
          response: result.ok ? result.response : undefined,
          took: host.clock.now() - started,
          sent: result.sent,
          exchange: result,
        }),
      (event) => tracers.step?.(event, server),
    ).start();
  }

  close(): void {
    this.walker?.stop(false, () => {});
    this.walker = undefined;
  }
}
