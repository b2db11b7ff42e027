/** The machines behind one address: which are well, how busy each is, and whose turn it is. */
import type { Endpoint, Nanos } from "../host.ts";
import { Ring } from "./ring.ts";

export type Policy = "round-robin" | "least-connections" | "hash";

export interface BackendOptions {
  readonly id: string;
  readonly at: Endpoint;
  readonly weight?: number;
}

export class Backend {
  readonly id: string;
  readonly at: Endpoint;
  readonly weight: number;
  /** As the checks and the last tries tell. */
  up = true;
  /** It finishes what it has, and gets nothing new. */
  draining = false;
  /** Connections or requests that it has now, and had in all. */
  active = 0;
  served = 0;
  failed = 0;
  /** Smooth weighted round robin: what it is owed. */
  credit = 0;
  /** Passive: not before this time again. */
  restUntil: Nanos = 0;
  /** Checks in a row with the same result. */
  streak = 0;

  constructor(options: BackendOptions) {
    this.id = options.id;
    this.at = options.at;
    this.weight = options.weight ?? 1;
  }
}

export class Backends {
  readonly all: Backend[] = [];
  readonly policy: Policy;
  private readonly ring = new Ring();
  private readonly byId = new Map<string, Backend>();

  constructor(policy: Policy, backends: readonly BackendOptions[]) {
    this.policy = policy;
    for (const options of backends) this.add(options);
  }

  add(options: BackendOptions): void {
    const backend = new Backend(options);
    this.all.push(backend);
    this.byId.set(backend.id, backend);
    this.ring.add(backend.id, backend.weight);
  }

  remove(id: string): void {
    const at = this.all.findIndex((backend) => backend.id === id);
    if (at < 0) return;
    this.all.splice(at, 1);
    this.byId.delete(id);
    this.ring.remove(id);
  }

  get(id: string): Backend | undefined {
    return this.byId.get(id);
  }

  /**
   * The next machine, `tried` ones left out. `key`: of the client, for `hash`. When all are down they
   * are tried all the same: a check may be wrong, and no answer is no better.
   */
  pick(now: Nanos, key: string, tried: ReadonlySet<string> = NONE): Backend | undefined {
    const usable = ({ id, up, draining, restUntil }: Backend) =>
      up && !draining && restUntil <= now && !tried.has(id);
    return (
      this.choose(key, usable) ??
      this.choose(key, ({ id, draining }) => !draining && !tried.has(id))
    );
  }

  private choose(key: string, usable: (backend: Backend) => boolean): Backend | undefined {
    if (this.policy === "hash") {
      const id = this.ring.find(key, (one) => usable(this.byId.get(one) as Backend));
      return id === undefined ? undefined : this.byId.get(id);
    }
    const candidates = this.all.filter(usable);
    if (this.policy === "least-connections") {
      return candidates.reduce<Backend | undefined>(
        (best, one) => (best === undefined || load(one) < load(best) ? one : best),
        undefined,
      );
    }
    return smoothRoundRobin(candidates);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Of equally busy ones the one that served least. */
function load({ active, weight, served }: Backend): number {
  return (active + 1) / weight + served * 1e-12;
}

/** Weights without bursts: each is owed its weight, the one owed most is next and pays for all. */
function smoothRoundRobin(candidates: readonly Backend[]): Backend | undefined {
  let best: Backend | undefined;
  let total = 0;
  for (const one of candidates) {
    one.credit += one.weight;
    total += one.weight;
    if (best === undefined || one.credit > best.credit) best = one;
  }
  if (best !== undefined) best.credit -= total;
  return best;
}
