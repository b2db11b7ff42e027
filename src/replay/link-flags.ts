/** Links on the command line: `rtt=100ms,rate=10Mbit,queue=1bdp,loss=1%`. */
import { CommandError } from "../failure.ts";

export interface LinkText {
  readonly rttMs?: number;
  readonly rateMbps?: number;
  /** In octets, or in products of bandwidth and delay. */
  readonly queue?: { readonly bytes: number } | { readonly bdp: number };
  readonly lossRate?: number;
}

type Key = "rtt" | "rate" | "queue" | "loss";

const MAX_RTT_MS = 60_000;
const MIN_RATE_MBPS = 0.001;
const MAX_RATE_MBPS = 1_000_000;
const MAX_QUEUE_BYTES = 1e10;
const RATE_UNITS: Readonly<Record<string, number>> = { k: 1e-3, m: 1, g: 1e3, "": 1e-6 };
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  ki: 1024,
  mi: 1024 * 1024,
};

/** @throws CommandError naming the flag and what is wrong */
export function parseLink(flag: string, text: string, allowed: readonly Key[]): LinkText {
  const out: {
    rttMs?: number;
    rateMbps?: number;
    queue?: { bytes: number } | { bdp: number };
    lossRate?: number;
  } = {};
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const key = part.slice(0, at) as Key;
    const value = part.slice(at + 1);
    if (at < 0 || !allowed.includes(key)) {
      throw new CommandError(
        `--${flag} ${text}: "${part}" is not one of ${allowed.map((name) => `${name}=`).join(", ")}`,
      );
    }
    if (key === "rtt") out.rttMs = parseRtt(`--${flag} rtt=`, value);
    else if (key === "rate") out.rateMbps = parseRate(`--${flag} rate=`, value);
    else if (key === "queue") out.queue = parseQueue(`--${flag} queue=`, value);
    else out.lossRate = parseLoss(`--${flag} loss=`, value);
  }
  return out;
}

export function parseRtt(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(us|ms|s)?$/.exec(text);
  if (match === null) throw new CommandError(`${flag}${text}: write it as 100ms or 0.1s`);
  const ms = Number(match[1]) * (match[2] === "s" ? 1000 : match[2] === "us" ? 0.001 : 1);
  if (ms > MAX_RTT_MS) throw new CommandError(`${flag}${text}: more than ${MAX_RTT_MS / 1000} s`);
  return ms;
}

export function parseRate(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([kmg]?)(?:bit|bps|bit\/s|b\/s)?(?:ps)?$/i.exec(text);
  if (match === null) throw new CommandError(`${flag}${text}: write it as 10Mbit or 512kbit`);
  const mbps = Number(match[1]) * (RATE_UNITS[(match[2] as string).toLowerCase()] as number);
  if (mbps < MIN_RATE_MBPS || mbps > MAX_RATE_MBPS)
    throw new CommandError(`${flag}${text}: between 1kbit and 1000Gbit`);
  return mbps;
}

export function parseQueue(flag: string, text: string): { bytes: number } | { bdp: number } {
  const bdp = /^([0-9]+(?:\.[0-9]+)?)bdp$/i.exec(text);
  if (bdp !== null) {
    if (Number(bdp[1]) <= 0) throw new CommandError(`${flag}${text}: a queue holds something`);
    return { bdp: Number(bdp[1]) };
  }
  const bytes = parseSize(flag, text);
  if (bytes < 1500) throw new CommandError(`${flag}${text}: less than one packet of 1500 bytes`);
  return { bytes };
}

export function parseSize(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([km]i?)?B?$/i.exec(text);
  if (match === null)
    throw new CommandError(`${flag}${text}: write it as 64KiB, 150kB, 1bdp or bytes`);
  const bytes = Math.round(
    Number(match[1]) * (SIZE_UNITS[(match[2] ?? "").toLowerCase()] as number),
  );
  if (bytes > MAX_QUEUE_BYTES) throw new CommandError(`${flag}${text}: more than 10 GB`);
  return bytes;
}

export function parseLoss(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(%)?$/.exec(text);
  const loss = match === null ? Number.NaN : Number(match[1]) * (match[2] === "%" ? 0.01 : 1);
  if (!(loss >= 0 && loss < 1))
    throw new CommandError(`${flag}${text}: a share below 1, as 0.01 or 1%`);
  return loss;
}

const LEAST_QUEUE_BYTES = 30_000;

/** What a queue holds: by default one product of bandwidth and delay, and 30 kB at least. */
export function queueBytes(queue: LinkText["queue"], rttMs: number, rateMbps: number): number {
  if (queue !== undefined && "bytes" in queue) return queue.bytes;
  if (!Number.isFinite(rateMbps)) return Number.POSITIVE_INFINITY;
  const bdp = rttMs * rateMbps * 125;
  if (queue === undefined) return Math.max(LEAST_QUEUE_BYTES, Math.round(bdp));
  return Math.max(1500, Math.round(bdp * queue.bdp));
}
