/** Round-trip times and the retransmission timeout: RFC 6298, with the variance held up by at least 200 ms for a round as Linux does. */
import type { Nanos } from "../../../engines/host.ts";
import { FIRST_RTO, MAX_RTO, MIN_RTO } from "./constants.ts";

export class RoundTrips {
  /** Smoothed; 0 until the first sample. */
  srtt: Nanos = 0;
  least: Nanos = Number.POSITIVE_INFINITY;
  private deviation = 0;
  private greatest = 0;
  private variance = MIN_RTO;
  /** Offset that ends the round in which the greatest deviation is sought. */
  private roundEnd = 0;
  private readonly minimum: Nanos;

  constructor(minimum: Nanos = MIN_RTO) {
    this.minimum = minimum;
  }

  get known(): boolean {
    return this.srtt > 0;
  }

  /** Without back-off. */
  get rto(): Nanos {
    return this.known ? Math.min(Math.floor(this.srtt + this.variance), MAX_RTO) : FIRST_RTO;
  }

  /** `acked` and `next`: offsets of the first octet that is not acknowledged, and not sent. */
  sample(rtt: Nanos, acked: number, next: number): void {
    if (this.srtt === 0) {
      this.srtt = Math.max(rtt, 1);
      this.deviation = 2 * rtt;
      this.variance = Math.max(this.deviation, this.minimum);
      this.greatest = this.variance;
      this.roundEnd = next;
      return;
    }
    let error = rtt - this.srtt;
    this.srtt += error / 8;
    if (error < 0) {
      error = -error - this.deviation / 4;
      // A sudden drop of the round trip does not widen the timeout.
      if (error > 0) error /= 8;
    } else error -= this.deviation / 4;
    this.deviation += error;
    if (this.deviation > this.greatest) {
      this.greatest = this.deviation;
      if (this.greatest > this.variance) this.variance = this.greatest;
    }
    if (acked > this.roundEnd) {
      if (this.greatest < this.variance) this.variance -= (this.variance - this.greatest) / 4;
      this.roundEnd = next;
      this.greatest = this.minimum;
    }
  }

  /** `maybeDelayed`: the acknowledgment of a lone short segment may have waited. */
  minimumSample(rtt: Nanos, maybeDelayed: boolean): void {
    if (
      rtt < this.least &&
      !(maybeDelayed && this.least !== Number.POSITIVE_INFINITY && rtt > this.least)
    )
      this.least = rtt;
  }
}
