/** Times counted in steps of 2 %, from a microsecond to some minutes. */
import type { Nanos } from "./host.ts";
import { MICROSECOND } from "./host.ts";

const STEP = Math.log(1.02);
const BUCKETS = 1000;

export class Histogram {
  count = 0;
  sum = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(time: Nanos): void {
    const bucket = Math.log(Math.max(1, time / MICROSECOND)) / STEP;
    const index = Math.min(BUCKETS - 1, Math.floor(bucket));
    this.buckets[index] = (this.buckets[index] as number) + 1;
    this.count++;
    this.sum += time;
  }

  /** Time below which this part (0 to 1) of all lies, to 2 %. */
  percentile(part: number): Nanos {
    const wanted = Math.ceil(part * this.count);
    let seen = 0;
    for (let i = 0; i < BUCKETS; i++) {
      seen += this.buckets[i] as number;
      if (seen >= wanted && seen > 0) return Math.exp((i + 1) * STEP) * MICROSECOND;
    }
    return 0;
  }
}
