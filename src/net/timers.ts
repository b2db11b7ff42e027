/** Timers in the order of their time, then of their arming: a 4-ary heap in typed arrays. */
import type { Nanos, Timer } from "../engines/host.ts";

type Fire = (arg: number) => void;

/** A slot is one armed call; an entry of the heap whose stamp is not its slot's was moved or disarmed. */
export class TimerQueue {
  private times = new Float64Array(256);
  private stamps = new Float64Array(256);
  private slots = new Int32Array(256);
  private count = 0;
  private fires: (Fire | undefined)[] = [];
  private args: number[] = [];
  /** Stamp of the entry that is valid for the slot; 0 when none is. */
  private current: number[] = [];
  private free: number[] = [];
  private stamp = 0;
  /** Entries that are armed. */
  pending = 0;

  /** Calls `fire(arg)` once at `at`. */
  at(at: Nanos, fire: Fire, arg = 0): void {
    const slot = this.take(fire, arg);
    this.push(at, slot);
  }

  /** A timer that may be armed again and again; `changed` is told when one became the earliest. */
  timer(fire: Fire, arg: number, changed: () => void): Timer {
    const queue = this;
    let stamp = 0;
    let slot = -1;
    const call = (value: number) => {
      slot = -1;
      stamp = 0;
      fire(value);
    };
    return {
      armAt(at: Nanos | undefined): void {
        if (slot >= 0 && queue.current[slot] === stamp) {
          queue.release(slot);
          slot = -1;
        }
        if (at === undefined) return;
        slot = queue.take(call, arg);
        stamp = queue.push(at, slot);
        changed();
      },
      get armed(): boolean {
        return slot >= 0 && queue.current[slot] === stamp;
      },
    };
  }

  private take(fire: Fire, arg: number): number {
    const slot = this.free.pop() ?? this.fires.length;
    this.fires[slot] = fire;
    this.args[slot] = arg;
    return slot;
  }

  private release(slot: number): void {
    this.current[slot] = 0;
    this.fires[slot] = undefined;
    this.free.push(slot);
    this.pending--;
  }

  private push(at: Nanos, slot: number): number {
    const stamp = ++this.stamp;
    this.current[slot] = stamp;
    this.pending++;
    if (this.count === this.times.length) this.grow();
    let i = this.count++;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const time = this.times[parent] as number;
      if (time < at || (time === at && (this.stamps[parent] as number) < stamp)) break;
      this.move(parent, i);
      i = parent;
    }
    this.times[i] = at;
    this.stamps[i] = stamp;
    this.slots[i] = slot;
    return stamp;
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from] as number;
    this.stamps[to] = this.stamps[from] as number;
    this.slots[to] = this.slots[from] as number;
  }

  private grow(): void {
    const size = this.times.length * 2;
    const times = new Float64Array(size);
    times.set(this.times);
    const stamps = new Float64Array(size);
    stamps.set(this.stamps);
    const slots = new Int32Array(size);
    slots.set(this.slots);
    this.times = times;
    this.stamps = stamps;
    this.slots = slots;
  }

  private removeFirst(): void {
    const last = --this.count;
    if (last === 0) return;
    const at = this.times[last] as number;
    const stamp = this.stamps[last] as number;
    const slot = this.slots[last] as number;
    let i = 0;
    for (;;) {
      const first = i * 4 + 1;
      if (first >= last) break;
      let least = first;
      for (let child = first + 1; child < first + 4 && child < last; child++) {
        const difference = (this.times[child] as number) - (this.times[least] as number);
        if (
          difference < 0 ||
          (difference === 0 && (this.stamps[child] as number) < (this.stamps[least] as number))
        )
          least = child;
      }
      const time = this.times[least] as number;
      if (time > at || (time === at && (this.stamps[least] as number) > stamp)) break;
      this.move(least, i);
      i = least;
    }
    this.times[i] = at;
    this.stamps[i] = stamp;
    this.slots[i] = slot;
  }

  /** Time of the earliest armed entry. */
  next(): Nanos | undefined {
    while (this.count > 0) {
      if (this.current[this.slots[0] as number] === this.stamps[0]) return this.times[0];
      this.removeFirst();
    }
    return undefined;
  }

  /** Fires the earliest entry, when it is due by `until`. */
  fireNext(until: Nanos): boolean {
    const at = this.next();
    if (at === undefined || at > until) return false;
    const slot = this.slots[0] as number;
    this.removeFirst();
    const fire = this.fires[slot] as Fire;
    const arg = this.args[slot] as number;
    this.release(slot);
    fire(arg);
    return true;
  }
}
