/** The path that a capture was taken on: round trip, rate of the bottleneck, loss, queue. */
import type { LossReport } from "./loss.ts";
import {
  emptyReport,
  lossesOnArrival,
  lossesOnSending,
  tickOf,
  waitsByTimestamps,
} from "./loss.ts";
import type { ObservedConnection } from "./observed.ts";
import type { Arrivals, RateEstimate } from "./rate.ts";
import { rateOf } from "./rate.ts";
import type { SegmentLog } from "./segments.ts";
import { NO_TIMESTAMP } from "./segments.ts";
import type { Certainty, Confidence, Source, WorkloadLink } from "./workload.ts";

/** Part of the whole round trip that lies on the near side of where packets were taken. */
const NEAR_PART = 0.12;
/** Losses that found the queue at least this full are its own. */
const FULL_PART = 0.8;
/** Of the losses this part at least found it full, where it overflowed. */
const OVERFLOW_PART = 0.3;
/** Octets that wait in any queue that can be called full. */
const FULL_PACKETS = 4;
const FULL_BYTES = 1500;
const SYN_BITS = 2 * 60 * 8;
/** The most of a handshake that its own octets can take, where the rate is a guess. */
const OWN_PART = 0.1;

export type Vantage = Source["vantage"];

export interface LinkView {
  readonly vantage: Vantage;
  readonly link: WorkloadLink;
  /** Round trip without the time of the handshake's own octets, by server address. */
  readonly rttOf: ReadonlyMap<string, number>;
  /** The part of it that lies between where packets were taken and the server. */
  readonly farOf: ReadonlyMap<string, number>;
  /** Octets a millisecond; undefined where not known. */
  readonly bytesPerMs: number | undefined;
  /** Milliseconds a tick of the timestamps of each server, where known. */
  readonly tickOf: ReadonlyMap<string, number>;
}

export function linkOf(connections: readonly ObservedConnection[]): LinkView {
  const vantage = vantageOf(connections);
  const ticks = ticksOf(connections);
  const arrivals = vantage === "server" ? acknowledged(connections) : arrived(connections, ticks);
  const rate = rateOf(arrivals);
  const bytesPerMs = rate === undefined ? undefined : (rate.mbps * 1000) / 8;
  const ownMs = rate === undefined ? 0 : SYN_BITS / (rate.mbps * 1000);
  const { whole, far } = handshakes(connections, vantage);
  const less = (map: ReadonlyMap<string, number>) =>
    new Map([...map].map(([server, ms]) => [server, ms - Math.min(ownMs, OWN_PART * ms)]));
  const rttOf = less(whole);
  // A handshake that one end was slow in tells more than the path takes.
  if (vantage === "client") {
    for (const connection of connections) {
      const known = rttOf.get(connection.server);
      const turn = least(turnarounds([connection]));
      if (known !== undefined && turn < known) rttOf.set(connection.server, turn);
    }
  }
  const samples = connections.filter(clean).length;
  let rttMs: number | null = null;
  let rttFrom: Confidence = { certainty: "none", samples: 0, from: "no handshake, no request" };
  if (rttOf.size > 0) {
    rttMs = commonestServer(connections, rttOf);
    rttFrom = { certainty: "high", samples, from: "shortest TCP handshake or acknowledgment" };
  } else {
    const turns = turnarounds(connections);
    if (turns.length > 0) {
      rttMs = least(turns);
      rttFrom = {
        certainty: "low",
        samples: turns.length,
        from: "shortest time from a request to its acknowledgment: handshakes are not in the capture",
      };
    }
  }
  const report = emptyReport();
  for (const connection of connections) {
    const rtt = rttOf.get(connection.server) ?? rttMs ?? 0;
    if (vantage === "server") lossesOnSending(connection.down, connection.up, rtt, report);
    else lossesOnArrival(connection.down, rtt, ticks.get(connection.server), report);
  }
  const drops = dropsOf(report, bytesPerMs);
  const lost = report.losses.reduce((sum, { segments }) => sum + segments, 0);
  return {
    vantage,
    rttOf,
    farOf: vantage === "client" ? rttOf : far,
    bytesPerMs,
    tickOf: ticks,
    link: {
      rttMs,
      rateMbps: rate?.mbps ?? null,
      lossRate: report.segments === 0 ? null : drops.random / (report.segments + lost),
      queueBytes: drops.queueBytes,
      queueAtLeastBytes: drops.atLeast,
      retransmissions: lost + report.duplicates,
      confidence: {
        rttMs: rttFrom,
        rateMbps: rateConfidence(rate),
        lossRate: lossConfidence(report, drops.random),
        queueBytes: drops.confidence,
      },
    },
  };
}

function ticksOf(connections: readonly ObservedConnection[]): Map<string, number> {
  const logs = new Map<string, SegmentLog[]>();
  for (const { server, down } of connections) {
    const list = logs.get(server);
    if (list === undefined) logs.set(server, [down]);
    else list.push(down);
  }
  const ticks = new Map<string, number>();
  for (const [server, list] of logs) {
    const tick = tickOf(list);
    if (tick !== undefined) ticks.set(server, tick);
  }
  return ticks;
}

/** A handshake in which nothing was sent twice. */
function clean({ handshake }: ObservedConnection): boolean {
  return (
    handshake !== undefined &&
    handshake.syns === 1 &&
    handshake.synAcks === 1 &&
    handshake.ackMs !== undefined
  );
}

function vantageOf(connections: readonly ObservedConnection[]): Vantage {
  let far = Number.POSITIVE_INFINITY;
  let near = Number.POSITIVE_INFINITY;
  for (const connection of connections) {
    const { handshake } = connection;
    if (!clean(connection) || handshake?.synAckMs === undefined) continue;
    far = Math.min(far, handshake.synAckMs - handshake.synMs);
    near = Math.min(near, (handshake.ackMs as number) - handshake.synAckMs);
  }
  if (far === Number.POSITIVE_INFINITY) return "unknown";
  if (near <= NEAR_PART * (far + near)) return "client";
  return far <= NEAR_PART * (far + near) ? "server" : "between";
}

/** Shortest handshake by server. */
function handshakes(
  connections: readonly ObservedConnection[],
  vantage: Vantage,
): { whole: Map<string, number>; far: Map<string, number> } {
  const toServer = new Map<string, number>();
  const toClient = new Map<string, number>();
  const least = (map: Map<string, number>, key: string, value: number): void => {
    map.set(key, Math.min(map.get(key) ?? Number.POSITIVE_INFINITY, value));
  };
  for (const connection of connections) {
    const { handshake, server } = connection;
    if (!clean(connection) || handshake?.synAckMs === undefined) continue;
    least(toServer, server, handshake.synAckMs - handshake.synMs);
    least(toClient, server, (handshake.ackMs as number) - handshake.synAckMs);
  }
  if (vantage === "client") return { whole: toServer, far: toServer };
  const whole = new Map<string, number>();
  for (const [server, ms] of toClient) whole.set(server, ms + (toServer.get(server) ?? 0));
  return { whole, far: toServer };
}

/** Infinity of none; there may be more than a call takes arguments. */
function least(values: readonly number[]): number {
  return values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
}

/** Of several servers the round trip to the one that most connections went to. */
function commonestServer(
  connections: readonly ObservedConnection[],
  rttOf: ReadonlyMap<string, number>,
): number {
  const counts = new Map<string, number>();
  for (const { server } of connections) {
    if (rttOf.has(server)) counts.set(server, (counts.get(server) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return rttOf.get(most?.[0] ?? "") as number;
}

function turnarounds(connections: readonly ObservedConnection[]): number[] {
  const found: number[] = [];
  for (const { up, down } of connections) {
    let next = 0;
    for (let i = 0; i < down.count && next < up.count; i++) {
      const ack = down.ack[i] as number;
      while (next < up.count) {
        const end = (up.offset[next] as number) + (up.length[next] as number);
        if (end > ack || (up.at[next] as number) > (down.at[i] as number)) break;
        if ((up.length[next] as number) > 0)
          found.push((down.at[i] as number) - (up.at[next] as number));
        next++;
      }
    }
  }
  return found;
}

function arrived(
  connections: readonly ObservedConnection[],
  ticks: ReadonlyMap<string, number>,
): Arrivals {
  const all: Arrival[] = [];
  for (const { up, down, server } of connections) {
    const tick = ticks.get(server);
    const waits = tick === undefined ? undefined : waitsByTimestamps(down, tick);
    const heard = new Map<number, number>();
    for (let i = 0; i < up.count; i++) {
      const stamp = up.stamp[i] as number;
      if (!heard.has(stamp)) heard.set(stamp, up.at[i] as number);
    }
    let asked = 0;
    let latest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < down.count; i++) {
      const at = down.at[i] as number;
      // Without timestamps a packet answers at the earliest what its acknowledgment covers.
      while (asked < up.count && (up.at[asked] as number) <= at && covers(down, i, up, asked)) {
        latest = up.at[asked++] as number;
      }
      const echo = down.echo[i] as number;
      const cause = echo === NO_TIMESTAMP ? latest : (heard.get(echo) ?? latest);
      const wait = waits?.[i] ?? Number.POSITIVE_INFINITY;
      all.push([at, down.ipBytes[i] as number, cause, wait + (tick ?? 0)]);
    }
  }
  return columns(all);
}

/** Whether a segment acknowledges all octets of one of the other direction. */
function covers(log: SegmentLog, i: number, other: SegmentLog, j: number): boolean {
  return (other.offset[j] as number) + (other.length[j] as number) <= (log.ack[i] as number);
}

/** Before the bottleneck acknowledgments come as the data left it. */
function acknowledged(connections: readonly ObservedConnection[]): Arrivals {
  const all: Arrival[] = [];
  for (const { up, down } of connections) {
    let payload = 0;
    let wire = 0;
    for (let i = 0; i < down.count; i++) {
      if ((down.length[i] as number) === 0) continue;
      payload += down.length[i] as number;
      wire += down.ipBytes[i] as number;
    }
    if (payload === 0) continue;
    let acked = 0;
    let sent = 0;
    let cause = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < up.count; i++) {
      const ack = up.ack[i] as number;
      if (ack <= acked) continue;
      while (sent < down.count && covers(up, i, down, sent)) cause = down.at[sent++] as number;
      const bytes = ((ack - acked) * wire) / payload;
      all.push([up.at[i] as number, bytes, cause, Number.POSITIVE_INFINITY]);
      acked = ack;
    }
  }
  return columns(all);
}

type Arrival = readonly [at: number, bytes: number, cause: number, waited: number];

function columns(all: Arrival[]): Arrivals {
  all.sort((a, b) => a[0] - b[0]);
  return {
    at: all.map(([at]) => at),
    bytes: all.map(([, bytes]) => bytes),
    cause: all.map(([, , cause]) => cause),
    waited: all.map(([, , , waited]) => waited),
  };
}

function rateConfidence(rate: RateEstimate | undefined): Confidence {
  if (rate === undefined) {
    return { certainty: "none", samples: 0, from: "no long packets close behind one another" };
  }
  let certainty: Certainty = "low";
  if (rate.samples >= 40 && rate.share >= 0.3) certainty = "high";
  else if (rate.samples >= 12 && rate.share >= 0.2) certainty = "medium";
  return { certainty, samples: rate.samples, from: "distance of packets that queued" };
}

function lossConfidence(report: LossReport, random: number): Confidence {
  const from = random > 0 ? "segments sent again while the queue was not full" : "none seen";
  const certainty = report.segments >= 1000 ? "high" : report.segments >= 100 ? "medium" : "low";
  return { certainty, samples: report.segments, from };
}

interface Drops {
  readonly random: number;
  readonly queueBytes: number | null;
  readonly atLeast: number | null;
  readonly confidence: Confidence;
}

/** Which losses a full queue made, and how much stood in it then. */
function dropsOf(report: LossReport, bytesPerMs: number | undefined): Drops {
  const total = report.losses.reduce((sum, { segments }) => sum + segments, 0);
  const longest = report.longestWaitMs;
  const none = (from: string, atLeast: number | null): Drops => ({
    random: total,
    queueBytes: null,
    atLeast,
    confidence: { certainty: "none", samples: 0, from },
  });
  if (bytesPerMs === undefined || longest === undefined) {
    return none("neither rate nor time in the queue is known", null);
  }
  const atLeast = Math.round(longest * bytesPerMs);
  const full = report.losses.filter(
    ({ waitedMs }) =>
      waitedMs !== undefined &&
      waitedMs >= FULL_PART * longest &&
      waitedMs * bytesPerMs >= FULL_PACKETS * FULL_BYTES,
  );
  const known = report.losses.filter(({ waitedMs }) => waitedMs !== undefined).length;
  // Chance makes losses at any depth of the queue, overflow at one.
  if (full.length === 0 || full.length < OVERFLOW_PART * known) {
    return none("it did not overflow", atLeast);
  }
  const elsewhere = report.losses.filter(
    (loss) => loss.waitedMs !== undefined && !full.includes(loss),
  );
  const waits = full.map(({ waitedMs }) => waitedMs as number).sort((a, b) => a - b);
  const middle = waits[waits.length >> 1] as number;
  return {
    random: elsewhere.reduce((sum, { segments }) => sum + segments, 0),
    queueBytes: Math.round(middle * bytesPerMs + FULL_BYTES / 2),
    atLeast,
    confidence: {
      certainty: full.length >= 5 ? "high" : full.length >= 2 ? "medium" : "low",
      samples: full.length,
      from: "time in the queue of the segments before those that it dropped",
    },
  };
}
