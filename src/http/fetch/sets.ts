/** The sets of a run: one, the same once more on warm connections, or one by every strategy. */
import type { AgentOptions } from "../../engines/http/fetch/agent.ts";
import { Agent } from "../../engines/http/fetch/agent.ts";
import type { FetcherOptions } from "../../engines/http/fetch/fetcher.ts";
import { Fetcher } from "../../engines/http/fetch/fetcher.ts";
import type { Strategy } from "../../engines/http/fetch/strategy.ts";
import { DEFAULT_DEPTH } from "../../engines/http/fetch/strategy.ts";
import type { FetchFlags } from "./flags.ts";
import type { Ground } from "./ground.ts";
import type { BodyTaker, SetResult, Wanted } from "./set.ts";
import { fetchSet } from "./set.ts";
import { strategyOf } from "./settings.ts";

const DEFAULT_CONCURRENT = 6;

export interface Plan {
  readonly ground: Ground;
  readonly fetcher: Omit<FetcherOptions, "strategy">;
  readonly agent: AgentOptions;
  readonly wanted: readonly Wanted[];
  /** Content codings are undone. */
  readonly compressed: boolean;
  /** Each set takes bodies anew. */
  takers(): BodyTaker;
  /** Told of each fetcher, so that it can be given up. */
  readonly begun?: ((fetcher: Fetcher) => void) | undefined;
}

export function fetchAll(plan: Plan, flags: FetchFlags): Promise<SetResult[]> {
  return flags.compare ? compare(plan, flags) : once(plan, strategyOf(flags), flags.warm);
}

async function once(plan: Plan, strategy: Strategy, warm: boolean): Promise<SetResult[]> {
  const { ground, wanted, compressed } = plan;
  const fetcher = new Fetcher(ground.host, { ...plan.fetcher, strategy });
  plan.begun?.(fetcher);
  const agent = new Agent(fetcher, plan.agent);
  const first = fetchSet(ground.host, agent, wanted, plan.takers(), { compressed });
  const results = [await ground.settled(first)];
  if (warm) {
    const again = fetchSet(ground.host, agent, wanted, plan.takers(), { compressed, warm });
    results.push(await ground.settled(again));
  }
  fetcher.close();
  return results;
}

/** Every strategy in turn against the same server; names are looked up once, before. */
async function compare(plan: Plan, flags: FetchFlags): Promise<SetResult[]> {
  const m = flags.concurrent ?? DEFAULT_CONCURRENT;
  const depth = flags.depth ?? DEFAULT_DEPTH;
  const strategies: readonly (readonly [Strategy, warm: boolean])[] = [
    [{ connections: 1, keep: false, depth: 1 }, false],
    [{ connections: 1, keep: true, depth: 1 }, false],
    [{ connections: m, keep: false, depth: 1 }, false],
    [{ connections: m, keep: true, depth: 1 }, false],
    [{ connections: 1, keep: true, depth }, true],
  ];
  const results: SetResult[] = [];
  for (const [strategy, warm] of strategies) results.push(...(await once(plan, strategy, warm)));
  return results;
}
