/** `netkit http cdn`: edges that pull, and the DNS that sends each client to the nearest. */

import { readZone } from "../../codecs/dns/zonefile.ts";
import { Authority } from "../../engines/dns/authority.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Nearest } from "../../engines/dns/nearest/nearest.ts";
import { Zone } from "../../engines/dns/zone.ts";
import type { Engine } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import type { EdgeStats } from "../../engines/http/cdn/edge.ts";
import { CdnEdge } from "../../engines/http/cdn/edge.ts";
import type { ListenAddress } from "../../engines/http/server.ts";
import { HttpServer } from "../../engines/http/server.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { authorities } from "../../pem.ts";
import { renderEdge } from "../../render/http/edge.ts";
import { lookupFor } from "../fetch/lookup.ts";
import {
  announce,
  listenAddress,
  say,
  started,
  stopped,
  stopSignal,
  tlsServer,
} from "../listen.ts";
import { sizeOf } from "../proxy/cache.ts";
import { originTls } from "../proxy/origin-tls.ts";
import { adminHandler } from "./admin.ts";
import type { FunctionFlags } from "./functions.ts";
import { functionsOf } from "./functions.ts";
import type { EdgeWord } from "./options.ts";
import { edgeOf, planOf, sitesOf } from "./options.ts";

export interface CdnFlags extends FunctionFlags {
  readonly site: readonly string[];
  readonly edge: readonly string[];
  readonly client: readonly string[];
  readonly name: string;
  readonly dns?: string | undefined;
  readonly ttl: number;
  readonly admin?: string | undefined;
  readonly "tls-port"?: number | undefined;
  readonly "tls-cert"?: string | undefined;
  readonly "tls-key"?: string | undefined;
  readonly cacert?: string | undefined;
  readonly insecure: boolean;
  readonly "cache-size": string;
  readonly json: boolean;
}

export async function cdn(flags: CdnFlags): Promise<number> {
  const sites = sitesOf(flags.site);
  const words = flags.edge.map(edgeOf);
  if (sites.size === 0 || words.length === 0) {
    throw new CommandError("http cdn: name sites with --site and edges with --edge; see --help");
  }
  if (new Set(words.map(({ name }) => name)).size < words.length) {
    throw new CommandError("http cdn: two edges have one name");
  }
  const functions = functionsOf(flags);
  const secured = securedOf(flags);
  const tls = originTls(authorities(flags.cacert), flags.insecure);
  const host = new LiveHost();
  const engines: Engine[] = [];
  try {
    const lookup = await lookupFor(host, { dns: [], resolve: [] });
    const cacheBytes = sizeOf("cache-size", flags["cache-size"]);
    const edges = words.map(
      ({ name }) => new CdnEdge(host, { name, sites, lookup, tls, cacheBytes, functions }),
    );
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    for (const [i, { at: plain }] of words.entries()) {
      const edge = edges[i] as CdnEdge;
      const made = await started(
        host,
        (listens) =>
          new HttpServer((exchange) => edge.handle(exchange), {
            listen: [plain, ...secured(plain)],
            ...listens,
          }),
      );
      engines.push(made.engine);
      announce(`edge ${edge.name}`, made.at, flags.json);
    }
    if (flags.dns !== undefined) engines.push(await nameServer(host, flags, words, edges));
    if (flags.admin !== undefined) {
      const handler = adminHandler(edges, sites);
      const listen = [listenAddress(flags.admin, "--admin")];
      const made = await started(
        host,
        (listens) => new HttpServer(handler, { listen, ...listens }),
      );
      engines.push(made.engine);
      announce("administration", made.at, flags.json);
    }
    await told;
    await Promise.all(engines.map(stopped));
    for (const edge of edges) {
      edge.close();
      tellEnd(edge.stats(), flags.json);
    }
    return EXIT.done;
  } finally {
    host.stop();
  }
}

/** Where an edge listens with TLS as well. @throws CommandError */
function securedOf(flags: CdnFlags): (plain: ListenAddress) => ListenAddress[] {
  const { "tls-port": port, "tls-cert": cert, "tls-key": key } = flags;
  const given = [port, cert, key].filter((one) => one !== undefined).length;
  if (given % 3 !== 0) throw new CommandError("--tls-port, --tls-cert and --tls-key go together");
  const tls = tlsServer(cert, key);
  return ({ addr }) => (port === undefined ? [] : [{ addr, port, tls }]);
}

function tellEnd(stats: EdgeStats, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify(stats)}\n`);
  else for (const line of renderEdge(stats)) say(line);
}

/** The zone of the CDN's name, whose addresses are for each client those of the nearest edge. */
async function nameServer(
  host: LiveHost,
  flags: CdnFlags,
  words: readonly EdgeWord[],
  edges: readonly CdnEdge[],
): Promise<Engine> {
  const origin = flags.name.endsWith(".") ? flags.name : `${flags.name}.`;
  const nearest = new Nearest(planOf(origin, words, flags.client, flags.ttl));
  const records = words.map(
    ({ at }) => `@ ${flags.ttl} ${at.addr.includes(":") ? "AAAA" : "A"} ${at.addr}`,
  );
  const text = `@ 60 SOA ns.${origin} hostmaster.${origin} 1 3600 600 86400 60\n@ 60 NS ns.${origin}\n${records[0]}\n`;
  const authority = new Authority(host.clock);
  authority.setZone(new Zone(origin, readZone(text, { origin })));
  authority.setTailor(nearest);
  const address = listenAddress(flags.dns as string, "--dns");
  const engine = await new Promise<DnsListener>((resolve, reject) => {
    const listener: DnsListener = new DnsListener(authority, {
      listen: [{ addr: address.addr, port: address.port }],
      onListening: ([at]) => {
        if (at !== undefined) announce(`DNS of ${flags.name}`, [at], flags.json);
        resolve(listener);
      },
      onListenError: (error) =>
        reject(new CommandError(`cannot listen: ${error.message}`, EXIT.network)),
    });
    listener.start(host);
  });
  // Each edge tells what it has to do; too much moves its clients to the next nearest.
  const timer = host.clock.timer(() => {
    const now = host.clock.now();
    for (const edge of edges) {
      if (!nearest.report(edge.name, { load: edge.load, healthy: true }, now)) continue;
      say(`edge ${edge.name} is ${nearest.condition(edge.name)} (${edge.load} requests a second)`);
    }
    timer.armAt(now + SECOND);
  });
  timer.armAt(host.clock.now() + SECOND);
  return {
    start: () => {},
    stop: (graceful, done) => {
      timer.armAt(undefined);
      engine.stop(graceful, done);
    },
  };
}
