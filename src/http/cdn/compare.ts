/**
 * `http cdn --compare`: the three ways of sending clients to edges, in one simulated world of three
 * regions: by DNS, by one address that several edges announce (anycast), and by rewritten pages.
 */
import { readZone } from "../../codecs/dns/zonefile.ts";
import { Authority } from "../../engines/dns/authority.ts";
import { DEFAULT_CONF } from "../../engines/dns/client/resolv-conf.ts";
import { Stub } from "../../engines/dns/client/stub.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Nearest } from "../../engines/dns/nearest/nearest.ts";
import { readPlan } from "../../engines/dns/nearest/plan.ts";
import { Zone } from "../../engines/dns/zone.ts";
import type { Host, Nanos } from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import { CdnEdge } from "../../engines/http/cdn/edge.ts";
import { ClientConnection } from "../../engines/http/client-connection.ts";
import type { Exchange } from "../../engines/http/exchange.ts";
import { Fetcher } from "../../engines/http/fetch/fetcher.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import { HttpServer } from "../../engines/http/server.ts";
import { World } from "../../net/simulated/world.ts";
import { aligned } from "../../render/table.ts";

export type Way = "dns" | "anycast" | "rewrite" | "none";

export interface WayResult {
  readonly way: Way;
  /** Round trip to where the objects come from, and the time of a page with warm edges, by region, in milliseconds. */
  readonly rttMs: Readonly<Record<string, number>>;
  readonly pageMs: Readonly<Record<string, number>>;
  /** Requests at each edge, and at the origin, in all. */
  readonly load: Readonly<Record<string, number>>;
  /** After the edge of a region stopped announcing itself: until its clients are served again, in seconds. */
  readonly failoverSeconds?: number;
  /** Downloads that were under way at that edge, which goes on serving, and broke. */
  readonly broken: string;
}

const REGIONS = ["eu", "us", "as"] as const;
type Region = (typeof REGIONS)[number];
/** One way, between the regions' routers. */
const DELAYS: readonly (readonly [Region, Region, number])[] = [
  ["eu", "us", 40],
  ["us", "as", 60],
  ["eu", "as", 90],
];
const PLACES = { eu: [50, 8], us: [40, -75], as: [35, 139] } as const;
const EDGES = { eu: "192.0.2.1", us: "192.0.2.2", as: "192.0.2.3" } as const;
const ANYCAST = "203.0.113.1";
const ORIGIN = "198.51.100.80";
const NAMESERVER = "198.51.100.53";
const SITE = "www.foo.com";
const CDN = "cdn.example";
const OBJECTS = 8;
const CLIENTS = 4;
/** How long it takes the CDN to see that an edge is down. */
const DETECTION = 2 * SECOND;

export function compareWays(ttl: number): WayResult[] {
  return (["none", "dns", "anycast", "rewrite"] as const).map((way) =>
    new Comparison(way, ttl).run(),
  );
}

interface Client {
  readonly host: Host;
  readonly region: Region;
  readonly lookup: (
    name: string,
    done: (error: Error | null, looked?: { addresses: readonly string[] }) => void,
  ) => void;
}

class Comparison {
  private readonly way: Way;
  private readonly ttl: number;
  private readonly world = new World({ seed: 1, delay: MILLISECOND });
  private readonly edges = new Map<Region, CdnEdge>();
  private readonly clients: Client[] = [];
  private nearest: Nearest | undefined = undefined;
  private atOrigin = 0;
  private readonly rtts = new Map<Region, number>();

  constructor(way: Way, ttl: number) {
    this.way = way;
    this.ttl = ttl;
    this.build();
  }

  private build(): void {
    const { world } = this;
    for (const region of REGIONS) world.router(region);
    for (const [a, b, ms] of DELAYS) world.link(a, b, { delay: ms * MILLISECOND });
    world.node("origin", {
      addresses: [ORIGIN],
      at: "us",
      boot: () =>
        new HttpServer((exchange) => this.origin(exchange), {
          listen: [{ addr: ORIGIN, port: 80 }],
        }),
    });
    const site: Origin = { scheme: "http", host: ORIGIN, port: 80 };
    for (const region of REGIONS) {
      const addresses = [EDGES[region], ...(this.way === "anycast" ? [ANYCAST] : [])];
      world.node(`edge-${region}`, {
        addresses,
        at: region,
        boot: (host) => {
          const edge = new CdnEdge(host, {
            name: region,
            sites: new Map([[SITE, site]]),
            lookup: (name, done) => done(null, { addresses: [name] }),
          });
          this.edges.set(region, edge);
          return new HttpServer((exchange) => edge.handle(exchange), {
            listen: [{ addr: "0.0.0.0", port: 80 }],
          });
        },
      });
    }
    this.nameServer();
    REGIONS.forEach((region, r) => {
      for (let i = 0; i < CLIENTS; i++) {
        const host = world.node(`client-${region}-${i}`, {
          addresses: [`10.${r}.0.${i + 1}`],
          at: region,
        });
        this.clients.push({ host, region, lookup: this.lookupOf(host) });
      }
    });
    world.run(MILLISECOND);
  }

  /** Names of the site and of the CDN have the address of the nearest edge that is well. */
  private nameServer(): void {
    this.world.node("names", {
      addresses: [NAMESERVER],
      at: "us",
      boot: (host) => {
        const authority = new Authority(host.clock);
        const zone = (origin: string) => {
          const text = `@ 60 SOA ns.${origin} h.${origin} 1 3600 600 86400 60\n@ 60 NS ns.${origin}\n@ ${this.ttl} A ${EDGES.us}\n`;
          authority.setZone(new Zone(origin, readZone(text, { origin })));
        };
        zone(`${CDN}.`);
        zone(`${SITE}.`);
        const places = Object.fromEntries(REGIONS.map((region) => [region, PLACES[region]]));
        this.nearest = new Nearest(
          readPlan({
            ttl: this.ttl,
            places,
            clients: Object.fromEntries(REGIONS.map((region, r) => [`10.${r}.0.0/16`, region])),
            edges: Object.fromEntries(
              REGIONS.map((region) => [region, { addresses: [EDGES[region]], place: region }]),
            ),
            names: { [`${CDN}.`]: [...REGIONS], [`${SITE}.`]: [...REGIONS] },
          }),
        );
        authority.setTailor(this.nearest);
        return new DnsListener(authority, { listen: [{ addr: NAMESERVER, port: 53 }] });
      },
    });
  }

  /** A stub whose answers are kept as long as their TTL, as a browser's and its resolver's are. */
  private lookupOf(host: Host): Client["lookup"] {
    const stub = new Stub(host, {
      conf: { ...DEFAULT_CONF, servers: [{ addr: NAMESERVER, port: 53 }], search: [] },
      transport: "udp",
      query: { rd: false },
    });
    const kept = new Map<string, { addresses: string[]; until: Nanos }>();
    return (name, done) => {
      if (this.way === "anycast") {
        done(null, { addresses: [ANYCAST] });
        return;
      }
      if (name === ORIGIN || this.way === "none" || (this.way === "rewrite" && name === SITE)) {
        done(null, { addresses: [ORIGIN] });
        return;
      }
      const known = kept.get(name);
      if (known !== undefined && known.until > host.clock.now()) {
        done(null, { addresses: known.addresses });
        return;
      }
      stub.resolve(`${name}.`, 1, (result) => {
        if (result.from !== "server") {
          done(new Error(`${name}: no answer`));
          return;
        }
        const [first] = result.response.answers;
        const addresses = result.response.answers.map(({ rdata }) =>
          String((rdata as { address?: string }).address),
        );
        kept.set(name, { addresses, until: host.clock.now() + (first?.ttl ?? 0) * SECOND });
        done(null, { addresses });
      });
    };
  }

  private origin(exchange: Exchange): void {
    this.atOrigin++;
    const { target } = exchange.request;
    if (target === "/large") {
      this.slowly(exchange);
      return;
    }
    const fields = [{ name: "Cache-Control", value: "max-age=3600" }];
    exchange.respond({ statusCode: 200, fields }, new Uint8Array(1000).fill(0x61));
  }

  /** A download of ten seconds, which no cache keeps. */
  private slowly(exchange: Exchange): void {
    exchange.start({ statusCode: 200, fields: [{ name: "Cache-Control", value: "no-store" }] });
    let pieces = 0;
    const { clock } = exchange.host;
    const timer = clock.timer(() => {
      if (exchange.gone) return;
      if (pieces++ === 50) exchange.end();
      else {
        exchange.write(new Uint8Array(1000).fill(0x62));
        timer.armAt(clock.now() + SECOND / 5);
      }
    });
    timer.armAt(clock.now());
  }

  run(): WayResult {
    for (const client of this.clients) this.page(client);
    const pages = new Map<Region, number[]>();
    for (const client of this.clients) {
      const list = pages.get(client.region) ?? [];
      list.push(this.page(client));
      pages.set(client.region, list);
    }
    const load: Record<string, number> = {};
    for (const [region, edge] of this.edges) load[region] = edge.stats().requests;
    load["origin"] = this.atOrigin;
    const broken = this.routeChange();
    return {
      way: this.way,
      rttMs: record((region) => Math.round(this.rtts.get(region) ?? 0)),
      pageMs: record((region) => Math.round(mean(pages.get(region) ?? []))),
      load,
      // Without edges none can fail.
      ...(this.way === "none" ? {} : { failoverSeconds: this.failover() }),
      broken,
    };
  }

  /** A page and its objects, six connections kept; the time in milliseconds. */
  private page(client: Client): number {
    const { world } = this;
    const started = world.now;
    let left = 1 + OBJECTS;
    let ended = started;
    const fetcher = new Fetcher(client.host, {
      strategy: { connections: 6, keep: true, depth: 1 },
      lookup: client.lookup,
    });
    const fetch = (host: string, target: string, then: () => void) => {
      fetcher.fetch(
        {
          method: "GET",
          origin: { scheme: "http", host, port: 80 },
          target,
          fields: [{ name: "Host", value: host }],
        },
        {
          head: () => {},
          data: () => {},
          end: (_trailers, { connect }) => {
            if (connect !== undefined) this.noteRtt(client.region, host, connect.to - connect.from);
            if (--left === 0) ended = world.now;
            then();
          },
          failed: () => {
            left--;
          },
        },
      );
    };
    fetch(SITE, "/", () => {
      for (let i = 0; i < OBJECTS; i++) {
        const [host, path] =
          this.way === "rewrite" ? [CDN, `/${SITE}/${i}.gif`] : [SITE, `/${i}.gif`];
        fetch(host, path, () => {});
      }
    });
    world.run(world.now + 5 * SECOND);
    fetcher.close();
    world.run(world.now + SECOND);
    return (ended - started) / MILLISECOND;
  }

  private noteRtt(region: Region, host: string, rtt: Nanos): void {
    if (host === (this.way === "rewrite" ? CDN : SITE)) this.rtts.set(region, rtt / MILLISECOND);
  }

  /** Downloads in Europe go on while its edge's announcement is withdrawn. */
  private routeChange(): string {
    const { world } = this;
    const clients = this.clients.filter(({ region }) => region === "eu");
    let whole = 0;
    for (const { host, lookup } of clients) {
      const name = this.way === "rewrite" ? CDN : SITE;
      lookup(name, (error, looked) => {
        const addr = looked?.addresses[0];
        if (error !== null || addr === undefined) return;
        const connection = new ClientConnection(host, {
          remote: { addr, port: 80 },
          responseTime: 5 * SECOND,
        });
        const target = this.way === "rewrite" ? `/${SITE}/large` : "/large";
        connection.send(
          { method: "GET", target, fields: [{ name: "Host", value: name }] },
          {
            head: () => {},
            data: () => {},
            end: () => {
              whole++;
              connection.close();
            },
            cut: () => {},
          },
        );
      });
    }
    world.run(world.now + 3 * SECOND);
    this.announce(false);
    world.run(world.now + 30 * SECOND);
    this.announce(true);
    world.run(world.now + 2 * SECOND);
    return `${clients.length - whole} of ${clients.length}`;
  }

  /** The route to the shared address at Europe's edge; other ways have none that could change. */
  private announce(on: boolean): void {
    if (this.way !== "anycast") return;
    const { topology } = this.world;
    const vertex = topology.get("edge-eu");
    if (on) topology.announce(ANYCAST, vertex);
    else topology.withdraw(ANYCAST, vertex);
  }

  /** Europe's edge dies: seconds until a client there, which asks each second, is served again. */
  private failover(): number {
    const { world } = this;
    const client = this.clients.find(({ region }) => region === "eu") as Client;
    this.page(client);
    const died = world.now;
    world.get("edge-eu").crash();
    world.run(died + DETECTION);
    this.announce(false);
    this.nearest?.report("eu", { healthy: false }, world.now);
    for (let i = 0; i < 300; i++) {
      if (this.ask(client)) return Math.round((world.now - died) / SECOND);
      world.run(world.now + SECOND);
    }
    return Number.POSITIVE_INFINITY;
  }

  private ask({ host, lookup }: Client): boolean {
    const { world } = this;
    let good = false;
    const name = this.way === "rewrite" ? CDN : SITE;
    lookup(name, (error, looked) => {
      const addr = looked?.addresses[0];
      if (error !== null || addr === undefined) return;
      const connection = new ClientConnection(host, {
        remote: { addr, port: 80 },
        connectTime: SECOND,
        responseTime: SECOND,
      });
      const target = this.way === "rewrite" ? `/${SITE}/0.gif` : "/0.gif";
      connection.send(
        { method: "GET", target, fields: [{ name: "Host", value: name }] },
        {
          head: () => {},
          data: () => {},
          end: () => {
            good = true;
            connection.close();
          },
          cut: () => {},
        },
      );
    });
    world.run(world.now + SECOND);
    return good;
  }
}

function record(value: (region: Region) => number): Record<string, number> {
  return Object.fromEntries(REGIONS.map((region) => [region, value(region)]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

const TITLES: Readonly<Record<Way, string>> = {
  none: "no CDN",
  dns: "DNS",
  anycast: "anycast",
  rewrite: "rewriting + DNS",
};

export function renderWays(ways: readonly WayResult[]): string {
  const heads = [
    "way",
    "RTT eu us as",
    "page eu us as",
    "requests eu us as origin",
    "failover",
    "downloads broken",
  ];
  const rows = ways.map(({ way, rttMs, pageMs, load, failoverSeconds, broken }) => [
    TITLES[way],
    `${Object.values(rttMs).join(" ")} ms`,
    `${Object.values(pageMs).join(" ")} ms`,
    [...REGIONS, "origin"].map((place) => load[place] ?? 0).join(" "),
    failoverSeconds === undefined ? "-" : `${failoverSeconds} s`,
    way === "none" ? "-" : broken,
  ]);
  return `${aligned(heads, rows).join("\n")}\n`;
}
