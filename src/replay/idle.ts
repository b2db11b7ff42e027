/** When to close a persistent connection: handshakes spared against connections held open, for some idle times. */
import { Xoshiro } from "../net/random.ts";

export interface IdleRow {
  readonly idleSeconds: number;
  /** Of all requests but the first: those that found the connection open. */
  readonly reused: number;
  readonly handshakes: number;
  readonly savedMs: number;
  /** Seconds that the server held the connection without a request on it. */
  readonly heldSeconds: number;
  /** Connections that a server holds for a thousand such clients at any time. */
  readonly heldPerThousand: number;
}

export interface IdleOptions {
  readonly idleSeconds: readonly number[];
  /** Mean time between two visits of a client; they come at random (exponential). */
  readonly gapSeconds: number;
  readonly visits: number;
  readonly rttMs: number;
  readonly seed: number;
}

export function idleRows(options: IdleOptions): IdleRow[] {
  const { gapSeconds, visits, rttMs } = options;
  const random = new Xoshiro(options.seed);
  const gaps = Array.from({ length: visits - 1 }, () => -Math.log(1 - random.unit()) * gapSeconds);
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  return options.idleSeconds.map((idle) => {
    let reused = 0;
    let held = idle;
    for (const gap of gaps) {
      if (gap <= idle) reused++;
      held += Math.min(gap, idle);
    }
    return {
      idleSeconds: idle,
      reused,
      handshakes: visits - reused,
      savedMs: Math.round(reused * rttMs),
      heldSeconds: Math.round(held),
      heldPerThousand: Math.round((held / (total + idle)) * 1000),
    };
  });
}
