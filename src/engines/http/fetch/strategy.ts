/**
 * The ways to fetch many objects, and what the course says that each costs: connections side by
 * side, whether they are kept, and how many requests go ahead of their responses.
 */

export interface Strategy {
  /** Connections to one origin at once. */
  readonly connections: number;
  /** Whether a connection serves more than one request. */
  readonly keep: boolean;
  /** Requests on one connection that are not answered yet. */
  readonly depth: number;
}

export type StrategyName =
  | "serial"
  | "persistent"
  | "concurrent"
  | "concurrent-persistent"
  | "pipelined"
  | "concurrent-pipelined";

/** Requests ahead of their responses when nobody says otherwise: all of a usual page. */
export const DEFAULT_DEPTH = 100;

export function nameOf(strategy: Strategy): StrategyName {
  if (strategy.depth > 1) return strategy.connections > 1 ? "concurrent-pipelined" : "pipelined";
  if (strategy.connections > 1) return strategy.keep ? "concurrent-persistent" : "concurrent";
  return strategy.keep ? "persistent" : "serial";
}

/**
 * Round trips that the course counts for `objects` small ones from one origin, connections not yet
 * open (`warm`: open already). RFC 9112 9.3; transmission time is left out.
 */
export function roundTrips(strategy: Strategy, objects: number, warm = false): number {
  const { connections, keep, depth } = strategy;
  if (objects === 0) return 0;
  const lane = Math.ceil(objects / connections);
  if (!keep) return 2 * lane;
  const batches = Math.ceil(lane / depth);
  return (warm ? 0 : 1) + batches;
}

/** The formula behind `roundTrips`, as the course writes it. */
export function formulaOf(strategy: Strategy, warm = false): string {
  const { connections, keep, depth } = strategy;
  const n = connections > 1 ? "ceil(n/m)" : "n";
  if (!keep) return `2 ${n} RTT`;
  if (depth > 1) return warm ? "RTT" : "2 RTT";
  return warm ? `${n} RTT` : `(${n} + 1) RTT`;
}
