/**
 * A workload from a HAR file (HTTP Archive 1.2), as browsers save it. It tells what was fetched and
 * when; of the path only what times of connecting and waiting let one infer.
 */
import type { Field } from "../../codecs/http/message.ts";
import { cacheabilityOf } from "./cacheable.ts";
import { resolved } from "./dependencies.ts";
import { Exchange } from "./exchanges.ts";
import { Place } from "./json-check.ts";
import { mostAtOnce } from "./strategy.ts";
import type {
  Dependency,
  HeaderField,
  ObservedStrategy,
  Workload,
  WorkloadConnection,
  WorkloadNote,
  WorkloadObject,
  WorkloadPage,
} from "./workload.ts";

interface Entry {
  readonly url: string;
  readonly method: string;
  readonly pageref: string | undefined;
  readonly connection: string | undefined;
  readonly server: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly timings: Timings;
  readonly status: number;
  readonly requestBytes: number;
  readonly requestFields: Field[];
  readonly headBytes: number;
  readonly bodyBytes: number;
  readonly fields: Field[];
  readonly redirect: string;
  readonly initiator: string | undefined;
}

/** HAR 1.2 timings: -1 does not apply. */
interface Timings {
  readonly blocked: number;
  readonly dns: number;
  readonly connect: number;
  readonly ssl: number;
  readonly send: number;
  readonly wait: number;
  readonly receive: number;
}

/** Pages of one HAR without page ids are parted by this silence. */
const IDLE_MS = 1000;

/** @throws ShapeError */
export function workloadOfHar(json: unknown): Workload {
  const entries = new Place(json, "").at("log").at("entries").list(entryOf);
  entries.sort((a, b) => a.startedMs - b.startedMs);
  const startedMs = entries[0]?.startedMs ?? 0;
  const notes: WorkloadNote[] = [];
  const servers = new Map<string, number>();
  const serverOf = (entry: Entry): number => {
    const key = `${entry.server ?? ""} ${new URL(entry.url).host}`;
    const known = servers.get(key);
    if (known !== undefined) return known;
    servers.set(key, servers.size);
    return servers.size - 1;
  };
  const pages = grouped(entries).map((group, id) => pageOf(group, id, startedMs, serverOf));
  const connects = entries.map(connectMs).filter((ms) => ms > 0);
  const rttMs = connects.length === 0 ? null : Math.min(...connects);
  if (entries.length === 0) notes.push({ code: "har.empty", message: "the file has no entries" });
  else {
    notes.push({
      code: "har.link",
      message:
        "a HAR file has no packets: rate, loss and queue are not known, give them to compare",
    });
    if (rttMs === null) {
      notes.push({
        code: "link.rtt",
        message: "no connection was opened: the round trip is not known",
      });
    }
  }
  const unsized = pages.flatMap(({ objects }) => objects).filter(({ cut }) => cut).length;
  if (unsized > 0) {
    notes.push({
      code: "har.sizes",
      message: `${unsized} entries do not tell the size of their body`,
    });
  }
  return {
    format: "netkit-workload",
    version: 1,
    source: { kind: "har", vantage: "client", packets: 0, bytes: 0, startedMs },
    link: {
      rttMs,
      rateMbps: null,
      lossRate: null,
      queueBytes: null,
      queueAtLeastBytes: null,
      retransmissions: 0,
      confidence: {
        rttMs: {
          certainty: rttMs === null ? "none" : "medium",
          samples: connects.length,
          from: "shortest time to connect",
        },
        rateMbps: { certainty: "none", samples: 0, from: "no packets" },
        lossRate: { certainty: "none", samples: 0, from: "no packets" },
        queueBytes: { certainty: "none", samples: 0, from: "no packets" },
      },
    },
    servers: [...servers].map(([key, id]) => {
      const [address = "", host = ""] = key.split(" ");
      const own = entries.find((entry) => new URL(entry.url).host === host) as Entry;
      const { port, protocol } = new URL(own.url);
      const secure = protocol === "https:";
      return {
        id,
        address,
        port: port === "" ? (secure ? 443 : 80) : Number(port),
        hosts: [host],
        rttMs: least(entries.filter((entry) => serverOf(entry) === id).map(connectMs)),
        secure,
      };
    }),
    pages,
    dns: entries.flatMap((entry) => {
      const { dns, blocked } = entry.timings;
      if (dns <= 0) return [];
      const page = pages.find(({ objects }) => objects.some(({ url }) => url === entry.url));
      return {
        name: new URL(entry.url).hostname,
        type: "A",
        startMs: entry.startedMs - startedMs + Math.max(0, blocked),
        timeMs: dns,
        ttl: null,
        negative: false,
        client: "",
        server: "",
        page: page?.id ?? null,
      };
    }),
    notes,
  };
}

/** HAR 1.2: `connect` has the time of TLS in it. */
function connectMs({ timings }: Entry): number {
  return timings.connect < 0 ? 0 : timings.connect - Math.max(0, timings.ssl);
}

function least(values: readonly number[]): number | null {
  const positive = values.filter((value) => value > 0);
  return positive.length === 0 ? null : Math.min(...positive);
}

function grouped(entries: readonly Entry[]): Entry[][] {
  const groups: Entry[][] = [];
  let ends = Number.NEGATIVE_INFINITY;
  for (const entry of entries) {
    const last = groups.at(-1);
    const same =
      entry.pageref === undefined
        ? entry.startedMs - ends < IDLE_MS
        : last?.[0]?.pageref === entry.pageref;
    if (last !== undefined && same) last.push(entry);
    else {
      const known = groups.find(
        (group) => entry.pageref !== undefined && group[0]?.pageref === entry.pageref,
      );
      if (known === undefined) groups.push([entry]);
      else known.push(entry);
    }
    ends = Math.max(ends, endOf(entry));
  }
  return groups;
}

/** When the request was sent: what is before it is waiting, looking up and connecting. */
function sentOf({ startedMs, timings }: Entry): number {
  const { blocked, dns, connect } = timings;
  return startedMs + Math.max(0, blocked) + Math.max(0, dns) + Math.max(0, connect);
}

function endOf(entry: Entry): number {
  const { send, wait, receive } = entry.timings;
  return sentOf(entry) + Math.max(0, send) + Math.max(0, wait) + Math.max(0, receive);
}

function pageOf(
  group: readonly Entry[],
  id: number,
  originMs: number,
  serverOf: (entry: Entry) => number,
): WorkloadPage {
  const first = group[0] as Entry;
  const startMs =
    first.startedMs + Math.max(0, first.timings.blocked) + Math.max(0, first.timings.dns);
  const sorted = [...group].sort((a, b) => sentOf(a) - sentOf(b));
  const ids = new Map<string, number>();
  const connectionOf = (entry: Entry): number => {
    const key = `${serverOf(entry)} ${entry.connection ?? ""}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, ids.size);
    return ids.size - 1;
  };
  const objects = sorted.map((entry, i): WorkloadObject => {
    const { send, wait } = entry.timings;
    const exchange = new Exchange(entry.method, "", entry.requestFields, entry.startedMs);
    exchange.status = entry.status;
    exchange.responseFields = entry.fields;
    return {
      id: i,
      url: entry.url,
      host: new URL(entry.url).host,
      opaque: false,
      method: entry.method,
      status: entry.status,
      requestBytes: entry.requestBytes,
      requestHeaders: pairs(entry.requestFields),
      responseHeadBytes: entry.headBytes,
      bodyBytes: Math.max(0, entry.bodyBytes),
      cut: entry.bodyBytes < 0,
      headers: pairs(entry.fields),
      cacheability: cacheabilityOf(exchange, entry.url, endOf(entry)),
      thinkMs: null,
      clientThinkMs: null,
      parents: parentsOf(sorted, i),
      startMs: sentOf(entry) - startMs,
      firstByteMs: sentOf(entry) + Math.max(0, send) + Math.max(0, wait) - startMs,
      endMs: endOf(entry) - startMs,
      connection: connectionOf(entry),
    };
  });
  const connections = [...ids.values()].map((connection): WorkloadConnection => {
    const own = objects.filter((one) => one.connection === connection);
    const opener = sorted[own[0]?.id ?? 0] as Entry;
    const ms = connectMs(opener);
    const established = sentOf(opener) - startMs - Math.max(0, opener.timings.ssl);
    return {
      id: connection,
      server: serverOf(opener),
      openMs: ms > 0 ? established - ms : null,
      establishedMs: ms > 0 ? established : null,
      handshakeMs: ms > 0 ? ms : null,
      objects: own.map(({ id: object }) => object),
    };
  });
  const { strategy, parallel } = strategyOf(objects, connections);
  return {
    id,
    startMs: startMs - originMs,
    timeMs: Math.max(...objects.map(({ endMs }) => endMs)),
    objects,
    connections,
    strategy,
    parallel,
    revalidates: null,
  };
}

function strategyOf(
  objects: readonly WorkloadObject[],
  connections: readonly WorkloadConnection[],
): { strategy: ObservedStrategy; parallel: number } {
  const own = connections.map(({ objects: ids }) => ids.map((id) => objects[id] as WorkloadObject));
  const parallel = mostAtOnce(
    own.map((list, i) => [
      connections[i]?.openMs ?? Math.min(...list.map(({ startMs }) => startMs)),
      Math.max(...list.map(({ endMs }) => endMs)),
    ]),
  );
  const kept = own.some((list) => list.length > 1);
  const shared = own.some(
    (list) => mostAtOnce(list.map(({ startMs, endMs }) => [startMs, endMs])) > 1,
  );
  // HTTP/2, or a connection that the file does not number: requests overlap on it.
  if (shared) return { strategy: "mixed", parallel };
  if (parallel > 1) return { strategy: kept ? "concurrent-persistent" : "concurrent", parallel };
  if (connections.length > 1) return { strategy: kept ? "mixed" : "serial", parallel };
  return { strategy: kept ? "persistent" : "serial", parallel };
}

/** `_initiator` of browsers, else Referer, else a redirection. */
function parentsOf(sorted: readonly Entry[], child: number): Dependency[] {
  const { url, initiator, requestFields, startedMs } = sorted[child] as Entry;
  const referer = requestFields.find(({ name }) => name.toLowerCase() === "referer")?.value;
  const find = (matches: (entry: Entry) => boolean): number =>
    sorted.findIndex((entry, i) => i !== child && entry.startedMs <= startedMs && matches(entry));
  const redirect = find(
    (entry) => entry.redirect !== "" && resolved(entry.redirect, entry.url) === url,
  );
  if (redirect >= 0)
    return [{ id: redirect, why: "redirect", certainty: "high", afterBytes: null }];
  const naming = initiator === undefined ? -1 : find((entry) => entry.url === initiator);
  if (naming >= 0) return [{ id: naming, why: "reference", certainty: "high", afterBytes: null }];
  const referring = referer === undefined ? -1 : find((entry) => entry.url === referer);
  if (referring >= 0) {
    return [{ id: referring, why: "referer", certainty: "medium", afterBytes: null }];
  }
  return [];
}

function pairs(fields: readonly Field[]): HeaderField[] {
  return fields.map(({ name, value }) => [name, value]);
}

function fieldsOf(place: Place): Field[] {
  return place.or([], (p) =>
    p.list((one) => ({ name: one.at("name").text(), value: one.at("value").text() })),
  );
}

function entryOf(entry: Place): Entry {
  const request = entry.at("request");
  const response = entry.at("response");
  const url = request.at("url").text();
  if (!URL.canParse(url)) request.at("url").refuse(`is no URL: "${url}"`);
  const startedMs = Date.parse(entry.at("startedDateTime").text());
  if (Number.isNaN(startedMs)) entry.at("startedDateTime").refuse("is no time");
  const time = (name: keyof Timings): number =>
    entry
      .at("timings")
      .at(name)
      .or(-1, (p) => p.number(-1));
  /** HAR 1.2: -1 says that it is not known. */
  const size = (place: Place): number => place.or(-1, (p) => p.number(-1));
  const transferred = size(response.at("bodySize"));
  const content = response.at("content");
  const text = (place: Place): string | undefined => place.or(undefined, (p) => p.text());
  const initiator = entry.at("_initiator");
  return {
    url: resolved(url, url) ?? url,
    method: request.at("method").text(),
    pageref: text(entry.at("pageref")),
    connection: text(entry.at("connection")),
    server: text(entry.at("serverIPAddress")),
    startedMs,
    timings: {
      blocked: time("blocked"),
      dns: time("dns"),
      connect: time("connect"),
      ssl: time("ssl"),
      send: time("send"),
      wait: time("wait"),
      receive: time("receive"),
    },
    status: response.at("status").whole(0, 599),
    requestBytes:
      Math.max(0, size(request.at("headersSize"))) + Math.max(0, size(request.at("bodySize"))),
    requestFields: fieldsOf(request.at("headers")),
    headBytes: Math.max(0, size(response.at("headersSize"))),
    bodyBytes: transferred >= 0 || !content.present ? transferred : size(content.at("size")),
    fields: fieldsOf(response.at("headers")),
    redirect: text(response.at("redirectURL")) ?? "",
    initiator: initiator.present ? text(initiator.at("url")) : undefined,
  };
}
