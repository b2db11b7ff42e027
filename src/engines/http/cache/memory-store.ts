/** A store of bounded size in memory: what was not used for the longest time goes first. */
import type { StoredResponse } from "./entry.ts";
import { headBytes } from "./entry.ts";
import type { BodyReader, Store } from "./store.ts";

interface Slot {
  readonly body: Uint8Array;
  bytes: number;
}

/** No body takes more than this part of the store. */
const BODY_PART = 4;
const MAX_BODY = 64 * 1024 * 1024;

export class MemoryStore implements Store {
  readonly maxBody: number;
  bytes = 0;
  private readonly limit: number;
  private readonly byKey = new Map<string, StoredResponse[]>();
  /** In the order of their last use. */
  private readonly slots = new Map<StoredResponse, Slot>();

  constructor(limit: number) {
    this.limit = limit;
    this.maxBody = Math.min(MAX_BODY, Math.floor(limit / BODY_PART));
  }

  get count(): number {
    return this.slots.size;
  }

  find(key: string): readonly StoredResponse[] {
    return this.byKey.get(key) ?? [];
  }

  put(
    response: StoredResponse,
    body: readonly Uint8Array[],
    instead: readonly StoredResponse[],
  ): void {
    for (const old of instead) this.remove(old);
    const bytes = headBytes(response) + body.reduce((sum, piece) => sum + piece.length, 0);
    if (bytes > this.limit) return;
    this.slots.set(response, { body: joined(body), bytes });
    const list = this.byKey.get(response.key);
    if (list === undefined) this.byKey.set(response.key, [response]);
    else this.byKey.set(response.key, [...list, response]);
    this.bytes += bytes;
    this.shrink();
  }

  private shrink(): void {
    for (const oldest of this.slots.keys()) {
      if (this.bytes <= this.limit) return;
      this.remove(oldest);
    }
  }

  update(stored: StoredResponse, changed: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    const bytes = slot.bytes - headBytes(stored) + headBytes(changed);
    this.slots.delete(stored);
    this.slots.set(changed, { body: slot.body, bytes });
    this.bytes += bytes - slot.bytes;
    const list = this.byKey.get(stored.key) ?? [];
    this.byKey.set(
      stored.key,
      list.map((one) => (one === stored ? changed : one)),
    );
    this.shrink();
  }

  remove(stored: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    this.slots.delete(stored);
    this.bytes -= slot.bytes;
    const left = (this.byKey.get(stored.key) ?? []).filter((one) => one !== stored);
    if (left.length === 0) this.byKey.delete(stored.key);
    else this.byKey.set(stored.key, left);
  }

  open(stored: StoredResponse): BodyReader | undefined {
    const body = this.slots.get(stored)?.body;
    if (body === undefined) return undefined;
    return {
      read: (at, length, done) => done(null, body.subarray(at, at + length)),
      close: () => {},
    };
  }

  atHand(stored: StoredResponse): Uint8Array | undefined {
    return this.slots.get(stored)?.body;
  }

  touch(stored: StoredResponse): void {
    const slot = this.slots.get(stored);
    if (slot === undefined) return;
    this.slots.delete(stored);
    this.slots.set(stored, slot);
  }
}

/** One piece of many; the only one as it is. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
