/**
 * Field names seen lately, by their first octets and their place in the head: who sends one request
 * sends the next with the same names in the same order. One that is found again is a token (RFC 9110
 * 5.1), has its text and its number, and was compared four octets at a time.
 */
import { latin1 } from "../reader.ts";

export interface KnownName {
  readonly text: string;
  /** One of `FIELD`. */
  readonly id: number;
  readonly length: number;
  /** Its octets from each fourth one on, and the last four. */
  readonly words: Int32Array;
}

const SLOTS = 1024;
const MIN_LENGTH = 4;
const MAX_LENGTH = 40;
const COLON = 0x3a;

const names: (KnownName | undefined)[] = new Array(SLOTS).fill(undefined);

function slotOf(first: number, place: number): number {
  return (Math.imul(first ^ Math.imul(place, 0x61c88647), 0x2c1b3c6d) >>> 22) & (SLOTS - 1);
}

/** The name that stands at `at`, with the colon behind it, if it is known at that place of a head. */
export function knownName(
  words: DataView,
  at: number,
  end: number,
  place: number,
): KnownName | undefined {
  if (at + MIN_LENGTH >= end) return undefined;
  const first = words.getInt32(at);
  const known = names[slotOf(first, place)];
  if (known === undefined) return undefined;
  const { length, words: own } = known;
  if (at + length >= end || words.getUint8(at + length) !== COLON) return undefined;
  const last = own.length - 1;
  for (let i = 0; i < last; i++) if (words.getInt32(at + i * 4) !== own[i]) return undefined;
  return words.getInt32(at + length - 4) === own[last] ? known : undefined;
}

/** Remembers a name that was found to be a token. */
export function learnName(
  bytes: Uint8Array,
  words: DataView,
  start: number,
  end: number,
  place: number,
  id: number,
): void {
  const length = end - start;
  if (length < MIN_LENGTH || length > MAX_LENGTH) return;
  const own = new Int32Array((length >> 2) + 1);
  for (let i = 0; i < own.length - 1; i++) own[i] = words.getInt32(start + i * 4);
  own[own.length - 1] = words.getInt32(end - 4);
  const slot = slotOf(own[0] as number, place);
  names[slot] = { text: latin1(bytes, start, end), id, length, words: own };
}
