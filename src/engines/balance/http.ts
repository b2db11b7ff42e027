/**
 * A balancer of requests: each goes to one of the machines behind, and to another where that one
 * cannot be had and nothing is done twice. RFC 9110 7.6, 9.2.2; Forwarded RFC 7239.
 */
import type { Field } from "../../codecs/http/message.ts";
import type { Host, Nanos } from "../host.ts";
import { SECOND } from "../host.ts";
import type { IncomingHead } from "../http/client-connection.ts";
import { ExchangeError } from "../http/client-connection.ts";
import type { Exchange } from "../http/exchange.ts";
import { Fetcher } from "../http/fetch/fetcher.ts";
import {
  allOf,
  endToEnd,
  joinedField,
  listMembers,
  passedTrailers,
  takesTrailers,
  without,
} from "../http/fields.ts";
import type { ResponseHead } from "../http/head.ts";
import { isIdempotent } from "../http/head.ts";
import type { PassedBody } from "../http/proxy/body.ts";
import { bodyOf } from "../http/proxy/body.ts";
import { faultOf, proxyStatus } from "../http/proxy/status.ts";
import { switchBoth, upgradeFields, upgradeWanted } from "../http/proxy/upgrade.ts";
import type { Backend, Backends } from "./backends.ts";
import { hashText } from "./ring.ts";
import type { BalancerEvents } from "./tcp.ts";

export interface HttpBalancerOptions {
  readonly backends: Backends;
  /** A cookie that brings a client back to its machine. */
  readonly affinity?: boolean;
  readonly events?: BalancerEvents;
  readonly connectTime?: Nanos;
  readonly responseTime?: Nanos;
  /** Machines that one request may be given to. */
  readonly tries?: number;
}

const NAME = "netkit";
const COOKIE = "netkit-machine";
/** RFC 9110 15: a code beyond 599 is the machine's answer all the same. */
const TOLERATED: ReadonlySet<string> = new Set(["http.status.range"]);
const CONNECT_TIME = 2 * SECOND;
const RESPONSE_TIME = 60 * SECOND;
const REST = 5 * SECOND;
const EMPTY = new Uint8Array(0);

export class HttpBalancer {
  private readonly host: Host;
  private readonly options: HttpBalancerOptions;
  private readonly fetcher: Fetcher;

  constructor(host: Host, options: HttpBalancerOptions) {
    this.host = host;
    this.options = options;
    this.fetcher = new Fetcher(host, {
      strategy: { connections: 256, keep: true, depth: 1 },
      lookup: (name, done) => done(null, { addresses: [name.replace(/^\[(.*)\]$/, "$1")] }),
      tolerates: TOLERATED,
      connectTime: options.connectTime ?? CONNECT_TIME,
      responseTime: options.responseTime ?? RESPONSE_TIME,
    });
  }

  handle(exchange: Exchange): void {
    if (exchange.request.method === "CONNECT") {
      exchange.respondError(405, "no tunnels here");
      return;
    }
    new Passage(this.host, this.fetcher, this.options, exchange).next();
  }

  close(): void {
    this.fetcher.close();
  }
}

/** The name of a machine in the cookie: its address is not everybody's business. */
function nameOf(backend: Backend): string {
  return hashText(`${backend.id} machine`).toString(36);
}

/** One request on its way through. */
class Passage {
  private readonly host: Host;
  private readonly fetcher: Fetcher;
  private readonly options: HttpBalancerOptions;
  private readonly exchange: Exchange;
  private readonly tried = new Set<string>();
  private readonly body: PassedBody | undefined;
  private readonly fields: readonly Field[];
  /** Protocols that the client would change to. */
  private readonly upgrade: readonly string[];
  /** The machine that the client's cookie names. */
  private readonly bound: Backend | undefined;

  constructor(host: Host, fetcher: Fetcher, options: HttpBalancerOptions, exchange: Exchange) {
    this.host = host;
    this.fetcher = fetcher;
    this.options = options;
    this.exchange = exchange;
    this.body = exchange.hasBody ? bodyOf(exchange) : undefined;
    this.upgrade = upgradeWanted(exchange);
    this.fields = [
      ...forwardedFields(exchange),
      ...(this.upgrade.length > 0 ? upgradeFields(this.upgrade) : []),
    ];
    const named = options.affinity === true ? cookieOf(exchange) : undefined;
    this.bound = options.backends.all.find((backend) => nameOf(backend) === named);
  }

  next(): void {
    const { backends, tries = 3 } = this.options;
    const now = this.host.clock.now();
    const { bound, tried } = this;
    // A machine that drains still serves the sessions that it has.
    const returns = bound?.up === true && !tried.has(bound.id);
    const backend =
      tried.size >= tries
        ? undefined
        : returns
          ? bound
          : backends.pick(now, this.exchange.connection.remote.addr, tried);
    if (backend === undefined) {
      const fields = [{ name: "Proxy-Status", value: `${NAME}; error=destination_unavailable` }];
      this.exchange.respond({ statusCode: 503, fields });
      return;
    }
    tried.add(backend.id);
    this.send(backend);
  }

  private send(backend: Backend): void {
    const { exchange, body } = this;
    const { method, target } = exchange.request;
    const { addr, port } = backend.at;
    backend.active++;
    this.options.events?.onAssigned?.(exchange.connection.remote, backend);
    let over = false;
    const finish = () => {
      if (!over) backend.active--;
      over = true;
    };
    const empty = exchange.field("content-length") === undefined ? undefined : EMPTY;
    const host = addr.includes(":") ? `[${addr}]` : addr;
    const handle = this.fetcher.fetch(
      {
        method,
        origin: { scheme: "http", host, port },
        target,
        fields: this.fields,
        body: body ?? empty,
      },
      {
        informed: (head) => {
          if (head.statusCode !== 100) exchange.inform({ ...head, fields: endToEnd(head.fields) });
        },
        head: (head) => {
          if (this.upgrade.length > 0) exchange.pauseBody(false);
          if (head.statusCode === 101) return;
          backend.served++;
          this.head(head, backend);
        },
        data: (bytes) => {
          if (!exchange.write(new Uint8Array(bytes))) handle.pause(true);
        },
        end: (trailers) => {
          finish();
          body?.release();
          exchange.end(takesTrailers(exchange.request.fields) ? passedTrailers(trailers) : []);
        },
        failed: (why) => {
          if (this.upgrade.length > 0) exchange.pauseBody(false);
          finish();
          this.failed(why, backend);
        },
        ...(this.upgrade.length === 0
          ? {}
          : {
              switched: (head, left, server) => {
                backend.served++;
                return switchBoth(exchange, this.upgrade, head, left, server, {
                  fields: (one) => this.responseFields(one, backend),
                  opened: () => {},
                  refused: (why) =>
                    this.failed(new ExchangeError("malformed", why, false, true), backend),
                  closed: finish,
                });
              },
            }),
      },
    );
    if (this.upgrade.length > 0) exchange.pauseBody(true);
    exchange.onDrain = () => handle.pause(false);
    exchange.onAbandoned = () => {
      finish();
      handle.abort("the client left");
    };
  }

  private head(head: IncomingHead, backend: Backend): void {
    const { statusCode, reasonPhrase } = head;
    this.exchange.start({ statusCode, reasonPhrase, fields: this.responseFields(head, backend) });
  }

  private responseFields(head: ResponseHead, backend: Backend): Field[] {
    const coded = joinedField(head.fields, "transfer-encoding") !== undefined;
    const fields = without(endToEnd(head.fields), "via", ...(coded ? ["content-length"] : []));
    const via = listMembers(joinedField(head.fields, "via"));
    fields.push({ name: "Via", value: [...via, `1.1 ${NAME}`].join(", ") });
    if (this.options.affinity === true && this.bound !== backend) {
      fields.push({
        name: "Set-Cookie",
        value: `${COOKIE}=${nameOf(backend)}; Path=/; HttpOnly; SameSite=Lax`,
      });
    }
    return fields;
  }

  /** RFC 9110 9.2.2: to another machine, if it was not sent, or may be sent twice. */
  private failed(why: ExchangeError, backend: Backend): void {
    const { exchange, body, options } = this;
    backend.failed++;
    if (why.fault === "connect" || why.fault === "timeout") {
      backend.restUntil = this.host.clock.now() + REST;
    }
    if (exchange.gone) return;
    const again =
      !exchange.responded &&
      body === undefined &&
      (!why.sent || (why.unanswered && isIdempotent(exchange.request.method)));
    const left = options.backends.all.some(({ id, draining }) => !draining && !this.tried.has(id));
    options.events?.onFailure?.(backend, why.message, !(again && left));
    if (again && left) {
      this.next();
      return;
    }
    body?.release();
    if (exchange.responded) {
      exchange.abort();
      return;
    }
    const fault = faultOf(why);
    const fields = [{ name: "Proxy-Status", value: proxyStatus(NAME, fault) }];
    exchange.respond({ statusCode: fault.statusCode, fields });
  }
}

/** The request's fields, Host as the client sent it, with whom they came from. RFC 7239 4 */
function forwardedFields(exchange: Exchange): Field[] {
  const { request, connection } = exchange;
  const { addr } = connection.remote;
  const kept = without(
    endToEnd(request.fields),
    "expect",
    "content-length",
    "via",
    "x-forwarded-for",
    "forwarded",
  );
  const via = listMembers(joinedField(request.fields, "via"));
  const chain = listMembers(joinedField(request.fields, "x-forwarded-for"));
  const forwarded = listMembers(joinedField(request.fields, "forwarded"));
  forwarded.push(`for=${addr.includes(":") ? `"[${addr}]"` : addr}`);
  return [
    ...kept,
    { name: "Via", value: [...via, `${request.version.replace("HTTP/", "")} ${NAME}`].join(", ") },
    { name: "X-Forwarded-For", value: [...chain, addr].join(", ") },
    { name: "Forwarded", value: forwarded.join(", ") },
    // RFC 9110 10.1.4
    ...(takesTrailers(request.fields)
      ? [
          { name: "TE", value: "trailers" },
          { name: "Connection", value: "TE" },
        ]
      : []),
  ];
}

function cookieOf(exchange: Exchange): string | undefined {
  for (const line of allOf(exchange.request.fields, "cookie")) {
    for (const pair of line.split(";")) {
      const [name, value] = pair.trim().split("=", 2);
      if (name === COOKIE) return value;
    }
  }
  return undefined;
}
