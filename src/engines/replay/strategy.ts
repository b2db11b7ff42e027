/** The way of fetching that the connections of a page show. */
import type { Fetched, Grouped } from "./pages.ts";
import type { ObservedStrategy } from "./workload.ts";

export interface Strategy {
  readonly strategy: ObservedStrategy;
  /** Most connections in use at one time. */
  readonly parallel: number;
}

export function strategyOf(page: Grouped): Strategy {
  const lists = new Map<unknown, Fetched[]>();
  for (const one of page.fetched) {
    const list = lists.get(one.connection);
    if (list === undefined) lists.set(one.connection, [one]);
    else list.push(one);
  }
  const all = [...lists.values()];
  const parallel = mostAtOnce(all.map(inUse));
  const kept = all.some((list) => list.length > 1);
  if (all.some(pipelined)) {
    if (all.length > 1) return { strategy: "mixed", parallel };
    const [first] = page.fetched;
    const warm =
      first !== undefined && (first.place > 0 || first.connection.handshake === undefined);
    return { strategy: warm ? "pipelined-warm" : "pipelined", parallel };
  }
  if (parallel > 1) return { strategy: kept ? "concurrent-persistent" : "concurrent", parallel };
  if (all.length === 1) return { strategy: kept ? "persistent" : "serial", parallel };
  return { strategy: kept ? "mixed" : "serial", parallel };
}

/** A request was sent before the response before it had come. */
function pipelined(list: readonly Fetched[]): boolean {
  return list.some(
    ({ exchange }, i) => i > 0 && exchange.startMs < (list[i - 1] as Fetched).exchange.endMs,
  );
}

/** From the connection's opening, or its first request, to its last octet. */
function inUse(list: readonly Fetched[]): readonly [from: number, to: number] {
  const { place, connection, exchange } = list[0] as Fetched;
  const opened = place === 0 ? connection.handshake?.synMs : undefined;
  let end = 0;
  for (const one of list) end = Math.max(end, one.exchange.endMs);
  return [opened ?? exchange.startMs, end];
}

/** How many of these spans of time there are at one time. */
export function mostAtOnce(spans: readonly (readonly [from: number, to: number])[]): number {
  const edges = spans.flatMap(([from, to]) => [
    [from, 1] as const,
    [Math.max(from, to), -1] as const,
  ]);
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0;
  let most = 0;
  for (const [, step] of edges) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}
