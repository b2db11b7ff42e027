/**
 * A deterministic network in virtual time: nodes, links with faults, and one queue of events. Equal
 * seeds and inputs give equal runs, to the bit. Links without a rate carry any load with their delay;
 * those with one serialise packets and drop what their queue does not hold.
 */
import type { Nanos, Random } from "../../engines/host.ts";
import { MICROSECOND, MILLISECOND } from "../../engines/host.ts";
import { EventQueue } from "../event-queue.ts";
import { Xoshiro } from "../random.ts";
import { Tasks } from "../task.ts";
import { Digest, KIND } from "./digest.ts";
import { Faults, over } from "./faults.ts";
import type { Middlebox } from "./middlebox.ts";
import type { Boot } from "./node.ts";
import { SimNode } from "./node.ts";
import type { Packet } from "./packet.ts";
import { ACK, RST, resetFor, SYN, UDP } from "./packet.ts";
import type { CongestionControl, Window } from "./tcp/congestion.ts";
import { Reno } from "./tcp/congestion.ts";
import { connectionKey } from "./tcp/connection.ts";
import { Cubic } from "./tcp/cubic.ts";
import type { KeepAlive } from "./tcp/keep-alive.ts";
import type { LinkQuality, Path, Vertex } from "./topology.ts";
import { PLAIN, Topology } from "./topology.ts";
import type { Trace } from "./trace.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Of a link that does not say otherwise. A node's round trip through the core is four of these. */
  readonly delay?: Nanos;
  readonly loss?: number;
  /** How connections avoid congestion; default `cubic`, as Linux does. */
  readonly congestion?: "cubic" | "reno";
  /** Connections that nothing comes on are probed; default: never, as sockets are made (RFC 9293 3.8.4). */
  readonly keepAlive?: KeepAlive;
  /** Milliseconds since 1970 at the beginning. */
  readonly startedMs?: number;
  /** Draws the order of what happens at one instant from the seed. */
  readonly shuffle?: boolean;
}

export interface NodeOptions {
  readonly addresses: readonly string[];
  /** Addresses that it has and no route leads to: of a service that others share. */
  readonly quiet?: readonly string[];
  /** The router that it hangs on; default `core`. */
  readonly at?: string;
  readonly link?: Partial<LinkQuality>;
  readonly boot?: Boot;
}

/** A packet on its way, and the link that it comes to next. */
interface Journey {
  readonly path: Path;
  readonly link: number;
  readonly packet: Packet;
  readonly boxes: number;
}

export const CORE = "core";
const DEFAULT_DELAY = 5 * MILLISECOND;
const LOOPBACK_DELAY = 10 * MICROSECOND;
const DEAD = 0xdd;
const LENT_BYTES = 65_536;
/** Boxes that pass a packet to each other in a ring must end some time. */
const MAX_BOXES = 64;

export class World {
  readonly queue = new EventQueue();
  readonly digest = new Digest();
  readonly topology = new Topology();
  readonly faults: Faults;
  readonly tasks: Tasks;
  readonly startedMs: number;
  /** Of each new connection. */
  readonly congestion: (window: Window, now: Nanos) => CongestionControl;
  readonly keepAlive: KeepAlive | undefined;
  readonly random: Random;
  now: Nanos = 0;
  /** Packets handed to the network. */
  sent = 0;
  delivered = 0;
  dropped = 0;
  private readonly defaults: LinkQuality;
  private readonly sequences: Random;
  private readonly traces = new Map<Vertex, Trace[]>();
  private readonly scratch = new Uint8Array(LENT_BYTES);
  private lending = false;

  constructor(options: WorldOptions) {
    this.random = new Xoshiro(options.seed);
    this.sequences = this.random.fork("sequence numbers");
    this.startedMs = Math.floor(options.startedMs ?? Date.UTC(2026, 0, 1));
    this.keepAlive = options.keepAlive;
    this.congestion =
      options.congestion === "reno"
        ? (window) => new Reno(window)
        : (window, now) => new Cubic(window, now);
    this.defaults = {
      ...PLAIN,
      delay: options.delay ?? DEFAULT_DELAY,
      loss: options.loss ?? 0,
    };
    this.faults = new Faults(this, this.random.fork("faults"));
    this.tasks = new Tasks(
      () => this.now,
      (at, f) => this.queue.at(at, callBack, f, undefined),
    );
    this.topology.add(CORE, true);
    if (options.shuffle === true) {
      const order = this.random.fork("shuffle");
      this.queue.shuffle = () => order.u32();
    }
  }

  /** A host, its link to a router, and its program. */
  node(name: string, options: NodeOptions): SimNode {
    const vertex = this.topology.add(name, false);
    const random = this.random.fork(`node ${name}`);
    const own = [...options.addresses, ...(options.quiet ?? [])];
    const node = new SimNode(this, vertex, own, random, options.boot);
    vertex.node = node;
    for (const address of options.addresses) this.topology.announce(address, vertex);
    this.link(name, options.at ?? CORE, options.link);
    this.queue.at(this.now, start, node, undefined);
    return node;
  }

  router(
    name: string,
    box?: { readonly box: Middlebox; readonly addresses?: readonly string[] },
  ): void {
    const vertex = this.topology.add(name, true);
    vertex.box = box?.box;
    for (const address of box?.addresses ?? []) this.topology.announce(address, vertex);
  }

  /** Joins two vertices in both directions. */
  link(a: string, b: string, quality: Partial<LinkQuality> = {}): void {
    const from = this.topology.get(a);
    const to = this.topology.get(b);
    const both = { ...this.defaults, ...quality };
    this.topology.link(from, to, both, this.random.fork(`link ${a} > ${b}`));
    this.topology.link(to, from, both, this.random.fork(`link ${b} > ${a}`));
  }

  get(name: string): SimNode {
    const { node } = this.topology.get(name);
    if (node === undefined) throw new RangeError(`${name} is a router`);
    return node;
  }

  /** Records what comes to and leaves a node. */
  attach(name: string, trace: Trace): void {
    const vertex = this.topology.get(name);
    this.traces.set(vertex, [...(this.traces.get(vertex) ?? []), trace]);
  }

  sequence(): number {
    return this.sequences.u32();
  }

  /** Everything up to and at `until`; without it until nothing is left to happen. */
  run(until: Nanos = Number.POSITIVE_INFINITY): void {
    const { queue } = this;
    for (let next = queue.next(); next !== undefined && next <= until; next = queue.next()) {
      this.now = next;
      queue.fire();
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
  }

  /** Runs for as long as `going` says so, and something is left to happen. */
  runWhile(going: () => boolean): void {
    const { queue } = this;
    for (let next = queue.next(); next !== undefined && going(); next = queue.next()) {
      this.now = next;
      queue.fire();
    }
  }

  /** Runs until nothing happens for `gap`, for `most` at the longest: timers that lie far off may wait. */
  quieten(gap: Nanos, most: Nanos): void {
    const end = this.now + most;
    const { queue } = this;
    for (
      let next = queue.next();
      next !== undefined && next <= end && next - this.now <= gap;
      next = queue.next()
    ) {
      this.now = next;
      queue.fire();
    }
  }

  /** Runs until the promise, made of what `tasks` hands out, is settled. @throws what it rejects with */
  async settle<T>(promise: Promise<T>): Promise<T> {
    const { queue } = this;
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await this.tasks.drain();
    while (!settled) {
      const next = queue.next();
      if (next === undefined)
        throw new Error("the task waits for something that will never happen");
      this.now = next;
      queue.fire();
      // Promises resolved at this instant run before time goes on.
      if (this.tasks.resolved && queue.next() !== this.now) await this.tasks.drain();
    }
    return promise;
  }

  /** Sends a packet on its way from a vertex. False: no route leads to its address. */
  transmit(from: Vertex, packet: Packet): boolean {
    this.sent++;
    if (this.traces.size > 0) this.record(from, packet);
    const path = this.topology.path(from, packet.dst);
    if (path === undefined) {
      this.dropped++;
      return false;
    }
    this.pass(from, path, packet, 0);
    return true;
  }

  private pass(from: Vertex, path: Path, packet: Packet, boxes: number): void {
    if (path.plain && !this.faults.active) {
      const delay = path.end === from ? LOOPBACK_DELAY : path.delay;
      if (path.end.box === undefined) this.queue.at(this.now + delay, arrive, path.end, packet);
      else this.queue.at(this.now + delay, () => this.enterBox(path.end, packet, boxes), 0, 0);
      return;
    }
    const verdict = this.faults.judge(from, path, packet);
    if (verdict === undefined) this.lose(packet, "dropped by a fault");
    else this.walk({ path, link: 0, packet: verdict.packet, boxes }, verdict.delay);
  }

  private lose(packet: Packet, why: string): void {
    this.dropped++;
    for (const traces of this.traces.values()) for (const trace of traces) trace.lost(packet, why);
  }

  /** Goes on with a packet that is at the beginning of a link in `wait`. */
  walk(journey: Journey, wait: Nanos): void {
    const { path, packet, boxes } = journey;
    const link = path.links[journey.link];
    if (link === undefined) {
      const at = this.now + wait;
      if (path.end.box === undefined) this.queue.at(at, arrive, path.end, packet);
      else this.queue.at(at, () => this.enterBox(path.end, packet, boxes), 0, 0);
      return;
    }
    let taken = wait;
    if (link.rated) {
      if (wait > 0) {
        this.queue.at(this.now + wait, goOn, this, journey);
        return;
      }
      const { rate, queue } = link.quality;
      const end = link.queue.admit(this.now, packet.length, rate, queue);
      if (end === undefined) {
        this.lose(packet, "dropped by a full queue");
        return;
      }
      taken = end - this.now;
    }
    const out = over(link, packet, taken);
    if (out.length === 0) this.lose(packet, "dropped by chance on a link");
    for (const copy of out)
      this.walk({ path, link: journey.link + 1, packet: copy.packet, boxes }, copy.delay);
  }

  private enterBox(vertex: Vertex, packet: Packet, boxes: number): void {
    if (boxes >= MAX_BOXES) {
      this.dropped++;
      return;
    }
    const forward = (next: Packet, to = next.dst) => {
      const path = this.topology.path(vertex, to);
      if (path === undefined || path.end === vertex) this.dropped++;
      else this.pass(vertex, path, next, boxes + 1);
    };
    vertex.box?.packet(packet, forward, this.wallClock);
  }

  /** What boxes see of time. */
  private readonly wallClock = {
    now: () => this.now,
    wallMs: () => this.startedMs + this.now / MILLISECOND,
    timer: () => {
      throw new RangeError("a middlebox has no timers");
    },
    defer: (f: () => void) => {
      this.queue.at(this.now, callBack, f, undefined);
    },
  };

  private record(vertex: Vertex, packet: Packet): void {
    for (const trace of this.traces.get(vertex) ?? []) trace.packet(this.now, packet);
  }

  /** A packet has come to the vertex where its path ends. */
  arrived(vertex: Vertex, packet: Packet): void {
    const { node } = vertex;
    if (node === undefined || !node.up) {
      this.dropped++;
      return;
    }
    if (node.paused !== undefined) {
      node.paused.push(() => this.arrived(vertex, packet));
      return;
    }
    this.delivered++;
    this.digest.event(this.now, KIND.deliver, vertex.index, packet.data);
    if (this.traces.size > 0) this.record(vertex, packet);
    if (node.intercept?.(packet) === true) return;
    if (packet.protocol === UDP) this.datagram(node, packet);
    else this.segment(node, packet);
  }

  private datagram(node: SimNode, packet: Packet): void {
    const sockets = node.udpPorts.at(packet.dport);
    if (sockets !== undefined) {
      for (const socket of sockets) {
        if (!socket.takes(packet)) continue;
        socket.deliver(packet);
        return;
      }
    }
    // ICMP port unreachable (RFC 792): heard by connected sockets only.
    const back = this.topology.path(node.vertex, packet.src);
    const origin = back?.end.node;
    if (back === undefined || origin === undefined) return;
    this.queue.at(this.now + back.delay, unreachable, origin, packet);
  }

  private segment(node: SimNode, packet: Packet): void {
    const local = { addr: packet.dst, port: packet.dport };
    const key = connectionKey(local, packet.src, packet.sport);
    const connection = node.connections.get(key);
    const isSyn = (packet.flags & (SYN | ACK)) === SYN;
    if (connection !== undefined && !(connection.over && isSyn)) {
      connection.segment(packet);
      return;
    }
    const listener = node.listeners.at(packet.dport)?.find((l) => l.takes(packet));
    if (isSyn && listener !== undefined) {
      listener.syn(packet);
      return;
    }
    if ((packet.flags & RST) !== 0) return;
    this.transmit(node.vertex, resetFor(packet));
  }

  /** Gives a copy of `data` that is overwritten as soon as `use` returns, so that kept views are found. */
  lend(data: Uint8Array, use: (lent: Uint8Array) => void): void {
    const { length } = data;
    if (this.lending) {
      use(data.slice());
      return;
    }
    const lent = new Uint8Array(this.scratch.buffer, 0, length);
    lent.set(data);
    this.lending = true;
    try {
      use(lent);
    } finally {
      this.lending = false;
      lent.fill(DEAD);
    }
  }
}

function goOn(world: World, journey: Journey): void {
  world.walk(journey, 0);
}

function arrive(vertex: Vertex, packet: Packet): void {
  (vertex.node as SimNode | undefined)?.world.arrived(vertex, packet);
}

function unreachable(origin: SimNode, packet: Packet): void {
  for (const socket of origin.udpPorts.at(packet.sport) ?? []) {
    if (socket.peer?.addr === packet.dst && socket.peer.port === packet.dport) socket.refused();
  }
}

function start(node: SimNode): void {
  node.start();
}

function callBack(f: () => void): void {
  f();
}
