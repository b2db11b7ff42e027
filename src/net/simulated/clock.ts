/** The clock of a node: virtual time, seen through the node's own error (skew, drift), and stopped with it. */
import type { Clock, Nanos, Timer } from "../../engines/host.ts";
import { MILLISECOND } from "../../engines/host.ts";
import type { EventQueue } from "../event-queue.ts";
import { KIND } from "./digest.ts";
import type { SimNode } from "./node.ts";

export class SimClock implements Clock {
  private readonly node: SimNode;
  private readonly queue: EventQueue;
  /** The node's time runs by `rate` from `base`, which it showed at `since`. */
  private base: Nanos = 0;
  private since: Nanos = 0;
  private rate = 1;
  private wallOffsetMs = 0;

  constructor(node: SimNode) {
    this.node = node;
    this.queue = node.world.queue;
  }

  now(): Nanos {
    const world = this.node.world.now;
    return this.rate === 1
      ? this.base + (world - this.since)
      : Math.floor(this.base + (world - this.since) * this.rate);
  }

  wallMs(): number {
    return Math.floor(this.node.world.startedMs + this.wallOffsetMs + this.now() / MILLISECOND);
  }

  /** `wallMs`: added to the wall clock. `ppm`: how much too fast it runs from now on. */
  skew(wallMs: number, ppm: number): void {
    this.base = this.now();
    this.since = this.node.world.now;
    this.rate = 1 + ppm / 1e6;
    this.wallOffsetMs += wallMs;
  }

  /** When the node's clock will show `at`; never before now. */
  worldTime(at: Nanos): Nanos {
    const world = this.node.world.now;
    const wanted = this.since + Math.ceil((at - this.base) / this.rate);
    return wanted > world ? wanted : world;
  }

  timer(fire: (arg: number) => void, arg = 0): Timer {
    return new SimTimer(this.node, this.queue, fire, arg);
  }

  defer(f: () => void): void {
    const { node } = this;
    const { epoch } = node;
    this.queue.at(
      node.world.now,
      (call: () => void) => {
        if (node.epoch === epoch) node.perform(call);
      },
      f,
      undefined,
    );
  }
}

class SimTimer implements Timer {
  private readonly node: SimNode;
  private readonly queue: EventQueue;
  private readonly call: (arg: number) => void;
  private readonly arg: number;
  private readonly epoch: number;
  private slot = -1;
  private stamp = 0;

  constructor(node: SimNode, queue: EventQueue, call: (arg: number) => void, arg: number) {
    this.node = node;
    this.queue = queue;
    this.call = call;
    this.arg = arg;
    this.epoch = node.epoch;
  }

  armAt(at: Nanos | undefined): void {
    this.queue.cancel(this.slot, this.stamp);
    if (at === undefined || this.node.epoch !== this.epoch) return;
    this.stamp = this.queue.at(this.node.clock.worldTime(at), fired, this, undefined);
    this.slot = this.queue.lastSlot;
  }

  get armed(): boolean {
    return this.queue.lives(this.slot, this.stamp);
  }

  fire(): void {
    const { node } = this;
    if (node.epoch !== this.epoch) return;
    node.world.digest.event(node.world.now, KIND.timer, node.vertex.index, undefined);
    if (node.paused === undefined) this.call(this.arg);
    else node.paused.push(() => this.call(this.arg));
  }
}

function fired(timer: SimTimer): void {
  timer.fire();
}
