/** One page, fetched once by a strategy from somewhere, on the simulated network. */
import type { Field } from "../codecs/http/message.ts";
import type { Host, Nanos } from "../engines/host.ts";
import { MILLISECOND, SECOND } from "../engines/host.ts";
import { Cache } from "../engines/http/cache/cache.ts";
import { MemoryStore } from "../engines/http/cache/memory-store.ts";
import type { Way } from "../engines/http/fetch/cached.ts";
import { CachedWay } from "../engines/http/fetch/cached.ts";
import type { FetcherOptions } from "../engines/http/fetch/fetcher.ts";
import { Fetcher } from "../engines/http/fetch/fetcher.ts";
import type { Strategy } from "../engines/http/fetch/strategy.ts";
import { MultiplexedWay } from "../engines/replay/play/multiplexed.ts";
import type { PlayedPage } from "../engines/replay/play/page.ts";
import { isDocument } from "../engines/replay/play/page.ts";
import type { HostTime } from "../engines/replay/play/site.ts";
import type { Visited, VisitObject } from "../engines/replay/play/visit.ts";
import { PageVisit } from "../engines/replay/play/visit.ts";
import type { Others } from "./background.ts";
import { Background } from "./background.ts";
import type { CacheSite, PathSpec } from "./scene.ts";
import { OPENER, PROXY_PORT, Scene, unverified } from "./scene.ts";

export const PLACEMENTS = [
  "none",
  "browser-reload",
  "browser-revisit",
  "forward-cold",
  "forward-warm",
  "reverse-cold",
  "reverse-warm",
  "cdn-cold",
  "cdn-warm",
  "cdn-pushed",
] as const;
export type Placement = (typeof PLACEMENTS)[number];

/** Over TCP (and TLS where the origin has it), over a transport whose handshake has TLS in it, or that needs none. */
export type Modern = "http2" | "http3" | "http3-0rtt";

export interface Setting {
  readonly strategy: Strategy;
  /** The set is fetched twice on the same connections, and the second time counts. */
  readonly warm: boolean;
  readonly placement: Placement;
  /** Of each placement of a cache on the path. */
  readonly sites: Readonly<Record<CacheSite["kind"], CacheSite>>;
  readonly path: PathSpec;
  readonly farther: ReadonlyMap<number, number>;
  /** What a lookup takes; 0: the name is known. */
  readonly lookup: (name: string) => Nanos;
  readonly hostTime: HostTime;
  /** What a cold cache lacks: everything, or the documents alone, as one that has a site's other pages. */
  readonly cold: "everything" | "documents";
  /** Whether a cold proxy has its connections to the servers open already. */
  readonly upstreamWarm: boolean;
  /** One multiplexed connection in place of the strategy: a model. */
  readonly modern?: Modern | undefined;
  /** Long flows of others over the bottleneck. */
  readonly background?: number;
  readonly startedMs: number;
  readonly seed: number;
}

export interface Played {
  /** From the first lookup that was needed, else SYN, else request where connections were open, to the last octet. */
  readonly timeMs: number;
  readonly startNanos: Nanos;
  readonly visited: readonly Visited[];
  /** Why objects did not come; undefined: all did. */
  readonly fault: string | undefined;
  /** Connections opened by the client. */
  readonly connections: number;
  /** Octets of IP packets that came to the client's side of the bottleneck. */
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  readonly retransmissions: number;
  readonly resentAt: readonly Nanos[];
  readonly highestQueue: number;
  /** Requests and octets of bodies that servers answered. */
  readonly serverRequests: number;
  readonly serverBytes: number;
  readonly others?: Others;
}

/** Between a visit and the next: connections end, windows fall back. */
const BETWEEN_VISITS = 1500 * MILLISECOND;
/** A simulated visit that does not end by then never will. */
const PATIENCE = 3600 * SECOND;
/** Upstream connections of a proxy that others have opened. */
const OPEN_UPSTREAM = 6;
/** Octets of IP packets to one of the stream, of full segments. */
const IP_SHARE = 1500 / 1448;
const RELOAD = [{ name: "Cache-Control", value: "max-age=0" }];

export function play(page: PlayedPage, setting: Setting): Played {
  const { placement, path, farther, sites, hostTime, startedMs, seed } = setting;
  const kind = placement.split("-")[0] as CacheSite["kind"] | "none" | "browser";
  const cache = kind === "none" || kind === "browser" ? undefined : sites[kind];
  const multiplexed = multiplexedBy(page, setting.modern);
  const scene = new Scene({ page, path, farther, cache, hostTime, multiplexed, startedMs, seed });
  const player = new Player(scene, page, setting);
  const { background = 0 } = setting;
  if (background > 0) player.crowd(new Background(scene.world, background, "home", "servers"));
  scene.world.run(scene.world.now + MILLISECOND);
  if (placement.endsWith("-warm") || placement === "cdn-pushed") player.fillCache(page.objects);
  else if (placement.endsWith("-cold")) {
    if (setting.cold === "documents")
      player.fillCache(page.objects.filter((o) => !isDocument(page, o)));
    if (setting.upstreamWarm) player.openUpstream();
  }
  if (kind === "browser") return player.visitAgain(placement === "browser-reload");
  if (setting.modern !== undefined) return player.multiplexed(setting.modern);
  return setting.warm ? player.twiceOnOne() : player.once();
}

/** HTTP/2 has TLS where the origin has it; the handshake of HTTP/3's transport has it within. */
function multiplexedBy(page: PlayedPage, modern: Modern | undefined): "plain" | "tls" | undefined {
  if (modern === undefined) return undefined;
  const secure = page.objects.some(({ origin }) => origin.scheme === "https");
  return modern === "http2" && secure ? "tls" : "plain";
}

class Player {
  private readonly scene: Scene;
  private readonly page: PlayedPage;
  private readonly setting: Setting;
  private others: Background | undefined;
  private before = { bytes: 0, packets: 0, drops: 0, resent: 0, requests: 0, served: 0 };

  constructor(scene: Scene, page: PlayedPage, setting: Setting) {
    this.scene = scene;
    this.page = page;
    this.setting = setting;
  }

  /** Others use the link as well. */
  crowd(others: Background): void {
    this.others = others;
    others.settle();
  }

  private fetcher(host: Host, strategy: Strategy): Fetcher {
    const { scene, setting } = this;
    const { clock } = host;
    const address = scene.cacheAddress;
    const forward = setting.placement.startsWith("forward");
    const find: FetcherOptions["lookup"] =
      address === undefined || forward
        ? scene.lookup
        : (_name, done) => done(null, { addresses: [address] });
    return new Fetcher(host, {
      strategy,
      lookup: (name, done) => {
        const wait = setting.lookup(name);
        if (wait === 0) {
          find(name, done);
          return;
        }
        const from = clock.now();
        const answer = () =>
          find(name, (error, looked) =>
            done(error, looked === undefined ? looked : { ...looked, from, to: clock.now() }),
          );
        clock.timer(answer).armAt(from + wait);
      },
      tls: unverified,
      ...(forward && address !== undefined
        ? {
            proxyFor: () => ({
              kind: "http" as const,
              host: address,
              port: PROXY_PORT,
              remoteNames: true,
            }),
          }
        : {}),
    });
  }

  private visit(
    way: Way,
    host: Host,
    objects: readonly VisitObject[] = this.page.objects,
    extra: readonly Field[] = [],
  ): PageVisit {
    const { world } = this.scene;
    let done = false;
    const visit = new PageVisit(host.clock, way, objects, extra, () => {
      done = true;
    });
    host.clock.defer(() => visit.start());
    const limit = world.now + PATIENCE;
    world.runWhile(() => !done && world.now < limit);
    return visit;
  }

  /** Another client fetches the page first, at leisure. */
  fillCache(objects: readonly VisitObject[]): void {
    const { other, world } = this.scene;
    const fetcher = this.fetcher(other, { connections: 6, keep: true, depth: 1 });
    this.visit(fetcher, other, objects);
    fetcher.close();
    world.run(world.now + BETWEEN_VISITS);
  }

  /** Other clients have had the proxy connect to the servers. */
  openUpstream(): void {
    const { other, world } = this.scene;
    const fetcher = this.fetcher(other, { connections: OPEN_UPSTREAM, keep: true, depth: 1 });
    const origins = new Map(this.page.objects.map(({ origin }) => [origin.host, origin]));
    let left = origins.size * OPEN_UPSTREAM;
    const sink = { ...QUIET, end: () => left--, failed: () => left-- };
    for (const origin of origins.values()) {
      for (let i = 0; i < OPEN_UPSTREAM; i++) {
        const fields = [{ name: "Host", value: origin.host }];
        fetcher.fetch({ method: "GET", origin, target: OPENER, fields }, sink);
      }
    }
    const limit = world.now + PATIENCE;
    world.runWhile(() => left > 0 && world.now < limit);
    fetcher.close();
    world.run(world.now + MILLISECOND);
  }

  once(): Played {
    const { client } = this.scene;
    const fetcher = this.fetcher(client, this.setting.strategy);
    this.mark();
    return this.account(this.visit(fetcher, client), fetcher.opened);
  }

  multiplexed(modern: Modern): Played {
    const { client, world } = this.scene;
    const way = new MultiplexedWay(client, ({ origin }) => {
      let addr = "";
      this.scene.lookup(origin.host, (_error, looked) => {
        addr = looked?.addresses[0] ?? "";
      });
      const sealed = multiplexedBy(this.page, modern) === "tls";
      const port = this.scene.multiplexedPort;
      return { at: { addr, port }, key: addr, ...(sealed ? { tls: { verify: false } } : {}) };
    });
    if (modern === "http3-0rtt") {
      // The first flight carries the requests: the handshake's round trip lies before the page.
      for (const { method, origin, target, fields } of this.page.objects)
        way.open({ method, origin, target, fields });
      world.run(world.now + SECOND + 2 * this.setting.path.rttMs * MILLISECOND);
    }
    this.mark();
    const visit = this.visit(way, client);
    return this.account(visit, way.opened, modern === "http3-0rtt");
  }

  twiceOnOne(): Played {
    const { client } = this.scene;
    const fetcher = this.fetcher(client, this.setting.strategy);
    this.visit(fetcher, client);
    this.mark();
    const opened = fetcher.opened;
    return this.account(this.visit(fetcher, client), fetcher.opened - opened);
  }

  visitAgain(reload: boolean): Played {
    const { client, world } = this.scene;
    const store = new MemoryStore(Number.MAX_SAFE_INTEGER);
    const cache = new Cache(client, { store, shared: false });
    const first = this.fetcher(client, this.setting.strategy);
    this.visit(new CachedWay(first, cache), client);
    first.close();
    world.run(world.now + BETWEEN_VISITS);
    const fetcher = this.fetcher(client, this.setting.strategy);
    this.mark();
    const way = new CachedWay(fetcher, cache);
    const visit = this.visit(way, client, this.page.objects, reload ? RELOAD : []);
    return this.account(visit, fetcher.opened);
  }

  /** What was before does not count. */
  private mark(): void {
    this.before = this.counts();
    this.others?.pageBegins();
  }

  private counts() {
    const { scene } = this;
    const down = scene.bottleneck();
    let requests = 0;
    let served = 0;
    for (const site of scene.sites) {
      requests += site.requests;
      served += site.bytes;
    }
    const { bytes, packets, drops } = down;
    return { bytes, packets, drops, resent: scene.resentAt().length, requests, served };
  }

  /** `early`: connections were open before; what opened them does not count. */
  private account(visit: PageVisit, connections: number, early = false): Played {
    const { before, others } = this;
    const now = this.counts();
    const rate = (this.setting.path.rateMbps * 1e6) / 8;
    const page = visit.visited.reduce(
      (sum, { timing }) => sum + ((timing?.bodyBytes ?? 0) + (timing?.headBytes ?? 0)) * IP_SHARE,
      0,
    );
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const { timing, known } of visit.visited) {
      const begun = early
        ? (timing?.sent ?? known)
        : (timing?.dns?.from ?? timing?.connect?.from ?? timing?.sent ?? known);
      start = Math.min(start, begun);
      end = Math.max(end, timing?.end ?? begun);
    }
    return {
      timeMs: Math.max(0, end - start) / MILLISECOND,
      startNanos: start,
      visited: visit.visited,
      fault: faultOf(visit.visited),
      connections,
      bytes: now.bytes - before.bytes,
      packets: now.packets - before.packets,
      drops: now.drops - before.drops,
      retransmissions: now.resent - before.resent,
      resentAt: this.scene.resentAt(),
      highestQueue: this.scene.bottleneck().highest,
      serverRequests: now.requests - before.requests,
      serverBytes: now.served - before.served,
      ...(others === undefined ? {} : { others: others.account(page, rate) }),
    };
  }
}

function faultOf(visited: readonly Visited[]): string | undefined {
  for (const { timing, fault, object } of visited) {
    if (fault !== undefined) return `${object.target}: ${fault}`;
    if (timing?.end === undefined) return `${object.target} never came`;
  }
  return undefined;
}

const QUIET = { head: () => {}, data: () => {}, end: () => {}, failed: () => {} };
