import { describe, expect, it } from "vitest";
import type { Engine, Host, Random } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { Cache } from "../../../src/engines/http/cache/cache.ts";
import { DiskStore } from "../../../src/engines/http/cache/disk-store.ts";
import type { StoredResponse } from "../../../src/engines/http/cache/entry.ts";
import { MemoryStore } from "../../../src/engines/http/cache/memory-store.ts";
import type { Store } from "../../../src/engines/http/cache/store.ts";
import { ClientConnection } from "../../../src/engines/http/client-connection.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { HttpProxy } from "../../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { seeds } from "../../support/seeds.ts";
import { bytesOf, textOf } from "./world.ts";

const ORIGIN = "192.0.2.80";
const PROXY = "192.0.2.1";
const RESOURCES = 6;
const CLIENTS = ["c0", "c1", "c2"];

/** What the origin says of a target at one time: long enough to be cut somewhere. */
function bodyOf(target: string, version: number): string {
  const size = 100 + ((Number(target.slice(2)) * 7919) % 4000) + version * 13;
  return `${target}#${version}#${"x".repeat(size)}#end`;
}

/** Whole, and of this target. */
function isWhole(target: string, body: string): boolean {
  const [, version = ""] = body.split("#");
  return body === bodyOf(target, Number(version));
}

class Run {
  readonly world: World;
  /** Times that the origin carried out each POST. */
  readonly posted = new Map<string, number>();
  readonly wrong: string[] = [];
  whole = 0;
  stores: Store[] = [];

  constructor(seed: number) {
    this.world = new World({ seed, delay: 2 * MILLISECOND });
    const { world } = this;
    world.node("origin", { addresses: [ORIGIN], boot: () => this.origin() });
    world.node("proxy", { addresses: [PROXY], boot: () => this.proxy(seed) });
    for (const [i, name] of CLIENTS.entries()) {
      world.node(name, { addresses: [`198.51.100.${i + 1}`] });
    }
  }

  private origin(): Engine {
    return {
      start: (host) => {
        const handle = (exchange: Exchange) => this.answer(host, exchange);
        new HttpServer(handle, { listen: [{ addr: ORIGIN, port: 80 }] }).start(host);
      },
      stop: (_graceful, done) => done(),
    };
  }

  private answer(host: Host, exchange: Exchange): void {
    const { method, target } = exchange.request;
    if (method === "POST") {
      exchange.readAll(1000, (body) => {
        if (body === undefined) return;
        const id = target.slice("/post-".length);
        this.posted.set(id, (this.posted.get(id) ?? 0) + 1);
        // Carried out, and the client never knows: who sends it again does it twice.
        if (host.random.below(3) === 0) exchange.abort();
        else exchange.respond({ statusCode: 200, fields: [] }, bytesOf(`POST#${id}`));
      });
      return;
    }
    const version = Math.floor(host.clock.wallMs() / 3000) % 1000;
    const etag = `"${version}"`;
    const fields = [
      { name: "Cache-Control", value: "max-age=1, stale-while-revalidate=1, stale-if-error=2" },
      { name: "ETag", value: etag },
    ];
    const { clock } = host;
    clock
      .timer(() => {
        if (exchange.gone) return;
        if (exchange.field("if-none-match") === etag) exchange.respond({ statusCode: 304, fields });
        else this.send(host.random, exchange, fields, bytesOf(bodyOf(target, version)), clock);
      })
      .armAt(clock.now() + host.random.below(30) * MILLISECOND);
  }

  /** By length or in chunks, in two pieces with time between; now and then not to its end. */
  private send(
    random: Random,
    exchange: Exchange,
    fields: { name: string; value: string }[],
    body: Uint8Array,
    clock: Host["clock"],
  ): void {
    const length = { name: "Content-Length", value: String(body.length) };
    exchange.start({
      statusCode: 200,
      fields: random.below(2) === 0 ? fields : [...fields, length],
    });
    const half = random.below(body.length);
    exchange.write(body.subarray(0, half));
    const cut = random.below(8) === 0;
    clock
      .timer(() => {
        if (exchange.gone) return;
        if (cut) exchange.abort();
        else {
          exchange.write(body.subarray(half));
          exchange.end();
        }
      })
      .armAt(clock.now() + random.below(20) * MILLISECOND);
  }

  private proxy(seed: number): Engine {
    let server: HttpServer | undefined;
    return {
      start: (host) => {
        const begin = (store: Store) => {
          this.stores.push(store);
          const proxy = new HttpProxy(host, {
            origin: { scheme: "http", host: ORIGIN, port: 80 },
            cache: new Cache(host, { store }),
            lookup: (name, done) => done(null, { addresses: [name] }),
            responseTime: SECOND,
            connectTime: SECOND,
          });
          server = new HttpServer((exchange) => proxy.handle(exchange), {
            listen: [{ addr: PROXY, port: 80 }],
          });
          server.start(host);
        };
        if (seed % 2 === 0) {
          begin(new MemoryStore(20_000));
          return;
        }
        const store = new DiskStore({
          disk: host.disk,
          folder: "cache",
          limit: 40_000,
          prefix: host.clock.wallMs().toString(36),
        });
        store.start(() => begin(store));
      },
      stop: (graceful, done) => (server === undefined ? done() : server.stop(graceful, done)),
    };
  }

  /** Pipelines one after the other, until `until`. */
  client(name: string, until: number): void {
    const host = this.world.get(name);
    let n = 0;
    const round = () => {
      if (this.world.now >= until) return;
      const connection = new ClientConnection(host, {
        remote: { addr: PROXY, port: 80 },
        responseTime: 3 * SECOND,
        connectTime: SECOND,
      });
      let open = 0;
      const over = () => {
        if (--open > 0) return;
        connection.abort();
        host.clock.timer(round).armAt(host.clock.now() + host.random.below(100) * MILLISECOND);
      };
      const count = 1 + host.random.below(6);
      for (let i = 0; i < count; i++) {
        open++;
        const post = i === count - 1 && host.random.below(3) === 0;
        const id = `${name}-${n++}`;
        const target = post ? `/post-${id}` : `/r${host.random.below(RESOURCES)}`;
        this.ask(connection, post ? "POST" : "GET", target, post ? id : undefined, over);
      }
    };
    round();
  }

  private ask(
    connection: ClientConnection,
    method: string,
    target: string,
    id: string | undefined,
    over: () => void,
  ): void {
    let body = "";
    let statusCode = 0;
    connection.send(
      {
        method,
        target,
        fields: [{ name: "Host", value: ORIGIN }],
        // One with a body cannot be sent twice in any case: it was passed on as it came.
        body: id?.endsWith("0") === true ? bytesOf(id) : undefined,
      },
      {
        head: (head) => {
          statusCode = head.statusCode;
        },
        data: (bytes) => {
          body += textOf(bytes);
        },
        end: () => {
          const right = id === undefined ? isWhole(target, body) : body === `POST#${id}`;
          if (statusCode === 200 && !right)
            this.wrong.push(`${method} ${target} got ${body.slice(0, 40)}`);
          if (statusCode === 200) this.whole++;
          over();
        },
        cut: over,
      },
    );
  }

  /** Every stored response, as it would be given. */
  checkStores(): void {
    const store = this.stores.at(-1) as Store;
    for (let i = 0; i < RESOURCES; i++) {
      const target = `/r${i}`;
      for (const stored of store.find(`http://${ORIGIN}${target}`))
        this.checkStored(store, target, stored);
    }
  }

  private checkStored(store: Store, target: string, stored: StoredResponse): void {
    store.open(stored)?.read(0, stored.size + 1, (error, bytes) => {
      if (error === null && !isWhole(target, textOf(bytes ?? bytesOf("")))) {
        this.wrong.push(`stored ${target}: not whole`);
      }
    });
  }
}

describe("a caching proxy among faults", () => {
  it.each(seeds())(
    "seed %i: each gets its own, nothing cut is stored, no POST is sent twice",
    (seed) => {
      const run = new Run(seed);
      const { world } = run;
      world.run(100 * MILLISECOND);
      const until = 20 * SECOND;
      for (const name of CLIENTS) run.client(name, until);
      world.faults.chaos({
        nodes: ["origin", "proxy"],
        kinds: ["rst", "crash", "loss", "partition", "pause", "reorder", "duplicate"],
        every: 700 * MILLISECOND,
        longest: 400 * MILLISECOND,
      });
      if (seed % 4 === 1) world.get("proxy").disk.capacity = 15_000;
      world.run(until);
      world.faults.quiet();
      world.run(until + 10 * SECOND);
      run.checkStores();
      world.run(until + 11 * SECOND);
      expect(run.wrong).toEqual([]);
      expect([...run.posted].filter(([, times]) => times > 1)).toEqual([]);
      // The run meant something.
      expect(run.whole).toBeGreaterThan(20);
      expect(run.posted.size).toBeGreaterThan(2);
    },
  );
});
