/** Which exchanges are of one page load: the client's silences part them. */
import type { Exchange } from "./exchanges.ts";
import type { ObservedConnection } from "./observed.ts";

/** An exchange with its connection, and in which order. */
export interface Fetched {
  readonly exchange: Exchange;
  readonly connection: ObservedConnection;
  /** Place on its connection. */
  readonly place: number;
  readonly url: string;
}

export interface Grouped {
  readonly client: string;
  readonly startMs: number;
  readonly fetched: Fetched[];
  /** Those opened for the page, and those that it found open. */
  readonly connections: ObservedConnection[];
}

/** Nothing is under way for this long: what comes then is another page. */
const IDLE_MS = 1000;
/** With a sign that a page begins (its address again, or a document that none refers to), this is enough. */
const SHORT_IDLE_MS = 250;

export function groupPages(fetched: readonly Fetched[]): Grouped[] {
  const byClient = new Map<string, Fetched[]>();
  for (const one of fetched) {
    const list = byClient.get(one.connection.client);
    if (list === undefined) byClient.set(one.connection.client, [one]);
    else list.push(one);
  }
  const pages: Grouped[] = [];
  for (const [client, list] of byClient) pages.push(...ofClient(client, list));
  return pages.sort((a, b) => a.startMs - b.startMs);
}

function ofClient(client: string, list: Fetched[]): Grouped[] {
  list.sort((a, b) => a.exchange.startMs - b.exchange.startMs);
  const groups: Fetched[][] = [];
  let group: Fetched[] = [];
  let busyUntil = Number.NEGATIVE_INFINITY;
  for (const one of list) {
    const idle = begunAt(one) - busyUntil;
    if (group.length > 0 && parts(idle, one, group)) {
      groups.push(group);
      group = [];
    }
    group.push(one);
    busyUntil = Math.max(busyUntil, one.exchange.endMs, one.exchange.startMs);
  }
  if (group.length > 0) groups.push(group);
  return groups.map((members) => {
    const connections = [...new Set(members.map(({ connection }) => connection))];
    return {
      client,
      connections,
      fetched: members,
      startMs: members.reduce((first, one) => Math.min(first, begunAt(one)), Infinity),
    };
  });
}

/** The SYN of a connection that was opened for it, or the request itself. */
function begunAt({ exchange, connection, place }: Fetched): number {
  const { handshake } = connection;
  return place === 0 && handshake !== undefined ? handshake.synMs : exchange.startMs;
}

function parts(idle: number, one: Fetched, group: readonly Fetched[]): boolean {
  if (idle >= IDLE_MS) return true;
  if (idle < 0) return false;
  const first = group[0] as Fetched;
  // All has come, and it begins again: RFC 9111 has no page ask for the same twice.
  if (one.url === first.url) return true;
  return idle >= SHORT_IDLE_MS && isDocument(one) && !refersTo(one, group);
}

function isDocument({ exchange }: Fetched): boolean {
  const type = exchange.responseFields.find(({ name }) => name.toLowerCase() === "content-type");
  return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type?.value ?? "");
}

function refersTo(one: Fetched, group: readonly Fetched[]): boolean {
  const referer = one.exchange.fields.find(({ name }) => name.toLowerCase() === "referer")?.value;
  return referer !== undefined && group.some(({ url }) => url === referer);
}

export { isDocument };
