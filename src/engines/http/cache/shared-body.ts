/** One body on its way to many: each reads at its own pace, and the store has it once it is whole. */
import type { Field } from "../../../codecs/http/message.ts";
import type { BodyTaker, Handling, UpstreamFlow } from "./flow.ts";

/** What is kept for those who read slowly when the body is not to be stored. */
const AHEAD_BYTES = 256 * 1024;

interface Reader {
  readonly taker: BodyTaker;
  at: number;
  blocked: boolean;
  pumping: boolean;
}

export interface Keeping {
  readonly maxBody: number;
  done(pieces: readonly Uint8Array[]): void;
}

export class SharedBody {
  private readonly flow: () => UpstreamFlow | undefined;
  private keeping: Keeping | undefined;
  private readonly readers = new Set<Reader>();
  private pieces: Uint8Array[] = [];
  /** Offset of the first piece, and of the end. */
  private base = 0;
  private total = 0;
  private trailers: readonly Field[] | undefined = undefined;
  private failure: Error | undefined = undefined;
  private paused = false;

  constructor(flow: () => UpstreamFlow | undefined, keeping: Keeping | undefined) {
    this.flow = flow;
    this.keeping = keeping;
  }

  /** Whether one who comes now still gets all of it. */
  get joinable(): boolean {
    return this.base === 0 && this.keeping !== undefined && this.failure === undefined;
  }

  get isKeeping(): boolean {
    return this.keeping !== undefined;
  }

  add(taker: BodyTaker): Handling {
    const reader: Reader = { taker, at: 0, blocked: false, pumping: false };
    this.readers.add(reader);
    this.pump(reader);
    return {
      resume: () => {
        reader.blocked = false;
        this.pump(reader);
        this.settle();
      },
      abort: () => {
        this.readers.delete(reader);
        this.settle();
      },
    };
  }

  /** It will not be stored. */
  drop(): void {
    this.keeping = undefined;
    this.settle();
  }

  data(bytes: Uint8Array): void {
    this.pieces.push(bytes.slice());
    this.total += bytes.length;
    if (this.keeping !== undefined && this.total > this.keeping.maxBody) this.keeping = undefined;
    for (const reader of [...this.readers]) this.pump(reader);
    this.settle();
  }

  end(trailers: readonly Field[]): void {
    this.trailers = trailers;
    this.keeping?.done(this.pieces);
    this.keeping = undefined;
    for (const reader of [...this.readers]) this.pump(reader);
  }

  fail(why: Error): void {
    this.failure = why;
    this.keeping = undefined;
    for (const reader of [...this.readers]) this.pump(reader);
  }

  private pump(reader: Reader): void {
    if (reader.pumping) return;
    reader.pumping = true;
    let from = this.base;
    for (let i = 0; i < this.pieces.length && !reader.blocked; i++) {
      const piece = this.pieces[i] as Uint8Array;
      if (reader.at < from + piece.length && this.readers.has(reader)) {
        const rest = piece.subarray(reader.at - from);
        reader.at = from + piece.length;
        if (!reader.taker.data(rest)) reader.blocked = true;
      }
      from += piece.length;
    }
    reader.pumping = false;
    if (reader.at < this.total || !this.readers.has(reader)) return;
    if (this.trailers !== undefined) {
      this.readers.delete(reader);
      reader.taker.end(this.trailers);
    } else if (this.failure !== undefined) {
      this.readers.delete(reader);
      reader.taker.failed(this.failure);
    }
  }

  /** Lets go of what nobody needs, and holds the sender back when all are behind. */
  private settle(): void {
    const over = this.trailers !== undefined || this.failure !== undefined;
    if (this.readers.size === 0 && this.keeping === undefined && !over) {
      this.flow()?.abort();
      return;
    }
    let slowest = this.total;
    let blocked = 0;
    for (const { at, blocked: waits } of this.readers) {
      slowest = Math.min(slowest, at);
      if (waits) blocked++;
    }
    if (this.keeping === undefined) this.trim(slowest);
    const behind = this.total - slowest > AHEAD_BYTES || (blocked > 0 && this.readers.size === 1);
    const hold =
      !over && blocked > 0 && (this.keeping === undefined ? behind : blocked === this.readers.size);
    if (hold === this.paused || over) return;
    this.paused = hold;
    this.flow()?.pause(hold);
  }

  private trim(slowest: number): void {
    let gone = 0;
    while (gone < this.pieces.length) {
      const { length } = this.pieces[gone] as Uint8Array;
      if (this.base + length > slowest) break;
      this.base += length;
      gone++;
    }
    if (gone > 0) this.pieces.splice(0, gone);
  }
}
