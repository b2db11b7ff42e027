/** A saved workload, perhaps edited: every value is looked at, and what cannot be is refused by name. */
import { Place } from "./json-check.ts";
import type {
  Cacheability,
  Confidence,
  Dependency,
  HeaderField,
  Workload,
  WorkloadConnection,
  WorkloadLink,
  WorkloadLookup,
  WorkloadObject,
  WorkloadPage,
  WorkloadServer,
} from "./workload.ts";

/** Bounds of what a path can be: beyond them a unit was mistaken. */
export const BOUNDS = {
  rttMs: [0, 600_000],
  rateMbps: [0.001, 1_000_000],
  /** All lost is no path. */
  lossRate: [0, 0.99],
  /** A queue that holds no packet of the usual size passes none. */
  queueBytes: [1500, 1e12],
} as const;

const MAX_BODY = 1e12;
const CERTAINTIES = ["high", "medium", "low", "none"] as const;
const STRATEGIES = [
  "serial",
  "persistent",
  "concurrent",
  "concurrent-persistent",
  "pipelined",
  "pipelined-warm",
  "mixed",
] as const;

const UNCACHEABLE: Cacheability = {
  storable: false,
  shared: false,
  freshSeconds: 0,
  heuristic: false,
  etag: null,
  lastModified: null,
};

/** @throws ShapeError */
export function readWorkload(json: unknown): Workload {
  const root = new Place(json, "");
  if (root.at("format").value !== "netkit-workload") {
    root.at("format").refuse('is not "netkit-workload"');
  }
  if (root.at("version").value !== 1) root.at("version").refuse("is not 1");
  const servers = root.at("servers").list(server);
  const source = root.at("source");
  return {
    format: "netkit-workload",
    version: 1,
    source: {
      kind: source.at("kind").oneOf(["capture", "har"]),
      vantage: source.at("vantage").oneOf(["client", "server", "between", "unknown"]),
      packets: source.at("packets").or(0, (p) => p.whole()),
      bytes: source.at("bytes").or(0, (p) => p.whole()),
      startedMs: source.at("startedMs").or(0, (p) => p.number()),
    },
    link: link(root.at("link")),
    servers,
    pages: root.at("pages").list((place, id) => page(place, id, servers.length)),
    dns: root.at("dns").or([], (p) => p.list(lookup)),
    notes: root
      .at("notes")
      .or([], (p) =>
        p.list((one) => ({ code: one.at("code").text(), message: one.at("message").text() })),
      ),
  };
}

function link(place: Place): WorkloadLink {
  const value = (name: keyof typeof BOUNDS) =>
    place.at(name).orNull((p) => p.number(BOUNDS[name][0], BOUNDS[name][1]));
  const confidence = place.at("confidence");
  return {
    rttMs: value("rttMs"),
    rateMbps: value("rateMbps"),
    lossRate: value("lossRate"),
    queueBytes: value("queueBytes"),
    queueAtLeastBytes: place.at("queueAtLeastBytes").orNull((p) => p.number(0)),
    retransmissions: place.at("retransmissions").or(0, (p) => p.whole()),
    confidence: {
      rttMs: sureness(confidence, "rttMs"),
      rateMbps: sureness(confidence, "rateMbps"),
      lossRate: sureness(confidence, "lossRate"),
      queueBytes: sureness(confidence, "queueBytes"),
    },
  };
}

/** Who edits a value need not say how sure he is. */
function sureness(all: Place, name: string): Confidence {
  const given: Confidence = { certainty: "high", samples: 0, from: "given" };
  if (!all.present) return given;
  return all.at(name).or(given, (place) => ({
    certainty: place.at("certainty").oneOf(CERTAINTIES),
    samples: place.at("samples").or(0, (p) => p.whole()),
    from: place.at("from").or("given", (p) => p.text()),
  }));
}

function server(place: Place, id: number): WorkloadServer {
  return {
    id: ordinal(place, id),
    address: place.at("address").text(),
    port: place.at("port").whole(1, 65_535),
    hosts: place.at("hosts").list((p) => p.text()),
    rttMs: place.at("rttMs").orNull((p) => p.number(BOUNDS.rttMs[0], BOUNDS.rttMs[1])),
    secure: place.at("secure").or(false, (p) => p.flag()),
  };
}

function ordinal(place: Place, expected: number): number {
  const id = place.at("id").whole();
  if (id !== expected) place.at("id").refuse(`is ${id}: its place in the list is ${expected}`);
  return id;
}

function page(place: Place, id: number, servers: number): WorkloadPage {
  const count = place.at("objects").list(() => 0).length;
  if (count === 0) place.at("objects").refuse("is empty");
  const lines = place.at("connections").list((one, i) => connection(one, i, count, servers));
  const objects = place.at("objects").list((one, i) => object(one, i, count, lines.length));
  refuseCircles(place.at("objects"), objects);
  return {
    id: ordinal(place, id),
    startMs: place.at("startMs").number(0),
    timeMs: place.at("timeMs").number(0),
    objects,
    connections: lines,
    strategy: place.at("strategy").oneOf(STRATEGIES),
    parallel: place.at("parallel").whole(1),
    revalidates: place.at("revalidates").orNull((p) => p.whole(0, Math.max(0, id - 1))),
  };
}

function connection(
  place: Place,
  id: number,
  objects: number,
  servers: number,
): WorkloadConnection {
  return {
    id: ordinal(place, id),
    server: place.at("server").whole(0, servers - 1),
    openMs: place.at("openMs").orNull((p) => p.number(0)),
    establishedMs: place.at("establishedMs").orNull((p) => p.number(0)),
    handshakeMs: place.at("handshakeMs").orNull((p) => p.number(0)),
    objects: place.at("objects").list((p) => p.whole(0, objects - 1)),
  };
}

function object(place: Place, id: number, objects: number, connections: number): WorkloadObject {
  const url = place.at("url").text();
  if (!URL.canParse(url)) place.at("url").refuse(`is no URL: "${url}"`);
  const opaque = place.at("opaque").or(false, (p) => p.flag());
  return {
    id: ordinal(place, id),
    url,
    host: place.at("host").or(new URL(url).host, (p) => p.text()),
    opaque,
    method: place.at("method").text(),
    status: opaque ? place.at("status").whole(0, 599) : place.at("status").whole(100, 599),
    requestBytes: place.at("requestBytes").whole(0, MAX_BODY),
    requestHeaders: place.at("requestHeaders").or([], (p) => p.list(header)),
    responseHeadBytes: place.at("responseHeadBytes").whole(0, MAX_BODY),
    bodyBytes: place.at("bodyBytes").whole(0, MAX_BODY),
    cut: place.at("cut").or(false, (p) => p.flag()),
    headers: place.at("headers").or([], (p) => p.list(header)),
    cacheability: cacheability(place.at("cacheability")),
    thinkMs: place.at("thinkMs").orNull((p) => p.number(0)),
    clientThinkMs: place.at("clientThinkMs").orNull((p) => p.number(0)),
    parents: place.at("parents").or([], (p) => p.list((one) => dependency(one, objects))),
    startMs: place.at("startMs").number(0),
    firstByteMs: place.at("firstByteMs").orNull((p) => p.number(0)),
    endMs: place.at("endMs").number(0),
    connection: place.at("connection").whole(0, connections - 1),
  };
}

function header(place: Place): HeaderField {
  const parts = place.list((p) => p.text());
  if (parts.length !== 2) place.refuse("is not a pair of name and value");
  return [parts[0] as string, parts[1] as string];
}

function dependency(place: Place, objects: number): Dependency {
  return {
    id: place.at("id").whole(0, objects - 1),
    why: place.at("why").oneOf(["reference", "redirect", "referer", "timing"]),
    certainty: place.at("certainty").or("high", (p) => p.oneOf(CERTAINTIES)),
    afterBytes: place.at("afterBytes").orNull((p) => p.whole()),
  };
}

function cacheability(place: Place): Cacheability {
  if (!place.present) return UNCACHEABLE;
  return {
    storable: place.at("storable").flag(),
    shared: place.at("shared").flag(),
    freshSeconds: place.at("freshSeconds").number(0),
    heuristic: place.at("heuristic").or(false, (p) => p.flag()),
    etag: place.at("etag").orNull((p) => p.text()),
    lastModified: place.at("lastModified").orNull((p) => p.text()),
  };
}

function lookup(place: Place): WorkloadLookup {
  return {
    name: place.at("name").text(),
    type: place.at("type").text(),
    startMs: place.at("startMs").number(),
    timeMs: place.at("timeMs").orNull((p) => p.number(0)),
    ttl: place.at("ttl").orNull((p) => p.whole()),
    negative: place.at("negative").or(false, (p) => p.flag()),
    client: place.at("client").or("", (p) => p.text()),
    server: place.at("server").or("", (p) => p.text()),
    page: place.at("page").orNull((p) => p.whole()),
  };
}

/** An object that waits for itself never comes. */
function refuseCircles(place: Place, objects: readonly WorkloadObject[]): void {
  const settled = new Set<number>();
  const visit = (id: number, path: readonly number[]): void => {
    if (settled.has(id)) return;
    if (path.includes(id)) {
      place.refuse(
        `has a circle of parents: ${[...path.slice(path.indexOf(id)), id].join(" <- ")}`,
      );
    }
    for (const parent of (objects[id] as WorkloadObject).parents) visit(parent.id, [...path, id]);
    settled.add(id);
  };
  for (const { id } of objects) visit(id, []);
}
