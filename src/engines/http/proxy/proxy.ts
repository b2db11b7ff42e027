/**
 * A proxy, forward or reverse, with or without a cache: requests are read strictly, written anew, and
 * sent on over connections of its own. RFC 9110 7.6, RFC 9112 3.2, 9.
 */
import type { Field } from "../../../codecs/http/message.ts";
import type { AbsoluteUri } from "../../../codecs/http/uri.ts";
import { parseTarget } from "../../../codecs/http/uri.ts";
import { latin1Bytes } from "../../../codecs/writer.ts";
import { ordered } from "../../dialing/order.ts";
import type { Host, Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";
import type { Cache } from "../cache/cache.ts";
import type { Outcome } from "../cache/explain.ts";
import { reason } from "../cache/explain.ts";
import type { CacheSink, Handling, Upstream } from "../cache/flow.ts";
import { keyOf } from "../cache/key.ts";
import type { BodySource } from "../client-connection.ts";
import { ExchangeError } from "../client-connection.ts";
import type { Exchange } from "../exchange.ts";
import type { FetcherOptions, Looked } from "../fetch/fetcher.ts";
import { Fetcher } from "../fetch/fetcher.ts";
import type { Origin } from "../fetch/origin.ts";
import { hostField, originOf, targetOf } from "../fetch/origin.ts";
import {
  endToEnd,
  field,
  joinedField,
  listMembers,
  passedTrailers,
  takesTrailers,
  without,
} from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import { Refusal } from "../server-connection.ts";
import { bodyOf } from "./body.ts";
import { PlainHits } from "./plain-hits.ts";
import { faultOf, proxyStatus } from "./status.ts";
import { tunnel } from "./tunnel.ts";
import { switchBoth, upgradeFields, upgradeWanted } from "./upgrade.ts";

/** What a proxy did with one request. */
export interface Proxied {
  readonly exchange: Exchange;
  /** The URI, or the authority of a tunnel. */
  readonly uri: string;
  readonly outcome: Outcome;
  readonly statusCode: number;
}

export interface ProxyOptions {
  /** Undefined: a forward proxy, that goes where the request says. */
  readonly origin?: Origin | undefined;
  readonly cache?: Cache | undefined;
  readonly lookup: FetcherOptions["lookup"];
  readonly tls?: FetcherOptions["tls"];
  /** Ports that CONNECT may reach; `any`: all of them. RFC 9110 9.3.6 */
  readonly tunnelPorts?: ReadonlySet<number> | "any";
  /** Connections to one origin. */
  readonly connections?: number;
  readonly connectTime?: Nanos | undefined;
  readonly responseTime?: Nanos | undefined;
  onProxied?(proxied: Proxied): void;
  /** Where the response goes in place of the exchange itself: what changes it on its way. */
  deliver?(exchange: Exchange, uri: string): Delivery;
  /** Fields of a request as the origin has them. */
  asks?(fields: readonly Field[]): Field[];
  /** A response of the origin, before a cache judges it. */
  received?(head: ResponseHead): ResponseHead;
}

/** What a response is written to. An `Exchange` is one. */
export interface Delivery {
  start(head: ResponseHead): void;
  /** False: stop until the exchange drains. */
  write(bytes: Uint8Array): boolean;
  end(trailers?: readonly Field[]): void;
  /** It cannot be finished. */
  abort(): void;
}

const NAME = "netkit";
const EMPTY = new Uint8Array(0);
const CONNECTIONS = 256;
const IDLE_TIME = 10 * SECOND;
const RESPONSE_TIME = 60 * SECOND;
/** RFC 9110 10.1.1: an origin that does not know of 100 (Continue) is sent the body all the same. */
const CONTINUE_TIME = SECOND;
const TUNNEL_PORTS: ReadonlySet<number> = new Set([443]);
/** Survived in responses, since they are framed anew: the body then ends with the connection. */
const TOLERATED: ReadonlySet<string> = new Set([
  "http.transfer-encoding.unknown",
  "http.status.range",
]);

export class HttpProxy {
  private readonly host: Host;
  private readonly options: ProxyOptions;
  private readonly fetcher: Fetcher;
  /** Told apart from other proxies of the same kind: how a loop is seen. RFC 9110 7.6.3 */
  private readonly pseudonym: string;
  private readonly hits: PlainHits | undefined;

  constructor(host: Host, options: ProxyOptions) {
    this.host = host;
    this.options = options;
    this.pseudonym = `${NAME}-${host.random.u32().toString(16).padStart(8, "0")}`;
    const { origin, cache } = options;
    // Who is told of each request, or changes what goes out, sees all of them.
    const untold = options.onProxied === undefined && options.deliver === undefined;
    this.hits =
      origin !== undefined && cache !== undefined && untold
        ? new PlainHits(cache, origin)
        : undefined;
    this.fetcher = new Fetcher(host, {
      strategy: { connections: options.connections ?? CONNECTIONS, keep: true, depth: 1 },
      lookup: options.lookup,
      tolerates: TOLERATED,
      idleTime: IDLE_TIME,
      connectTime: options.connectTime,
      responseTime: options.responseTime ?? RESPONSE_TIME,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
    });
  }

  handle(exchange: Exchange): void {
    if (this.hits?.answer(exchange) === true) return;
    try {
      this.route(exchange);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      exchange.respondError(error.statusCode, error.message);
    }
  }

  /** Closes the connections to origins. */
  close(): void {
    this.fetcher.close();
  }

  /** @throws Refusal */
  private route(exchange: Exchange): void {
    const { method } = exchange.request;
    if (
      listMembers(joinedField(exchange.request.fields, "via")).some((v) =>
        v.includes(this.pseudonym),
      )
    ) {
      this.refuseLoop(exchange);
      return;
    }
    if (method === "CONNECT") {
      this.connect(exchange);
      return;
    }
    const { origin, target } = this.destination(exchange);
    if (this.answersItself(exchange)) return;
    const wanted = upgradeWanted(exchange);
    if (wanted.length > 0) this.passUpgrade(exchange, origin, target, wanted);
    else this.pass(exchange, origin, target);
  }

  private refuseLoop(exchange: Exchange): void {
    const status = `${NAME}; error=proxy_loop_detected`;
    exchange.respond({ statusCode: 502, fields: [{ name: "Proxy-Status", value: status }] });
  }

  /** RFC 9112 3.2: where the request goes, and as what. */
  private destination(exchange: Exchange): { origin: Origin; target: string } {
    const { method, target } = exchange.request;
    const { origin } = this.options;
    const parsed = parseTarget(target, method);
    if (parsed === undefined) throw new Refusal(400, "a request target that is none");
    if (parsed.form === "absolute") {
      const asked = absoluteOrigin(parsed.uri);
      // RFC 9112 3.2.4: OPTIONS without a path is about the server.
      const { path, query } = parsed.uri;
      const server = method === "OPTIONS" && path === "" && query === undefined;
      return { origin: origin ?? asked, target: server ? "*" : targetOf(parsed.uri) };
    }
    if (origin === undefined) {
      throw new Refusal(400, "a proxy is asked with an absolute URI (RFC 9112 3.2.2)");
    }
    if (parsed.form === "asterisk" && method !== "OPTIONS") {
      throw new Refusal(400, "* is a target of OPTIONS alone (RFC 9112 3.2.4)");
    }
    if (target.includes("#")) throw new Refusal(400, "a fragment is not sent (RFC 9110 7.1)");
    return { origin, target };
  }

  /** RFC 9110 7.6.2: OPTIONS and TRACE whose last hop is this one. */
  private answersItself(exchange: Exchange): boolean {
    const { method, target, version, fields } = exchange.request;
    if (method !== "OPTIONS" && method !== "TRACE") return false;
    if (exchange.field("max-forwards")?.trim() !== "0") return false;
    if (method === "OPTIONS") {
      exchange.respond({ statusCode: 204, fields: [] });
      return true;
    }
    // RFC 9110 9.3.8: what might be secret is left out.
    const told = without(fields, "cookie", "authorization", "proxy-authorization");
    const lines = told.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
    const type = [{ name: "Content-Type", value: "message/http" }];
    const text = `${method} ${target} ${version}\r\n${lines}\r\n`;
    exchange.respond({ statusCode: 200, fields: type }, latin1Bytes(text));
    return true;
  }

  private requestFields(exchange: Exchange, host: string): Field[] {
    const { fields, version } = exchange.request;
    const kept = without(
      endToEnd(fields),
      "host",
      "expect",
      "content-length",
      "via",
      "max-forwards",
    );
    const via = listMembers(joinedField(fields, "via"));
    via.push(`${version.replace("HTTP/", "")} ${this.pseudonym}`);
    const hops = exchange.field("max-forwards")?.trim();
    const counted = hops !== undefined && /^[0-9]{1,9}$/.test(hops) && Number(hops) > 0;
    return [
      { name: "Host", value: host },
      ...kept,
      { name: "Via", value: via.join(", ") },
      ...(counted ? [{ name: "Max-Forwards", value: String(Number(hops) - 1) }] : []),
      // RFC 9110 10.1.4: said for the client, who is the one that takes them.
      ...(takesTrailers(fields)
        ? [
            { name: "TE", value: "trailers" },
            { name: "Connection", value: "TE" },
          ]
        : []),
    ];
  }

  private pass(exchange: Exchange, origin: Origin, target: string): void {
    const { cache } = this.options;
    const { request, hasBody } = exchange;
    const uri = keyOf(origin, target);
    const upstream = this.upstream(origin, target, exchange.expectsContinue);
    const own = this.requestFields(exchange, hostField(origin));
    const fields = this.options.asks?.(own) ?? own;
    // RFC 9110 8.6: a length of nothing is told on.
    const empty = exchange.field("content-length") === undefined ? undefined : EMPTY;
    const passed = hasBody ? bodyOf(exchange) : undefined;
    const body = passed ?? empty;
    let handling: Handling | undefined;
    const sink = this.sinkOf(exchange, uri, () => passed?.release());
    exchange.onDrain = () => handling?.resume();
    const { onAbandoned } = exchange;
    exchange.onAbandoned = (why) => {
      handling?.abort();
      onAbandoned?.(why);
    };
    // A GET with a body means what only its origin knows (RFC 9110 9.3.1).
    const cacheable = cache !== undefined && !(hasBody && request.method === "GET");
    if (cacheable) {
      handling = cache.handle({ method: request.method, key: uri, fields, body }, upstream, sink);
    } else {
      handling = direct(upstream, request.method, fields, body, sink);
    }
  }

  /** RFC 9110 7.8: past the cache, on a connection that is then the two's alone. */
  private passUpgrade(
    exchange: Exchange,
    origin: Origin,
    target: string,
    wanted: readonly string[],
  ): void {
    const uri = keyOf(origin, target);
    const sink = this.sinkOf(exchange, uri, () => {});
    const reasons = [reason("RFC 9110 7.8", "another protocol is not looked into")];
    const outcome: Outcome = {
      verdict: "bypass",
      reasons,
      stored: undefined,
      status: "fwd=bypass",
    };
    const { onProxied } = this.options;
    // What the client sends before it is answered may be of either protocol.
    exchange.pauseBody(true);
    const own = this.requestFields(exchange, hostField(origin));
    const fields = [...own, ...upgradeFields(wanted)];
    const handle = this.fetcher.fetch(
      { method: exchange.request.method, origin, target, fields },
      {
        informed: (head) => sink.informed?.(head),
        head: (head) => {
          if (head.statusCode === 101) return;
          exchange.pauseBody(false);
          sink.head(head, outcome);
        },
        data: (bytes) => {
          if (!sink.data(bytes.slice())) handle.pause(true);
        },
        end: (trailers) => sink.end(trailers),
        failed: (why) => {
          exchange.pauseBody(false);
          sink.failed(why, outcome);
        },
        switched: (head, left, server) =>
          switchBoth(exchange, wanted, head, left, server, {
            fields: (one) => this.responseFields(one),
            opened: ({ statusCode }) => onProxied?.({ exchange, uri, outcome, statusCode }),
            refused: (why) => {
              exchange.pauseBody(false);
              sink.failed(new ExchangeError("malformed", why, false, true), outcome);
            },
          }),
      },
    );
    exchange.onDrain = () => handle.pause(false);
    exchange.onAbandoned = () => handle.abort("the client left");
  }

  /** A GET that is not of a client: through the cache, at the origin of a reverse proxy. */
  get(target: string, given: readonly Field[], sink: CacheSink): Handling {
    const { origin, cache, asks } = this.options;
    if (origin === undefined) throw new Error("only a reverse proxy knows where to ask");
    const own = [
      { name: "Host", value: hostField(origin) },
      ...given,
      { name: "Via", value: `1.1 ${this.pseudonym}` },
    ];
    const fields = asks?.(own) ?? own;
    const upstream = this.upstream(origin, target, false);
    if (cache === undefined) return direct(upstream, "GET", fields, undefined, sink);
    return cache.handle({ method: "GET", key: keyOf(origin, target), fields }, upstream, sink);
  }

  private upstream(origin: Origin, target: string, expectsContinue: boolean): Upstream {
    const { received } = this.options;
    return ({ method, fields, body }, sink) => {
      const handle = this.fetcher.fetch(
        {
          method,
          origin,
          target,
          fields,
          body,
          ...(expectsContinue && body !== undefined ? { continueTime: CONTINUE_TIME } : {}),
        },
        {
          informed: (head) => {
            if (head.statusCode !== 100) sink.informed(head);
          },
          head: (head) => sink.head(received?.(head) ?? head),
          data: (bytes) => sink.data(bytes),
          end: (trailers) => sink.end(trailers),
          failed: (why) => sink.failed(why),
        },
      );
      return {
        pause: (on) => handle.pause(on),
        abort: () => handle.abort("the client left"),
      };
    };
  }

  private sinkOf(exchange: Exchange, uri: string, over: () => void): CacheSink {
    const { onProxied, cache, deliver } = this.options;
    const to = deliver?.(exchange, uri) ?? exchange;
    const trails = takesTrailers(exchange.request.fields);
    let begun = false;
    return {
      informed: (head) => exchange.inform({ ...head, fields: endToEnd(head.fields) }),
      head: (head, outcome) => {
        const fields = this.responseFields(head);
        const announced = trails ? joinedField(head.fields, "trailer") : undefined;
        if (announced !== undefined) fields.push({ name: "Trailer", value: announced });
        if (cache !== undefined) {
          fields.push({ name: "Cache-Status", value: `${NAME}; ${outcome.status}` });
        }
        begun = true;
        const length = field(fields, "content-length");
        if (length !== undefined && announced === undefined)
          this.hits?.learn(exchange, outcome, fields);
        to.start({ statusCode: head.statusCode, fields, ...reasonOf(head) });
        onProxied?.({ exchange, uri, outcome, statusCode: head.statusCode });
      },
      data: (bytes) => to.write(bytes),
      end: (trailers) => {
        over();
        // RFC 9110 6.5.2: who did not say that it takes them may not wait for them.
        to.end(trails ? passedTrailers(trailers) : []);
      },
      failed: (why, outcome) => {
        over();
        if (begun || exchange.responded) {
          // A request that is malformed further on was answered by its connection.
          (begun ? to : exchange).abort();
          return;
        }
        const fault = faultOf(why);
        const fields = [{ name: "Proxy-Status", value: proxyStatus(NAME, fault) }];
        if (cache !== undefined && outcome !== undefined) {
          fields.push({ name: "Cache-Status", value: `${NAME}; ${outcome.status}` });
        }
        exchange.respond({ statusCode: fault.statusCode, fields });
        const { statusCode } = fault;
        if (outcome !== undefined) onProxied?.({ exchange, uri, outcome, statusCode });
      },
    };
  }

  /** RFC 9110 7.6.1, 7.6.3: without what was for us, and with our name. */
  private responseFields(head: ResponseHead): Field[] {
    const coded = field(head.fields, "transfer-encoding") !== undefined;
    const kept = without(endToEnd(head.fields), "via", ...(coded ? ["content-length"] : []));
    const via = listMembers(joinedField(head.fields, "via"));
    const version = (head.version ?? "HTTP/1.1").replace("HTTP/", "");
    return [...kept, { name: "Via", value: [...via, `${version} ${this.pseudonym}`].join(", ") }];
  }

  private connect(exchange: Exchange): void {
    const { origin, tunnelPorts = TUNNEL_PORTS, lookup, connectTime, onProxied } = this.options;
    const parsed = parseTarget(exchange.request.target, "CONNECT");
    if (parsed?.form !== "authority") throw new Refusal(400, "CONNECT names a host and a port");
    const port = Number(parsed.port);
    if (origin !== undefined) throw new Refusal(405, "no tunnels here");
    if (!(port > 0 && port < 65_536)) throw new Refusal(400, "a port that is none");
    if (tunnelPorts !== "any" && !tunnelPorts.has(port)) {
      throw new Refusal(403, `no tunnels to port ${port} (RFC 9110 9.3.6)`);
    }
    const uri = `${parsed.host}:${port}`;
    const outcome: Outcome = {
      verdict: "bypass",
      reasons: [reason("RFC 9110 9.3.6", "a tunnel is not looked into")],
      stored: undefined,
      status: "fwd=method",
    };
    const failed = (why: Error) => {
      const fault = faultOf(why);
      const fields = [{ name: "Proxy-Status", value: proxyStatus(NAME, fault) }];
      exchange.respond({ statusCode: fault.statusCode, fields });
      onProxied?.({ exchange, uri, outcome, statusCode: fault.statusCode });
    };
    const reach = (error: Error | null, looked: Looked | undefined) => {
      if (exchange.gone) return;
      const { addresses: own } = this.host;
      const targets = ordered(looked?.addresses ?? [], own).map((addr) => ({ addr, port }));
      if (error !== null || targets.length === 0) {
        const text = error?.message ?? `${parsed.host} has no address`;
        failed(new ExchangeError("connect", text, true, false));
        return;
      }
      const head = { statusCode: 200, reasonPhrase: "Connection established", fields: [] };
      tunnel(this.host, exchange, targets, head, { connectTime }, failed, () =>
        onProxied?.({ exchange, uri, outcome, statusCode: 200 }),
      );
    };
    const open = () => lookup(parsed.host, reach, port);
    // Behind other requests of the connection it waits for their responses.
    if (exchange.isFirst) open();
    else exchange.onTurn = open;
  }
}

/** @throws Refusal */
function absoluteOrigin(uri: AbsoluteUri): Origin {
  // RFC 9110 4.2.4: a user before the host is where two readers differ about whose host it is.
  if (uri.userinfo !== undefined) throw new Refusal(400, "a user in the URI (RFC 9110 4.2.4)");
  if (uri.fragment !== undefined) throw new Refusal(400, "a fragment is not sent (RFC 9110 7.1)");
  const origin = originOf(uri);
  if (origin === undefined) throw new Refusal(400, "not an http or https URI");
  return origin;
}

function reasonOf({ reasonPhrase }: ResponseHead): { reasonPhrase?: string } {
  return reasonPhrase === undefined ? {} : { reasonPhrase };
}

/** Past the cache. */
function direct(
  upstream: Upstream,
  method: string,
  fields: readonly Field[],
  body: Uint8Array | BodySource | undefined,
  sink: CacheSink,
): Handling {
  const reasons = [reason("RFC 9111 4", "no cache")];
  const outcome: Outcome = { verdict: "bypass", reasons, stored: undefined, status: "fwd=bypass" };
  let held = false;
  const flow = upstream(
    { method, fields, body },
    {
      informed: (head) => sink.informed?.(head),
      head: (head) => sink.head(head, outcome),
      data: (bytes) => {
        if (sink.data(bytes.slice()) || held) return;
        held = true;
        flow.pause(true);
      },
      end: (trailers) => sink.end(trailers),
      failed: (why) => sink.failed(why, outcome),
    },
  );
  return {
    resume: () => {
      if (!held) return;
      held = false;
      flow.pause(false);
    },
    abort: () => flow.abort(),
  };
}
