/** A bounds-checked big-endian cursor over bytes, and the text conversions that native code does fastest. */
import { DecodeError } from "./errors.ts";

/** A view of `bytes[start, end)` that is a plain Uint8Array even when `bytes` is a Buffer. Shares memory. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

let cachedBytes: Uint8Array | undefined;
let cachedBuffer: Buffer | undefined;

function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes === cachedBytes) return cachedBuffer as Buffer;
  cachedBytes = bytes;
  cachedBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return cachedBuffer;
}

/** What was kept of a stream, with the bytes that follow it; a copy. */
export function joined(
  kept: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const all = new Uint8Array(kept.length + end - start);
  all.set(kept);
  all.set(bytes.subarray(start, end), kept.length);
  return all;
}

/** `bytes[start, end)` with each byte as the code point of the same number. Never fails. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < 12) {
    let text = "";
    for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
    return text;
  }
  return asBuffer(bytes).latin1Slice(start, end);
}

/** `bytes[start, end)` as UTF-8, malformed sequences replaced by U+FFFD. */
export function utf8(bytes: Uint8Array, start: number, end: number): string {
  for (let i = start; i < end; i++) {
    if ((bytes[i] as number) >= 0x80) return asBuffer(bytes).utf8Slice(start, end);
  }
  return latin1(bytes, start, end);
}

/** `bytes[start, end)` as lower-case hex digits. */
export function hex(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return asBuffer(bytes).hexSlice(start, end);
}

/** `bytes[start, end)` in base64. RFC 4648 4. */
export function base64(bytes: Uint8Array, start: number, end: number): string {
  return asBuffer(bytes).base64Slice(start, end);
}

const fatalUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of `bytes[start, end)` when it is ASCII, else undefined. */
export function asciiText(bytes: Uint8Array, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return undefined;
  return latin1(bytes, start, end);
}

/** The text of `bytes[start, end)` when it is well-formed UTF-8 (RFC 3629), else undefined. */
export function strictUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  for (let i = start; i < end; i++) {
    if ((bytes[i] as number) >= 0x80) {
      try {
        return fatalUtf8.decode(view(bytes, start, end));
      } catch {
        return undefined; // The decoder's way to say "not UTF-8", which is an answer here.
      }
    }
  }
  return latin1(bytes, start, end);
}

/**
 * Reads fixed fields in network order. Every read past `end` throws a DecodeError with the code
 * and section given at construction, at the offset (relative to `start`) where the field begins.
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Absolute index of the next byte in `bytes`. */
  at: number;
  private readonly code: string;
  private readonly spec: string;

  constructor(
    bytes: Uint8Array,
    truncatedCode: string,
    spec: string,
    start = 0,
    end: number = bytes.length,
  ) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.at = start;
    this.code = truncatedCode;
    this.spec = spec;
  }

  /** Offset of the next byte from the start of the message. */
  get offset(): number {
    return this.at - this.start;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  need(count: number): void {
    if (count > this.end - this.at) {
      throw new DecodeError(
        this.code,
        this.offset,
        this.spec,
        `${count} bytes are needed, ${this.end - this.at} are left`,
      );
    }
  }

  u8(): number {
    this.need(1);
    return this.bytes[this.at++] as number;
  }

  u16(): number {
    this.need(2);
    const value = ((this.bytes[this.at] as number) << 8) | (this.bytes[this.at + 1] as number);
    this.at += 2;
    return value;
  }

  u32(): number {
    this.need(4);
    const { bytes, at } = this;
    this.at += 4;
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  u64(): bigint {
    this.need(8);
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** The next `count` bytes, sharing memory with the input. */
  take(count: number): Uint8Array {
    this.need(count);
    this.at += count;
    return view(this.bytes, this.at - count, this.at);
  }

  hex(count: number): string {
    this.need(count);
    this.at += count;
    return hex(this.bytes, this.at - count, this.at);
  }
}
