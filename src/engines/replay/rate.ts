/**
 * The rate of a bottleneck by dispersion: packets that queued before it leave it one behind the
 * other, so that the time between two arrivals is the second one's length over the rate.
 */

export interface Arrivals {
  /** Milliseconds, in order. */
  readonly at: readonly number[];
  /** Octets of IP. */
  readonly bytes: readonly number[];
}

export interface RateEstimate {
  readonly mbps: number;
  /** Packets whose distance told it. */
  readonly samples: number;
  /** Their share of all octets that followed another packet closely. */
  readonly share: number;
}

/** Relative width of a class of distances. */
const CLASS = Math.log(1.02);
/** Distances within this part of the commonest one are of the same queue. */
const NEAR = [0.7, 1.4] as const;
/** Packets that are measured together: what delayed one of them shortens the distance of the next. */
const WINDOW = 12;
/** Longer distances are silences. */
const MAX_GAP_MS = 250;
const MIN_GAP_MS = 0.0005;

export function rateOf({ at, bytes }: Arrivals): RateEstimate | undefined {
  const mode = commonest(at, bytes);
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
    if (gap <= MAX_GAP_MS) followed += size;
    const relative = gap / size / mode;
    if (relative < NEAR[0] || relative > NEAR[1]) {
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
  return { mbps: (rate * 8) / 1000, samples, share: queued / Math.max(1, followed) };
}

/** Milliseconds an octet in the class of distances that most octets are in. */
function commonest(at: readonly number[], bytes: readonly number[]): number | undefined {
  const classes = new Map<number, number>();
  for (let i = 1; i < at.length; i++) {
    const gap = (at[i] as number) - (at[i - 1] as number);
    const size = bytes[i] as number;
    if (gap < MIN_GAP_MS || gap > MAX_GAP_MS || size < 1) continue;
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
