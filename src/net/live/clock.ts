/** The clock of the machine: monotonic nanoseconds since the start, and one timeout for all timers. */
import type { Clock, Nanos, Timer } from "../../engines/host.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { EventQueue, QueueTimer } from "../event-queue.ts";

/** Node takes a longer time for none at all. */
export const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class LiveClock implements Clock {
  private readonly queue = new EventQueue();
  private readonly started = performance.now();
  private timeout: NodeJS.Timeout | undefined;
  /** When `timeout` fires. */
  private wakeAt = Number.POSITIVE_INFINITY;
  private readonly changed = () => this.schedule();

  now(): Nanos {
    return Math.round((performance.now() - this.started) * MILLISECOND);
  }

  wallMs(): number {
    return Date.now();
  }

  timer(fire: (arg: number) => void, arg = 0): Timer {
    return new QueueTimer(this.queue, fire, arg, this.changed);
  }

  defer(f: () => void): void {
    setImmediate(f);
  }

  private schedule(): void {
    const next = this.queue.next();
    if (next === undefined || next >= this.wakeAt) return;
    clearTimeout(this.timeout);
    this.wakeAt = next;
    const wait = Math.ceil((next - this.now()) / MILLISECOND);
    this.timeout = setTimeout(this.wake, Math.min(Math.max(wait, 0), MAX_TIMEOUT_MS));
  }

  private readonly wake = (): void => {
    this.wakeAt = Number.POSITIVE_INFINITY;
    const now = this.now();
    for (let next = this.queue.next(); next !== undefined && next <= now; next = this.queue.next())
      this.queue.fire();
    this.schedule();
  };

  /** No timer fires any more. */
  stop(): void {
    clearTimeout(this.timeout);
    this.wakeAt = Number.NEGATIVE_INFINITY;
  }
}
