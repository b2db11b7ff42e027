/**
 * Transfers as fluids, for scenarios too large for packets: each node has a link up and a link down,
 * and rates are max-min fair over both. A change is followed from link to link only as far as it is
 * felt: a link's level L solves sum(min(L, level of each flow's other link)) = capacity.
 */
import type { Nanos } from "../../../engines/host.ts";
import { SECOND } from "../../../engines/host.ts";
import { EventQueue } from "../../event-queue.ts";

class FlowLink {
  readonly capacity: number;
  readonly flows = new Set<Flow>();
  /** Octets a second that a flow gets here, if nothing else limits it. */
  level: number;
  queued = false;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.level = capacity;
  }
}

export interface FlowNode {
  readonly up: FlowLink;
  readonly down: FlowLink;
}

export class Flow {
  readonly from: FlowNode;
  readonly to: FlowNode;
  left: number;
  rate = 0;
  since: Nanos;
  slot = -1;
  stamp = 0;
  readonly done: () => void;

  constructor(from: FlowNode, to: FlowNode, bytes: number, now: Nanos, done: () => void) {
    this.from = from;
    this.to = to;
    this.left = bytes;
    this.since = now;
    this.done = done;
  }
}

export class FlowNetwork {
  now: Nanos = 0;
  /** Ends of flows so far. */
  finished = 0;
  private readonly queue = new EventQueue();
  private readonly tolerance: number;
  private readonly changed: FlowLink[] = [];
  private readonly touched = new Set<Flow>();
  private settling = false;

  /** `tolerance`: changes of a level below this share of it are not followed. */
  constructor(tolerance = 1e-9) {
    this.tolerance = tolerance;
  }

  /** Octets a second. */
  node(up: number, down: number): FlowNode {
    return { up: new FlowLink(up), down: new FlowLink(down) };
  }

  /** Calls `f` at a time, as a scenario does that starts transfers. */
  at(time: Nanos, f: () => void): void {
    this.queue.at(time, call, f, undefined);
  }

  /** `done` when the last octet has come. */
  start(from: FlowNode, to: FlowNode, bytes: number, done: () => void = nothing): Flow {
    const flow = new Flow(from, to, bytes, this.now, done);
    from.up.flows.add(flow);
    to.down.flows.add(flow);
    this.touched.add(flow);
    this.mark(from.up);
    this.mark(to.down);
    this.settleLater();
    return flow;
  }

  /** Ends a flow before its time; `done` is not called. */
  stop(flow: Flow): void {
    this.queue.cancel(flow.slot, flow.stamp);
    flow.from.up.flows.delete(flow);
    flow.to.down.flows.delete(flow);
    this.touched.delete(flow);
    this.mark(flow.from.up);
    this.mark(flow.to.down);
    this.settleLater();
  }

  run(until: Nanos = Number.POSITIVE_INFINITY): void {
    for (
      let next = this.queue.next();
      next !== undefined && next <= until;
      next = this.queue.next()
    ) {
      this.now = next;
      this.queue.fire();
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = Math.max(this.now, until);
  }

  private mark(link: FlowLink): void {
    if (link.queued) return;
    link.queued = true;
    this.changed.push(link);
  }

  /** All that changes at one instant is settled once. */
  private settleLater(): void {
    if (this.settling) return;
    this.settling = true;
    this.queue.at(this.now, settle, this, undefined);
  }

  settle(): void {
    this.settling = false;
    const { changed, tolerance } = this;
    for (let link = changed.shift(); link !== undefined; link = changed.shift()) {
      link.queued = false;
      const before = link.level;
      link.level = levelOf(link);
      if (Math.abs(link.level - before) <= tolerance * Math.max(before, link.level)) continue;
      for (const flow of link.flows) {
        this.touched.add(flow);
        const other = flow.from.up === link ? flow.to.down : flow.from.up;
        // A neighbour feels it only where this link is what limits the flow, or was.
        if (Math.min(before, link.level) < other.level) this.mark(other);
      }
    }
    for (const flow of this.touched) this.setRate(flow);
    this.touched.clear();
  }

  private setRate(flow: Flow): void {
    const rate = Math.min(flow.from.up.level, flow.to.down.level);
    if (Math.abs(rate - flow.rate) <= this.tolerance * rate) return;
    const { now } = this;
    flow.left -= (flow.rate * (now - flow.since)) / SECOND;
    flow.since = now;
    flow.rate = rate;
    this.queue.cancel(flow.slot, flow.stamp);
    const end = now + Math.ceil((Math.max(0, flow.left) * SECOND) / rate);
    flow.stamp = this.queue.at(end, ended, this, flow);
    flow.slot = this.queue.lastSlot;
  }

  ended(flow: Flow): void {
    this.finished++;
    flow.left = 0;
    this.stop(flow);
    flow.done();
  }
}

/** The level at which the link is full, given what its flows get elsewhere; no less than a fair share. */
function levelOf(link: FlowLink): number {
  const { flows, capacity } = link;
  if (flows.size === 0) return capacity;
  const others: number[] = [];
  for (const { from, to } of flows) others.push(from.up === link ? to.down.level : from.up.level);
  others.sort((a, b) => a - b);
  let left = capacity;
  for (let i = 0; i < others.length; i++) {
    const other = others[i] as number;
    const share = left / (others.length - i);
    if (other >= share) return share;
    left -= other;
  }
  // All are limited elsewhere: what is left would be the next one's.
  return Math.max(left + (others[others.length - 1] as number), capacity / flows.size);
}

function settle(network: FlowNetwork): void {
  network.settle();
}

function ended(network: FlowNetwork, flow: Flow): void {
  network.ended(flow);
}

function call(f: () => void): void {
  f();
}

function nothing(): void {}
