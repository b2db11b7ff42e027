/**
 * The receiving half of a connection: puts the stream together, tells what came out of order (SACK,
 * RFC 2018; duplicates, RFC 2883), decides when to acknowledge (RFC 1122 4.2.3.2 with Linux's quick
 * acknowledgments) and how much may come (RFC 9293 3.8.6, with the window tuned as Linux does).
 */
import type { Nanos, Timer } from "../../../engines/host.ts";
import { MILLISECOND } from "../../../engines/host.ts";
import {
  ADVERTISED_MSS,
  DELAYED_ACK,
  DELAYED_ACK_MAX,
  FIRST_RECEIVE_WINDOW,
  FIRST_WINDOW_CLAMP,
  INITIAL_WINDOW,
  JIFFY,
  MAX_WINDOW_CLAMP,
  MSS,
  QUICK_ACKS,
  WINDOW_SHIFT,
} from "./constants.ts";
import { expiry, tick } from "./jiffies.ts";

/** Until full segments have been seen (RFC 9293 3.7.1). */
const FIRST_SEGMENT_SIZE = 536;
/** Smaller segments say nothing about what the buffer could hold. */
const LEAST_TELLING = 128;
const SACK_BLOCKS = 3;
/** Windows are told in units (RFC 7323 2), rounded up. */
const WINDOW_UNIT = 2 ** WINDOW_SHIFT;
/** Duplicate acknowledgments that are sent at once; further ones may wait for each other. */
const PROMPT_DUPLICATES = 3;
const COMPRESSED_MOST = 44;

export interface ReceiverPort {
  now(): Nanos;
  timer(fire: () => void): Timer;
  /** Sends an acknowledgment. */
  acknowledge(): void;
  /** The timeout and the smoothed round trip of the other half, 0 where unknown. */
  timeout(): Nanos;
  roundTrip(): Nanos;
}

interface Piece {
  readonly start: number;
  readonly end: number;
  readonly data: Uint8Array;
}

export class Receiver {
  /** All before it has come: the offset that is acknowledged. The FIN is counted. */
  next = 0;
  /** In order, not yet taken by the program. */
  readonly waiting: Uint8Array[] = [];
  waitingBytes = 0;
  finAt: number | undefined;
  finished = false;
  /** Of the segment that the next acknowledgment answers. */
  echo: Nanos = 0;
  private readonly port: ReceiverPort;
  private readonly early: Piece[] = [];
  private blocks: number[] = [];
  private duplicate: readonly [number, number] | undefined;
  private lastAcked = 0;
  private rightEdge = FIRST_RECEIVE_WINDOW;
  private allowed = FIRST_RECEIVE_WINDOW;
  private clamp = FIRST_WINDOW_CLAMP;
  private segmentSize = FIRST_SEGMENT_SIZE;
  private lastShort = 0;
  /** Acknowledgment engine; `ato` 0: no data has come yet. */
  private wanted = false;
  private atOnce = false;
  private pushed = 0;
  private quick = 0;
  private conversing = false;
  private ato: Nanos = 0;
  private lastData: Nanos = 0;
  private readonly timer: Timer;
  private readonly compression: Timer;
  private dueAt: Nanos = 0;
  private duplicates = 0;
  private duplicatesAt = -1;
  private compressed = 0;
  /** Tuning of the window, once a round trip. */
  private rtt: Nanos = 0;
  private lastEcho: Nanos = 0;
  private space = INITIAL_WINDOW * ADVERTISED_MSS;
  private copied = 0;
  private measuredFrom = 0;
  private measuredAt: Nanos = 0;

  constructor(port: ReceiverPort) {
    this.port = port;
    this.timer = port.timer(() => this.delayedOver());
    this.compression = port.timer(() => port.acknowledge());
  }

  stop(): void {
    this.timer.armAt(undefined);
    this.compression.armAt(undefined);
  }

  /** A segment that began at `offset` carried a timestamp (RFC 7323 4.3). */
  stamped(offset: number, stamp: number): void {
    if (offset <= this.lastAcked && stamp > this.echo) this.echo = stamp;
  }

  /** The connection is open: round trips of reading are counted from now. */
  opened(): void {
    this.measuredAt = this.port.now();
  }

  /** Octets behind `next` that may come, as the next segment shall say; the right edge never moves back. */
  window(): number {
    let room = Math.min(this.allowed, this.clamp - this.waitingBytes);
    if (room < MSS && room < this.clamp / 16) room = 0;
    const scaled = Math.ceil(Math.max(0, room) / WINDOW_UNIT) * WINDOW_UNIT;
    return Math.max(this.rightEdge - this.next, scaled);
  }

  /** A segment left that acknowledges `next` and grants a window. */
  told(window: number): void {
    this.rightEdge = Math.max(this.rightEdge, this.next + window);
    if (this.wanted && this.quick > 0) this.quick--;
    this.wanted = false;
    this.atOnce = false;
    this.pushed = 0;
    this.duplicate = undefined;
    this.lastAcked = this.next;
    this.compressed = 0;
    this.timer.armAt(undefined);
    this.compression.armAt(undefined);
  }

  /** Blocks to send, most recent first, alternating start and end. */
  sacks(): readonly number[] | undefined {
    if (this.blocks.length === 0 && this.duplicate === undefined) return undefined;
    const told = [...(this.duplicate ?? []), ...this.blocks];
    return told.slice(0, SACK_BLOCKS * 2);
  }

  /** Data of ours left: an answer to what came makes this a conversation, in which answers carry acknowledgments. */
  dataSent(): void {
    if (this.ato > 0 && tick(this.port.now()) - tick(this.lastData) < this.ato / JIFFY)
      this.conversing = true;
  }

  /** A segment with data or FIN. False: all of it was there already. */
  arrived(start: number, data: Uint8Array, fin: boolean, push: boolean): boolean {
    const end = start + data.length;
    if (fin && this.finAt === undefined) this.finAt = end;
    if (end + (fin ? 1 : 0) <= this.next) {
      this.again(start, end);
      return false;
    }
    this.wanted = true;
    if (start > this.rightEdge) {
      this.atOnce = true;
      return false;
    }
    if (start > this.next) this.keepEarly(start, end, data, fin);
    else {
      const hadEarly = this.early.length > 0;
      this.take(end, data);
      this.event(data.length, push);
      if (hadEarly) {
        this.fill();
        // RFC 5681 4.2: at once when a gap is filled.
        if (this.early.length === 0) this.atOnce = true;
      }
      if (this.finAt !== undefined && this.next === this.finAt) {
        this.next++;
        this.forgetBlocks();
        this.finished = true;
        this.conversing = true;
      }
    }
    return true;
  }

  /** What came is there already: the sender is told (RFC 2883), and our acknowledgments hurry. */
  private again(start: number, end: number): void {
    this.hurry();
    this.wanted = true;
    this.atOnce = true;
    if (start < end) this.duplicate = [start, end];
  }

  private hurry(): void {
    this.quick = QUICK_ACKS;
    this.conversing = false;
    this.ato = DELAYED_ACK;
  }

  private take(end: number, data: Uint8Array): void {
    const fresh = end - this.next;
    if (fresh <= 0) return;
    this.waiting.push(fresh === data.length ? data : data.subarray(data.length - fresh));
    this.waitingBytes += fresh;
    this.next = end;
  }

  private keepEarly(start: number, end: number, data: Uint8Array, fin: boolean): void {
    const { early } = this;
    let i = early.length;
    while (i > 0 && (early[i - 1] as Piece).start > start) i--;
    const before = early[i - 1];
    if (before !== undefined && before.end >= end && !fin) {
      this.again(start, end);
      return;
    }
    if (end > start) early.splice(i, 0, { start, end, data });
    this.tell(start, fin ? end + 1 : end);
    if (data.length >= LEAST_TELLING) this.growWindow(data.length);
  }

  /** Puts the block around [start, end) first. RFC 2018 4. */
  private tell(start: number, end: number): void {
    let from = start;
    let to = end;
    const rest: number[] = [];
    for (let i = 0; i < this.blocks.length; i += 2) {
      const s = this.blocks[i] as number;
      const e = this.blocks[i + 1] as number;
      if (s > to || e < from) rest.push(s, e);
      else {
        from = Math.min(from, s);
        to = Math.max(to, e);
      }
    }
    this.blocks = [from, to, ...rest];
  }

  private fill(): void {
    const { early } = this;
    let taken = 0;
    for (const piece of early) {
      if (piece.start > this.next) break;
      this.take(piece.end, piece.data);
      taken++;
    }
    early.splice(0, taken);
    this.forgetBlocks();
  }

  /** Blocks that the acknowledgment covers are not told any more. */
  private forgetBlocks(): void {
    const left: number[] = [];
    for (let i = 0; i < this.blocks.length; i += 2) {
      const e = this.blocks[i + 1] as number;
      if (e > this.next) left.push(Math.max(this.blocks[i] as number, this.next), e);
    }
    this.blocks = left;
  }

  private event(length: number, push: boolean): void {
    const now = this.port.now();
    if (length > 0) this.measureSize(length, push);
    if (this.ato === 0) {
      this.quick = QUICK_ACKS;
      this.ato = DELAYED_ACK;
    } else {
      const gap = (tick(now) - tick(this.lastData)) * JIFFY;
      if (gap <= DELAYED_ACK / 2) this.ato = this.ato / 2 + DELAYED_ACK / 2;
      else if (gap < this.ato) this.ato = Math.min(this.ato / 2 + gap, this.port.timeout());
      else if (gap > this.port.timeout()) this.quick = QUICK_ACKS;
    }
    this.lastData = now;
    if (length >= LEAST_TELLING) this.growWindow(length);
  }

  private measureSize(length: number, push: boolean): void {
    if (length >= this.segmentSize) {
      this.segmentSize = Math.min(length, ADVERTISED_MSS);
      if (push) this.pushed = Math.max(this.pushed, 1);
      return;
    }
    if (length + 32 >= FIRST_SEGMENT_SIZE + 20) {
      const same = this.lastShort === length;
      this.lastShort = length;
      if (same) {
        this.segmentSize = length;
        return;
      }
    }
    this.pushed = this.pushed > 0 ? 2 : 1;
  }

  private growWindow(length: number): void {
    const room = this.clamp - this.waitingBytes - this.allowed;
    if (room <= 0) return;
    this.allowed += Math.min(room, Math.max(2 * ADVERTISED_MSS, 2 * length));
    // Linux sets the lowest bit: while the window grows, quick acknowledgments do not run out.
    this.quick |= 1;
  }

  /** Full segments whose echoed timestamp is new measure the round trip, in the milliseconds of timestamps. */
  roundTrip(length: number, echo: Nanos): void {
    if (length < this.segmentSize || echo <= 0 || echo === this.lastEcho) return;
    this.lastEcho = echo;
    const sent = Math.floor(echo / MILLISECOND);
    const ticks = Math.max(1, Math.floor(this.port.now() / MILLISECOND) - sent);
    const sample = ticks * MILLISECOND;
    if (this.rtt === 0 || sample < this.rtt) this.rtt = sample;
    else if (this.waitingBytes === 0) this.rtt += (sample - this.rtt) / 8;
  }

  /** Nothing more will come or be written: what is to be acknowledged, is now. */
  settle(): void {
    if (this.wanted) this.port.acknowledge();
  }

  /** After a segment was taken in: whether it is acknowledged now, or later. */
  decide(): void {
    if (!this.wanted) return;
    const much = this.next - this.lastAcked > this.segmentSize;
    if (much || this.atOnce || (this.quick > 0 && !this.conversing)) {
      this.port.acknowledge();
      return;
    }
    if (this.early.length === 0) this.delay();
    else this.compress();
  }

  /** Linux: after three, duplicate acknowledgments within 5 % of a round trip, at most 1 ms, become one. */
  private compress(): void {
    if (this.duplicatesAt !== this.next) {
      this.duplicatesAt = this.next;
      this.duplicates = 0;
    }
    if (this.duplicates < PROMPT_DUPLICATES || this.compressed >= COMPRESSED_MOST) {
      this.duplicates++;
      this.port.acknowledge();
      return;
    }
    this.compressed++;
    if (this.compression.armed) return;
    const own = this.port.roundTrip();
    const rtt = own > 0 && (this.rtt === 0 || own < this.rtt) ? own : this.rtt;
    const wait = Math.min(MILLISECOND, Math.floor(rtt / 20));
    this.compression.armAt(this.port.now() + wait);
  }

  private delay(): void {
    const now = this.port.now();
    let wait = this.ato;
    if (wait > DELAYED_ACK) {
      let most = this.conversing || this.pushed > 0 ? DELAYED_ACK_MAX : 125 * JIFFY;
      const rtt = this.port.roundTrip();
      if (rtt > 0) most = Math.min(most, Math.max(rtt, DELAYED_ACK));
      wait = Math.min(wait, most);
    }
    let due = tick(now) * JIFFY + Math.ceil(wait / JIFFY) * JIFFY;
    if (this.timer.armed) {
      if (this.dueAt <= now + wait / 4) {
        this.port.acknowledge();
        return;
      }
      due = Math.min(due, this.dueAt);
    }
    this.dueAt = due;
    this.timer.armAt(expiry(now, due - tick(now) * JIFFY));
  }

  private delayedOver(): void {
    if (!this.wanted) return;
    if (this.conversing) {
      this.conversing = false;
      this.ato = DELAYED_ACK;
    } else this.ato = Math.min(this.ato * 2, this.port.timeout());
    this.port.acknowledge();
  }

  /** The program took `length` octets. */
  took(length: number): void {
    this.waitingBytes -= length;
    this.copied += length;
    this.tune();
  }

  /** After the program has read: what Linux acknowledges because room was made or a short segment ended what came. */
  afterRead(): void {
    const empty = this.waitingBytes === 0;
    const ended = this.pushed > 1 || (this.pushed === 1 && !this.conversing);
    if (this.wanted && (this.next - this.lastAcked > this.segmentSize || (empty && ended))) {
      this.port.acknowledge();
      return;
    }
    const open = this.rightEdge - this.next;
    if (2 * open > this.clamp) return;
    const window = this.window();
    if (window > 0 && window >= 2 * open) this.port.acknowledge();
  }

  /** Dynamic right-sizing: room for twice what was read in the last round trip, and its growth. */
  private tune(): void {
    const now = this.port.now();
    if (this.rtt === 0 || now - this.measuredAt < this.rtt) return;
    const copied = this.copied - this.measuredFrom;
    if (copied > this.space) {
      let window = 2 * copied;
      window += 2 * Math.floor((window * (copied - this.space)) / this.space);
      this.space = copied;
      this.clamp = Math.max(this.clamp, Math.min(window, MAX_WINDOW_CLAMP));
    }
    this.measuredFrom = this.copied;
    this.measuredAt = now;
  }
}
