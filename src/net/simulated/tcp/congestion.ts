/** What a congestion control decides: how the window grows, and how far it falls. */
import type { Nanos } from "../../../engines/host.ts";
import { MILLISECOND } from "../../../engines/host.ts";
import { INITIAL_WINDOW, NO_THRESHOLD } from "./constants.ts";

/** Windows in segments. */
export class Window {
  cwnd = INITIAL_WINDOW;
  ssthresh = NO_THRESHOLD;
  /** Segments acknowledged since the window last grew in congestion avoidance. */
  private count = 0;

  get slowStart(): boolean {
    return this.cwnd < this.ssthresh;
  }

  /** Segments that Linux hands to the device in one piece, about a millisecond's: the last carries PSH. */
  piece(srtt: Nanos): number {
    if (srtt === 0) return 2;
    const segments = ((this.slowStart ? 2 : 1.2) * this.cwnd * MILLISECOND) / srtt;
    return Math.max(2, Math.floor(segments));
  }

  resetCount(): void {
    this.count = 0;
  }

  /** RFC 5681 3.1; the result is what is left for congestion avoidance. */
  growSlowStart(acked: number): number {
    const grown = Math.min(this.cwnd + acked, this.ssthresh);
    const left = acked - (grown - this.cwnd);
    this.cwnd = grown;
    return left;
  }

  /** One segment more for each `per` acknowledged. */
  growAvoidance(per: number, acked: number): void {
    if (this.count >= per) {
      this.count = 0;
      this.cwnd++;
    }
    this.count += acked;
    if (this.count >= per) {
      const grown = Math.floor(this.count / per);
      this.count -= grown * per;
      this.cwnd += grown;
    }
  }
}

export interface CongestionControl {
  /** A round trip was measured; offsets as in `RoundTrips.sample`. */
  measured(rtt: Nanos, now: Nanos, acked: number, next: number): void;
  /** `segments` were delivered while the window was in use. */
  grow(segments: number, now: Nanos): void;
  /** The threshold after a loss. */
  threshold(): number;
  /** All was lost: a timeout. */
  timedOut(now: Nanos, next: number): void;
  /** Sending goes on after nothing was in flight since `last`. */
  restarted(now: Nanos, last: Nanos): void;
}

/** RFC 5681. */
export class Reno implements CongestionControl {
  private readonly window: Window;

  constructor(window: Window) {
    this.window = window;
  }

  measured(): void {}

  grow(segments: number): void {
    const { window } = this;
    const left = window.slowStart ? window.growSlowStart(segments) : segments;
    if (left > 0) window.growAvoidance(window.cwnd, left);
  }

  threshold(): number {
    return Math.max(this.window.cwnd >> 1, 2);
  }

  timedOut(): void {}

  restarted(): void {}
}
