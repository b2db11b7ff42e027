/** First in, first out onto a link of a given rate; what finds no room is dropped. Octets of whole packets count until their last bit has left. */
import type { Nanos } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";

const COMPACT_AT = 256;

export class LinkQueue {
  /** Packets that left, and that found no room. */
  packets = 0;
  bytes = 0;
  drops = 0;
  /** Most octets that it ever held. */
  highest = 0;
  private busyUntil: Nanos = 0;
  private held = 0;
  /** Of each packet held: when its last bit leaves, and its octets. */
  private readonly times: number[] = [];
  private readonly sizes: number[] = [];
  private head = 0;

  /** When the packet's last bit has left; undefined: dropped. `rate` in bits a second, `limit` in octets. */
  admit(now: Nanos, length: number, rate: number, limit: number): Nanos | undefined {
    this.leave(now);
    if (this.held + length > limit) {
      this.drops++;
      return undefined;
    }
    const start = this.busyUntil > now ? this.busyUntil : now;
    const end = start + Math.round((length * 8 * SECOND) / rate);
    this.busyUntil = end;
    this.held += length;
    this.packets++;
    this.bytes += length;
    if (this.held > this.highest) this.highest = this.held;
    this.times.push(end);
    this.sizes.push(length);
    return end;
  }

  /** Octets that wait or are on their way onto the link. */
  waiting(now: Nanos): number {
    this.leave(now);
    return this.held;
  }

  private leave(now: Nanos): void {
    const { times, sizes } = this;
    while (this.head < times.length && (times[this.head] as number) <= now)
      this.held -= sizes[this.head++] as number;
    if (this.head >= COMPACT_AT && this.head * 2 > times.length) {
      times.splice(0, this.head);
      sizes.splice(0, this.head);
      this.head = 0;
    }
  }
}
