/** The one timer of a sender: for a timeout (RFC 6298), a tail loss probe (RFC 8985 7), what RACK waits for, or a closed window. */
import type { Nanos, Timer } from "../../../engines/host.ts";
import { MICROSECOND } from "../../../engines/host.ts";
import { FIRST_RTO, JIFFY, MAX_RTO, MIN_RTO } from "./constants.ts";
import { expiry } from "./jiffies.ts";
import type { RoundTrips } from "./rtt.ts";

export type TimerKind = "none" | "rto" | "probe" | "reorder" | "window";

export class RetransmissionTimer {
  kind: TimerKind = "none";
  /** Timeouts in a row: each doubles the next. */
  backoff = 0;
  private readonly timer: Timer;
  private readonly now: () => Nanos;
  private readonly trips: RoundTrips;

  constructor(
    now: () => Nanos,
    timer: (fire: () => void) => Timer,
    trips: RoundTrips,
    fired: () => void,
  ) {
    this.now = now;
    this.trips = trips;
    this.timer = timer(fired);
  }

  get armed(): boolean {
    return this.timer.armed;
  }

  stop(): void {
    this.timer.armAt(undefined);
    this.kind = "none";
  }

  arm(kind: TimerKind, wait: Nanos): void {
    this.kind = kind;
    this.timer.armAt(expiry(this.now(), wait));
  }

  get timeout(): Nanos {
    const base = this.trips.known ? this.trips.rto : FIRST_RTO;
    return Math.min(base * 2 ** this.backoff, MAX_RTO);
  }

  /** RFC 6298 5; `oldest`: when what waits longest was sent, undefined when nothing waits. */
  armTimeout(oldest: Nanos | undefined): void {
    if (oldest === undefined) {
      this.stop();
      return;
    }
    let wait = this.timeout;
    if (this.kind === "probe" || this.kind === "reorder")
      wait = Math.max(oldest + wait - this.now(), MICROSECOND);
    this.arm("rto", wait);
  }

  /** RFC 8985 7.2; `lone`: one segment is out, whose acknowledgment may be delayed. */
  armProbe(oldest: Nanos, lone: boolean, advancing: boolean): void {
    const { trips } = this;
    let wait = trips.known ? 2 * trips.srtt + (lone ? MIN_RTO : 2 * JIFFY) : FIRST_RTO;
    const untilTimeout = advancing ? this.timeout : oldest + this.timeout - this.now();
    if (untilTimeout > 0) wait = Math.min(wait, untilTimeout);
    this.arm("probe", wait);
  }
}
