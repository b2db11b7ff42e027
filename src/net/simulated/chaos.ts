/** Random faults from a seed: what happens, to whom, and for how long. */
import type { Nanos, Random } from "../../engines/host.ts";
import { MILLISECOND, SECOND } from "../../engines/host.ts";
import type { Faults, Undo } from "./faults.ts";
import type { World } from "./world.ts";

export type ChaosKind =
  | "loss"
  | "duplicate"
  | "reorder"
  | "corrupt"
  | "partition"
  | "one-way"
  | "clog"
  | "crash"
  | "pause"
  | "skew"
  | "rst";

export interface ChaosProfile {
  /** Nodes that faults may strike, and what joins them: the router of each. */
  readonly nodes: readonly string[];
  readonly kinds: readonly ChaosKind[];
  /** Mean time between faults, and how long one lasts at most. */
  readonly every: Nanos;
  readonly longest: Nanos;
}

const CLOG = 2 * SECOND;

/** Starts the faults; the result ends them. */
export function chaos(world: World, faults: Faults, random: Random, profile: ChaosProfile): Undo {
  let ended = false;
  const running = new Set<Undo>();
  const strike = () => {
    if (ended) return;
    const undo = one(world, faults, random, profile);
    if (undo !== undefined) {
      running.add(undo);
      const length = 1 + random.below(profile.longest);
      world.queue.at(world.now + length, end, running, undo);
    }
    next();
  };
  const next = () => {
    const wait = Math.ceil(-Math.log(1 - random.unit()) * profile.every);
    world.queue.at(world.now + wait, call, strike, undefined);
  };
  next();
  return () => {
    ended = true;
    for (const undo of running) undo();
  };
}

function end(running: Set<Undo>, undo: Undo): void {
  running.delete(undo);
  undo();
}

function call(f: () => void): void {
  f();
}

function one(
  world: World,
  faults: Faults,
  random: Random,
  profile: ChaosProfile,
): Undo | undefined {
  const { nodes, kinds } = profile;
  const kind = kinds[random.below(kinds.length)] as ChaosKind;
  const name = nodes[random.below(nodes.length)] as string;
  const other = nodes[random.below(nodes.length)] as string;
  const router = world.topology.get(name).links[0]?.to.name ?? "core";
  const chance = 0.1 + random.unit() * 0.4;
  switch (kind) {
    case "loss":
      return faults.link(name, router, { loss: chance });
    case "duplicate":
      return faults.link(name, router, { duplicate: chance });
    case "reorder":
      return faults.link(name, router, { reorder: chance, jitter: 50 * MILLISECOND });
    case "corrupt":
      return faults.link(name, router, { corrupt: chance });
    case "partition":
      return name === other ? undefined : faults.partition([name], [other]);
    case "one-way":
      return name === other ? undefined : faults.partition([name], [other], true);
    case "clog":
      return faults.link(name, router, { delay: CLOG });
    case "crash":
      return faults.crash(name, random.below(2) === 0 ? "silent" : "rst");
    case "pause":
      return faults.pause(name);
    case "skew":
      return faults.skew(name, random.below(20_000) - 10_000, random.below(1000) - 500);
    case "rst":
      if (name !== other) faults.rst(name, other);
      return undefined;
  }
}
