/** Segments on their way: in the order of the stream, and linked in the order of their sending for RACK (RFC 8985). */
import type { Nanos } from "../../../engines/host.ts";

export class Sent {
  /** Offsets; a FIN takes one behind its data. */
  start: number;
  readonly end: number;
  readonly fin: boolean;
  sentAt: Nanos;
  sacked = false;
  lost = false;
  /** A retransmission of it is on its way. */
  again = false;
  /** It was retransmitted some time. */
  everAgain = false;
  earlier: Sent | undefined;
  later: Sent | undefined;
  /** Whether it is in the order of sending: what is lost is not, until it is sent again. */
  linked = false;

  constructor(start: number, end: number, fin: boolean, sentAt: Nanos) {
    this.start = start;
    this.end = end;
    this.fin = fin;
    this.sentAt = sentAt;
  }
}

const COMPACT_AT = 64;

export class SentQueue {
  private list: Sent[] = [];
  private head = 0;
  first: Sent | undefined;
  private last: Sent | undefined;

  get length(): number {
    return this.list.length - this.head;
  }

  /** In the order of the stream. */
  at(i: number): Sent {
    return this.list[this.head + i] as Sent;
  }

  get oldest(): Sent | undefined {
    return this.list[this.head];
  }

  get newest(): Sent | undefined {
    return this.length === 0 ? undefined : this.list[this.list.length - 1];
  }

  push(sent: Sent): void {
    this.list.push(sent);
    this.link(sent);
  }

  shift(): void {
    this.unlink(this.list[this.head++] as Sent);
    if (this.head >= COMPACT_AT && this.head * 2 >= this.list.length) {
      this.list = this.list.slice(this.head);
      this.head = 0;
    }
  }

  /** Index of the first segment that ends behind `offset`. */
  find(offset: number): number {
    let low = this.head;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as Sent).end > offset) high = middle;
      else low = middle + 1;
    }
    return low - this.head;
  }

  /** Puts it behind all that was sent before. */
  link(sent: Sent): void {
    this.unlink(sent);
    sent.linked = true;
    sent.earlier = this.last;
    sent.later = undefined;
    if (this.last === undefined) this.first = sent;
    else this.last.later = sent;
    this.last = sent;
  }

  unlink(sent: Sent): void {
    if (!sent.linked) return;
    sent.linked = false;
    if (sent.earlier === undefined) this.first = sent.later;
    else sent.earlier.later = sent.later;
    if (sent.later === undefined) this.last = sent.earlier;
    else sent.later.earlier = sent.earlier;
    sent.earlier = undefined;
    sent.later = undefined;
  }
}
