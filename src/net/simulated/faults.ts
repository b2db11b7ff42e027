/** What goes wrong in a simulated network: on purpose, by rules, or drawn from the seed. Each fault returns its undoing. */
import type { Nanos, Random } from "../../engines/host.ts";
import { MILLISECOND } from "../../engines/host.ts";
import type { ChaosProfile } from "./chaos.ts";
import { chaos } from "./chaos.ts";
import { KIND } from "./digest.ts";
import type { Packet } from "./packet.ts";
import { changed, UDP } from "./packet.ts";
import type { Link, LinkQuality, Path, Vertex } from "./topology.ts";
import type { World } from "./world.ts";

export type Undo = () => void;

/** What a rule says of a packet: nothing, gone, later, or another in its place. */
export type Verdict = "pass" | "drop" | { readonly delay: Nanos } | { readonly replace: Packet };
export type Rule = (packet: Packet, from: string, to: string) => Verdict;

/** A packet on its way, and how long it still takes. */
export interface Delivery {
  readonly packet: Packet;
  readonly delay: Nanos;
}

export class Faults {
  private readonly world: World;
  private readonly random: Random;
  private rules: Rule[] = [];
  private undoing = new Set<Undo>();

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  /** Whether rules must be asked. */
  get active(): boolean {
    return this.rules.length > 0;
  }

  private kept(undo: Undo): Undo {
    this.world.digest.event(this.world.now, KIND.fault, this.undoing.size, undefined);
    const once = () => {
      if (this.undoing.delete(once)) undo();
    };
    this.undoing.add(once);
    return once;
  }

  /** First verdict other than `pass` wins. */
  rule(rule: Rule): Undo {
    this.rules.push(rule);
    return this.kept(() => {
      this.rules = this.rules.filter((other) => other !== rule);
    });
  }

  /** Names of nodes; `oneWay`: only what goes from the first to the second is lost. */
  partition(a: readonly string[], b: readonly string[], oneWay = false): Undo {
    const first = new Set(a);
    const second = new Set(b);
    return this.rule((_packet, from, to) =>
      (first.has(from) && second.has(to)) || (!oneWay && second.has(from) && first.has(to))
        ? "drop"
        : "pass",
    );
  }

  /** Changes the links between two vertices, in both directions. */
  link(a: string, b: string, change: Partial<LinkQuality>): Undo {
    const { topology } = this.world;
    const links = topology.linksBetween(a, b);
    const mine = { ...change };
    for (const link of links) topology.change(link, mine, true);
    return this.kept(() => {
      for (const link of links) topology.change(link, mine, false);
    });
  }

  /** `rst`: the connections of the node are reset first, as by a kernel that goes on. */
  crash(name: string, how: "silent" | "rst" = "silent"): Undo {
    const node = this.world.get(name);
    if (how === "rst") for (const connection of [...node.connections.values()]) connection.reset();
    node.crash();
    return this.kept(() => {
      if (!node.up) node.restart(true);
    });
  }

  restart(name: string, keepDisk = true): void {
    const node = this.world.get(name);
    if (node.up) node.crash();
    node.restart(keepDisk);
  }

  /** The node does nothing until the undoing; then all at once. */
  pause(name: string): Undo {
    const node = this.world.get(name);
    node.paused ??= [];
    return this.kept(() => {
      const work = node.paused ?? [];
      node.paused = undefined;
      for (const call of work) call();
    });
  }

  skew(name: string, wallMs: number, ppm = 0): Undo {
    const { clock } = this.world.get(name);
    clock.skew(wallMs, ppm);
    return this.kept(() => clock.skew(-wallMs, 0));
  }

  /** Programs of the node read at most `rate` octets a second from each connection. */
  slowReader(name: string, rate: number): Undo {
    const node = this.world.get(name);
    node.readRate = rate;
    return this.kept(() => {
      node.readRate = undefined;
    });
  }

  /** An attacker between two nodes resets all their connections. */
  rst(a: string, b: string): void {
    for (const [own, other] of [
      [this.world.get(a), this.world.get(b)],
      [this.world.get(b), this.world.get(a)],
    ] as const) {
      for (const connection of [...own.connections.values()]) {
        if (other.addresses.includes(connection.remote.addr)) connection.wasReset();
      }
    }
  }

  /** Faults drawn from the seed until `quiet` is called or the profile's time is over. */
  chaos(profile: ChaosProfile): Undo {
    return this.kept(chaos(this.world, this, this.random.fork("chaos"), profile));
  }

  /** Undoes all that is not undone: from now on the network is well. */
  quiet(): void {
    for (const undo of [...this.undoing].reverse()) undo();
  }

  /** What the rules make of a packet; undefined: it is lost. */
  judge(from: Vertex, path: Path, packet: Packet): Delivery | undefined {
    for (const rule of this.rules) {
      const verdict = rule(packet, from.name, path.end.name);
      if (verdict === "pass") continue;
      if (verdict === "drop") return undefined;
      if ("delay" in verdict) return { packet, delay: verdict.delay };
      return { packet: verdict.replace, delay: 0 };
    }
    return { packet, delay: 0 };
  }
}

/** What comes out of a link, and when: its delay and faults, drawn in a fixed order. */
export function over(link: Link, packet: Packet, delay: Nanos): readonly Delivery[] {
  const { quality: q, random } = link;
  if (link.pure) return [{ packet, delay: delay + q.delay }];
  if (packet.length > q.mtu) return [];
  if (q.loss > 0 && random.unit() < q.loss) return [];
  // A bit that flips is found by the sum of UDP or TCP, and the host drops it in silence (RFC 1122
  // 4.1.3.4, RFC 9293 3.1). What is damaged and has a right sum comes from a middlebox: `damaging`.
  if (q.corrupt > 0 && random.unit() < q.corrupt) return [];
  let wait = delay + q.delay;
  if (q.jitter > 0) wait += random.below(q.jitter);
  if (q.reorder > 0 && random.unit() < q.reorder) wait += random.below(4 * q.delay + MILLISECOND);
  const first = { packet, delay: wait };
  if (q.duplicate === 0 || random.unit() >= q.duplicate) return [first];
  return [first, { packet, delay: wait + random.below(q.delay + MILLISECOND) }];
}

/** A rule that cuts datagrams above a length short, as a broken middlebox does. */
export function truncating(length: number): Rule {
  return (packet) =>
    packet.protocol === UDP && packet.data.length > length
      ? { replace: changed(packet, { data: packet.data.slice(0, length) }) }
      : "pass";
}

/** A rule that flips a bit of some datagrams, as a broken middlebox does that computes their sums anew. */
export function damaging(chance: number, random: Random): Rule {
  return (packet) =>
    packet.protocol === UDP && packet.data.length > 0 && random.unit() < chance
      ? { replace: damaged(packet, random) }
      : "pass";
}

/** The same packet with one bit of its payload flipped. */
function damaged(packet: Packet, random: Random): Packet {
  const data = packet.data.slice();
  const bit = random.below(data.length * 8);
  data[bit >> 3] = (data[bit >> 3] as number) ^ (1 << (bit & 7));
  return changed(packet, { data });
}
