/**
 * The way of a worker's records to the merge: pieces in memory that both share, filled in turn and
 * given back once taken, so that nothing is allocated a piece.
 */
import type { JsonWriter } from "../../codecs/json-writer.ts";

/** Bytes and items of a piece: a record is an item, and so is a flow that begins. */
const PIECE_BYTES = 1 << 18;
const PIECE_ITEMS = 1 << 12;
/** Pieces that a worker may fill before the merge takes one. */
const PIECES = 4;
const ITEM_BYTES = 8 + 4 + 4 + 4;

/** The memory of one worker: `taken` counts the pieces given back. */
export interface LaneMemory {
  readonly pieces: SharedArrayBuffer;
  readonly taken: SharedArrayBuffer;
}

export function laneMemory(): LaneMemory {
  return {
    pieces: new SharedArrayBuffer(PIECES * (PIECE_BYTES + PIECE_ITEMS * ITEM_BYTES)),
    taken: new SharedArrayBuffer(4),
  };
}

/** Views of one piece. Item i has order `orders[i]` and its bytes end at `ends[i]`. */
export interface PieceView {
  readonly bytes: Uint8Array;
  readonly orders: Float64Array;
  readonly ends: Uint32Array;
  /** Where in `bytes` the stream's number belongs, which the merge writes. */
  readonly numberAt: Uint32Array;
  /** The flow of the record (see `flowSlot`); one that begins has its complement, and no bytes. */
  readonly flows: Int32Array;
}

export function pieceViews(memory: LaneMemory): PieceView[] {
  const size = PIECE_BYTES + PIECE_ITEMS * ITEM_BYTES;
  return Array.from({ length: PIECES }, (_, i) => {
    const at = i * size;
    const items = at + PIECE_BYTES;
    const words = items + PIECE_ITEMS * 8;
    return {
      bytes: new Uint8Array(memory.pieces, at, PIECE_BYTES),
      orders: new Float64Array(memory.pieces, items, PIECE_ITEMS),
      ends: new Uint32Array(memory.pieces, words, PIECE_ITEMS),
      numberAt: new Uint32Array(memory.pieces, words + PIECE_ITEMS * 4, PIECE_ITEMS),
      flows: new Int32Array(memory.pieces, words + PIECE_ITEMS * 8, PIECE_ITEMS),
    };
  });
}

/** What a worker tells when a piece is full. */
export interface Filled {
  readonly items: number;
  /** No item to come has a lower order. */
  readonly until: number;
  /** The bytes, where they are more than a piece holds: one very long record. */
  readonly large?: Uint8Array;
}

/** The worker's side. */
export class LaneWriter {
  private readonly views: readonly PieceView[];
  private readonly taken: Int32Array;
  private readonly json: JsonWriter;
  private readonly tell: (filled: Filled) => void;
  private view: PieceView;
  private items = 0;
  private sent = 0;

  /** `json`: where records are written; emptied with each piece. */
  constructor(memory: LaneMemory, json: JsonWriter, tell: (filled: Filled) => void) {
    this.views = pieceViews(memory);
    this.taken = new Int32Array(memory.taken);
    this.json = json;
    this.tell = tell;
    this.view = this.views[0] as PieceView;
  }

  get bytes(): number {
    return this.json.at;
  }

  flow(order: number, slot: number): void {
    this.item(order, ~slot, this.json.at);
  }

  record(order: number, slot: number, numberAt: number): void {
    this.item(order, slot, numberAt);
    // The next record may be large: a piece is sent well before it is full.
    if (this.json.at >= PIECE_BYTES / 2) this.send(order);
  }

  private item(order: number, flow: number, numberAt: number): void {
    const { view, items } = this;
    view.orders[items] = order;
    view.ends[items] = this.json.at;
    view.numberAt[items] = numberAt;
    view.flows[items] = flow;
    if (++this.items === PIECE_ITEMS) this.send(order);
  }

  /** Gives the piece away; waits while none is free. `until`: no item to come has a lower order. */
  send(until: number): void {
    const { json, items } = this;
    const fits = json.at <= PIECE_BYTES;
    if (fits) this.view.bytes.set(json.written());
    this.tell(fits ? { items, until } : { items, until, large: json.bytes.slice(0, json.at) });
    json.at = 0;
    this.items = 0;
    this.sent++;
    this.view = this.views[this.sent % PIECES] as PieceView;
    for (;;) {
      const taken = Atomics.load(this.taken, 0);
      if (((this.sent - taken) | 0) < PIECES) return;
      Atomics.wait(this.taken, 0, taken);
    }
  }
}

/** Tells the worker that a piece is free again. */
export function giveBack(taken: Int32Array): void {
  Atomics.add(taken, 0, 1);
  Atomics.notify(taken, 0);
}
