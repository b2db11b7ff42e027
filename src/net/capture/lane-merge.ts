/**
 * The records of several workers in the order of one: by their place in the capture, with the
 * streams numbered in the order in which their flows began in all of them.
 */

import { UDP } from "../../engines/capture/flow.ts";
import { MAX_FLOWS } from "../../engines/capture/flow-table.ts";
import type { Filled, LaneMemory, PieceView } from "./lane.ts";
import { giveBack, pieceViews } from "./lane.ts";

/** A flow's place among those of both transports. */
export function flowSlot(protocol: number, entry: number): number {
  return protocol === UDP ? entry : MAX_FLOWS.udp + entry;
}

const SLOTS = MAX_FLOWS.udp + MAX_FLOWS.tcp;
const OUT_BYTES = 1 << 20;
const MAX_DIGITS = 16;

class Lane {
  done = false;
  /** No item to come has a lower order. */
  until = 0;
  view: PieceView;
  bytes: Uint8Array;
  items = 0;
  at = 0;
  /** The number of each flow in the worker's tables. */
  readonly numbers = new Float64Array(SLOTS);
  private readonly queue: Filled[] = [];
  private readonly views: readonly PieceView[];
  private readonly taken: Int32Array;
  private used = 0;

  constructor(memory: LaneMemory) {
    this.views = pieceViews(memory);
    this.taken = new Int32Array(memory.taken);
    this.view = this.views[0] as PieceView;
    this.bytes = this.view.bytes;
  }

  add(filled: Filled): void {
    this.until = filled.until;
    this.queue.push(filled);
    if (this.queue.length === 1) this.open();
  }

  private open(): void {
    for (let first = this.queue[0]; first !== undefined; first = this.queue[0]) {
      this.view = this.views[this.used % this.views.length] as PieceView;
      this.bytes = first.large ?? this.view.bytes;
      this.items = first.items;
      this.at = 0;
      if (this.items > 0) return;
      this.shift();
    }
    this.items = 0;
    this.at = 0;
  }

  private shift(): void {
    this.queue.shift();
    this.used++;
    giveBack(this.taken);
  }

  /** The piece has been taken. */
  next(): void {
    this.shift();
    this.open();
  }

  /** Order of the next item, or below which none will come. */
  get order(): number {
    if (this.at < this.items) return this.view.orders[this.at] as number;
    return this.done ? Number.POSITIVE_INFINITY : this.until;
  }
}

export class LaneMerge {
  private readonly lanes: readonly Lane[];
  private readonly write: (bytes: Uint8Array) => void;
  private out = Buffer.allocUnsafeSlow(OUT_BYTES);
  private filled = 0;
  private seenUdp = 0;
  private seenTcp = 0;

  constructor(memories: readonly LaneMemory[], write: (bytes: Uint8Array) => void) {
    this.lanes = memories.map((memory) => new Lane(memory));
    this.write = write;
  }

  add(lane: number, filled: Filled): void {
    this.lanes[lane]?.add(filled);
    this.run();
  }

  /** The worker has told all. */
  finish(lane: number): void {
    const one = this.lanes[lane];
    if (one !== undefined) one.done = true;
    this.run();
  }

  get finished(): boolean {
    return this.lanes.every((lane) => lane.done && lane.at >= lane.items);
  }

  /** Writes all records whose turn has come. */
  private run(): void {
    for (;;) {
      let first: Lane | undefined;
      let order = Number.POSITIVE_INFINITY;
      let second = Number.POSITIVE_INFINITY;
      for (const lane of this.lanes) {
        const next = lane.order;
        const ready = lane.at < lane.items;
        if (next < order || (next === order && ready && first === undefined)) {
          second = order;
          order = next;
          first = ready ? lane : undefined;
        } else if (next < second) {
          second = next;
        }
      }
      if (first === undefined) break;
      this.take(first, second);
      if (first.at === first.items) first.next();
    }
    this.flush();
  }

  /** The items of a lane that come before `second`, and one at least. */
  private take(lane: Lane, second: number): void {
    const { view, items, numbers } = lane;
    let { at } = lane;
    let from = at === 0 ? 0 : (view.ends[at - 1] as number);
    do {
      const flow = view.flows[at] as number;
      if (flow < 0) {
        numbers[~flow] = ~flow < MAX_FLOWS.udp ? this.seenUdp++ : this.seenTcp++;
      } else {
        const split = view.numberAt[at] as number;
        const end = view.ends[at] as number;
        this.room(end - from + MAX_DIGITS);
        this.copy(lane.bytes, from, split);
        this.number(numbers[flow] as number);
        this.copy(lane.bytes, split, end);
        from = end;
      }
      at++;
    } while (at < items && (view.orders[at] as number) < second);
    lane.at = at;
  }

  private room(bytes: number): void {
    if (this.filled + bytes <= this.out.length) return;
    this.flush();
    if (bytes > this.out.length) this.out = Buffer.allocUnsafeSlow(bytes);
  }

  private copy(bytes: Uint8Array, from: number, to: number): void {
    this.out.set(bytes.subarray(from, to), this.filled);
    this.filled += to - from;
  }

  private number(value: number): void {
    const { out } = this;
    let length = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) length++;
    let rest = value;
    for (let i = this.filled + length - 1; i >= this.filled; i--) {
      const tens = Math.floor(rest / 10);
      out[i] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    this.filled += length;
  }

  private flush(): void {
    if (this.filled === 0) return;
    this.write(this.out.subarray(0, this.filled));
    this.filled = 0;
  }
}
