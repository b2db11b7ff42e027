/** Chunk extensions of a chunk line: RFC 9112 7.1.1. */
import { CR, HTAB, SP, TOKEN } from "./constants.ts";

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * What is wrong with `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` in
 * `bytes[start, end)`, or undefined.
 */
export function chunkExtensionProblem(
  bytes: Uint8Array,
  start: number,
  end: number,
): string | undefined {
  if (bytes.subarray(start, end).includes(CR)) return "a bare CR in a chunk extension";
  let at = start;
  while (at < end) {
    at = blanks(bytes, at, end);
    if (bytes[at] !== SEMICOLON || at === end) return "a chunk extension without `;` before it";
    at = blanks(bytes, at + 1, end);
    const name = at;
    at = token(bytes, at, end);
    if (at === name) return "a chunk extension without a name";
    const next = blanks(bytes, at, end);
    if (next === end) return next > at ? "a blank after the chunk extensions" : undefined;
    if (bytes[next] !== EQUALS) continue;
    const value = blanks(bytes, next + 1, end);
    at =
      value < end && bytes[value] === QUOTE ? quoted(bytes, value, end) : token(bytes, value, end);
    if (at <= value) return "a chunk extension whose value is neither token nor quoted string";
  }
  return undefined;
}

function blanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  return at;
}

function token(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && TOKEN[bytes[at] as number] === 1) at++;
  return at;
}

/** The place after a quoted string (RFC 9110 5.6.4) that begins at `at`; -1 if it is not one. */
function quoted(bytes: Uint8Array, at: number, end: number): number {
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH) i++;
    else if ((byte < SP && byte !== HTAB) || byte === 0x7f) return -1;
  }
  return -1;
}
