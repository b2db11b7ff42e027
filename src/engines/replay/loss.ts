/**
 * Segments that did not arrive, and what stood in the queue when they were sent. Where packets are
 * taken behind the bottleneck a lost segment is a hole that a later one fills; before it, octets
 * that are sent again.
 */
import type { SegmentLog } from "./segments.ts";
import { NO_TIMESTAMP } from "./segments.ts";

export interface Loss {
  readonly at: number;
  /** Segments, by the largest seen. */
  readonly segments: number;
  /** Milliseconds that the segment before it had waited beyond an empty path; undefined: not told. */
  readonly waitedMs: number | undefined;
}

export interface LossReport {
  readonly losses: Loss[];
  /** Data segments that arrived, or were sent. */
  segments: number;
  /** Octets that came twice though none was missing. */
  duplicates: number;
  /** The most that any segment waited. */
  longestWaitMs: number | undefined;
}

/** A hole that is filled sooner than this part of a round trip was a change of order. */
const REORDER_PART = 0.5;
/** Clocks of timestamps that are in use, milliseconds a tick: RFC 7323 5.4, and microseconds. */
const TICKS = [0.001, 1, 4, 10, 1000] as const;
/** A clock of longer ticks does not tell of queues. */
const COARSE_MS = 10;
/** A clock is only told by steps of this many ticks. */
const LEAST_TICKS = 8;
/** Longer than queues are. */
const JUMP_MS = 2000;

export function emptyReport(): LossReport {
  return { losses: [], segments: 0, duplicates: 0, longestWaitMs: undefined };
}

interface Hole {
  from: number;
  to: number;
  readonly at: number;
  readonly waitedMs: number | undefined;
}

/** Behind the bottleneck: segments as they arrive. */
export function lossesOnArrival(
  log: SegmentLog,
  rttMs: number,
  tick: number | undefined,
  report: LossReport,
): void {
  const waits = tick === undefined ? undefined : waitsByTimestamps(log, tick);
  let highest = 0;
  let largest = 536;
  let previous = -1;
  const holes: Hole[] = [];
  for (let i = 0; i < log.count; i++) {
    const length = log.length[i] as number;
    if (length === 0) continue;
    const from = log.offset[i] as number;
    const to = from + length;
    const at = log.at[i] as number;
    report.segments++;
    largest = Math.max(largest, Math.min(length, 1500));
    const wait = waits?.[i];
    if (wait !== undefined) report.longestWaitMs = Math.max(report.longestWaitMs ?? 0, wait);
    if (from > highest) {
      holes.push({ from: highest, to: from, at, waitedMs: waits?.[previous] });
    } else if (from < highest) {
      fill(holes, from, Math.min(to, highest), at, rttMs, largest, report);
    }
    highest = Math.max(highest, to);
    previous = i;
  }
}

function fill(
  holes: Hole[],
  from: number,
  to: number,
  at: number,
  rttMs: number,
  largest: number,
  report: LossReport,
): void {
  for (let i = 0; i < holes.length; i++) {
    const hole = holes[i] as Hole;
    if (to <= hole.from || from >= hole.to) continue;
    const end = Math.min(to, hole.to);
    const octets = end - Math.max(from, hole.from);
    if (at - hole.at >= REORDER_PART * rttMs) {
      const segments = Math.max(1, Math.round(octets / largest));
      report.losses.push({ at: hole.at, segments, waitedMs: hole.waitedMs });
    }
    if (from <= hole.from) hole.from = end;
    else {
      if (end < hole.to) {
        holes.push({ from: end, to: hole.to, at: hole.at, waitedMs: hole.waitedMs });
      }
      hole.to = from;
    }
    if (hole.from >= hole.to) holes.splice(i, 1);
    return;
  }
  report.duplicates++;
}

/** Before the bottleneck: segments as they are sent, the second time those that were lost. */
export function lossesOnSending(
  log: SegmentLog,
  acks: SegmentLog,
  rttMs: number,
  report: LossReport,
): void {
  let highest = 0;
  const waits = waitsByAcks(log, acks, rttMs);
  const byOffset = new Map<number, number>();
  for (let i = 0; i < log.count; i++) {
    const length = log.length[i] as number;
    if (length === 0) continue;
    const from = log.offset[i] as number;
    report.segments++;
    const wait = waits[i];
    if (wait !== undefined) report.longestWaitMs = Math.max(report.longestWaitMs ?? 0, wait);
    if (from < highest) {
      const original = byOffset.get(from);
      const before = original === undefined ? undefined : lastWait(waits, original);
      const at = original === undefined ? (log.at[i] as number) : (log.at[original] as number);
      report.losses.push({ at, segments: 1, waitedMs: before });
    } else byOffset.set(from, i);
    highest = Math.max(highest, from + length);
  }
}

function lastWait(waits: readonly (number | undefined)[], before: number): number | undefined {
  for (let i = before - 1; i >= 0 && i >= before - 4; i--) {
    if (waits[i] !== undefined) return waits[i];
  }
  return undefined;
}

/** Time from sending to the first acknowledgment that is of this very segment, over the shortest. */
function waitsByAcks(
  log: SegmentLog,
  acks: SegmentLog,
  rttMs: number,
): readonly (number | undefined)[] {
  const waits = new Array<number | undefined>(log.count).fill(undefined);
  const repairs = repairsOf(log);
  let next = 0;
  let acked = 0;
  let repair = 0;
  /** Acknowledgments below this are of segments that waited for a lost one, not in the queue. */
  let repairing = 0;
  for (let a = 0; a < acks.count; a++) {
    const ack = acks.ack[a] as number;
    if (ack <= acked) continue;
    for (; repair < repairs.length; repair++) {
      const [at, highest] = repairs[repair] as readonly [number, number];
      if (at > (acks.at[a] as number)) break;
      repairing = highest;
    }
    const late = acked < repairing;
    acked = ack;
    let newest = -1;
    while (
      next < log.count &&
      (log.offset[next] as number) + (log.length[next] as number) <= ack &&
      (log.at[next] as number) <= (acks.at[a] as number)
    ) {
      if ((log.length[next] as number) > 0) newest = next;
      next++;
    }
    if (newest >= 0 && !late)
      waits[newest] = (acks.at[a] as number) - (log.at[newest] as number) - rttMs;
  }
  return waits;
}

/** When octets were sent again, and the highest that had been sent by then. */
function repairsOf(log: SegmentLog): (readonly [at: number, highest: number])[] {
  const found: (readonly [number, number])[] = [];
  let highest = 0;
  for (let i = 0; i < log.count; i++) {
    if ((log.length[i] as number) === 0) continue;
    const from = log.offset[i] as number;
    if (from < highest) found.push([log.at[i] as number, highest]);
    highest = Math.max(highest, from + (log.length[i] as number));
  }
  return found;
}

/**
 * How long each segment was under way beyond the fastest one, by the sender's clock in its
 * timestamps: the time in queues, to one tick. Undefined without timestamps.
 */
export function waitsByTimestamps(
  log: SegmentLog,
  tick: number,
): (number | undefined)[] | undefined {
  const first = log.stamp.find((stamp) => stamp !== NO_TIMESTAMP);
  if (tick > COARSE_MS || first === undefined) return undefined;
  let base = Number.POSITIVE_INFINITY;
  const raw = log.stamp.map((stamp, i) => {
    if (stamp === NO_TIMESTAMP) return undefined;
    const under = (log.at[i] as number) - ((stamp - first) | 0) * tick;
    base = Math.min(base, under);
    return under;
  });
  return raw.map((under) => (under === undefined ? undefined : under - base));
}

/** Pairs of segments with timestamps, one after the other. */
function* steps({ at, stamp, count }: SegmentLog): Generator<{
  readonly at: number;
  readonly ms: number;
  readonly ticks: number;
}> {
  let before = -1;
  for (let i = 0; i < count; i++) {
    if (stamp[i] === NO_TIMESTAMP) continue;
    if (before >= 0) {
      const now = at[i] as number;
      const ticks = ((stamp[i] as number) - (stamp[before] as number)) | 0;
      yield { at: now, ms: now - (at[before] as number), ticks };
    }
    before = i;
  }
}

/**
 * Milliseconds a tick of the clock in a sender's timestamps: what most of its time between two
 * segments says, so that a queue or a jump of the capture's clock does not.
 */
export function tickOf(logs: Iterable<SegmentLog>): number | undefined {
  const ratios: { ratio: number; ticks: number }[] = [];
  let all = 0;
  for (const log of logs) {
    for (const { ms, ticks } of steps(log)) {
      if (ticks < LEAST_TICKS) continue;
      ratios.push({ ratio: ms / ticks, ticks });
      all += ticks;
    }
  }
  ratios.sort((a, b) => a.ratio - b.ratio);
  let sum = 0;
  const middle = ratios.find(({ ticks }) => (sum += ticks) >= all / 2)?.ratio;
  if (middle === undefined) return undefined;
  return TICKS.find((tick) => Math.abs(Math.log(middle / tick)) < 0.6);
}

export interface Jump {
  readonly at: number;
  readonly byMs: number;
}

/** Where the capture's clock and the sender's part by more than any queue holds. */
export function jumpsOf(log: SegmentLog, tick: number): Jump[] {
  const found: Jump[] = [];
  for (const { at, ms, ticks } of steps(log)) {
    const byMs = ms - ticks * tick;
    // What comes late over another path, or is sent again from a queue, has an old stamp.
    if (Math.abs(byMs) >= JUMP_MS && ticks >= 0) found.push({ at, byMs });
  }
  return found;
}
