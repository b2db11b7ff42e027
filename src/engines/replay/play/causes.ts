/**
 * Where the time of a page went: along the objects that waited for each other, from the last octet
 * back to the first SYN, each moment has one cause. The parts sum to the whole.
 */
import type { Nanos } from "../../host.ts";
import { MILLISECOND, SECOND } from "../../host.ts";
import type { Visited } from "./visit.ts";

export const CAUSES = [
  "lookup",
  "handshake",
  "request",
  "think",
  "headOfLine",
  "serialisation",
  "slowStart",
  "loss",
] as const;
export type Cause = (typeof CAUSES)[number];
export type Causes = Readonly<Record<Cause, number>>;

export interface CauseInputs {
  readonly visited: readonly Visited[];
  readonly start: Nanos;
  /** What servers took for an object before its first octet. */
  readonly think: (one: Visited) => Nanos;
  /** Octets a second of the bottleneck. */
  readonly bytesPerSecond: number;
  /** When segments were sent again. */
  readonly resentAt: readonly Nanos[];
}

/** Milliseconds by cause. */
export function causesOf(inputs: CauseInputs): Causes {
  const sums: Record<Cause, number> = {
    lookup: 0,
    handshake: 0,
    request: 0,
    think: 0,
    headOfLine: 0,
    serialisation: 0,
    slowStart: 0,
    loss: 0,
  };
  const byId = new Map(inputs.visited.map((one) => [one.object.id, one]));
  const byEnd = inputs.visited
    .filter(({ timing }) => timing?.end !== undefined)
    .sort((a, b) => (a.timing?.end as number) - (b.timing?.end as number));
  const openers = new Map(
    inputs.visited.flatMap((one) =>
      one.timing?.connect === undefined ? [] : [[one.timing.connection, one] as const],
    ),
  );
  let one = lastOf(inputs.visited);
  let until = one?.timing?.end ?? inputs.start;
  while (one !== undefined) {
    const from = Math.max(one.known, inputs.start);
    split(one, from, until, { inputs, openers, byEnd, sums }, 0);
    until = from;
    const { parent } = one.object;
    one = parent === undefined || until <= inputs.start ? undefined : byId.get(parent.id);
  }
  // What is left lies before anything was known: nothing, but for a connection that was opened ahead.
  sums.request += Math.max(0, until - inputs.start);
  for (const cause of CAUSES) sums[cause] /= MILLISECOND;
  return sums;
}

function lastOf(visited: readonly Visited[]): Visited | undefined {
  let last: Visited | undefined;
  for (const one of visited) {
    if (one.timing?.end !== undefined && one.timing.end > (last?.timing?.end ?? -1)) last = one;
  }
  return last;
}

interface Account {
  readonly inputs: CauseInputs;
  /** By connection, the object that it was opened for. */
  readonly openers: ReadonlyMap<number, Visited>;
  /** Objects by the end of each. */
  readonly byEnd: readonly Visited[];
  readonly sums: Record<Cause, number>;
}

/** Objects that waited for each other's connections in a row; farther back all is waiting in line. */
const MOST_IN_LINE = 2000;

/**
 * The moments of one object between two times. `depth`: objects that waited for it. `inLine`: others
 * waited for its response, so that what it thought was their wait.
 */
function split(
  one: Visited,
  from: Nanos,
  until: Nanos,
  account: Account,
  depth: number,
  inLine = false,
): void {
  const { inputs, sums } = account;
  const { timing } = one;
  let at = from;
  const spend = (cause: Cause, to: Nanos | undefined) => {
    if (to === undefined) return;
    const end = Math.min(to, until);
    if (end <= at) return;
    sums[cause] += end - at;
    at = end;
  };
  /** Until a connection was free, or it was our turn on it: the time of the object that had it. */
  const queue = (to: Nanos | undefined, turn = false) => {
    const end = Math.min(to ?? at, until);
    const before =
      end <= at || depth >= MOST_IN_LINE ? undefined : endedBy(account.byEnd, end, at, one);
    if (before !== undefined) {
      const freed = before.timing?.end as Nanos;
      split(before, at, freed, account, depth + 1, inLine || turn);
      at = freed;
    }
    // A connection that was opened for another is waited for as if it were our own.
    const opener = account.openers.get(one.timing?.connection ?? 0)?.timing;
    if (opener !== timing) {
      if (at >= (opener?.dns?.from ?? Infinity)) spend("lookup", earlier(opener?.dns?.to, to));
      if (at >= (opener?.connect?.from ?? Infinity))
        spend("handshake", earlier(opener?.connect?.to, to));
    }
    spend("headOfLine", to);
  };
  if (timing === undefined) {
    spend("request", until);
    return;
  }
  spend("think", timing.queued);
  queue(timing.dns?.from);
  spend("lookup", timing.dns?.to);
  queue(timing.connect?.from ?? timing.sent);
  spend("handshake", timing.connect?.to);
  queue(timing.sent);
  if (timing.ahead > 0) queue(timing.turn, true);
  const { head, end } = timing;
  if (head !== undefined) {
    spend(inLine ? "headOfLine" : "think", Math.min(head, at + inputs.think(one)));
    spend("request", head);
  }
  if (end === undefined) return;
  const bytes = timing.bodyBytes * (1 + OVERHEAD);
  const needed = Number.isFinite(inputs.bytesPerSecond)
    ? (bytes / inputs.bytesPerSecond) * SECOND
    : 0;
  const resent = inputs.resentAt.some((t) => t >= (timing.sent ?? at) && t <= end);
  const last = Math.min(end, until);
  // Behind the last octet of serialisation the rest is what windows, or losses, made wait.
  spend(resent ? "loss" : "slowStart", last - needed);
  spend("serialisation", last);
  spend("request", until);
}

function earlier(a: Nanos | undefined, b: Nanos | undefined): Nanos | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(a, b);
}

/** The object that ended last, after `from` and not after `to`. */
function endedBy(
  byEnd: readonly Visited[],
  to: Nanos,
  from: Nanos,
  but: Visited,
): Visited | undefined {
  let low = 0;
  let high = byEnd.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((byEnd[middle]?.timing?.end as Nanos) <= to) low = middle + 1;
    else high = middle;
  }
  const last = byEnd[low - 1];
  if (last === undefined || last === but || (last.timing?.end as Nanos) <= from) return undefined;
  return last;
}

/** Headers of IP and TCP to each octet of a full segment. */
const OVERHEAD = 52 / 1448;
