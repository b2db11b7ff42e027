/** A capture's bytes in chunks, decompressed: from files (read ahead by blocks), pipes and growing files. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Decompress } from "fzstd";
import type { Issue } from "../../codecs/errors.ts";
import { CaptureError, fileError } from "./errors.ts";
import type { Compression } from "./format.ts";
import { compressionOf } from "./format.ts";
import { gunzip } from "./gzip.ts";
import { Lz4FrameDecoder } from "./lz4.ts";

/** Small enough that the bytes are still in the second-level cache when they are parsed. */
export const BLOCK_BYTES = 256 * 1024;
/** How often a growing file is looked at. */
const FOLLOW_INTERVAL_MS = 100;

export interface OpenFile {
  readonly fd: number;
  readonly name: string;
  readonly regular: boolean;
  readonly size: number;
}

/** Opens a capture for reading. `-` is the standard input. @throws CaptureError */
export function openCapture(path: string): OpenFile {
  if (path === "-") return { fd: 0, name: "standard input", regular: false, size: 0 };
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw fileError(path, error);
  }
  const stat = fstatSync(fd);
  if (stat.isDirectory()) {
    closeSync(fd);
    throw new CaptureError("EISDIR", `${path}: is a directory; a capture file is expected`);
  }
  return { fd, name: path, regular: stat.isFile(), size: stat.size };
}

export function closeCapture(file: OpenFile): void {
  if (file.fd !== 0) closeSync(file.fd);
}

/** Reads up to `length` bytes; 0 at the end. @throws CaptureError */
export function readBlock(file: OpenFile, into: Uint8Array, at: number, length: number): number {
  try {
    return readSync(file.fd, into, at, length, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EOF") return 0;
    throw fileError(file.name, error);
  }
}

/** The raw chunks of a pipe, or of a file; with `follow`, of a file that grows until `stop()`. */
export async function* rawChunks(
  file: OpenFile,
  follow: boolean,
  stopped: () => boolean,
): AsyncGenerator<Uint8Array> {
  if (!file.regular) {
    const { createReadStream } = await import("node:fs");
    const stream = createReadStream("", { fd: file.fd, autoClose: false, highWaterMark: 1 << 18 });
    yield* stream;
    return;
  }
  while (!stopped()) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const count = readBlock(file, block, 0, block.length);
    if (count > 0) {
      yield block.subarray(0, count);
    } else if (follow) {
      await sleep(FOLLOW_INTERVAL_MS);
    } else {
      return;
    }
  }
}

/** Decompresses chunks by the magic of the first. Plain bytes pass as they are. */
export async function* plainChunks(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  onIssue: (issue: Issue) => void,
): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  let head = new Uint8Array(0);
  while (head.length < 4) {
    const next = await source.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const compression = compressionOf(head);
  const all = prepend(head, source);
  if (compression === undefined) yield* all;
  else yield* decompress(name, compression, all, onIssue);
}

async function* prepend(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** What was inflated before the damage is kept; only data without any good beginning is refused. */
async function* decompress(
  name: string,
  compression: Compression,
  chunks: AsyncIterable<Uint8Array>,
  onIssue: (issue: Issue) => void,
): AsyncGenerator<Uint8Array> {
  let taken = 0;
  let given = 0;
  const counted = async function* () {
    for await (const chunk of chunks) {
      taken += chunk.length;
      yield chunk;
    }
  };
  const inflate = compression === "gzip" ? gunzip : compression === "zstd" ? zstd : lz4;
  try {
    for await (const bytes of inflate(counted(), onIssue)) {
      given += bytes.length;
      yield bytes;
    }
  } catch (error) {
    if (error instanceof CaptureError) throw error;
    const what = `the ${compression} data is damaged (${(error as Error).message})`;
    if (given === 0) throw new CaptureError("compression", `${name}: ${what}`);
    onIssue({
      code: `${compression}.damaged`,
      offset: taken,
      spec: SPEC[compression],
      message: `${what}; what follows is lost`,
    });
  }
}

const SPEC = { gzip: "RFC 1952", zstd: "RFC 8878", lz4: "LZ4 frame format" } as const;

type Decoder = (emit: (chunk: Uint8Array) => void) => (chunk: Uint8Array, last: boolean) => void;

const zstd = (chunks: AsyncIterable<Uint8Array>) =>
  blockwise(chunks, (emit) => {
    const decoder = new Decompress((chunk) => emit(chunk));
    return (chunk, last) => decoder.push(chunk, last);
  });

const lz4 = (chunks: AsyncIterable<Uint8Array>) =>
  blockwise(chunks, (emit) => {
    const decoder = new Lz4FrameDecoder(emit);
    return (chunk, last) => decoder.push(chunk, last);
  });

async function* blockwise(
  chunks: AsyncIterable<Uint8Array>,
  decoder: Decoder,
): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  const push = decoder((chunk) => out.push(chunk));
  let failure: unknown;
  const step = (chunk: Uint8Array, last: boolean) => {
    try {
      push(chunk, last);
    } catch (error) {
      failure = error;
    }
  };
  for await (const chunk of chunks) {
    step(chunk, false);
    yield* out.splice(0);
    if (failure !== undefined) throw failure;
  }
  step(new Uint8Array(0), true);
  yield* out.splice(0);
  if (failure !== undefined) throw failure;
}
