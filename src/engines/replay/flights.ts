/** How many segments were under way as each was sent: what tells a full window from a slow server. */
import type { ObservedConnection } from "./observed.ts";
import type { SegmentLog } from "./segments.ts";
import { NO_TIMESTAMP } from "./segments.ts";

/** Echoed timestamps name acknowledgments to a tick, in which several may have come. */
const NEARLY = 0.6;

const known = new WeakMap<ObservedConnection, readonly boolean[]>();

/**
 * For each segment of the server, whether its window may have been full: it and those that the
 * server knew nothing of yet are nearly as many as were ever under way before. By the acknowledgment that
 * its echoed timestamp names (RFC 7323 4.3); without timestamps it may always have been.
 */
export function maybeHeld(connection: ObservedConnection): readonly boolean[] {
  const before = known.get(connection);
  if (before !== undefined) return before;
  const held = judge(connection.down, connection.up);
  known.set(connection, held);
  return held;
}

function judge(down: SegmentLog, up: SegmentLog): boolean[] {
  const acks = new Map<number, number>();
  for (let i = 0; i < up.count; i++) {
    const stamp = up.stamp[i] as number;
    if (!acks.has(stamp)) acks.set(stamp, up.ack[i] as number);
  }
  /** Ends of the segments with octets, in order of their coming. */
  const ends: number[] = [];
  let acked = 0;
  let most = 0;
  return down.length.map((length, i) => {
    if (length === 0) return false;
    ends.push((down.offset[i] as number) + length);
    const echo = down.echo[i] as number;
    const ack = echo === NO_TIMESTAMP ? undefined : acks.get(echo);
    if (ack === undefined) return true;
    while (acked < ends.length && (ends[acked] as number) <= ack) acked++;
    const out = ends.length - acked;
    const held = out >= NEARLY * most;
    most = Math.max(most, out);
    return held;
  });
}
