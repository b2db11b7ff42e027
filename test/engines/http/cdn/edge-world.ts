/** An edge of two sites between a client and an origin, simulated. */
import type { Field } from "../../../../src/codecs/http/message.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { CdnEdge } from "../../../../src/engines/http/cdn/edge.ts";
import type { FunctionOptions } from "../../../../src/engines/http/cdn/functions.ts";
import { ClientConnection } from "../../../../src/engines/http/client-connection.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import { HttpServer } from "../../../../src/engines/http/server.ts";
import { World } from "../../../../src/net/simulated/world.ts";

export interface Got {
  statusCode: number;
  bytes: Buffer;
  body: string;
  fields: readonly Field[];
  /** By name in lower case. */
  field(name: string): string | undefined;
}

export interface EdgeWorldOptions {
  readonly functions?: FunctionOptions;
  /** The origin; it answers "body", fresh for a minute, unless told otherwise. */
  origin?(exchange: Exchange): void;
  /** Of the client. */
  readonly address?: string;
}

export function reply(exchange: Exchange, fields: Record<string, string>, body: string | Buffer) {
  const list = Object.entries(fields).map(([name, value]) => ({ name, value }));
  exchange.respond({ statusCode: 200, fields: list }, new Uint8Array(Buffer.from(body)));
}

export function edgeWorld({ functions = {}, origin, address }: EdgeWorldOptions = {}) {
  const world = new World({ seed: 2, delay: MILLISECOND });
  const asked: string[] = [];
  const requests: Exchange["request"][] = [];
  world.node("origin", {
    addresses: ["198.51.100.80"],
    boot: () =>
      new HttpServer(
        (exchange) => {
          asked.push(`${exchange.field("host")}${exchange.request.target}`);
          requests.push(exchange.request);
          if (origin !== undefined) origin(exchange);
          else reply(exchange, { "Cache-Control": "max-age=60" }, "body");
        },
        { listen: [{ addr: "198.51.100.80", port: 80 }] },
      ),
  });
  const host = world.node("edge", { addresses: ["192.0.2.1"] });
  const home = { scheme: "http", host: "198.51.100.80", port: 80 } as const;
  const sites = new Map([["www.foo.com", home]]);
  const edge = new CdnEdge(host, {
    name: "e",
    sites,
    functions,
    lookup: (name, done) => done(null, { addresses: [name] }),
  });
  new HttpServer((exchange) => edge.handle(exchange), {
    listen: [{ addr: "192.0.2.1", port: 80 }],
  }).start(host);
  const clients = new Map<string, ReturnType<typeof world.node>>();
  const clientAt = (addr: string) => {
    const known = clients.get(addr);
    if (known !== undefined) return known;
    const made = world.node(`client ${addr}`, { addresses: [addr] });
    clients.set(addr, made);
    world.run(world.now + MILLISECOND);
    return made;
  };
  clientAt(address ?? "10.0.0.1");
  /** A request takes a quarter of a second. */
  const get = (
    name: string,
    target: string,
    fields: Record<string, string> = {},
    { method = "GET", from = address ?? "10.0.0.1" } = {},
  ): Got => {
    const got: Got = {
      statusCode: 0,
      bytes: Buffer.alloc(0),
      body: "",
      fields: [],
      field: (wanted) => got.fields.find((one) => one.name.toLowerCase() === wanted)?.value,
    };
    const remote = { addr: "192.0.2.1", port: 80 };
    const connection = new ClientConnection(clientAt(from), { remote });
    const own = Object.entries(fields).map(([name, value]) => ({ name, value }));
    connection.send(
      { method, target, fields: [{ name: "Host", value: name }, ...own] },
      {
        head: (head) => {
          got.statusCode = head.statusCode;
          got.fields = head.fields;
        },
        data: (bytes) => {
          got.bytes = Buffer.concat([got.bytes, bytes]);
        },
        end: () => {
          got.body = got.bytes.toString("latin1");
          connection.close();
        },
        cut: () => {},
      },
    );
    world.run(world.now + SECOND / 4);
    return got;
  };
  return { world, edge, get, asked, requests, sites };
}
