/** RACK (RFC 8985 6): a segment is lost when one sent sufficiently later has arrived. */
import type { Nanos } from "../../../engines/host.ts";
import type { Sent, SentQueue } from "./sent.ts";

const DUPLICATE_THRESHOLD = 3;

export class Rack {
  /** Of the segment sent last among those that arrived. */
  private sentAt: Nanos = Number.NEGATIVE_INFINITY;
  private end = 0;
  private rtt: Nanos = 0;
  private advanced = false;
  /** Segments overtook each other without loss: from then on we wait a quarter of the round trip. */
  reordered = false;

  /** A segment was acknowledged, cumulatively or selectively. */
  delivered(sent: Sent, now: Nanos, least: Nanos): void {
    const rtt = now - sent.sentAt;
    // 6.2 step 2: the acknowledgment of the first transmission, not of the retransmission.
    if (sent.everAgain && rtt < least) return;
    this.advanced = true;
    this.rtt = rtt;
    if (sentAfter(sent.sentAt, sent.end, this.sentAt, this.end)) {
      this.sentAt = sent.sentAt;
      this.end = sent.end;
    }
  }

  /** Whether something arrived since the last call. */
  takeAdvanced(): boolean {
    const { advanced } = this;
    this.advanced = false;
    return advanced;
  }

  /** 6.2 step 4. */
  reorderWindow(recovering: boolean, sacked: number, least: Nanos, srtt: Nanos): Nanos {
    if (!this.reordered && (recovering || sacked >= DUPLICATE_THRESHOLD)) return 0;
    return Math.min(least === Number.POSITIVE_INFINITY ? 0 : least / 4, srtt);
  }

  /** How much longer a segment may take; not above 0: it is lost. */
  remaining(sent: Sent, now: Nanos, window: Nanos): Nanos {
    return this.rtt + window - (now - sent.sentAt);
  }

  /** Calls `lose` for what is lost; the result is when to look again, or 0. */
  detect(queue: SentQueue, now: Nanos, window: Nanos, lose: (sent: Sent) => void): Nanos {
    let longest = 0;
    for (let sent = queue.first; sent !== undefined; ) {
      const { later } = sent;
      if (!(sent.lost && !sent.again) && !sent.sacked) {
        if (!sentAfter(this.sentAt, this.end, sent.sentAt, sent.end)) break;
        const left = this.remaining(sent, now, window);
        if (left <= 0) {
          queue.unlink(sent);
          lose(sent);
        } else if (left > longest) longest = left;
      }
      sent = later;
    }
    return longest;
  }
}

function sentAfter(at: Nanos, end: number, otherAt: Nanos, otherEnd: number): boolean {
  return at > otherAt || (at === otherAt && end > otherEnd);
}
