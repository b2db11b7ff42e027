/** A page of a workload as its client and its servers play it again. */
import type { Field } from "../../../codecs/http/message.ts";
import type { Nanos } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { Origin } from "../../http/fetch/origin.ts";
import { defaultPort } from "../../http/fetch/origin.ts";
import { field, without } from "../../http/fields.ts";
import type { HeaderField, Workload, WorkloadObject, WorkloadPage } from "../workload.ts";
import type { Recorded } from "./site.ts";
import { replayable } from "./site.ts";
import type { VisitObject } from "./visit.ts";

export interface PlayedPage {
  readonly id: number;
  readonly objects: readonly VisitObject[];
  /** By `host target`. */
  readonly recorded: ReadonlyMap<string, Recorded>;
  /** Of each host name, the server that has it. */
  readonly serverOf: ReadonlyMap<string, number>;
}

/** Fields that the strategy and the placement decide anew. */
const OF_THE_CONNECTION = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "content-length",
  "transfer-encoding",
  "expect",
];
const CONDITIONS = [
  "if-none-match",
  "if-modified-since",
  "if-match",
  "if-unmodified-since",
  "if-range",
];

/** A client that takes no longer than this does not think: what it asks for together stays in its order. */
const LEAST_THINK_MS = 1.5;
/** A server that takes no longer than a host does by itself has nothing to think about. */
const LEAST_SERVER_THINK_MS = 1;

/** All bodies are parts of it: what they say does not matter. */
let blank = new Uint8Array(1 << 20);

export function bodyOf(bytes: number): Uint8Array {
  if (bytes > blank.length) blank = new Uint8Array(Math.max(bytes, blank.length * 2));
  return new Uint8Array(blank.buffer, 0, bytes);
}

export function playedPage(workload: Workload, page: WorkloadPage): PlayedPage {
  const reload = workload.pages.find(({ revalidates }) => revalidates === page.id);
  const again = new Map(reload?.objects.map((object) => [object.url, object.thinkMs]) ?? []);
  const usual = usualThink(page);
  const usualAgain = reload === undefined ? undefined : usualThink(reload);
  const recorded = new Map<string, Recorded>();
  const serverOf = new Map<string, number>();
  const objects = page.objects.map((object) => {
    const { origin, target } = place(object, workload);
    const key = `${origin.host}:${origin.port} ${target}`;
    if (!recorded.has(key))
      recorded.set(key, answer(object, again.get(object.url) ?? usualAgain, usual));
    const connection = page.connections.find(({ id }) => id === object.connection);
    serverOf.set(`${origin.host}:${origin.port}`, connection?.server ?? 0);
    return request(object, origin, target);
  });
  return { id: page.id, objects, recorded, serverOf };
}

/** What names other objects: a cache may lack it and have those. */
export function isDocument(page: PlayedPage, { origin, target }: VisitObject): boolean {
  const recorded = page.recorded.get(`${origin.host}:${origin.port} ${target}`);
  return /html/i.test(field(recorded?.fields ?? [], "content-type") ?? "");
}

function place(object: WorkloadObject, workload: Workload): { origin: Origin; target: string } {
  if (object.opaque || !URL.canParse(object.url)) {
    const server = workload.servers.find(({ hosts }) => hosts.includes(object.host));
    const secure = server?.secure ?? false;
    const scheme = secure ? "https" : "http";
    const name = /^[A-Za-z0-9.-]+$/.test(object.host)
      ? object.host.toLowerCase()
      : "opaque.invalid";
    return {
      origin: { scheme, host: name, port: defaultPort(scheme) },
      target: `/opaque/${object.id}`,
    };
  }
  const url = new URL(object.url);
  const scheme = url.protocol === "https:" ? "https" : "http";
  const port = url.port === "" ? defaultPort(scheme) : Number(url.port);
  return {
    origin: { scheme, host: url.hostname.toLowerCase(), port },
    target: `${url.pathname}${url.search}`,
  };
}

function request(object: WorkloadObject, origin: Origin, target: string): VisitObject {
  const [parent] = object.parents;
  const given = fieldsOf(object.requestHeaders);
  const host: Field = { name: "Host", value: object.host === "" ? origin.host : object.host };
  const kept = without(given, ...OF_THE_CONNECTION, ...CONDITIONS, "host");
  return {
    id: object.id,
    method: object.method === "HEAD" ? "HEAD" : "GET",
    origin,
    target,
    fields: [host, ...kept],
    parent:
      parent === undefined
        ? undefined
        : { id: parent.id, afterBytes: parent.afterBytes ?? undefined },
    think:
      (object.clientThinkMs ?? 0) < LEAST_THINK_MS ? 0 : (nanos(object.clientThinkMs) as Nanos),
  };
}

function answer(
  object: WorkloadObject,
  unchangedMs: number | null | undefined,
  usualMs: number | null,
): Recorded {
  const statusCode = object.status >= 200 && object.status <= 599 ? object.status : 200;
  const think = thought(object.thinkMs ?? usualMs);
  return {
    statusCode,
    fields: replayable(fieldsOf(object.headers)),
    headBytes: object.responseHeadBytes,
    body: bodyOf(statusCode === 304 || statusCode === 204 ? 0 : object.bodyBytes),
    think,
    // Without a reload in the capture a validation takes as long as the object did.
    thinkUnchanged: unchangedMs === undefined ? think : thought(unchangedMs),
  };
}

function thought(ms: number | null): Nanos | undefined {
  return ms === null || ms < LEAST_SERVER_THINK_MS ? undefined : nanos(ms);
}

/** What the server usually thought for an object of the page: stands in where the capture hides it. */
function usualThink({ objects }: WorkloadPage): number | null {
  const told = objects
    .flatMap(({ thinkMs }) => (thinkMs === null ? [] : [thinkMs]))
    .sort((a, b) => a - b);
  return told[(told.length - 1) >> 1] ?? null;
}

function fieldsOf(headers: readonly HeaderField[]): Field[] {
  return headers.map(([name, value]) => ({ name, value }));
}

function nanos(ms: number | null): Nanos | undefined {
  return ms === null ? undefined : Math.max(0, Math.round(ms * MILLISECOND));
}
