/** From what a capture shows to a workload: the pages, apart from how they were fetched. */
import type { Field } from "../../codecs/http/message.ts";
import { field } from "../http/fields.ts";
import { cacheabilityOf } from "./cacheable.ts";
import { dependenciesOf, References, resolved } from "./dependencies.ts";
import { Exchange } from "./exchanges.ts";
import type { LinkView } from "./link.ts";
import { linkOf } from "./link.ts";
import type { ObservedConnection } from "./observed.ts";
import type { Observer } from "./observer.ts";
import type { Fetched, Grouped } from "./pages.ts";
import { groupPages } from "./pages.ts";
import { shortcomings } from "./shortcomings.ts";
import { strategyOf } from "./strategy.ts";
import { clientThink, serverThink } from "./think.ts";
import type {
  HeaderField,
  Workload,
  WorkloadConnection,
  WorkloadLookup,
  WorkloadNote,
  WorkloadObject,
  WorkloadPage,
  WorkloadServer,
} from "./workload.ts";

/** A page that begins within this time of a lookup's answer waited for it. */
const LOOKUP_MS = 2000;

/** The observer must have been told that the capture is over. */
export function inferWorkload(observer: Observer): Workload {
  const { connections } = observer;
  const view = linkOf(connections);
  const servers = new Servers(view);
  const fetched = connections.flatMap((connection) => [
    ...exchangesOf(connection),
    ...burstsOf(connection),
  ]);
  for (const one of fetched) servers.add(one);
  const groups = groupPages(fetched);
  const notes: WorkloadNote[] = [...observer.notes];
  const references = new References((code, message) => notes.push({ code, message }));
  const pages: WorkloadPage[] = [];
  for (const group of groups) {
    pages.push(pageOf(group, pages, { view, references, servers, observer }));
  }
  return {
    format: "netkit-workload",
    version: 1,
    source: {
      kind: "capture",
      vantage: view.vantage,
      packets: observer.packets,
      bytes: observer.bytes,
      startedMs: observer.startedMs,
    },
    link: view.link,
    servers: servers.list,
    pages,
    dns: lookupsOf(observer, groups),
    notes: [...shortcomings(observer, view, pages), ...notes],
  };
}

interface Context {
  readonly view: LinkView;
  readonly references: References;
  readonly servers: Servers;
  readonly observer: Observer;
}

/** Answered requests; those without an answer are told of as a shortcoming. */
function exchangesOf(connection: ObservedConnection): Fetched[] {
  return connection.http.exchanges
    .map((exchange, place) => ({ exchange, connection, place, url: urlOf(exchange, connection) }))
    .filter(({ exchange }) => exchange.answered);
}

function urlOf({ target, fields }: Exchange, connection: ObservedConnection): string {
  const port = connection.serverPort === 80 ? "" : `:${connection.serverPort}`;
  const literal = connection.server.includes(":") ? `[${connection.server}]` : connection.server;
  const host = field(fields, "host") ?? `${literal}${port}`;
  return (
    resolved(target, `http://${host}/`) ?? resolved("/", `http://${literal}${port}/`) ?? target
  );
}

/** What TLS shows of exchanges: when, and how much. */
function burstsOf(connection: ObservedConnection): Fetched[] {
  const host = connection.serverName ?? connection.server;
  return connection.tls.bursts
    .filter(({ responseBytes }) => responseBytes > 0)
    .map((burst, place) => {
      const exchange = new Exchange("", "", [], burst.startMs);
      exchange.sentMs = burst.startMs;
      exchange.requestBytes = burst.requestBytes;
      exchange.firstByteMs = burst.firstByteMs;
      exchange.endMs = burst.endMs;
      exchange.bodyBytes = burst.responseBytes;
      exchange.whole = true;
      return { exchange, connection, place, url: `https://${host}/#${connection.id}.${place}` };
    });
}

class Servers {
  readonly list: (WorkloadServer & { hosts: string[] })[] = [];
  private readonly view: LinkView;
  private readonly ids = new Map<string, number>();

  constructor(view: LinkView) {
    this.view = view;
  }

  add({ connection, url }: Fetched): void {
    const id = this.idOf(connection);
    const { hosts } = this.list[id] as { hosts: string[] };
    const { host } = new URL(url);
    if (!hosts.includes(host)) hosts.push(host);
  }

  idOf(connection: ObservedConnection): number {
    const { server, serverPort } = connection;
    const key = `${server} ${serverPort}`;
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.list.length;
      this.ids.set(key, id);
      this.list.push({
        id,
        address: server,
        port: serverPort,
        hosts: [],
        rttMs: this.view.rttOf.get(server) ?? null,
        secure: connection.carried === "tls",
      });
    }
    return id;
  }
}

function pageOf(group: Grouped, earlier: readonly WorkloadPage[], context: Context): WorkloadPage {
  const { fetched, startMs } = group;
  const parents = dependenciesOf(fetched, context.references);
  const ids = new Map(group.connections.map((connection, id) => [connection, id]));
  const members: number[][] = group.connections.map(() => []);
  for (const [i, { connection }] of fetched.entries()) members[ids.get(connection) ?? 0]?.push(i);
  const latest = new Map<ObservedConnection, Fetched>();
  const objects = fetched.map((one, id): WorkloadObject => {
    const { exchange, connection, url } = one;
    const before = latest.get(connection);
    latest.set(connection, one);
    return {
      id,
      url,
      host: new URL(url).host,
      opaque: connection.carried === "tls",
      method: exchange.method,
      status: exchange.status,
      requestBytes: exchange.requestBytes,
      requestHeaders: pairs(exchange.fields),
      responseHeadBytes: exchange.headBytes,
      bodyBytes: exchange.bodyBytes,
      cut: !exchange.whole,
      headers: pairs(exchange.responseFields),
      cacheability: cacheabilityOf(exchange, url, context.observer.startedMs + exchange.endMs),
      thinkMs: rounded(serverThink(one, before, context.view)),
      clientThinkMs: rounded(clientThink(group, id, parents[id] ?? [], before)),
      parents: parents[id] ?? [],
      startMs: round(exchange.startMs - startMs),
      firstByteMs: rounded(exchange.firstByteMs - startMs),
      endMs: round(exchange.endMs - startMs),
      connection: ids.get(connection) ?? 0,
    };
  });
  return {
    id: earlier.length,
    startMs: round(startMs),
    timeMs: objects.reduce((last, { endMs }) => Math.max(last, endMs), 0),
    objects,
    connections: group.connections.map((connection, id) =>
      connectionOf(connection, id, startMs, members[id] ?? [], context.servers),
    ),
    ...strategyOf(group),
    revalidates: revalidated(fetched, earlier),
  };
}

function connectionOf(
  connection: ObservedConnection,
  id: number,
  startMs: number,
  objects: readonly number[],
  servers: Servers,
): WorkloadConnection {
  const { handshake } = connection;
  const opened = handshake !== undefined && handshake.synMs >= startMs ? handshake : undefined;
  const established = opened?.synAckMs;
  return {
    id,
    server: servers.idOf(connection),
    openMs: opened === undefined ? null : round(opened.synMs - startMs),
    establishedMs: established === undefined ? null : round(established - startMs),
    handshakeMs:
      handshake?.synAckMs === undefined ? null : round(handshake.synAckMs - handshake.synMs),
    objects,
  };
}

/** The page before with the same address, when most of this one's requests bear validators. */
function revalidated(fetched: readonly Fetched[], earlier: readonly WorkloadPage[]): number | null {
  const conditional = fetched.filter(
    ({ exchange }) =>
      field(exchange.fields, "if-none-match") !== undefined ||
      field(exchange.fields, "if-modified-since") !== undefined,
  );
  if (conditional.length * 2 <= fetched.length) return null;
  const url = fetched[0]?.url;
  return earlier.findLast(({ objects }) => objects[0]?.url === url)?.id ?? null;
}

function lookupsOf(observer: Observer, groups: readonly Grouped[]): WorkloadLookup[] {
  return observer.lookups.lookups.map((lookup) => {
    const { endMs, addresses } = lookup;
    const page = groups.findIndex(
      (group) =>
        endMs !== undefined &&
        group.client === lookup.client &&
        group.startMs >= endMs &&
        group.startMs - endMs <= LOOKUP_MS &&
        group.connections.some(({ server }) => addresses.includes(server)),
    );
    return {
      name: lookup.name,
      type: lookup.type,
      startMs: round(lookup.startMs),
      timeMs: endMs === undefined ? null : round(endMs - lookup.startMs),
      ttl: lookup.ttl,
      negative: lookup.negative,
      client: lookup.client,
      server: lookup.server,
      page: page < 0 ? null : page,
    };
  });
}

function pairs(fields: readonly Field[]): HeaderField[] {
  return fields.map(({ name, value }) => [name, value]);
}

/** Captures tell microseconds, most of them. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function rounded(ms: number | null): number | null {
  return ms === null || Number.isNaN(ms) ? null : round(ms);
}
