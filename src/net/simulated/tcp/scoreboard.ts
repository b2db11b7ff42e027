/**
 * What of the segments sent has arrived, is lost, or was sent again: the scoreboard of RFC 6675,
 * filled by cumulative and selective acknowledgments.
 */
import type { Nanos } from "../../../engines/host.ts";
import { Rack } from "./rack.ts";
import type { Sent } from "./sent.ts";
import { SentQueue } from "./sent.ts";

/** What an acknowledgment brought. */
export class Outcome {
  advanced = false;
  sackedData = false;
  originalArrived = false;
  duplicate = false;
  notDuplicate = false;
  retransmissionArrived = false;
  armTimer = false;
  delivered = 0;
  lost = 0;
  lostAgain = false;
  firstAcked: Nanos = -1;
  lastAcked: Nanos = -1;
  firstSacked: Nanos = -1;
  lastSacked: Nanos = -1;
  ackedSegments = 0;
  /** Something that was sent once arrived after what was sent behind it. */
  overtaken = false;
}

/** When an acknowledgment came, and the least round trip so far. */
export interface RoundTrip {
  readonly now: Nanos;
  readonly least: Nanos;
}

export class Scoreboard {
  readonly queue = new SentQueue();
  readonly rack = new Rack();
  /** Segments that arrived out of order; that are lost; of which a retransmission is on its way. */
  sacked = 0;
  lost = 0;
  again = 0;
  /** Offset up to which things were sent when the state of recovery last changed. */
  highest = 0;
  /** Greatest offset that arrived out of order. */
  highSacked = 0;
  private lastBlocks: readonly number[] = [];

  get inFlight(): number {
    return this.queue.length - this.sacked - this.lost + this.again;
  }

  /**
   * Takes in SACK blocks. `fresh`: blocks told before are walked again, since marks were taken back.
   * The result is where a reported duplicate ends, if there is one.
   */
  selective(
    blocks: readonly number[],
    ack: number,
    sentTo: number,
    trip: RoundTrip,
    outcome: Outcome,
    fresh: boolean,
  ): number | undefined {
    let from = 0;
    let duplicate: number | undefined;
    const first = blocks[0] as number;
    const firstEnd = blocks[1] as number;
    // RFC 2883 4: a first block below the acknowledgment, or within the second, is of a duplicate.
    const inside =
      blocks.length >= 4 && first >= (blocks[2] as number) && firstEnd <= (blocks[3] as number);
    if (first < ack || inside) {
      outcome.duplicate = true;
      duplicate = firstEnd;
      from = 2;
    }
    const ranges: [number, number][] = [];
    for (let i = from; i + 1 < blocks.length; i += 2) {
      const start = blocks[i] as number;
      const end = blocks[i + 1] as number;
      if (end > ack && end <= sentTo && start < end) ranges.push([start, end]);
    }
    ranges.sort((a, b) => a[0] - b[0]);
    for (const [start, end] of ranges)
      this.mark(fresh ? start : this.unseenFrom(start, end), end, trip, outcome);
    this.lastBlocks = blocks;
    return duplicate;
  }

  /** Where a block goes on beyond one that was told before. */
  private unseenFrom(start: number, end: number): number {
    const { lastBlocks } = this;
    for (let i = 0; i + 1 < lastBlocks.length; i += 2) {
      const known = lastBlocks[i + 1] as number;
      if (lastBlocks[i] === start && known <= end) return known;
    }
    return start;
  }

  private mark(start: number, end: number, trip: RoundTrip, outcome: Outcome): void {
    const { queue } = this;
    for (let i = queue.find(start); i < queue.length; i++) {
      const segment = queue.at(i);
      if (segment.end > end) break;
      if (segment.start < start || segment.sacked) continue;
      this.rack.delivered(segment, trip.now, trip.least);
      if (segment.again) {
        segment.again = false;
        this.again--;
      } else if (!segment.everAgain) {
        if (segment.start < this.highSacked) outcome.overtaken = true;
        if (segment.end <= this.highest) outcome.originalArrived = true;
        if (outcome.firstSacked < 0) outcome.firstSacked = segment.sentAt;
        outcome.lastSacked = segment.sentAt;
      }
      if (segment.lost) {
        segment.lost = false;
        this.lost--;
      }
      segment.sacked = true;
      queue.unlink(segment);
      this.sacked++;
      outcome.delivered++;
      outcome.sackedData = true;
      if (segment.end > this.highSacked) this.highSacked = segment.end;
    }
  }

  /** All before `ack` has arrived. True: the FIN was among it. */
  cumulative(ack: number, priorSacked: number, trip: RoundTrip, outcome: Outcome): boolean {
    const { queue } = this;
    let fin = false;
    for (let segment = queue.oldest; segment !== undefined; segment = queue.oldest) {
      if (segment.end > ack) {
        if (segment.start < ack) segment.start = ack;
        break;
      }
      this.arrived(segment, priorSacked, trip, outcome);
      fin ||= segment.fin;
      queue.shift();
    }
    if (queue.length === 0) this.lastBlocks = [];
    return fin;
  }

  private arrived(segment: Sent, priorSacked: number, trip: RoundTrip, outcome: Outcome): void {
    outcome.ackedSegments++;
    if (segment.everAgain) {
      if (segment.again) {
        this.again--;
        outcome.retransmissionArrived = true;
      }
    } else if (!segment.sacked) {
      outcome.lastAcked = segment.sentAt;
      if (outcome.firstAcked < 0) outcome.firstAcked = segment.sentAt;
      if (segment.start < priorSacked) outcome.overtaken = true;
      if (segment.end <= this.highest) outcome.originalArrived = true;
    }
    if (segment.lost) this.lost--;
    if (segment.sacked) {
      this.sacked--;
      return;
    }
    outcome.delivered++;
    this.rack.delivered(segment, trip.now, trip.least);
  }

  lose(segment: Sent): void {
    if (segment.again) {
      segment.again = false;
      this.again--;
    }
    if (!segment.lost) {
      segment.lost = true;
      this.lost++;
    }
  }

  /** A segment is sent once more. */
  resent(segment: Sent, now: Nanos): void {
    segment.sentAt = now;
    segment.everAgain = true;
    if (!segment.again) {
      segment.again = true;
      this.again++;
    }
    this.queue.link(segment);
  }

  /** What was held for lost is not. */
  findLost(): void {
    const { queue } = this;
    for (let i = 0; i < queue.length; i++) {
      const segment = queue.at(i);
      if (!segment.lost) continue;
      segment.lost = false;
      if (!segment.sacked) queue.link(segment);
    }
    this.lost = 0;
  }

  /** After a timeout: what was sent is lost, but for what left within the last round trip (RFC 8985 6.3). */
  loseAll(now: Nanos): void {
    const { queue } = this;
    const head = queue.oldest as Sent;
    // RFC 2018 8: the peer no longer holds what it reported, or it would have acknowledged the head.
    const reneged = head.sacked;
    for (let i = 0; i < queue.length; i++) {
      const segment = queue.at(i);
      if (segment.sacked) {
        if (!reneged) continue;
        segment.sacked = false;
        this.sacked--;
      } else if (segment !== head && this.rack.remaining(segment, now, 0) > 0) continue;
      queue.unlink(segment);
      this.lose(segment);
    }
  }
}
