/** A simulated network for a page: its client, its servers, the path between them, and a cache somewhere on it. */
import { MILLISECOND } from "../engines/host.ts";
import { Cache } from "../engines/http/cache/cache.ts";
import { MemoryStore } from "../engines/http/cache/memory-store.ts";
import type { Exchange } from "../engines/http/exchange.ts";
import type { FetcherOptions } from "../engines/http/fetch/fetcher.ts";
import { HttpProxy } from "../engines/http/proxy/proxy.ts";
import { HttpServer } from "../engines/http/server.ts";
import { serveMultiplexed } from "../engines/replay/play/multiplexed.ts";
import { paced } from "../engines/replay/play/pace.ts";
import type { PlayedPage } from "../engines/replay/play/page.ts";
import type { HostTime } from "../engines/replay/play/site.ts";
import { RecordedSite } from "../engines/replay/play/site.ts";
import type { LinkQueue } from "../net/simulated/link-queue.ts";
import type { SimNode } from "../net/simulated/node.ts";
import type { LinkQuality } from "../net/simulated/topology.ts";
import { World } from "../net/simulated/world.ts";

/** The path between client and servers. Infinite where nothing limits it. */
export interface PathSpec {
  readonly rttMs: number;
  readonly rateMbps: number;
  readonly queueBytes: number;
  readonly lossRate: number;
}

/** Where a cache stands: how far from the client, and which side of it the bottleneck is. */
export interface CacheSite {
  readonly kind: "forward" | "reverse" | "cdn";
  readonly rttMs: number;
  /** Of the link between client and a forward proxy. */
  readonly rateMbps: number;
  readonly bottleneck: "client" | "behind";
}

export interface SceneOptions {
  readonly page: PlayedPage;
  readonly path: PathSpec;
  /** Round trips of servers that are farther than the nearest. */
  readonly farther: ReadonlyMap<number, number>;
  readonly cache: CacheSite | undefined;
  readonly hostTime: HostTime;
  /** Servers speak the model of a multiplexed connection as well, plain or with TLS. */
  readonly multiplexed?: "plain" | "tls" | undefined;
  readonly startedMs: number;
  readonly seed: number;
}

export const CLIENT = "198.51.100.1";
const OTHER = "198.51.100.2";
const CACHE = "192.0.2.200";
const CACHE_BYTES = 1 << 30;
/** Answered by servers beside what was recorded; no cache keeps it. */
export const OPENER = "/.netkit-open";
const TLS = { cert: "simulated", key: "simulated" };
const UNLIMITED = Number.POSITIVE_INFINITY;

export class Scene {
  readonly world: World;
  readonly client: SimNode;
  /** Another client of the same cache. */
  readonly other: SimNode;
  readonly sites: RecordedSite[] = [];
  readonly cacheAddress: string | undefined;
  private readonly options: SceneOptions;
  private readonly addressOf = new Map<string, string>();

  constructor(options: SceneOptions) {
    this.options = options;
    const { seed, startedMs, cache } = options;
    this.world = new World({ seed, delay: 0, startedMs });
    this.cacheAddress = cache === undefined ? undefined : CACHE;
    this.layOut();
    this.client = this.world.node("client", {
      addresses: [CLIENT],
      at: "home",
      link: { delay: 0 },
    });
    this.other = this.world.node("other", {
      addresses: [OTHER],
      at: "access",
      link: { delay: (this.near().delay as number) ?? 0 },
    });
    this.addServers();
    if (cache !== undefined) this.addCache();
  }

  /** Link of the client's home to the first router. */
  private near(): Partial<LinkQuality> {
    const { path, cache } = this.options;
    const rtt = cache === undefined || cache.kind === "reverse" ? path.rttMs : cache.rttMs;
    const delay = half(rtt);
    if (cache?.kind === "forward" && cache.bottleneck === "behind")
      return { delay, ...limited(cache.rateMbps, UNLIMITED) };
    return { delay, loss: path.lossRate, ...limited(path.rateMbps, path.queueBytes) };
  }

  /** Routers: the client's, the one where its link ends, and the one where the servers are. */
  private layOut(): void {
    const { path, cache } = this.options;
    const { world } = this;
    world.router("home");
    world.router("access");
    world.link("home", "access", this.near());
    world.router("servers");
    if (cache === undefined) world.link("access", "servers", { delay: 0 });
    else if (cache.kind === "reverse")
      world.link("access", "servers", { delay: half(cache.rttMs) });
    else {
      const behind = cache.kind === "forward" && cache.bottleneck === "behind";
      world.link("access", "servers", {
        delay: half(Math.max(0, path.rttMs - cache.rttMs)),
        ...(behind ? { loss: path.lossRate, ...limited(path.rateMbps, path.queueBytes) } : {}),
      });
    }
  }

  private addServers(): void {
    const { page, farther, path, hostTime } = this.options;
    const places = new Map<number, string[]>();
    for (const [key, server] of page.serverOf) {
      const keys = places.get(server);
      if (keys === undefined) places.set(server, [key]);
      else keys.push(key);
    }
    let index = 0;
    for (const [server, keys] of places) {
      const address = `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
      index++;
      for (const key of keys) this.addressOf.set(key.slice(0, key.lastIndexOf(":")), address);
      const ports = [...new Set(keys.map((key) => Number(key.slice(key.lastIndexOf(":") + 1))))];
      const secure = new Set(
        page.objects
          .filter(({ origin }) => origin.scheme === "https")
          .map(({ origin }) => origin.port),
      );
      const more = Math.max(0, (farther.get(server) ?? path.rttMs) - path.rttMs);
      this.world.node(`server ${server}`, {
        addresses: [address],
        at: "servers",
        link: { delay: half(more) },
        boot: (host) => {
          const site = new RecordedSite(
            host.clock,
            (exchange) => this.recorded(exchange),
            hostTime,
          );
          this.sites.push(site);
          const { multiplexed } = this.options;
          if (multiplexed !== undefined) {
            const at = { addr: address, port: this.multiplexedPort };
            const find = (path: string) => page.recorded.get(path);
            serveMultiplexed(host, at, find, hostTime, multiplexed === "tls" ? TLS : undefined);
          }
          return serve((exchange) => site.handle(exchange), address, ports, secure);
        },
      });
    }
  }

  private recorded(exchange: Exchange) {
    const { page } = this.options;
    const { target } = exchange.request;
    const at = exchange.connection.local;
    if (target === OPENER) return OPENED;
    const host = (exchange.field("host") ?? "").toLowerCase().replace(/:\d+$/, "");
    return page.recorded.get(`${host}:${at.port} ${target}`);
  }

  private addCache(): void {
    const { hostTime, page, cache } = this.options;
    const origins = new Map(page.objects.map(({ origin }) => [origin.host, origin]));
    this.world.node("cache", {
      addresses: [CACHE],
      at: "access",
      link: { delay: 0 },
      boot: (host) => {
        const store = new Cache(host, { store: new MemoryStore(CACHE_BYTES) });
        const lookup = this.lookup;
        const forward = new HttpProxy(host, {
          cache: store,
          lookup,
          tls: unverified,
          tunnelPorts: "any",
        });
        const reverse = new Map(
          [...origins].map(([name, origin]) => [
            name,
            new HttpProxy(host, { origin, cache: store, lookup, tls: unverified }),
          ]),
        );
        const handle = (exchange: Exchange) => {
          const name = (exchange.field("host") ?? "").toLowerCase().replace(/:\d+$/, "");
          if (cache?.kind === "forward") forward.handle(exchange);
          else (reverse.get(name) ?? forward).handle(exchange);
        };
        const ports = new Set(page.objects.map(({ origin }) => origin.port));
        const secure = new Set(
          [...origins.values()].filter(({ scheme }) => scheme === "https").map(({ port }) => port),
        );
        const listen = [...ports, ...(ports.has(PROXY_PORT) ? [] : [PROXY_PORT])];
        return serve(paced(host.clock, handle, hostTime), CACHE, listen, secure);
      },
    });
  }

  /** Where servers speak multiplexed: a port that none of them was recorded at. */
  get multiplexedPort(): number {
    const taken = new Set(this.options.page.objects.map(({ origin }) => origin.port));
    let port = MULTIPLEXED_PORT;
    while (taken.has(port)) port++;
    return port;
  }

  readonly lookup: FetcherOptions["lookup"] = (name, done) => {
    const address = this.addressOf.get(name) ?? (name === CACHE ? CACHE : undefined);
    if (address === undefined) done(new Error(`${name} has no address`));
    else done(null, { addresses: [address] });
  };

  /** Queue of the bottleneck towards the client. */
  bottleneck(): LinkQueue {
    const { cache } = this.options;
    const behind = cache?.kind === "forward" && cache.bottleneck === "behind";
    const [from, to] = behind ? ["servers", "access"] : ["access", "home"];
    const links = this.world.topology.linksBetween(from, to);
    return links.find((link) => link.from.name === from)?.queue as LinkQueue;
  }

  /** When hosts sent segments again. */
  resentAt(): number[] {
    return this.world.topology.vertices.flatMap(({ node }) => node?.resentAt ?? []);
  }
}

/** Certificates are not what a replay is about. */
export const unverified: NonNullable<FetcherOptions["tls"]> = ({ scheme }) =>
  scheme === "https" ? { verify: false } : undefined;

export const PROXY_PORT = 3128;
const MULTIPLEXED_PORT = 8082;

const OPENED = {
  statusCode: 200,
  fields: [{ name: "Cache-Control", value: "no-store" }],
  headBytes: 0,
  // An initial window's worth: after it the window is twice that.
  body: new Uint8Array(14_000),
  think: undefined,
  thinkUnchanged: undefined,
};

function serve(
  handler: (exchange: Exchange) => void,
  addr: string,
  ports: readonly number[],
  secure: ReadonlySet<number>,
): HttpServer {
  const many = { pipelined: 1_000_000 };
  const listen = ports.map((port) => ({ addr, port, ...(secure.has(port) ? { tls: TLS } : {}) }));
  return new HttpServer(handler, { listen, limits: many });
}

function half(rttMs: number): number {
  return Math.round((rttMs * MILLISECOND) / 2);
}

/** Bits a second at which a packet takes no time that could be told, and its octets are counted all the same. */
const COUNTING_RATE = 1e15;

function limited(rateMbps: number, queueBytes: number): Partial<LinkQuality> {
  if (rateMbps === UNLIMITED) return { rate: COUNTING_RATE };
  return { rate: rateMbps * 1e6, queue: queueBytes };
}
