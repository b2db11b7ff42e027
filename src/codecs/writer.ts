/** A growing big-endian byte buffer for encoders, and text to bytes. */

/** Parses hex digits; white space, `:` and `-` between bytes are allowed. Undefined when it is not hex. */
export function fromHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/[\s:-]/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, "hex"));
}

/** Parses base64 or base64url. Undefined when it is neither. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(digits) || digits.replace(/=+$/, "").length % 4 === 1) {
    return undefined;
  }
  return new Uint8Array(Buffer.from(digits, "base64"));
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function utf8Bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

/** Each code point below 256 as the byte of the same number; higher ones lose their high bits. */
export function latin1Bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** As `latin1Bytes`; short ones share memory allocated for many, since a buffer each is what the collector is slow at. */
export function pooledLatin1(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

/** Octets up to which a loop beats a call of `set`. */
const SHORT = 32;

export class Writer {
  private buffer: Buffer;
  /** The same memory, whose slices are no Buffers. */
  private plain: Uint8Array;
  /** Bytes written so far, and where the next one goes. */
  at = 0;

  constructor(capacity = 512) {
    this.buffer = Buffer.allocUnsafe(capacity);
    this.plain = plainView(this.buffer);
  }

  /** Begins anew in the same memory. */
  reset(): void {
    this.at = 0;
  }

  private room(count: number): void {
    if (this.at + count <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + count));
    larger.set(this.buffer);
    this.buffer = larger;
    this.plain = plainView(larger);
  }

  /** The memory, with room for `count` octets from `at`: for those who write many and move `at` themselves. */
  memory(count: number): Uint8Array {
    this.room(count);
    return this.buffer;
  }

  u8(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  u16(value: number): void {
    this.room(2);
    const { buffer, at } = this;
    buffer[at] = value >> 8;
    buffer[at + 1] = value;
    this.at = at + 2;
  }

  u32(value: number): void {
    this.room(4);
    const { buffer, at } = this;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
    this.at = at + 4;
  }

  u64(value: bigint): void {
    this.u32(Number((value >> 32n) & 0xffffffffn));
    this.u32(Number(value & 0xffffffffn));
  }

  bytes(value: Uint8Array): void {
    const { length } = value;
    this.room(length);
    const { buffer, at } = this;
    if (length < SHORT) for (let i = 0; i < length; i++) buffer[at + i] = value[i] as number;
    else buffer.set(value, at);
    this.at = at + length;
  }

  /** The octets of base64 text. False, and nothing written, when it is none. */
  base64(text: string): boolean {
    if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
      const bytes = fromBase64(text);
      if (bytes !== undefined) this.bytes(bytes);
      return bytes !== undefined;
    }
    this.room((text.length / 4) * 3);
    this.at += this.buffer.base64Write(text, this.at);
    return true;
  }

  latin1(text: string): void {
    this.room(text.length);
    this.at += this.buffer.latin1Write(text, this.at);
  }

  utf8(text: string): void {
    this.bytes(utf8Bytes(text));
  }

  /** Overwrites two bytes written earlier, for lengths known only afterwards. */
  patchU16(at: number, value: number): void {
    this.buffer.writeUInt16BE(value & 0xffff, at);
  }

  patchU32(at: number, value: number): void {
    this.buffer.writeUInt32BE(value >>> 0, at);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.plain.slice(0, this.at);
  }

  /** As `finish`; short ones share memory allocated for many, which is never written again. */
  finishPooled(): Uint8Array {
    const { at, plain } = this;
    if (at > MAX_POOLED) return plain.slice(0, at);
    if (POOL - poolAt < at) {
      pool = new Uint8Array(POOL);
      poolAt = 0;
    }
    const from = poolAt;
    poolAt += at;
    if (at < 4 * SHORT) for (let i = 0; i < at; i++) pool[from + i] = plain[i] as number;
    else pool.set(plain.subarray(0, at), from);
    return new Uint8Array(pool.buffer, from, at);
  }
}

const POOL = 16_384;
const MAX_POOLED = 1024;
let pool = new Uint8Array(0);
let poolAt = POOL;

function plainView(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
