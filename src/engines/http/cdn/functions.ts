/**
 * What an edge does beyond caching, in this order: limits of the client, signature of the URL; then,
 * between the cache and the client, ESI, the client's mark, and the content coding.
 */
import type { Field } from "../../../codecs/http/message.ts";
import { utf8Bytes } from "../../../codecs/writer.ts";
import type { Host } from "../../host.ts";
import type { Exchange } from "../exchange.ts";
import { without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { Delivery } from "../proxy/proxy.ts";
import { isBelow } from "./canonical.ts";
import type { CodingStats } from "./coding.ts";
import { CodedStore, Coder } from "./coding.ts";
import type { Inside } from "./esi/fragments.ts";
import type { EsiStats } from "./esi/page.ts";
import { EsiPage } from "./esi/page.ts";
import type { Rate } from "./limits.ts";
import { Buckets, clientOf, WithFields } from "./limits.ts";
import type { SignatureFault, SigningKeys } from "./signed-url.ts";
import { signatureFault, unsigned } from "./signed-url.ts";
import { CAPABILITY, isTemplate, targeted } from "./surrogate.ts";
import { isPlainPage, Marker } from "./watermark.ts";
import { WholePage } from "./whole-page.ts";

export interface FunctionOptions {
  /** Requests of one client. */
  readonly requests?: Rate | undefined;
  /** Octets of bodies that one client is sent. */
  readonly octets?: Rate | undefined;
  readonly signing?: Signing | undefined;
  /** Templates become pages, where the origin says that they are some. */
  readonly esi?: boolean | undefined;
  /** The client's address in each page. */
  readonly watermark?: boolean | undefined;
  /** gzip and Brotli for clients that take it. */
  readonly compress?: boolean | undefined;
}

export interface Signing {
  readonly keys: SigningKeys;
  /** Paths that are given with a signature only, and all below them. */
  readonly prefixes: readonly string[];
}

export interface FunctionStats {
  /** Requests answered with 429. */
  limited: number;
  /** Requests with a signature that holds, and those refused by reason. */
  signed: number;
  refused: Partial<Record<SignatureFault, number>>;
  readonly esi: EsiStats;
  /** Pages with the client's address. */
  marked: number;
  readonly coding: CodingStats;
}

export class EdgeFunctions {
  readonly stats: FunctionStats = {
    limited: 0,
    signed: 0,
    refused: {},
    esi: { pages: 0, fragments: 0, failed: 0 },
    marked: 0,
    coding: { coded: 0, kept: 0, from: 0, to: 0 },
  };
  private readonly coded = new CodedStore();
  private readonly host: Host;
  private readonly options: FunctionOptions;
  private readonly requests: Buckets | undefined;
  private readonly octets: Buckets | undefined;

  constructor(host: Host, options: FunctionOptions) {
    this.host = host;
    this.options = options;
    const { requests, octets } = options;
    this.requests = requests === undefined ? undefined : new Buckets(host.clock, requests);
    this.octets = octets === undefined ? undefined : new Buckets(host.clock, octets);
  }

  /** False: the client has had its share, and was told so. */
  withinLimits(exchange: Exchange): boolean {
    const { requests, octets } = this;
    if (requests === undefined && octets === undefined) return true;
    const client = clientOf(exchange.connection.remote.addr);
    if (octets !== undefined && !octets.take(client, 0, 1)) {
      this.refuse(exchange, octets.secondsUntil(client, 1));
      return false;
    }
    if (requests !== undefined && !requests.take(client, 1)) {
      this.refuse(exchange, requests.secondsUntil(client, 1));
      return false;
    }
    if (octets !== undefined) {
      const { onDone, onAbandoned } = exchange;
      // What was sent is known once it is: until it is paid for, the next request waits.
      const pay = () => octets.take(client, exchange.sent, Number.NEGATIVE_INFINITY);
      exchange.onDone = () => {
        pay();
        onDone?.();
      };
      exchange.onAbandoned = (why) => {
        pay();
        onAbandoned?.(why);
      };
    }
    return true;
  }

  private refuse(exchange: Exchange, seconds: number): void {
    this.stats.limited++;
    const fields = [
      { name: "Content-Type", value: "text/plain; charset=utf-8" },
      { name: "Cache-Control", value: "no-store" },
      { name: "Retry-After", value: String(seconds) },
      ...this.limitFields(exchange),
    ];
    exchange.respond({ statusCode: 429, fields }, utf8Bytes("too much for one client\n"));
  }

  /** What the client still has. */
  limitFields(exchange: Exchange): Field[] {
    const client = clientOf(exchange.connection.remote.addr);
    const policies: string[] = [];
    const limits: string[] = [];
    for (const [name, unit, buckets] of [
      ["requests", "", this.requests],
      ["octets", ';qu="content-bytes"', this.octets],
    ] as const) {
      if (buckets === undefined) continue;
      const { burst, perSecond } = buckets.rate;
      const left = buckets.left(client);
      policies.push(`"${name}";q=${burst}${unit};w=${Math.max(1, Math.ceil(burst / perSecond))}`);
      limits.push(`"${name}";r=${left};t=${buckets.secondsUntil(client, left + 1)}`);
    }
    if (policies.length === 0) return [];
    return [
      { name: "RateLimit-Policy", value: policies.join(", ") },
      { name: "RateLimit", value: limits.join(", ") },
    ];
  }

  /** A target without its signature; undefined for a path that cannot be read. */
  plain(target: string): string | undefined {
    return this.options.signing === undefined ? target : unsigned(target);
  }

  /** The target that cache and origin see; undefined: it is not given, and the client was told why. */
  admit(exchange: Exchange, site: string, target: string): string | undefined {
    const { signing } = this.options;
    if (signing === undefined || !target.startsWith("/")) return target;
    const plain = this.plain(target);
    if (plain === undefined) {
      exchange.respondError(400, "a path that cannot be read (RFC 3986 2.1)");
      return undefined;
    }
    if (!this.isProtected(target) && !this.isProtected(plain)) return plain;
    const { addr } = exchange.connection.remote;
    const fault = signatureFault(site, target, signing.keys, addr, this.host.clock.wallMs());
    if (fault === undefined) {
      this.stats.signed++;
      return plain;
    }
    const { refused } = this.stats;
    refused[fault] = (refused[fault] ?? 0) + 1;
    const fields = [
      { name: "Content-Type", value: "text/plain; charset=utf-8" },
      { name: "Cache-Control", value: "no-store" },
    ];
    exchange.respond({ statusCode: 403, fields }, utf8Bytes(`${fault}\n`));
    return undefined;
  }

  /** Fields for the origin: what is to be changed here must come plain. */
  asks(fields: readonly Field[]): Field[] {
    const { esi, watermark, compress } = this.options;
    const plain = esi === true || watermark === true || compress === true;
    const kept = plain ? without(fields, "accept-encoding") : [...fields];
    return esi === true ? [...kept, CAPABILITY] : kept;
  }

  received(head: ResponseHead): ResponseHead {
    return this.options.esi === true ? targeted(head) : head;
  }

  /** What a response goes through from the cache to the client. `fetch`: from the cache, for the edge itself. */
  deliver(exchange: Exchange, site: string, fetch: Inside): Delivery {
    const { esi, watermark, compress } = this.options;
    const { stats } = this;
    const { target } = exchange.request;
    let to: Delivery =
      this.requests === undefined && this.octets === undefined
        ? exchange
        : new WithFields(exchange, () => this.limitFields(exchange));
    if (compress === true) {
      to = new Coder(to, exchange, `http://${site}${target}`, this.coded, stats.coding);
    }
    if (watermark === true) to = new Marker(to, exchange, () => stats.marked++);
    if (esi === true) {
      const inside: Inside = (where, path, sink) =>
        this.isProtected(path) ? undefined : fetch(where, path, sink);
      to = new EsiPage(to, exchange, site, target, inside, stats.esi);
    }
    if (esi !== true && watermark !== true) return to;
    const changes = (head: ResponseHead) =>
      (esi === true && isTemplate(head)) || (watermark === true && isPlainPage(head));
    return new WholePage(to, exchange, changes, (sink) => fetch(site, target, sink));
  }

  /** In any reading of its path: what origins decode, and in which order, differs. */
  private isProtected(target: string): boolean {
    const [path = ""] = target.split("?", 1);
    return this.options.signing?.prefixes.some((prefix) => isBelow(path, prefix)) === true;
  }
}
