/**
 * The asynchronous edge of a world: promises for commands, scenarios and tests over engines that
 * know none. Only what is handed out here may be awaited while virtual time runs.
 */
import type { Nanos } from "../engines/host.ts";

/** What a task may wait for. */
export interface Io {
  now(): Nanos;
  sleep(time: Nanos): Promise<void>;
  /** A promise that an engine's callback settles. */
  wait<T>(begin: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T>;
}

export class Tasks implements Io {
  readonly now: () => Nanos;
  private readonly at: (time: Nanos, f: () => void) => void;
  /** A promise was settled, and those who wait for it have not all run. */
  resolved = false;

  constructor(now: () => Nanos, at: (time: Nanos, f: () => void) => void) {
    this.now = now;
    this.at = at;
  }

  sleep(time: Nanos): Promise<void> {
    return this.wait((done) => this.at(this.now() + time, () => done(undefined)));
  }

  wait<T>(begin: (done: (value: T) => void, fail: (error: Error) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      begin(
        (value) => {
          this.resolved = true;
          resolve(value);
        },
        (error) => {
          this.resolved = true;
          reject(error);
        },
      );
    });
  }

  /** Lets all promise chains run that a settled promise started; streams and thread-pool work too. */
  async drain(): Promise<void> {
    do {
      this.resolved = false;
      await new Promise<void>((resolve) => setImmediate(resolve));
    } while (this.resolved);
  }
}
