/**
 * Gzip streams, member by member. RFC 1952.
 *
 * node:zlib goes over members by itself, but where bytes that are none follow the last, it fails the
 * whole write and drops what that write had inflated. So each member's deflate stream is inflated
 * alone, and header and trailer are read here. All that can be inflated comes out before an error.
 */
import { constants, crc32, createInflateRaw } from "node:zlib";
import type { Issue } from "../../codecs/errors.ts";

/** Compressed bytes given at once: one 1000 times larger fits in memory. */
const STEP = 32 * 1024;
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const FLAG = { HCRC: 2, EXTRA: 4, NAME: 8, COMMENT: 16 } as const;
/** Our own: extra field, name and comment of a member. */
const MAX_HEADER_BYTES = 1 << 20;
const EMPTY = new Uint8Array(0);
const CUT = "unexpected end of file";

/** What came and was not taken yet. */
class Source {
  rest: Uint8Array = EMPTY;
  /** Place of the first byte of `rest` in the stream. */
  offset = 0;
  private readonly chunks: AsyncIterator<Uint8Array>;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** False at the end of the stream. */
  async more(): Promise<boolean> {
    const next = await this.chunks.next();
    if (next.done === true) return false;
    this.rest = this.rest.length === 0 ? next.value : Buffer.concat([this.rest, next.value]);
    return true;
  }

  /** Whether `count` bytes are there. */
  async has(count: number): Promise<boolean> {
    while (this.rest.length < count) if (!(await this.more())) return false;
    return true;
  }

  take(count: number): void {
    this.rest = this.rest.subarray(count);
    this.offset += count;
  }
}

/** @throws Error when a member is damaged or cut */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  onIssue: (issue: Issue) => void,
): AsyncGenerator<Uint8Array> {
  const source = new Source(chunks);
  while (await source.has(1)) {
    if (source.rest[0] === 0 && source.offset > 0) {
      source.take(1); // Tapes and disks pad with zeros; gzip passes over them too.
      continue;
    }
    const whole = await source.has(2);
    if (!whole || source.rest[0] !== 0x1f || source.rest[1] !== 0x8b) {
      onIssue({
        code: "gzip.trailing",
        offset: source.offset,
        spec: "RFC 1952 2.2",
        message: "what follows the last gzip member is none; it is left out",
      });
      return;
    }
    await header(source);
    yield* member(source);
  }
}

/** RFC 1952 2.3. */
async function header(source: Source): Promise<void> {
  if (!(await source.has(HEADER_BYTES))) throw new Error(CUT);
  if (source.rest[2] !== 8) throw new Error("unknown compression method");
  const flags = source.rest[3] as number;
  let at = HEADER_BYTES;
  const need = async (count: number) => {
    if (count > MAX_HEADER_BYTES) throw new Error("a header without end");
    if (!(await source.has(count))) throw new Error(CUT);
  };
  if ((flags & FLAG.EXTRA) !== 0) {
    await need(at + 2);
    at += 2 + ((source.rest[at] as number) | ((source.rest[at + 1] as number) << 8));
  }
  for (const text of [FLAG.NAME, FLAG.COMMENT]) {
    if ((flags & text) === 0) continue;
    do await need(at + 1);
    while (source.rest[at++] !== 0);
  }
  if ((flags & FLAG.HCRC) !== 0) at += 2;
  await need(at);
  source.take(at);
}

async function* member(source: Source): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw({ chunkSize: 1 << 16, flush: constants.Z_SYNC_FLUSH });
  const out: Uint8Array[] = [];
  let failure: Error | undefined;
  let ended = false;
  let wake = () => {};
  let sum = 0;
  let size = 0;
  inflate.on("data", (chunk: Uint8Array) => {
    out.push(chunk);
    sum = crc32(chunk, sum);
    size += chunk.length;
  });
  inflate.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  // Also when bytes are left that are not of the deflate stream: the write is then not answered.
  inflate.on("end", () => {
    ended = true;
    wake();
  });
  try {
    while (!ended) {
      if (!(await source.has(1))) throw new Error(CUT);
      const piece = source.rest.subarray(0, STEP);
      const before = inflate.bytesWritten;
      await new Promise<void>((resolve) => {
        wake = resolve;
        inflate.write(piece, () => resolve());
      });
      yield* out.splice(0);
      if (failure !== undefined) throw failure;
      source.take(inflate.bytesWritten - before);
    }
  } finally {
    inflate.destroy();
  }
  if (!(await source.has(TRAILER_BYTES))) throw new Error(CUT);
  const { rest } = source;
  const trailer = new DataView(rest.buffer, rest.byteOffset, TRAILER_BYTES);
  if (trailer.getUint32(0, true) !== sum) throw new Error("incorrect data check");
  if (trailer.getUint32(4, true) !== size % 2 ** 32) throw new Error("incorrect length check");
  source.take(TRAILER_BYTES);
}
