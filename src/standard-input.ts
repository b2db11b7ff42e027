/** Standard input, and files that flags name, read whole. */
import { readFileSync, readSync } from "node:fs";
import { CommandError, EXIT } from "./failure.ts";

/** Bytes of one message or file that are read: more is a mistake. */
export const MAX_INPUT_BYTES = 256 * 1024 * 1024;
const PAUSE_MS = 2;

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

/** All of it: the other end may be slow, and the pipe need not block (`readFileSync` fails with EAGAIN then). */
export function readStandardInput(): Uint8Array {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536);
    let count = 0;
    try {
      count = readSync(0, chunk);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EAGAIN") {
        Atomics.wait(pauseCell, 0, 0, PAUSE_MS);
        continue;
      }
      if (code !== "EOF") throw new CommandError(`standard input: ${message}`, EXIT.input);
    }
    if (count === 0) break;
    size += count;
    if (size > MAX_INPUT_BYTES)
      throw new CommandError("standard input: larger than 256 MiB", EXIT.input);
    chunks.push(chunk.subarray(0, count));
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** `-` is standard input. @throws CommandError */
export function readFileOrInput(path: string): Uint8Array {
  if (path === "-") return readStandardInput();
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be read (${code ?? message})`, EXIT.input);
  }
}

/** Its lines, without their ends. @throws CommandError */
export function readLinesOf(path: string): string[] {
  return Buffer.from(readFileOrInput(path)).toString("utf8").split(/\r?\n/);
}
