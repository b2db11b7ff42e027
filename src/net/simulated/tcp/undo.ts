/** What a recovery changed, and how it is seen that it was not needed: Eifel (RFC 3522, 4015) and reported duplicates (RFC 3708). */
import type { Nanos } from "../../../engines/host.ts";
import type { Window } from "./congestion.ts";

export class Undo {
  /** Offset from which the recovery began; undefined: there is nothing to undo. */
  private from: number | undefined;
  private cwnd = 0;
  private ssthresh = 0;
  /** Retransmissions of this recovery that are not known to have been in vain; negative: none was sent. */
  private needed = 0;
  private firstAgain: Nanos = 0;

  get possible(): boolean {
    return this.from !== undefined;
  }

  remember(una: number, window: Window, threshold: number, again: number): void {
    this.from = una;
    this.needed = again > 0 ? again : -1;
    this.cwnd = window.cwnd;
    this.ssthresh = threshold;
  }

  forget(): void {
    this.from = undefined;
  }

  /** No retransmission is on its way that matters. */
  calm(): void {
    this.firstAgain = 0;
  }

  resent(now: Nanos): void {
    if (this.firstAgain === 0) this.firstAgain = now;
    if (this.needed < 0) this.needed = 0;
    this.needed++;
  }

  /** The peer had all before `end` already (RFC 2883). */
  reported(end: number): void {
    if (this.from !== undefined && this.needed > 0 && end > this.from) this.needed--;
  }

  /** RFC 4015 3: the peer acknowledged what was sent before the first retransmission. */
  premature(echo: Nanos): boolean {
    return this.firstAgain > 0 && echo > 0 && echo < this.firstAgain;
  }

  /** Whether all retransmissions were in vain. */
  vain(echo: Nanos): boolean {
    return this.from !== undefined && (this.needed === 0 || this.premature(echo));
  }

  restore(window: Window): void {
    if (this.from === undefined) return;
    window.cwnd = Math.max(window.cwnd, this.cwnd);
    window.ssthresh = Math.max(window.ssthresh, this.ssthresh);
    this.from = undefined;
  }
}
