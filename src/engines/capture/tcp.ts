/**
 * TCP segments back to two byte streams. RFC 9293 3.4.
 *
 * In-order bytes are handed on without a copy. What comes early is copied and waits, bounded, for
 * the hole before it. Where segments overlap, the bytes handed on first stay (policy "first").
 * A hole is given up, as a gap of known length, when the receiver has acknowledged bytes beyond
 * it and they still do not come (so the capture missed them), when too much waits behind it,
 * when it is old, or when the stream ends.
 */
import { TCP_FLAG } from "../../codecs/link/constants.ts";
import type { Packet } from "../../codecs/link/packet.ts";
import type { Direction } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import { Mark } from "./mark.ts";

/** Bytes and segments of one direction that may wait behind a hole. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_WAITING_SEGMENTS = 2048;
/** Segments of the flow, or seconds, after which an acknowledged hole is given up. */
const ACKED_HOLE_PACKETS = 64;
const ACKED_HOLE_SECONDS = 3;
/** Seconds after which a hole is given up that no acknowledgment tells about (one direction only). */
const HOLE_SECONDS = 60;

/** Who receives the streams. */
export interface StreamOwner {
  data(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void;
  gap(flow: Flow, direction: Direction, missing: number, mark: Mark): void;
  end(flow: Flow, direction: Direction, mark: Mark): void;
  /** Bytes that were handed on before: retransmissions and overlaps. */
  duplicate(bytes: number): void;
  /** Bytes waiting behind holes, over all flows: changes by `delta`. True asks this flow to give its holes up. */
  waiting(delta: number): boolean;
}

interface Segment {
  /** Offset of the first byte from the stream's first byte, unwrapped. */
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly mark: Mark;
}

const NONE_WAITING: Segment[] = [];

class Half {
  /** Sequence number of the byte at offset `next`. */
  sequence = 0;
  /** Offset of the next byte to hand on; counts on over wraps of the sequence number. */
  next = 0;
  started = false;
  ended = false;
  /** Begun with a SYN, so that offset 0 is the first byte. */
  synSeen = false;
  synSequence = 0;
  /** Offset of the byte after the last, once FIN tells; -1 before. */
  finAt = -1;
  /** Highest offset that the other side acknowledged. */
  acked = 0;
  /** Shared while empty: most streams never have a hole. */
  waiting: Segment[] = NONE_WAITING;
  waitingBytes = 0;
  /** When the present hole was first known to be acknowledged, and seen at all. */
  holePackets = 0;
  ackedSince = -1;
  holeSince = -1;
  /** Where its last bytes came; undefined before the first. */
  lastMark: Mark | undefined = undefined;
}

/** A flood of half-open connections keeps none for the side that never spoke. */
type Halves = [Half | undefined, Half | undefined];

export class TcpState {
  private readonly halves: Halves = [undefined, undefined];
  private readonly flow: Flow;
  private readonly owner: StreamOwner;

  constructor(flow: Flow, owner: StreamOwner) {
    this.flow = flow;
    this.owner = owner;
  }

  /** Whether a SYN with this sequence number opens a new connection on the same endpoints. */
  isReuse(direction: Direction, sequence: number): boolean {
    const half = this.halves[direction];
    const other = this.halves[direction === 0 ? 1 : 0];
    if (half?.synSeen === true) return half.synSequence !== sequence;
    if (half?.started === true) return half.next > 0 || half.ended;
    return other !== undefined && (other.ended || other.next > 0);
  }

  /** Whether a stream was begun without its SYN in the capture. */
  midStream(direction: Direction): boolean {
    return this.halves[direction]?.synSeen !== true;
  }

  segment(packet: Packet, direction: Direction, mark: Mark): void {
    const half = (this.halves[direction] ??= new Half());
    const other = this.halves[direction === 0 ? 1 : 0];
    const { flags } = packet;
    let { sequence } = packet;
    if ((flags & TCP_FLAG.SYN) !== 0) {
      sequence = (sequence + 1) | 0;
      if (!half.started) {
        half.started = true;
        half.synSeen = true;
        half.synSequence = packet.sequence;
        half.sequence = sequence;
      }
    } else if (!half.started) {
      // RFC 9293 3.8.4: a keep-alive may carry one octet that was sent before and means nothing.
      const probe = packet.end - packet.start === 1 && (flags & TCP_FLAG.PSH) === 0;
      half.started = true;
      half.sequence = probe ? (sequence + 1) | 0 : sequence;
    }
    if (other !== undefined && (flags & TCP_FLAG.ACK) !== 0) {
      this.acknowledge(other, packet.acknowledgment);
    }
    const length = packet.end - packet.start + packet.missing;
    const at = half.next + ((sequence - half.sequence) | 0);
    if ((flags & TCP_FLAG.FIN) !== 0 && half.finAt < 0 && at + length >= half.next) {
      half.finAt = at + length;
    }
    if (length > 0) this.payload(half, direction, at, packet, mark);
    if (half.waiting.length > 0) this.judgeHole(half, direction, mark);
    if (other !== undefined && other.waiting.length > 0) {
      this.judgeHole(other, direction === 0 ? 1 : 0, mark);
    }
    if (half.finAt >= 0 && half.next >= half.finAt) this.finish(half, direction, mark);
    if ((flags & TCP_FLAG.RST) !== 0) this.reset(mark);
  }

  /** No more packets: what waits is handed on, and what the other side acknowledged but we lack is a gap. */
  close(mark: Mark): void {
    for (const direction of [0, 1] as const) {
      const half = this.halves[direction];
      if (half === undefined) continue;
      const at = half.lastMark ?? mark;
      while (half.waiting.length > 0) this.giveUp(half, direction);
      const known = half.finAt >= 0 ? half.finAt : half.acked;
      if (half.started && !half.ended && known > half.next) {
        this.owner.gap(this.flow, direction, known - half.next, mark);
        half.next = known;
      }
      // No packet ended the stream: its last one did.
      this.finish(half, direction, at);
    }
  }

  private acknowledge(half: Half, acknowledgment: number): void {
    if (!half.started) return;
    const at = half.next + ((acknowledgment - half.sequence) | 0);
    if (at > half.acked) half.acked = half.finAt >= 0 && at > half.finAt ? half.finAt : at;
  }

  private payload(half: Half, direction: Direction, at: number, packet: Packet, mark: Mark): void {
    const captured = packet.end - packet.start;
    const behind = half.next - at;
    if (half.ended) {
      this.owner.duplicate(captured);
    } else if (behind === 0) {
      this.deliver(half, direction, packet.bytes, packet.start, packet.end, mark);
      if (packet.missing > 0) this.skip(half, direction, packet.missing, mark);
      if (half.waiting.length > 0) this.drain(half, direction, mark);
    } else if (behind > 0) {
      this.owner.duplicate(Math.min(behind, captured));
      if (behind < captured) {
        this.deliver(half, direction, packet.bytes, packet.start + behind, packet.end, mark);
        if (packet.missing > 0) this.skip(half, direction, packet.missing, mark);
        if (half.waiting.length > 0) this.drain(half, direction, mark);
      }
    } else {
      this.wait(half, at, packet, mark);
    }
  }

  private deliver(
    half: Half,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
  ): void {
    half.next += end - start;
    half.sequence = (half.sequence + end - start) | 0;
    half.holeSince = -1;
    half.ackedSince = -1;
    half.holePackets = 0;
    if (end > start) {
      this.note(half, mark);
      this.owner.data(this.flow, direction, bytes, start, end, mark);
    }
  }

  private note(half: Half, mark: Mark): void {
    half.lastMark ??= new Mark();
    half.lastMark.set(mark);
  }

  /** Bytes that were sent but are not in the capture. */
  private skip(half: Half, direction: Direction, missing: number, mark: Mark): void {
    half.next += missing;
    half.sequence = (half.sequence + missing) | 0;
    half.holeSince = -1;
    half.ackedSince = -1;
    half.holePackets = 0;
    this.owner.gap(this.flow, direction, missing, mark);
  }

  /** Keeps an early segment, in order of its place. Of equal bytes the first come stay. */
  private wait(half: Half, at: number, packet: Packet, mark: Mark): void {
    const captured = packet.end - packet.start;
    if (captured === 0) return;
    if (half.waiting === NONE_WAITING) half.waiting = [];
    const { waiting } = half;
    let index = waiting.length;
    while (index > 0 && (waiting[index - 1] as Segment).at > at) index--;
    const previous = waiting[index - 1];
    if (previous !== undefined && previous.at + previous.bytes.length >= at + captured) {
      this.owner.duplicate(captured);
      return;
    }
    const bytes = packet.bytes.slice(packet.start, packet.end);
    waiting.splice(index, 0, { at, bytes, mark: mark.keep() });
    half.waitingBytes += captured;
    if (half.holeSince < 0) half.holeSince = mark.seconds;
    if (this.owner.waiting(captured)) this.giveUp(half, this.directionOf(half));
    while (half.waitingBytes > MAX_WAITING_BYTES || half.waiting.length > MAX_WAITING_SEGMENTS) {
      this.giveUp(half, this.directionOf(half));
    }
  }

  private directionOf(half: Half): Direction {
    return half === this.halves[0] ? 0 : 1;
  }

  /** Hands on what no longer waits for anything. `mark`: the packet that filled the hole. */
  private drain(half: Half, direction: Direction, mark: Mark): void {
    const { waiting } = half;
    let used = 0;
    for (; used < waiting.length; used++) {
      const segment = waiting[used] as Segment;
      if (segment.at > half.next) break;
      const from = half.next - segment.at;
      const size = segment.bytes.length;
      this.owner.duplicate(Math.min(from, size));
      const later = segment.mark.frame > mark.frame ? segment.mark : mark;
      half.waitingBytes -= size;
      this.owner.waiting(-size);
      if (from < size) this.deliver(half, direction, segment.bytes, from, size, later);
    }
    if (used > 0) waiting.splice(0, used);
    if (waiting.length > 0) half.holeSince = mark.seconds;
  }

  private judgeHole(half: Half, direction: Direction, mark: Mark): void {
    if (half.acked > half.next) {
      if (half.ackedSince < 0) half.ackedSince = mark.seconds;
      half.holePackets++;
      if (
        half.holePackets >= ACKED_HOLE_PACKETS ||
        mark.seconds - half.ackedSince >= ACKED_HOLE_SECONDS
      ) {
        this.giveUp(half, direction);
      }
    } else if (half.holeSince >= 0 && mark.seconds - half.holeSince >= HOLE_SECONDS) {
      this.giveUp(half, direction);
    }
  }

  /** The bytes before the first waiting segment are not in the capture. */
  private giveUp(half: Half, direction: Direction): void {
    const first = half.waiting[0];
    if (first === undefined) return;
    if (first.at > half.next) this.skip(half, direction, first.at - half.next, first.mark);
    this.note(half, first.mark);
    this.drain(half, direction, first.mark);
  }

  private reset(mark: Mark): void {
    for (const direction of [0, 1] as const) {
      // A side that never spoke has no stream to end; what it may still send counts for nothing.
      const half = (this.halves[direction] ??= new Half());
      while (half.waiting.length > 0) this.giveUp(half, direction);
      this.finish(half, direction, mark);
    }
  }

  private finish(half: Half, direction: Direction, mark: Mark): void {
    if (half.ended) return;
    half.ended = true;
    if (half.started) this.owner.end(this.flow, direction, mark);
  }
}
