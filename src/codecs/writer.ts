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

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

export class Writer {
  private buffer: Buffer;
  /** Bytes written so far, and where the next one goes. */
  at = 0;

  constructor(capacity = 512) {
    this.buffer = Buffer.alloc(capacity);
  }

  private room(count: number): void {
    if (this.at + count <= this.buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.buffer.length * 2, this.at + count));
    larger.set(this.buffer);
    this.buffer = larger;
  }

  u8(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  u16(value: number): void {
    this.room(2);
    this.at = this.buffer.writeUInt16BE(value & 0xffff, this.at);
  }

  u32(value: number): void {
    this.room(4);
    this.at = this.buffer.writeUInt32BE(value >>> 0, this.at);
  }

  u64(value: bigint): void {
    this.u32(Number((value >> 32n) & 0xffffffffn));
    this.u32(Number(value & 0xffffffffn));
  }

  bytes(value: Uint8Array): void {
    this.room(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
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
    return new Uint8Array(this.buffer.subarray(0, this.at));
  }
}
