/**
 * LZ4 frames, decoded block by block. lz4_Frame_format 1.6.3 and lz4_Block_format.
 *
 * Ours because no npm package decodes frames as a stream: they take whole files.
 */

const MAGIC = 0x184d2204;
const LEGACY_MAGIC = 0x184c2102;
/** Blocks may refer to the last 64 KiB of output. */
const WINDOW = 65_536;
/** Legacy frames have blocks of 8 MiB. */
const LEGACY_BLOCK = 8 * 1024 * 1024;

export class Lz4FrameDecoder {
  private readonly emit: (chunk: Uint8Array) => void;
  private pending: Uint8Array = new Uint8Array(0);
  private state: "magic" | "descriptor" | "blocks" | "checksum" = "magic";
  private legacy = false;
  private blockChecksum = false;
  private contentChecksum = false;
  private maxBlock = LEGACY_BLOCK;
  /** The window, then room for one block. */
  private output: Uint8Array = new Uint8Array(0);
  private filled = 0;

  constructor(emit: (chunk: Uint8Array) => void) {
    this.emit = emit;
  }

  /** @throws Error when the bytes are no LZ4 frames, or `last` and a frame is cut. */
  push(chunk: Uint8Array, last: boolean): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    let at = 0;
    for (;;) {
      const used = this.step(this.pending, at);
      if (used === 0) break;
      at += used;
    }
    this.pending = this.pending.slice(at);
    if (last && (this.pending.length > 0 || (this.state !== "magic" && !this.legacy))) {
      throw new Error("a frame is cut");
    }
  }

  private step(bytes: Uint8Array, at: number): number {
    const left = bytes.length - at;
    switch (this.state) {
      case "magic":
        return left < 4 ? 0 : this.magic(u32(bytes, at), bytes, at, left);
      case "descriptor":
        return this.descriptor(bytes, at, left);
      case "blocks":
        return left < 4 ? 0 : this.block(bytes, at, left);
      case "checksum":
        if (left < 4) return 0;
        this.state = "magic";
        return 4;
    }
  }

  private magic(magic: number, bytes: Uint8Array, at: number, left: number): number {
    if (magic >>> 4 === 0x184d2a5) {
      if (left < 8) return 0;
      const size = u32(bytes, at + 4); // A skippable frame.
      return left < 8 + size ? 0 : 8 + size;
    }
    this.legacy = magic === LEGACY_MAGIC;
    if (this.legacy) {
      this.maxBlock = LEGACY_BLOCK;
      this.begin();
      return 4;
    }
    if (magic !== MAGIC) throw new Error("a frame has no LZ4 magic");
    this.state = "descriptor";
    return 4;
  }

  private descriptor(bytes: Uint8Array, at: number, left: number): number {
    if (left < 2) return 0;
    const flags = bytes[at] as number;
    if (flags >> 6 !== 1) throw new Error("the frame's version is not 1");
    const size = 3 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
    if (left < size) return 0;
    this.blockChecksum = (flags & 0x10) !== 0;
    this.contentChecksum = (flags & 0x04) !== 0;
    const code = ((bytes[at + 1] as number) >> 4) & 7;
    if (code < 4) throw new Error("the frame's block size is reserved");
    this.maxBlock = 1 << (8 + 2 * code);
    this.begin();
    return size;
  }

  private begin(): void {
    this.state = "blocks";
    this.filled = 0;
    if (this.output.length < WINDOW + this.maxBlock) {
      this.output = new Uint8Array(WINDOW + this.maxBlock);
    }
  }

  private block(bytes: Uint8Array, at: number, left: number): number {
    const word = u32(bytes, at);
    if (this.legacy && (word === MAGIC || word === LEGACY_MAGIC)) {
      this.state = "magic";
      return this.step(bytes, at);
    }
    if (word === 0 && !this.legacy) {
      this.state = this.contentChecksum ? "checksum" : "magic";
      return 4;
    }
    const stored = !this.legacy && word >>> 31 === 1;
    const size = this.legacy ? word : word & 0x7fffffff;
    if (size > this.maxBlock + this.maxBlock / 255 + 16)
      throw new Error("a block is larger than its frame allows");
    const total = 4 + size + (this.blockChecksum && !this.legacy ? 4 : 0);
    if (left < total) return 0;
    this.slide();
    const from = this.filled;
    if (stored) {
      this.output.set(bytes.subarray(at + 4, at + 4 + size), this.filled);
      this.filled += size;
    } else {
      this.filled = decodeBlock(
        bytes,
        at + 4,
        at + 4 + size,
        this.output,
        this.filled,
        from + this.maxBlock,
      );
    }
    this.emit(this.output.slice(from, this.filled));
    return total;
  }

  /** Keeps the last 64 KiB of output at the front, so that a whole block fits behind. */
  private slide(): void {
    if (this.filled > WINDOW) {
      this.output.copyWithin(0, this.filled - WINDOW, this.filled);
      this.filled = WINDOW;
    }
  }
}

function decodeBlock(
  source: Uint8Array,
  from: number,
  end: number,
  out: Uint8Array,
  start: number,
  limit: number,
): number {
  let at = from;
  let to = start;
  while (at < end) {
    const token = source[at++] as number;
    let literals = token >> 4;
    if (literals === 15) {
      for (let more = 255; more === 255 && at < end; literals += more)
        more = source[at++] as number;
    }
    if (at + literals > end || to + literals > limit)
      throw new Error("a block's literals run over its end");
    out.set(source.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at >= end) break;
    const distance = (source[at] as number) | ((source[at + 1] as number) << 8);
    at += 2;
    let length = token & 15;
    if (length === 15) {
      for (let more = 255; more === 255 && at < end; length += more) more = source[at++] as number;
    }
    length += 4;
    if (distance === 0 || distance > to || to + length > limit)
      throw new Error("a match points outside the window");
    for (let i = 0; i < length; i++, to++) out[to] = out[to - distance] as number;
  }
  return to;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
