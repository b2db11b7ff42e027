/**
 * The rate of a bottleneck by dispersion: packets that queued before it leave it one behind the
 * other, so that the time between two arrivals is the second one's length over the rate.
 */

export interface Arrivals {
  /** Milliseconds, in order. */
  readonly at: readonly number[];
  /** Octets of IP. */
  readonly bytes: readonly number[];
  /**
   * When the other side spoke last of what made the packet be sent. A packet that answers something
   * said after the one before it came never stood behind that one.
   */
  readonly cause: readonly number[];
  /** The most that it can have waited on the path, its own transmission included; Infinity: not known. */
  readonly waited: readonly number[];
}

export interface RateEstimate {
  readonly mbps: number;
  /** Packets whose distance told it. */
  readonly samples: number;
  /** Their share of all octets that could have stood behind another packet. */
  readonly share: number;
}

/** Relative width of a class of distances. */
const CLASS = Math.log(1.02);
/** Distances within this part of the commonest one are of the same queue. */
const NEAR = [0.7, 1.4] as const;
/** Packets that are measured together: what delayed one of them shortens the distance of the next. */
const WINDOW = 12;
/** Packets that are shorter on the average come as their senders spaced them, not as a queue did. */
const LEAST_BYTES = 500;
/** Longer distances are silences. */
const MAX_GAP_MS = 250;
/** Shorter ones are below what capture clocks and hosts tell apart. */
const MIN_GAP_MS = 0.003;

export function rateOf(arrivals: Arrivals): RateEstimate | undefined {
  const { at, bytes } = arrivals;
  const mode = commonest(arrivals);
  if (mode === undefined) return undefined;
  const windows: { rate: number; bytes: number }[] = [];
  let sum = 0;
  let time = 0;
  let count = 0;
  let samples = 0;
  let queued = 0;
  const close = (): void => {
    if (count >= 2) {
      windows.push({ rate: sum / time, bytes: sum });
      samples += count;
      queued += sum;
    }
    sum = 0;
    time = 0;
    count = 0;
  };
  let followed = 0;
  for (let i = 1; i < at.length; i++) {
    const gap = (at[i] as number) - (at[i - 1] as number);
    const size = bytes[i] as number;
    const behind = gap <= MAX_GAP_MS && follows(arrivals, i);
    if (behind) followed += size;
    const relative = gap / size / mode;
    if (!behind || relative < NEAR[0] || relative > NEAR[1]) {
      close();
      continue;
    }
    sum += size;
    time += gap;
    count++;
    if (count === WINDOW) close();
  }
  close();
  if (windows.length === 0) return undefined;
  const rate = weightedMedian(windows);
  if (queued / samples < LEAST_BYTES) return undefined;
  return { mbps: (rate * 8) / 1000, samples, share: queued / Math.max(1, followed) };
}

/** Whether the packet can have stood in a queue behind the one before it. */
function follows({ at, cause, waited }: Arrivals, i: number): boolean {
  const before = at[i - 1] as number;
  return (cause[i] as number) < before && (waited[i] as number) >= (at[i] as number) - before;
}

/** Milliseconds an octet in the class of distances that most octets are in. */
function commonest(arrivals: Arrivals): number | undefined {
  const { at, bytes } = arrivals;
  const classes = new Map<number, number>();
  for (let i = 1; i < at.length; i++) {
    const gap = (at[i] as number) - (at[i - 1] as number);
    const size = bytes[i] as number;
    if (gap < MIN_GAP_MS || gap > MAX_GAP_MS || size < 1 || !follows(arrivals, i)) continue;
    const key = Math.round(Math.log(gap / size) / CLASS);
    classes.set(key, (classes.get(key) ?? 0) + size);
  }
  let best: number | undefined;
  let most = 0;
  for (const key of classes.keys()) {
    let weight = 0;
    for (let k = key - 2; k <= key + 2; k++) weight += classes.get(k) ?? 0;
    if (weight > most) {
      most = weight;
      best = key;
    }
  }
  return best === undefined ? undefined : Math.exp(best * CLASS);
}

function weightedMedian(windows: { rate: number; bytes: number }[]): number {
  windows.sort((x, y) => x.rate - y.rate);
  const half = windows.reduce((sum, { bytes }) => sum + bytes, 0) / 2;
  let sum = 0;
  for (const { rate, bytes } of windows) {
    sum += bytes;
    if (sum >= half) return rate;
  }
  return (windows.at(-1) as { rate: number }).rate;
}
