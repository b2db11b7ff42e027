/**
 * Resolution is written as coroutines that are driven synchronously: a task yields what it waits
 * for and is resumed with it. No promise, no clock: see docs/decisions/0010.
 */

/** Told whom to resume; may resume within the call. */
export type Wait = (resume: (value: unknown) => void) => void;
export type Task<T> = Generator<Wait, T, unknown>;

/** Runs a task to its end; `done` may be called before this returns. */
export function run<T>(task: Task<T>, done: (value: T) => void): void {
  let value: unknown;
  let ready = true;
  let running = false;
  const step = () => {
    // Waits that resume at once are taken in this loop, not by recursion.
    running = true;
    while (ready) {
      ready = false;
      const next = task.next(value);
      if (next.done === true) {
        done(next.value);
        return;
      }
      let resumed = false;
      next.value((result) => {
        if (resumed) return;
        resumed = true;
        value = result;
        ready = true;
        if (!running) step();
      });
    }
    running = false;
  };
  step();
}

/** What waits for what. */
export interface Waiter {
  waitsFor: Waiter | undefined;
}

/** A task that several wait for. */
export class Job<T> implements Waiter {
  private readonly waiting: ((value: T) => void)[] = [];
  private result: { value: T } | undefined;
  /** The job that this one waits for: what cycles are found by. */
  waitsFor: Waiter | undefined;
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  start(task: Task<T>): void {
    run(task, (value) => {
      this.result = { value };
      for (const resume of this.waiting.splice(0)) resume(value);
    });
  }

  /** Whether waiting for this one would close a circle through `job`. */
  leadsTo(job: Waiter): boolean {
    for (let at: Waiter | undefined = this; at !== undefined; at = at.waitsFor)
      if (at === job) return true;
    return false;
  }

  *join(from: Waiter | undefined): Task<T> {
    if (this.result !== undefined) {
      if (from !== undefined) from.waitsFor = undefined;
      return this.result.value;
    }
    if (from !== undefined) from.waitsFor = this;
    const value = (yield (resume) => {
      this.waiting.push(resume as (value: T) => void);
    }) as T;
    if (from !== undefined) from.waitsFor = undefined;
    return value;
  }
}
