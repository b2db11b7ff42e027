/**
 * What is known of one edge: whether it is well, and whether it has more to do than it should. Two
 * marks keep an edge from flapping: above `high` clients go to the next nearest, and they come back
 * only at or below `low`, and not before `hold` has passed, which is what the last answers take to
 * leave the caches (their TTL).
 */
import type { Nanos } from "../../host.ts";

export interface EdgeLimits {
  /** In the unit of the reports, more than 0. */
  readonly capacity: number;
  /** Shares of the capacity. */
  readonly high: number;
  readonly low: number;
  readonly hold: Nanos;
  /** Checks in a row that must fail, or pass, before the edge counts as down, or as up. */
  readonly fails: number;
  readonly passes: number;
}

/** What an edge tells of itself, or a check of it. */
export interface EdgeReport {
  /** In the unit of its capacity. */
  readonly load?: number | undefined;
  /** Told by the edge: counts at once. */
  readonly healthy?: boolean | undefined;
  /** Seen by a check: counts after some in a row. */
  readonly passed?: boolean | undefined;
}

export type EdgeCondition = "well" | "overloaded" | "down";

export class EdgeState {
  limits: EdgeLimits;
  /** Share of the capacity; undefined until the edge has told. */
  share: number | undefined;
  private healthy = true;
  private overloaded = false;
  private overloadedAt: Nanos = 0;
  private row = 0;

  constructor(limits: EdgeLimits) {
    this.limits = limits;
  }

  get condition(): EdgeCondition {
    if (!this.healthy) return "down";
    return this.overloaded ? "overloaded" : "well";
  }

  /** True when the condition is another one now. */
  report({ load, healthy, passed }: EdgeReport, now: Nanos): boolean {
    const before = this.condition;
    if (healthy !== undefined) this.turn(healthy);
    if (passed !== undefined) this.checked(passed);
    if (load !== undefined) this.loaded(load, now);
    return this.condition !== before;
  }

  /** As somebody else found it, who decides what comes next. */
  adopt(condition: EdgeCondition, share: number | undefined): void {
    this.healthy = condition !== "down";
    this.overloaded = condition === "overloaded";
    this.share = share;
  }

  private turn(healthy: boolean): void {
    this.healthy = healthy;
    this.row = 0;
    // What it had to do before says nothing of what it has now.
    if (!healthy) {
      this.share = undefined;
      this.overloaded = false;
    }
  }

  private checked(passed: boolean): void {
    if (passed === this.healthy) {
      this.row = 0;
      return;
    }
    this.row++;
    if (this.row >= (passed ? this.limits.passes : this.limits.fails)) this.turn(passed);
  }

  private loaded(load: number, now: Nanos): void {
    const { capacity, high, low, hold } = this.limits;
    this.share = load / capacity;
    if (!this.overloaded && this.share >= high) {
      this.overloaded = true;
      this.overloadedAt = now;
    } else if (this.overloaded && this.share <= low && now - this.overloadedAt >= hold)
      this.overloaded = false;
  }
}
