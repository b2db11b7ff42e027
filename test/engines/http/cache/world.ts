/** An origin, a caching proxy and clients in a simulated world: 4 ms between client and proxy, 100 ms to the origin. */
import type { Field } from "../../../../src/codecs/http/message.ts";
import { MILLISECOND } from "../../../../src/engines/host.ts";
import { Cache } from "../../../../src/engines/http/cache/cache.ts";
import { MemoryStore } from "../../../../src/engines/http/cache/memory-store.ts";
import type { Store } from "../../../../src/engines/http/cache/store.ts";
import { ClientConnection } from "../../../../src/engines/http/client-connection.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import type { Proxied, ProxyOptions } from "../../../../src/engines/http/proxy/proxy.ts";
import { HttpProxy } from "../../../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../../../src/engines/http/server.ts";
import { World } from "../../../../src/net/simulated/world.ts";
import { bytesOf, textOf } from "../world.ts";

export const ORIGIN = "192.0.2.80";
export const PROXY = "192.0.2.1";

export interface Got {
  statusCode: number;
  fields: readonly Field[];
  body: string;
  trailers: readonly Field[];
  state: "waiting" | "whole" | "cut";
  /** Milliseconds of virtual time. */
  at: number;
}

export interface Setting {
  readonly store?: Store;
  readonly shared?: boolean;
  readonly proxy?: Partial<ProxyOptions>;
  readonly forward?: boolean;
  readonly seed?: number;
  /** False: nobody is told of the requests. */
  readonly watched?: boolean;
}

export function cacheWorld(
  answer: (exchange: Exchange, count: number) => void,
  setting: Setting = {},
) {
  const world = new World({ seed: setting.seed ?? 3, delay: 1 * MILLISECOND });
  const asked: { method: string; target: string; fields: readonly Field[] }[] = [];
  const origin = world.node("origin", {
    addresses: [ORIGIN],
    link: { delay: 49 * MILLISECOND },
  });
  new HttpServer(
    (exchange) => {
      const { method, target, fields } = exchange.request;
      asked.push({ method, target, fields });
      answer(exchange, asked.length);
    },
    { listen: [{ addr: ORIGIN, port: 80 }] },
  ).start(origin);
  const node = world.node("proxy", { addresses: [PROXY] });
  const told: Proxied[] = [];
  const store = setting.store ?? new MemoryStore(1024 * 1024);
  const cache = new Cache(node, { store, targets: ["CDN-Cache-Control"] });
  const proxy = new HttpProxy(node, {
    origin: setting.forward === true ? undefined : { scheme: "http", host: ORIGIN, port: 80 },
    cache,
    lookup: (name, done) => done(null, { addresses: [name] }),
    ...(setting.watched === false ? {} : { onProxied: (one: Proxied) => told.push(one) }),
    ...setting.proxy,
  });
  new HttpServer((exchange) => proxy.handle(exchange), {
    listen: [{ addr: PROXY, port: 80 }],
  }).start(node);
  world.node("client", { addresses: ["198.51.100.1"] });

  const client = () => {
    const connection = new ClientConnection(world.get("client"), {
      remote: { addr: PROXY, port: 80 },
    });
    const send = (
      method: string,
      target: string,
      fields: Record<string, string> = {},
      body?: string,
    ): Got => {
      const got: Got = {
        statusCode: 0,
        fields: [],
        body: "",
        trailers: [],
        state: "waiting",
        at: -1,
      };
      const all = [
        ...("Host" in fields ? [] : [{ name: "Host", value: ORIGIN }]),
        ...Object.entries(fields).map(([name, value]) => ({ name, value })),
      ];
      const request = {
        method,
        target,
        fields: all,
        body: body === undefined ? undefined : bytesOf(body),
      };
      connection.send(request, {
        head: (head) => Object.assign(got, { statusCode: head.statusCode, fields: head.fields }),
        data: (bytes) => {
          got.body += textOf(bytes);
        },
        end: (trailers) =>
          Object.assign(got, { trailers, state: "whole", at: world.now / MILLISECOND }),
        cut: () => {
          got.state = "cut";
        },
      });
      return got;
    };
    return { connection, send };
  };
  /** One request on a connection of its own, and a second of time. */
  const get = (
    target: string,
    fields: Record<string, string> = {},
    method = "GET",
    body?: string,
  ): Got => {
    const got = client().send(method, target, fields, body);
    world.run(world.now + 1000 * MILLISECOND);
    return got;
  };
  return { world, asked, cache, store, told, client, get, proxy };
}

export function reply(
  exchange: Exchange,
  fields: Record<string, string>,
  body = "",
  statusCode = 200,
): void {
  const all = Object.entries(fields).map(([name, value]) => ({ name, value }));
  exchange.respond({ statusCode, fields: all }, bytesOf(body));
}
