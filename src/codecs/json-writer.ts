/**
 * JSON straight to bytes: the bulk path of the analyser, where an object and a string per packet
 * would cost three quarters of the speed.
 *
 * Constant text is kept as `Fixed`: padded to whole 8-byte words that are stored as float64 (all
 * ASCII, so never a NaN whose bits could change). A store may run up to 7 bytes past its text;
 * the next one overwrites them. `room(n)` reserves n bytes plus that slack, once per group of writes.
 */

/** Bytes that any single write may run over its own length. */
const SLACK = 8;

/** Four characters as the word that a little-endian store writes. */
function word(text: string): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value |= (text.charCodeAt(i) || 0x20) << (8 * i);
  return value >>> 0;
}

/** The values below 1000, with three digits and with as few as they need. */
const DIGITS3 = new Uint32Array(1000);
const LEADING = new Uint32Array(1000);
for (let i = 0; i < 1000; i++) {
  LEADING[i] = word(String(i));
  DIGITS3[i] = word(String(i).padStart(3, "0"));
}
const HEX = new Uint8Array(16);
for (let i = 0; i < 16; i++) HEX[i] = "0123456789abcdef".charCodeAt(i);

/** Bytes that stand for themselves inside a JSON string: 0x20..0x7f without quote and backslash. */
export const PLAIN = new Uint8Array(256);
for (let i = 0x20; i < 0x80; i++) PLAIN[i] = i === 0x22 || i === 0x5c ? 0 : 1;

/** Constant ASCII text, ready to be stored in 8-byte steps. */
export class Fixed {
  readonly words: Float64Array;
  readonly length: number;

  constructor(text: string) {
    this.length = text.length;
    const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7e) throw new RangeError("Fixed text must be ASCII");
      padded[i] = code;
    }
    const source = new DataView(padded.buffer);
    this.words = new Float64Array(padded.length / 8);
    for (let i = 0; i < this.words.length; i++) this.words[i] = source.getFloat64(i * 8, true);
  }
}

/** Each octet in decimal with a point behind it, and the length of both. */
const OCTETS = new Uint32Array(256);
const OCTET_LENGTHS = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  OCTETS[i] = word(`${i}.`);
  OCTET_LENGTHS[i] = `${i}.`.length;
}

function octet(data: DataView, at: number, value: number): number {
  data.setUint32(at, OCTETS[value] as number, true);
  return at + (OCTET_LENGTHS[value] as number);
}

/** Three digits of a value below 1000. Returns the index after them. */
function group(data: DataView, at: number, value: number): number {
  data.setUint32(at, DIGITS3[value] as number, true);
  return at + 3;
}

/** As `group` without leading zeros. */
function lead(data: DataView, at: number, value: number): number {
  data.setUint32(at, LEADING[value] as number, true);
  return value >= 100 ? at + 3 : value >= 10 ? at + 2 : at + 1;
}

/** Writes as `JsonWriter.uint` does and returns the index after it: for loops that keep the index themselves. */
export function uintAt(data: DataView, from: number, value: number): number {
  if (value < 1000) return lead(data, from, value);
  if (value < 1e6) {
    const thousands = (value / 1000) | 0;
    return group(data, lead(data, from, thousands), value - thousands * 1000);
  }
  const millions = Math.floor(value / 1e6);
  const rest = (value - millions * 1e6) | 0;
  const thousands = (rest / 1000) | 0;
  const at = millions < 1000 ? lead(data, from, millions) : uintAt(data, from, millions);
  return group(data, group(data, at, thousands), rest - thousands * 1000);
}

/** Three digits, as `JsonWriter.digits3`. */
export const digits3At = group;

export function ipv4At(data: DataView, from: number, source: Uint8Array, start: number): number {
  let at = octet(data, from, source[start] as number);
  at = octet(data, at, source[start + 1] as number);
  at = octet(data, at, source[start + 2] as number);
  // The last one has a point too many.
  return octet(data, at, source[start + 3] as number) - 1;
}

export function ipv4WordAt(data: DataView, from: number, word: number): number {
  let at = octet(data, from, word >>> 24);
  at = octet(data, at, (word >>> 16) & 0xff);
  at = octet(data, at, (word >>> 8) & 0xff);
  return octet(data, at, word & 0xff) - 1;
}

/** As `JsonWriter.put`. */
export function fixedAt(data: DataView, at: number, text: Fixed): number {
  const { words } = text;
  const { length } = words;
  for (let i = 0; i < length; i++) data.setFloat64(at + i * 8, words[i] as number, true);
  return at + text.length;
}

const POWERS = Array.from({ length: 10 }, (_, n) => 10 ** n);

export class JsonWriter {
  bytes: Uint8Array;
  at = 0;
  /** The same memory as `bytes`, for the functions that write at an index. */
  data: DataView;
  private buffer: Buffer;

  constructor(capacity = 1 << 16) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
    this.bytes = new Uint8Array(this.buffer.buffer, this.buffer.byteOffset, capacity);
    this.data = new DataView(this.bytes.buffer, this.bytes.byteOffset, capacity);
  }

  /** Makes sure that `count` more bytes (and the slack of the last write) fit. */
  room(count: number): void {
    if (this.at + count + SLACK > this.bytes.length) this.grow(count);
  }

  private grow(count: number): void {
    const size = Math.max(this.bytes.length * 2, this.at + count + SLACK);
    const larger = Buffer.allocUnsafeSlow(size);
    larger.set(this.bytes.subarray(0, this.at));
    this.buffer = larger;
    this.bytes = new Uint8Array(larger.buffer, larger.byteOffset, size);
    this.data = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
  }

  /** What was written, sharing memory: valid until the next write. */
  written(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.at);
  }

  /** What was written, as a string. */
  text(from = 0): string {
    return this.buffer.utf8Slice(from, this.at);
  }

  /** Constant text. The caller has reserved room for its length. */
  put(text: Fixed): void {
    const { words } = text;
    const { data, at } = this;
    const { length } = words;
    for (let i = 0; i < length; i++) data.setFloat64(at + i * 8, words[i] as number, true);
    this.at = at + text.length;
  }

  /** One ASCII byte. Needs room for 1. */
  byte(code: number): void {
    this.bytes[this.at++] = code;
  }

  /** A non-negative integer up to 2^53 - 1 in decimal. Needs room for 16. */
  uint(value: number): void {
    this.at = uintAt(this.data, this.at, value);
  }

  /** `units` / 10^`digits` (at most 9) as JSON.stringify writes the number. Needs room for 32. */
  decimal(units: number, digits: number): void {
    const unit = POWERS[digits] as number;
    // Below 10^-6 numbers are written with an exponent.
    if (units !== 0 && units * 1_000_000 < unit) {
      this.raw(String(units / unit));
      return;
    }
    const whole = Math.floor(units / unit);
    let rest = units - whole * unit;
    this.uint(whole);
    if (rest === 0) return;
    while (rest % 10 === 0) {
      rest /= 10;
      digits--;
    }
    const { bytes, at } = this;
    bytes[at] = 0x2e;
    for (let i = at + digits; i > at; i--) {
      const tens = Math.floor(rest / 10);
      bytes[i] = 0x30 + rest - tens * 10;
      rest = tens;
    }
    this.at = at + digits + 1;
  }

  /** Exactly three decimal digits of a value below 1000. Needs room for 3. */
  digits3(value: number): void {
    this.at = group(this.data, this.at, value);
  }

  /** The bytes `source[start, end)` as lower-case hex digits. Needs room for twice their count. */
  hex(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { at } = this;
    for (let i = start; i < end; i++) {
      const b = source[i] as number;
      bytes[at++] = HEX[b >> 4] as number;
      bytes[at++] = HEX[b & 15] as number;
    }
    this.at = at;
  }

  /** Dotted-decimal IPv4 address, without quotes. Needs room for 16. */
  ipv4(source: Uint8Array, start: number): void {
    this.at = ipv4At(this.data, this.at, source, start);
  }

  /** As `ipv4`, of a 32-bit word. */
  ipv4Word(word: number): void {
    this.at = ipv4WordAt(this.data, this.at, word);
  }

  /** Copies `source[start, end)` as it is. Needs room for its length. */
  copy(source: Uint8Array, start: number, end: number): void {
    const { bytes, at } = this;
    if (end - start < 64) {
      for (let i = start, o = at; i < end; i++, o++) bytes[o] = source[i] as number;
    } else {
      bytes.set(source.subarray(start, end), at);
    }
    this.at = at + end - start;
  }

  /** One byte (a latin-1 code point) inside a JSON string, escaped if it must be. Needs room for 6. */
  escaped(code: number): void {
    const { bytes } = this;
    let { at } = this;
    if (PLAIN[code] === 1) {
      bytes[at++] = code;
    } else if (code === 0x22 || code === 0x5c) {
      bytes[at++] = 0x5c;
      bytes[at++] = code;
    } else if (code >= 0x80) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else {
      bytes[at++] = 0x5c;
      const short = SHORT_ESCAPE[code] as number;
      if (short !== 0) {
        bytes[at++] = short;
      } else {
        bytes[at++] = 0x75;
        bytes[at++] = 0x30;
        bytes[at++] = 0x30;
        bytes[at++] = HEX[code >> 4] as number;
        bytes[at++] = HEX[code & 15] as number;
      }
    }
    this.at = at;
  }

  /** `source[start, end)` as the inside of a JSON string, one latin-1 code point a byte. Makes its own room. */
  latin1(source: Uint8Array, start: number, end: number): void {
    this.room((end - start) * 6);
    const { bytes } = this;
    let { at } = this;
    for (let i = start; i < end; i++) {
      const code = source[i] as number;
      if (PLAIN[code] === 1) {
        bytes[at++] = code;
      } else {
        this.at = at;
        this.escaped(code);
        at = this.at;
      }
    }
    this.at = at;
  }

  /**
   * As `latin1`, but returns false, with nothing written, at an octet beyond ASCII: the caller then
   * knows better what it stands for. Makes its own room.
   */
  ascii(source: Uint8Array, start: number, end: number): boolean {
    this.room((end - start) * 6);
    const { bytes } = this;
    const before = this.at;
    let at = before;
    for (let i = start; i < end; i++) {
      const code = source[i] as number;
      if (PLAIN[code] === 1) {
        bytes[at++] = code;
      } else if (code >= 0x80) {
        this.at = before;
        return false;
      } else {
        this.at = at;
        this.escaped(code);
        at = this.at;
      }
    }
    this.at = at;
    return true;
  }

  /** The inside of a JSON string. Makes its own room. */
  inside(text: string): void {
    const { length } = text;
    this.room(length * 6);
    const { bytes } = this;
    const begin = this.at;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7e || PLAIN[code] === 0) {
        this.raw(JSON.stringify(text).slice(1, -1), begin);
        return;
      }
      bytes[begin + i] = code;
    }
    this.at = begin + length;
  }

  /** A string as a quoted JSON string in UTF-8, as JSON.stringify writes it. Makes its own room. */
  string(text: string): void {
    const { length } = text;
    this.room(length * 6 + 2);
    const { bytes } = this;
    const begin = this.at;
    let at = begin;
    bytes[at++] = 0x22;
    if (length < 48) {
      let i = 0;
      for (; i < length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7e || PLAIN[code] === 0) break;
        bytes[at++] = code;
      }
      if (i === length) {
        bytes[at++] = 0x22;
        this.at = at;
        return;
      }
    }
    this.raw(JSON.stringify(text), begin);
  }

  /** Text that is already JSON, as UTF-8. Makes its own room. */
  raw(text: string, from = this.at): void {
    this.at = from;
    this.room(text.length * 3);
    this.at = from + this.buffer.utf8Write(text, from);
  }

  /** A value as JSON.stringify writes it. Makes its own room. */
  value(value: unknown): void {
    this.raw(JSON.stringify(value));
  }
}

const SHORT_ESCAPE = new Uint8Array(0x80);
SHORT_ESCAPE[0x08] = 0x62;
SHORT_ESCAPE[0x09] = 0x74;
SHORT_ESCAPE[0x0a] = 0x6e;
SHORT_ESCAPE[0x0c] = 0x66;
SHORT_ESCAPE[0x0d] = 0x72;
