/** The segments of one direction of a connection, as columns: what a link is inferred from. */
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import type { Packet } from "../../codecs/link/packet.ts";

/** RFC 9293 3.1, RFC 7323 3.2. */
const OPTION = { END: 0, NOP: 1, TIMESTAMPS: 8 } as const;

/** No timestamp option. */
export const NO_TIMESTAMP = -1;

export class SegmentLog {
  /** Milliseconds from the capture's first packet. */
  readonly at: number[] = [];
  /** Offset of the first octet from the stream's first, over wraps of the sequence number. */
  readonly offset: number[] = [];
  /** Octets of payload, captured or not. */
  readonly length: number[] = [];
  readonly ipBytes: number[] = [];
  /** Offset in the other stream that is acknowledged; -1 without ACK. */
  readonly ack: number[] = [];
  readonly flags: number[] = [];
  /** TSval and TSecr, as unsigned numbers; `NO_TIMESTAMP` without them. */
  readonly stamp: number[] = [];
  readonly echo: number[] = [];
  private sequence: number | undefined = undefined;
  private next = 0;

  private readonly byTime = new Map<number, number>();
  private readonly byStamp = new Map<number, number>();

  /** Index of the first segment with octets that came at this time; -1: none did. */
  carrying(when: number): number {
    return this.byTime.get(when) ?? -1;
  }

  /** Index of the first segment with this timestamp; -1: none has it. */
  stamped(stamp: number): number {
    return this.byStamp.get(stamp) ?? -1;
  }

  get count(): number {
    return this.at.length;
  }

  /** `other`: the log of the other direction, whose octets are acknowledged. */
  add(packet: Packet, at: number, other: SegmentLog): void {
    const { flags } = packet;
    const syn = (flags & TCP_FLAG.SYN) !== 0;
    const sequence = syn ? (packet.sequence + 1) | 0 : packet.sequence;
    if (this.sequence === undefined) {
      this.sequence = sequence;
    }
    const offset = this.next + ((sequence - this.sequence) | 0);
    const length = packet.end - packet.start + packet.missing;
    if (offset + length > this.next) {
      this.next = offset + length;
      this.sequence = (sequence + length) | 0;
    }
    this.at.push(at);
    this.offset.push(offset);
    this.length.push(length);
    this.ipBytes.push(packet.ipBytes);
    this.flags.push(flags);
    this.ack.push((flags & TCP_FLAG.ACK) === 0 ? -1 : other.offsetOf(packet.acknowledgment));
    this.timestamps(packet);
    const index = this.count - 1;
    const stamp = this.stamp[index] as number;
    if (length > 0 && !this.byTime.has(at)) this.byTime.set(at, index);
    if (!this.byStamp.has(stamp)) this.byStamp.set(stamp, index);
  }

  /** Offset of a sequence number near the last one; -1 before there was any. */
  private offsetOf(sequence: number): number {
    return this.sequence === undefined ? -1 : this.next + ((sequence - this.sequence) | 0);
  }

  private timestamps(packet: Packet): void {
    const { bytes, header } = packet;
    const end = Math.min(header + ((bytes[header + 12] as number) >> 4) * 4, packet.start);
    let at = header + 20;
    while (at < end) {
      const kind = bytes[at] as number;
      if (kind === OPTION.END) break;
      if (kind === OPTION.NOP) {
        at++;
        continue;
      }
      const length = bytes[at + 1] as number;
      if (at + 1 >= end || length < 2) break;
      if (kind === OPTION.TIMESTAMPS && length === 10 && at + 10 <= end) {
        this.stamp.push(word(bytes, at + 2));
        this.echo.push(word(bytes, at + 6));
        return;
      }
      at += length;
    }
    this.stamp.push(NO_TIMESTAMP);
    this.echo.push(NO_TIMESTAMP);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
