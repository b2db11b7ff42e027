/** What server and client took before they spoke, apart from what the path took. */
import { maybeHeld } from "./flights.ts";
import type { LinkView } from "./link.ts";
import type { Fetched, Grouped } from "./pages.ts";
import { NO_TIMESTAMP } from "./segments.ts";
import type { Dependency } from "./workload.ts";

/** A silence between two pipelined responses that is shorter may be the path's. */
const SILENCE_MS = 0.3;
/** What a server can write at once; the rest it writes as the window lets it. */
const BUFFER_BYTES = 65_536;
/** A tick of the clocks in timestamps, and what hosts take. */
const SLACK_MS = 1.5;

/** From the request's arrival at the server to the first octet that it sent; null: not told. */
export function serverThink(
  one: Fetched,
  before: Fetched | undefined,
  view: LinkView,
): number | null {
  const { exchange, connection } = one;
  if (!(exchange.firstByteMs >= exchange.sentMs)) return null;
  const far = view.farOf.get(connection.server) ?? view.link.rttMs;
  if (far === null && view.vantage !== "server") return null;
  const { down, up } = connection;
  const first = down.carrying(exchange.firstByteMs);
  const last = up.carrying(exchange.sentMs);
  const own =
    view.bytesPerMs === undefined || view.vantage === "server"
      ? 0
      : ((down.ipBytes[first] ?? 0) + (up.ipBytes[last] ?? 0)) / view.bytesPerMs;
  const path = (view.vantage === "server" ? 0 : (far ?? 0)) + own;
  if (before !== undefined && before.exchange.endMs > exchange.startMs) {
    const arrived = exchange.sentMs + path;
    const silence = exchange.firstByteMs - Math.max(before.exchange.endMs, arrived);
    return silence <= SILENCE_MS + own || releasedByAck(one, first, path)
      ? null
      : inTurn(one, before, view, arrived - own, first);
  }
  const most = Math.max(0, exchange.firstByteMs - exchange.sentMs - path);
  const byClock = thinkByTimestamps(one, first, view.tickOf.get(connection.server));
  if (byClock === undefined) return most;
  // Longer than the clock has it: the response waited in a queue. The clock is good to a tick.
  return most <= byClock.ms + byClock.tick ? most : Math.max(0, byClock.ms);
}

/**
 * Pipelined, and nothing was under way before the response came: the server was at it since it had
 * written the one before, or since it had the request.
 */
function inTurn(
  { exchange, connection }: Fetched,
  before: Fetched,
  view: LinkView,
  arrived: number,
  first: number,
): number {
  const { down } = connection;
  const own = (index: number): number =>
    view.bytesPerMs === undefined ? 0 : (down.ipBytes[index] ?? 0) / view.bytesPerMs;
  const { firstByteMs, endMs, bodyBytes } = before.exchange;
  const written = bodyBytes > BUFFER_BYTES ? endMs : firstByteMs - own(down.carrying(firstByteMs));
  return Math.max(0, exchange.firstByteMs - own(first) - Math.max(written, arrived));
}

/**
 * The window was full: the segment was sent as an acknowledgment of the client's came, not as the
 * server had it. RFC 5681 3.1, RFC 7323 4.3: the echoed timestamp tells which one.
 */
function releasedByAck({ exchange, connection }: Fetched, first: number, path: number): boolean {
  const { up, down } = connection;
  const echo = down.echo[first];
  const cause = up.stamped(echo ?? NO_TIMESTAMP);
  if (echo === undefined || echo === NO_TIMESTAMP || cause < 0) return true;
  if (maybeHeld(connection)[first] === false) return false;
  const heard = up.at[cause] as number;
  return heard > exchange.sentMs && exchange.firstByteMs - heard - path < SLACK_MS;
}

/**
 * The server's own clock, set by its SYN with ACK, which it sent as it got the SYN: what follows
 * does not depend on queues on the way back. RFC 7323 3.
 */
function thinkByTimestamps(
  { exchange, connection }: Fetched,
  first: number,
  tick: number | undefined,
): { ms: number; tick: number } | undefined {
  const { handshake, down } = connection;
  if (first < 0 || handshake === undefined || handshake.syns !== 1 || handshake.synAcks !== 1) {
    return undefined;
  }
  const start = down.stamp[0];
  if (tick === undefined || start === undefined || start === NO_TIMESTAMP) return undefined;
  const since = (((down.stamp[first] as number) - start) | 0) * tick;
  return { ms: handshake.synMs + since - exchange.sentMs, tick };
}

/** From when the client knew of the object, and had a connection for it, to its request. */
export function clientThink(
  page: Grouped,
  id: number,
  parents: readonly Dependency[],
  previous: Fetched | undefined,
): number | null {
  const one = page.fetched[id] as Fetched;
  const { exchange, connection, place } = one;
  let known = page.startMs;
  for (const { id: parent, afterBytes } of parents) {
    // It was asked for while its parent came: when the client read of it is not visible.
    if (afterBytes !== null) return null;
    known = Math.max(known, (page.fetched[parent] as Fetched).exchange.endMs);
  }
  const { handshake } = connection;
  if (place > 0 || handshake === undefined) {
    const free = previous === undefined ? known : previous.exchange.endMs;
    // Pipelined requests wait for no response.
    const ready = free > exchange.startMs ? known : Math.max(known, free);
    const open = handshake?.ackMs ?? handshake?.synAckMs ?? known;
    return Math.max(0, exchange.startMs - Math.max(ready, open));
  }
  const open = handshake.ackMs ?? handshake.synAckMs ?? handshake.synMs;
  const late = Math.max(0, exchange.startMs - Math.max(open, known));
  if (handshake.synMs <= known) return late;
  let free = known;
  for (const other of page.fetched) {
    const { endMs } = other.exchange;
    if (endMs <= handshake.synMs && endMs > free) free = endMs;
  }
  return handshake.synMs - free + late;
}
