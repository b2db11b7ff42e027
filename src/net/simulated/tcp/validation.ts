/** Congestion window validation (RFC 7661) as Linux does it: a window that was not filled does not grow, and shrinks while it is not used. */
import type { Nanos } from "../../../engines/host.ts";
import type { Window } from "./congestion.ts";
import { INITIAL_WINDOW } from "./constants.ts";

export class Validation {
  private readonly window: Window;
  private limited = false;
  private until = 0;
  private most = 0;
  private used = 0;
  private usedAt: Nanos;

  constructor(window: Window, now: Nanos) {
    this.window = window;
    this.usedAt = now;
  }

  /** The window was used, or set anew. */
  restart(now: Nanos): void {
    this.used = 0;
    this.usedAt = now;
  }

  /** Data was acknowledged, whether or not the window grew by it: time without use begins anew. */
  acknowledged(now: Nanos): void {
    this.usedAt = now;
  }

  /** RFC 5681 4.1: for each timeout of idle time the window halves, down to the initial one. */
  afterIdle(idle: Nanos, rto: Nanos, threshold: number, now: Nanos): void {
    const { window } = this;
    window.ssthresh = threshold;
    const least = Math.min(INITIAL_WINDOW, window.cwnd);
    for (let left = idle - rto; left > 0 && window.cwnd > least; left -= rto) window.cwnd >>= 1;
    window.cwnd = Math.max(window.cwnd, least);
    this.restart(now);
  }

  /** Whether what arrives may make the window grow. */
  get full(): boolean {
    return this.limited || (this.window.slowStart && this.window.cwnd < 2 * this.most);
  }

  /** After sending: segments out, offsets acknowledged and sent. True: it was not used for a timeout. */
  sent(limited: boolean, out: number, una: number, next: number, now: Nanos, rto: Nanos): boolean {
    if (una >= this.until || limited || (!this.limited && out > this.most)) {
      this.limited = limited;
      this.most = out;
      this.until = next;
    }
    if (this.full) {
      this.restart(now);
      return false;
    }
    if (out > this.used) this.used = out;
    return now - this.usedAt >= rto;
  }

  /** Halfway from the window to what was used of it. */
  shrink(threshold: number, now: Nanos): void {
    const { window } = this;
    const used = Math.max(this.used, INITIAL_WINDOW);
    if (used < window.cwnd) {
      window.ssthresh = threshold;
      window.cwnd = (window.cwnd + used) >> 1;
    }
    this.restart(now);
  }
}
