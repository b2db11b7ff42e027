/**
 * Calls in the order of their time, then of their scheduling: a 4-ary heap in typed arrays, with the
 * function and its two arguments in slots beside it. Nothing is allocated for a call but what the
 * caller hands over. A cancelled entry stays in the heap until it comes to the top.
 */
import type { Nanos, Timer } from "../engines/host.ts";

// biome-ignore lint/suspicious/noExplicitAny: the two arguments are whatever `at` was given with the function.
type Fire = (a: any, b: any) => void;

const START_SIZE = 256;
/** Drawn stamps keep this many of the running number, so that each is its own. */
const SHUFFLE_UNIT = 2 ** 20;

export class EventQueue {
  private times = new Float64Array(START_SIZE);
  /** Order among equal times; also what tells a living entry of a slot from a cancelled one. */
  private stamps = new Float64Array(START_SIZE);
  private slots = new Int32Array(START_SIZE);
  private count = 0;
  private readonly fires: (Fire | undefined)[] = [];
  private readonly firsts: unknown[] = [];
  private readonly seconds: unknown[] = [];
  /** Stamp of the entry that lives in the slot; 0 when none does. */
  private current = new Float64Array(START_SIZE);
  private readonly free: number[] = [];
  private stamp = 0;
  /** Entries that will fire. */
  pending = 0;
  /** Draws the order among equal times, to find what wrongly depends on it; else first come, first served. */
  shuffle: (() => number) | undefined = undefined;
  /** Slot of the entry scheduled last. */
  lastSlot = -1;

  /** Calls `fire(a, b)` once at `at`. The result and `lastSlot` are what `cancel` takes. */
  at<A, B>(at: Nanos, fire: (a: A, b: B) => void, a: A, b: B): number {
    const slot = this.free.pop() ?? this.fires.length;
    if (slot >= this.current.length) this.current = doubled(this.current);
    this.fires[slot] = fire;
    this.firsts[slot] = a;
    this.seconds[slot] = b;
    this.stamp++;
    const stamp =
      this.shuffle === undefined
        ? this.stamp
        : this.shuffle() * SHUFFLE_UNIT + (this.stamp % SHUFFLE_UNIT) + 1;
    this.current[slot] = stamp;
    this.pending++;
    this.lastSlot = slot;
    this.push(at, stamp, slot);
    return stamp;
  }

  /** Nothing happens when it has fired or was cancelled already. */
  cancel(slot: number, stamp: number): void {
    if (this.current[slot] === stamp) this.release(slot);
  }

  lives(slot: number, stamp: number): boolean {
    return this.current[slot] === stamp;
  }

  /** Time of the earliest entry. */
  next(): Nanos | undefined {
    while (this.count > 0) {
      if (this.current[this.slots[0] as number] === this.stamps[0]) return this.times[0];
      this.removeFirst();
    }
    return undefined;
  }

  /** Fires the earliest entry, which `next` has just told. */
  fire(): void {
    const slot = this.slots[0] as number;
    const call = this.fires[slot] as Fire;
    const a = this.firsts[slot];
    const b = this.seconds[slot];
    this.removeFirst();
    this.release(slot);
    call(a, b);
  }

  private release(slot: number): void {
    this.current[slot] = 0;
    this.fires[slot] = undefined;
    this.firsts[slot] = undefined;
    this.seconds[slot] = undefined;
    this.free.push(slot);
    this.pending--;
  }

  private push(at: Nanos, stamp: number, slot: number): void {
    if (this.count === this.times.length) this.makeRoom();
    const { times, stamps, slots } = this;
    let i = this.count++;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const time = times[parent] as number;
      if (time < at || (time === at && (stamps[parent] as number) < stamp)) break;
      times[i] = time;
      stamps[i] = stamps[parent] as number;
      slots[i] = slots[parent] as number;
      i = parent;
    }
    times[i] = at;
    stamps[i] = stamp;
    slots[i] = slot;
  }

  /** Timers that are moved again and again leave dead entries: they are swept before the heap grows. */
  private makeRoom(): void {
    if (this.pending * 2 < this.count) {
      this.sweep();
      return;
    }
    this.times = doubled(this.times);
    this.stamps = doubled(this.stamps);
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots);
    this.slots = slots;
  }

  private sweep(): void {
    const { times, stamps, slots } = this;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.current[slots[i] as number] !== stamps[i]) continue;
      times[kept] = times[i] as number;
      stamps[kept] = stamps[i] as number;
      slots[kept++] = slots[i] as number;
    }
    this.count = kept;
    for (let i = (kept - 2) >> 2; i >= 0; i--) {
      this.sink(i, times[i] as number, stamps[i] as number, slots[i] as number);
    }
  }

  private removeFirst(): void {
    const last = --this.count;
    if (last === 0) return;
    this.sink(
      0,
      this.times[last] as number,
      this.stamps[last] as number,
      this.slots[last] as number,
    );
  }

  /** Puts an entry at `i` or below, where it belongs. */
  private sink(from: number, at: number, stamp: number, slot: number): void {
    const { times, stamps, slots, count: last } = this;
    let i = from;
    for (;;) {
      const first = i * 4 + 1;
      if (first >= last) break;
      let least = first;
      let leastTime = times[first] as number;
      const stop = first + 4 < last ? first + 4 : last;
      for (let child = first + 1; child < stop; child++) {
        const time = times[child] as number;
        if (
          time < leastTime ||
          (time === leastTime && (stamps[child] as number) < (stamps[least] as number))
        ) {
          least = child;
          leastTime = time;
        }
      }
      if (leastTime > at || (leastTime === at && (stamps[least] as number) > stamp)) break;
      times[i] = leastTime;
      stamps[i] = stamps[least] as number;
      slots[i] = slots[least] as number;
      i = least;
    }
    times[i] = at;
    stamps[i] = stamp;
    slots[i] = slot;
  }
}

function doubled(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/** A timer over the queue: one entry at most, moved by arming again. */
export class QueueTimer implements Timer {
  private slot = -1;
  private stamp = 0;
  private readonly queue: EventQueue;
  private readonly fire: (arg: number) => void;
  private readonly arg: number;
  private readonly changed: () => void;

  /** `changed` is told after each arming, when the earliest entry may be another. */
  constructor(
    queue: EventQueue,
    fire: (arg: number) => void,
    arg: number,
    changed: () => void = nothing,
  ) {
    this.queue = queue;
    this.fire = fire;
    this.arg = arg;
    this.changed = changed;
  }

  armAt(at: Nanos | undefined): void {
    this.queue.cancel(this.slot, this.stamp);
    if (at === undefined) return;
    this.stamp = this.queue.at(at, this.fire, this.arg, undefined);
    this.slot = this.queue.lastSlot;
    this.changed();
  }

  get armed(): boolean {
    return this.queue.lives(this.slot, this.stamp);
  }
}

function nothing(): void {}
