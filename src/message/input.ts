/** The bytes that a command works on: given as hex, base64, a file's name, or on standard input. */
import { readFileSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { fromBase64, fromHex } from "../codecs/writer.ts";
import { CommandError, EXIT } from "../failure.ts";
import { MAX_INPUT_BYTES, readStandardInput } from "../standard-input.ts";

/** Digits from which on text is taken for hex: shorter words may be something else. */
const MIN_HEX_DIGITS = 8;

export type InputForm = "auto" | "raw" | "hex" | "base64";

function refuse(message: string): never {
  throw new CommandError(message, EXIT.input);
}

/** `argument`: undefined or `-` for standard input. @throws CommandError */
export function readInput(argument: string | undefined, form: InputForm): Uint8Array {
  if (argument === undefined || argument === "-") {
    if (isatty(0)) throw new CommandError("no input: give hex, base64, a file, or pipe bytes in");
    return shaped(readStandardInput(), form, "standard input");
  }
  if (form === "hex" || form === "base64") {
    const bytes = form === "hex" ? fromHex(argument) : fromBase64(argument);
    if (bytes !== undefined) return bytes;
  }
  if (isFile(argument)) return shaped(readFd(argument, argument), form, argument);
  if (form === "raw") refuse(`${argument}: no such file`);
  const bytes = fromHex(argument) ?? fromBase64(argument);
  if (bytes === undefined || bytes.length === 0)
    refuse(`${argument}: neither a file, nor hex, nor base64`);
  return bytes;
}

function isFile(path: string): boolean {
  try {
    const found = statSync(path);
    if (found.isDirectory()) refuse(`${path}: a directory; a file was expected`);
    return true;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    return false; // No such name: it may be the bytes themselves.
  }
}

function readFd(source: string, name: string): Uint8Array {
  try {
    const bytes = readFileSync(source);
    if (bytes.length > MAX_INPUT_BYTES) refuse(`${name}: larger than 256 MiB`);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    refuse(`${name}: ${(error as Error).message}`);
  }
}

/** Contents as bytes: text of hex digits alone is hex, unless `form` says otherwise. */
function shaped(contents: Uint8Array, form: InputForm, name: string): Uint8Array {
  if (form === "raw") return contents;
  const text = Buffer.from(contents).toString("latin1");
  if (form === "auto") {
    const digits = text.replace(/\s/g, "");
    const isHex = digits.length >= MIN_HEX_DIGITS && /^[0-9a-fA-F]+$/.test(digits);
    return isHex ? (fromHex(digits) ?? contents) : contents;
  }
  const bytes = form === "hex" ? fromHex(text) : fromBase64(text);
  if (bytes === undefined) refuse(`${name}: not ${form}`);
  return bytes;
}
