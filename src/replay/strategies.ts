/** The strategies that are compared, by the names that all output uses. */
import type { Strategy } from "../engines/http/fetch/strategy.ts";
import { roundTrips } from "../engines/http/fetch/strategy.ts";

export const STRATEGIES = [
  "serial",
  "persistent",
  "concurrent",
  "concurrent-persistent",
  "pipelined",
  "pipelined-warm",
] as const;
export type StrategyName = (typeof STRATEGIES)[number];

const ALL = 1_000_000;

export function strategyOf(name: StrategyName, m: number): Strategy {
  switch (name) {
    case "serial":
      return { connections: 1, keep: false, depth: 1 };
    case "persistent":
      return { connections: 1, keep: true, depth: 1 };
    case "concurrent":
      return { connections: m, keep: false, depth: 1 };
    case "concurrent-persistent":
      return { connections: m, keep: true, depth: 1 };
    case "pipelined":
    case "pipelined-warm":
      return { connections: 1, keep: true, depth: ALL };
  }
}

/** The course's closed form: round trips, and all bytes at the full rate. Milliseconds. */
export function formulaMs(
  name: StrategyName,
  m: number,
  objects: number,
  bytes: number,
  rttMs: number,
  rateMbps: number,
): number {
  const trips = roundTrips(strategyOf(name, m), objects, name === "pipelined-warm");
  return trips * rttMs + (Number.isFinite(rateMbps) ? (bytes * 8) / (rateMbps * 1000) : 0);
}
