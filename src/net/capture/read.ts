/**
 * A capture file or pipe, read to its end (or for ever, when followed) into a sink.
 *
 * Plain files are read synchronously in blocks: the bulk path. All else comes in chunks. Classic
 * microsecond captures on pipes go through the `pcap-parser` package (see piped.ts).
 */

import { setImmediate as turn } from "node:timers/promises";
import type { CaptureParser, CaptureSink } from "../../codecs/pcap/capture.ts";
import { ClassicParser } from "../../codecs/pcap/classic.ts";
import { PcapngParser } from "../../codecs/pcap/pcapng.ts";
import type { OpenFile } from "./chunks.ts";
import {
  BLOCK_BYTES,
  closeCapture,
  openCapture,
  plainChunks,
  rawChunks,
  readBlock,
} from "./chunks.ts";
import type { Compression } from "./format.ts";
import { compressionOf, containerOf, MAGIC_BYTES, refuseShort } from "./format.ts";

export interface ReadOptions {
  /** Goes on at the end of a file that grows. */
  readonly follow?: boolean;
  /** Asked between chunks; true ends the reading. */
  readonly stopped?: () => boolean;
  /** Awaited between chunks, for a reader that must not run ahead. */
  readonly pause?: () => Promise<void>;
  /** Called after each chunk, with the bytes read so far and the file's size (0: not known). */
  readonly onProgress?: (bytes: number, size: number) => void;
}

export interface ReadResult {
  readonly format: "pcap" | "pcapng";
  readonly detail: string;
  readonly compression: Compression | undefined;
}

/** @throws CaptureError when the file cannot be read or is no capture. */
export async function readCapture(
  path: string,
  sink: CaptureSink,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const file = openCapture(path);
  try {
    const head = new Uint8Array(MAGIC_BYTES);
    if (file.regular && options.follow !== true) {
      const count = readBlock(file, head, 0, MAGIC_BYTES);
      const compression = compressionOf(head.subarray(0, count));
      if (compression === undefined) {
        return await readPlain(file, head.subarray(0, count), sink, options);
      }
      return await readChunks(file, head.subarray(0, count), compression, sink, options);
    }
    return await readChunks(file, undefined, undefined, sink, options);
  } finally {
    closeCapture(file);
  }
}

function parserFor(name: string, head: Uint8Array, sink: CaptureSink): CaptureParser {
  return containerOf(name, head) === "pcapng" ? new PcapngParser(sink) : new ClassicParser(sink);
}

/** Blocks between two looks at the event loop, so that signals and timers are served. */
const BLOCKS_PER_TURN = 16;

async function readPlain(
  file: OpenFile,
  head: Uint8Array,
  sink: CaptureSink,
  options: ReadOptions,
): Promise<ReadResult> {
  const parser = parserFor(file.name, head, sink);
  let buffer: Uint8Array = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  buffer.set(head);
  let filled = head.length;
  let total = filled;
  for (let block = 1; ; block++) {
    if (options.pause !== undefined) await options.pause();
    else if (block % BLOCKS_PER_TURN === 0) await turn();
    const count = readBlock(file, buffer, filled, buffer.length - filled);
    filled += count;
    total += count;
    const taken = parser.parse(buffer, 0, filled);
    options.onProgress?.(total, file.size);
    if (parser.needed === 0 || options.stopped?.() === true) break;
    if (taken > 0 && taken < filled) buffer.copyWithin(0, taken, filled);
    filled -= taken;
    if (count === 0) {
      if (parser.format === "pcap") refuseShort(file.name, total);
      parser.finish(filled);
      break;
    }
    if (parser.needed > buffer.length) buffer = larger(buffer, parser.needed, filled);
  }
  return { format: parser.format, detail: parser.detail, compression: undefined };
}

/** A parser reads a buffer only once: growing gives a new one with the same first bytes. */
function larger(buffer: Uint8Array, needed: number, filled: number): Uint8Array {
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, buffer.length * 2));
  grown.set(buffer.subarray(0, filled));
  return grown;
}

async function readChunks(
  file: OpenFile,
  head: Uint8Array | undefined,
  compression: Compression | undefined,
  sink: CaptureSink,
  options: ReadOptions,
): Promise<ReadResult> {
  const stopped = options.stopped ?? (() => false);
  const raw = counted(
    withHead(head, rawChunks(file, options.follow === true, stopped)),
    file,
    options,
  );
  const chunks = plainChunks(file.name, raw, (issue) => sink.issue(issue));
  let first: Uint8Array = new Uint8Array(0);
  while (first.length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  const container = containerOf(file.name, first);
  if (container === "pcap-us" && !file.regular) {
    const { readPiped } = await import("./piped.ts");
    const detail = await readPiped(file.name, first, chunks, sink, stopped);
    return { format: "pcap", detail, compression };
  }
  const parser = parserFor(file.name, first, sink);
  let pending: Uint8Array = first;
  let total = first.length;
  for (;;) {
    const taken = parser.parse(pending, 0, pending.length);
    sink.flush?.();
    await options.pause?.();
    if (parser.needed === 0 || stopped()) break;
    pending = pending.subarray(taken);
    const next = await chunks.next();
    if (next.done === true) {
      if (parser.format === "pcap") refuseShort(file.name, total);
      parser.finish(pending.length);
      break;
    }
    total += next.value.length;
    pending = pending.length === 0 ? next.value : Buffer.concat([pending, next.value]);
  }
  return { format: parser.format, detail: parser.detail, compression };
}

async function* withHead(
  head: Uint8Array | undefined,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (head !== undefined && head.length > 0) yield head.slice();
  yield* rest;
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  file: OpenFile,
  options: ReadOptions,
): AsyncGenerator<Uint8Array> {
  let total = 0;
  for await (const chunk of chunks) {
    total += chunk.length;
    options.onProgress?.(total, file.size);
    yield chunk;
  }
}
