/** A limit on octets a second over all connections: who took too much waits. */
import type { Nanos } from "../../host.ts";
import { SECOND } from "../../host.ts";

export class RateLimit {
  private readonly bytesPerSecond: number;
  /** When what was taken so far is paid for. */
  private paid: Nanos = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** How long to wait after these octets. */
  take(bytes: number, now: Nanos): Nanos {
    this.paid = Math.max(this.paid, now) + Math.round((bytes * SECOND) / this.bytesPerSecond);
    return this.paid - now;
  }
}
