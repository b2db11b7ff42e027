/**
 * CUBIC (RFC 9438) with HyStart, in the integers of Linux: beta 717/1024, C 0.4, time in 1/1024 s,
 * slow start left when acknowledgments of one round come as a train longer than half the base round
 * trip, or when the least of eight delays exceeds the base by an eighth (4 to 16 ms).
 */
import type { Nanos } from "../../../engines/host.ts";
import { MICROSECOND, MILLISECOND, SECOND } from "../../../engines/host.ts";
import type { CongestionControl, Window } from "./congestion.ts";
import { JIFFY } from "./constants.ts";
import { tick } from "./jiffies.ts";

const BETA = 717;
const BETA_SCALE = 1024;
/** 1024^3 / (C * 1024): segments to the cube of 1/1024 s. */
const CUBE_FACTOR = 2 ** 40 / 410;
const TICKS = 1024;
/** 8 (1 + beta) / 3 / (1 - beta): how fast a Reno flow of equal loss would grow, in eighths. */
const RENO_SCALE = 15;

const TRAIN_WINDOW = 16;
const TRAIN_GAP = 2 * MILLISECOND;
const TRAIN_SLACK = MILLISECOND;
const DELAY_SAMPLES = 8;
const DELAY_LEAST = 4 * MILLISECOND;
const DELAY_MOST = 16 * MILLISECOND;

export class Cubic implements CongestionControl {
  private readonly window: Window;
  private lastMax = 0;
  private lastWindow = 0;
  private lastTime = Number.NEGATIVE_INFINITY;
  /** Undefined: none has begun. In jiffies. */
  private epoch: number | undefined;
  private origin = 0;
  private k = 0;
  private per = 0;
  private renoWindow = 0;
  private renoAcked = 0;
  private base: Nanos = 0;
  private found = false;
  private roundStart: Nanos = 0;
  private lastAck: Nanos = 0;
  private roundEnd = 0;
  private least = Number.POSITIVE_INFINITY;
  private samples = 0;

  constructor(window: Window, now: Nanos) {
    this.window = window;
    this.startRound(now, 0);
  }

  private startRound(now: Nanos, next: number): void {
    this.roundStart = now;
    this.lastAck = now;
    this.roundEnd = next;
    this.least = Number.POSITIVE_INFINITY;
    this.samples = 0;
  }

  measured(rtt: Nanos, now: Nanos, acked: number, next: number): void {
    // Samples right after a recovery are of queues that drain.
    if (this.epoch !== undefined && tick(now) - this.epoch < SECOND / JIFFY) return;
    const delay = Math.max(rtt, MICROSECOND);
    if (this.base === 0 || delay < this.base) this.base = delay;
    if (!this.found && this.window.slowStart) this.hystart(delay, now, acked, next);
  }

  private hystart(delay: Nanos, now: Nanos, acked: number, next: number): void {
    if (acked > this.roundEnd) this.startRound(now, next);
    if (this.window.cwnd < TRAIN_WINDOW) return;
    if (now - this.lastAck <= TRAIN_GAP) {
      this.lastAck = now;
      if (now - this.roundStart > (this.base + TRAIN_SLACK) / 2) this.leaveSlowStart();
    }
    if (delay < this.least) this.least = delay;
    if (this.samples < DELAY_SAMPLES) this.samples++;
    else {
      const allowed = Math.min(Math.max(this.base / 8, DELAY_LEAST), DELAY_MOST);
      if (this.least > this.base + allowed) this.leaveSlowStart();
    }
  }

  private leaveSlowStart(): void {
    this.found = true;
    this.window.ssthresh = this.window.cwnd;
  }

  grow(segments: number, now: Nanos): void {
    const { window } = this;
    const left = window.slowStart ? window.growSlowStart(segments) : segments;
    if (left === 0) return;
    this.update(left, now);
    window.growAvoidance(this.per, left);
  }

  private update(acked: number, now: Nanos): void {
    const { cwnd } = this.window;
    const jiffy = tick(now);
    this.renoAcked += acked;
    if (this.lastWindow === cwnd && jiffy - this.lastTime <= SECOND / JIFFY / 32) return;
    if (this.epoch === undefined || jiffy !== this.lastTime) {
      this.lastWindow = cwnd;
      this.lastTime = jiffy;
      this.follow(cwnd, jiffy, acked);
    }
    this.followReno(cwnd);
    this.per = Math.max(this.per, 2);
  }

  /** RFC 9438 4.2: W(t) = C (t - K)^3 + W_max. */
  private follow(cwnd: number, jiffy: number, acked: number): void {
    if (this.epoch === undefined) {
      this.epoch = jiffy;
      this.renoAcked = acked;
      this.renoWindow = cwnd;
      if (this.lastMax <= cwnd) {
        this.k = 0;
        this.origin = cwnd;
      } else {
        this.k = Math.floor(Math.cbrt(CUBE_FACTOR * (this.lastMax - cwnd)));
        this.origin = this.lastMax;
      }
    }
    const ahead = jiffy - this.epoch + Math.ceil(this.base / JIFFY);
    const t = Math.floor((ahead * JIFFY * TICKS) / SECOND);
    const off = Math.abs(t - this.k);
    const delta = Math.floor((410 * off * off * off) / 2 ** 40);
    const target = t < this.k ? this.origin - delta : this.origin + delta;
    this.per = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
    // While the available rate is not known at all, growth is not held back so far.
    if (this.lastMax === 0 && this.per > 20) this.per = 20;
  }

  /** RFC 9438 4.3. */
  private followReno(cwnd: number): void {
    const each = (cwnd * RENO_SCALE) >> 3;
    while (this.renoAcked > each) {
      this.renoAcked -= each;
      this.renoWindow++;
    }
    if (this.renoWindow <= cwnd) return;
    this.per = Math.min(this.per, Math.floor(cwnd / (this.renoWindow - cwnd)));
  }

  threshold(): number {
    const { cwnd } = this.window;
    this.epoch = undefined;
    // RFC 9438 4.7: fast convergence.
    this.lastMax =
      cwnd < this.lastMax ? Math.floor((cwnd * (BETA_SCALE + BETA)) / (2 * BETA_SCALE)) : cwnd;
    return Math.max(Math.floor((cwnd * BETA) / BETA_SCALE), 2);
  }

  timedOut(now: Nanos, next: number): void {
    this.lastMax = 0;
    this.lastWindow = 0;
    this.lastTime = Number.NEGATIVE_INFINITY;
    this.epoch = undefined;
    this.origin = 0;
    this.k = 0;
    this.per = 0;
    this.renoWindow = 0;
    this.renoAcked = 0;
    this.base = 0;
    this.found = false;
    this.startRound(now, next);
  }

  /** The curve stands still while nothing is sent (RFC 9438 5.8). */
  restarted(now: Nanos, last: Nanos): void {
    if (this.epoch === undefined) return;
    const delta = tick(now) - tick(last);
    if (delta > 0) this.epoch = Math.min(this.epoch + delta, tick(now));
  }
}
