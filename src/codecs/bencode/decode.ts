/** Bencode from bytes: canonical form when strict, each departure from it an issue when tolerant. BEP 3. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { latin1, view } from "../reader.ts";
import type { BencodeEntry, BencodeNode } from "./node.ts";

/** Lists and dicts inside each other: libtorrent's limit. */
export const MAX_DEPTH = 100;
/** Digits of an integer: BEP 3 names no limit, 64 bits need 20. */
const MAX_INTEGER_DIGITS = 64;
/** Digits of a string's length: more than any input has octets. */
const MAX_LENGTH_DIGITS = 15;
const SPEC = "BEP 3";

const MINUS = 0x2d;
const COLON = 0x3a;
const D = 0x64;
const E = 0x65;
const I = 0x69;
const L = 0x6c;

class Parser {
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly end: number;
  private readonly options: DecodeOptions;
  at: number;

  constructor(bytes: Uint8Array, start: number, end: number, options: DecodeOptions) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.at = start;
    this.options = options;
  }

  private fail(code: string, at: number, message: string): never {
    throw new DecodeError(`bencode.${code}`, at - this.start, SPEC, message);
  }

  deviate(code: string, at: number, message: string): void {
    deviate(this.options, `bencode.${code}`, at - this.start, SPEC, message);
  }

  private truncated(): never {
    this.fail("truncated", this.end, "the value is cut");
  }

  value(depth: number): BencodeNode {
    if (this.at >= this.end) this.truncated();
    const first = this.bytes[this.at] as number;
    if (isDigit(first)) return this.string();
    if (first === I) return this.integer();
    if (first !== L && first !== D) this.fail("bad-start", this.at, "no value begins so");
    if (depth >= MAX_DEPTH) this.fail("depth", this.at, `more than ${MAX_DEPTH} levels`);
    return first === L ? this.list(depth) : this.dict(depth);
  }

  private integer(): BencodeNode {
    const { bytes, end } = this;
    const start = this.at;
    let at = start + 1;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const digits = at;
    while (at < end && isDigit(bytes[at] as number)) at++;
    if (at === end) this.truncated();
    if (at === digits) this.fail("int-nodigit", at, "an integer without digits");
    if (bytes[at] !== E)
      this.fail("int-baddigit", at, "an integer with something else than digits");
    const count = at - digits;
    if (count > MAX_INTEGER_DIGITS)
      this.fail("int-too-long", digits, `more than ${MAX_INTEGER_DIGITS} digits`);
    if (bytes[digits] === 0x30) {
      if (count > 1) this.deviate("int-leading-zero", digits, "an integer with a leading zero");
      else if (negative) this.deviate("int-negative-zero", start, "the integer -0");
    }
    this.at = at + 1;
    return { kind: "integer", value: integerOf(bytes, digits, at, negative), start, end: this.at };
  }

  /** Index after the colon of a string's length; sets `at` there. Returns the length. */
  private length(): number {
    const { bytes, end } = this;
    const from = this.at;
    let at = from;
    let length = 0;
    while (at < end && isDigit(bytes[at] as number)) {
      length = length * 10 + (bytes[at] as number) - 0x30;
      if (++at - from > MAX_LENGTH_DIGITS)
        this.fail("len-too-long", from, "a length of too many digits");
    }
    if (at === end) this.truncated();
    if (bytes[at] !== COLON) this.fail("len-baddigit", at, "a length without colon");
    if (bytes[from] === 0x30 && at - from > 1)
      this.deviate("len-leading-zero", from, "a length with a leading zero");
    this.at = at + 1;
    if (length > end - this.at) this.truncated();
    return length;
  }

  private string(): BencodeNode {
    const start = this.at;
    const length = this.length();
    const from = this.at;
    this.at = from + length;
    return { kind: "string", bytes: view(this.bytes, from, this.at), start, end: this.at };
  }

  private list(depth: number): BencodeNode {
    const start = this.at++;
    const items: BencodeNode[] = [];
    for (;;) {
      if (this.at >= this.end) this.truncated();
      if (this.bytes[this.at] === E) break;
      items.push(this.value(depth + 1));
    }
    this.at++;
    return { kind: "list", items, start, end: this.at };
  }

  private dict(depth: number): BencodeNode {
    const start = this.at++;
    const entries: BencodeEntry[] = [];
    let last: Uint8Array | undefined;
    for (;;) {
      if (this.at >= this.end) this.truncated();
      const first = this.bytes[this.at] as number;
      if (first === E) break;
      if (!isDigit(first)) this.fail("key-not-string", this.at, "a key that is no string");
      const keyAt = this.at;
      const length = this.length();
      const key = view(this.bytes, this.at, this.at + length);
      this.at += length;
      if (last !== undefined) this.judgeOrder(last, key, keyAt);
      last = key;
      entries.push({ key, value: this.value(depth + 1) });
    }
    this.at++;
    return { kind: "dict", entries, start, end: this.at };
  }

  private judgeOrder(before: Uint8Array, key: Uint8Array, at: number): void {
    const order = compare(before, key);
    if (order === 0)
      this.deviate(
        "key-duplicate",
        at,
        `the key ${JSON.stringify(latin1(key, 0, Math.min(key.length, 40)))} stands twice`,
      );
    else if (order > 0)
      this.deviate("key-unsorted", at, "a key that sorts before the one before it");
  }
}

function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39;
}

function integerOf(
  bytes: Uint8Array,
  from: number,
  to: number,
  negative: boolean,
): number | bigint {
  if (to - from <= 15) {
    let value = 0;
    for (let i = from; i < to; i++) value = value * 10 + (bytes[i] as number) - 0x30;
    return negative && value !== 0 ? -value : value;
  }
  const big = BigInt(latin1(bytes, from, to)) * (negative ? -1n : 1n);
  const small = Number(big);
  return Number.isSafeInteger(small) ? small : big;
}

/** Order of raw octets, as BEP 3 sorts keys. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/**
 * One value that fills `bytes[start, end)`; octets after it are an issue. Strings share memory with
 * the input.
 * @throws DecodeError
 */
export function decode(
  bytes: Uint8Array,
  options: DecodeOptions = {},
  start = 0,
  end: number = bytes.length,
): BencodeNode {
  const parser = new Parser(bytes, start, end, options);
  const node = parser.value(0);
  if (parser.at < end)
    parser.deviate("trailing", parser.at, `${end - parser.at} octets follow the value`);
  return node;
}

/** The value at the beginning, whatever follows: `end` of the node tells where that is (BEP 9). @throws DecodeError */
export function decodePrefix(
  bytes: Uint8Array,
  options: DecodeOptions = {},
  start = 0,
  end: number = bytes.length,
): BencodeNode {
  return new Parser(bytes, start, end, options).value(0);
}
