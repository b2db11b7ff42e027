/** Proportional rate reduction (RFC 6937): how much is sent for what arrives while a loss is mended. */
import type { Window } from "./congestion.ts";

export class Reduction {
  private prior = 0;
  private delivered = 0;
  private sent = 0;

  begin(cwnd: number): void {
    this.prior = cwnd;
    this.delivered = 0;
    this.sent = 0;
  }

  sentOne(): void {
    this.sent++;
  }

  /** `delivered`: segments that arrived; `progress`: the first hole moved and nothing more was lost. */
  adjust(window: Window, inFlight: number, delivered: number, progress: boolean): void {
    if (delivered <= 0 || this.prior === 0) return;
    this.delivered += delivered;
    const missing = window.ssthresh - inFlight;
    let count: number;
    if (missing < 0) {
      const share = window.ssthresh * this.delivered + this.prior - 1;
      count = Math.floor(share / this.prior) - this.sent;
    } else {
      count = Math.max(this.delivered - this.sent, delivered) + (progress ? 1 : 0);
      count = Math.min(missing, count);
    }
    // The first retransmission goes at once.
    count = Math.max(count, this.sent > 0 ? 0 : 1);
    window.cwnd = inFlight + count;
  }
}
