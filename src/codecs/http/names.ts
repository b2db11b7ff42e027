/** Short texts that come again and again (field names, methods), made into a string once. */
import { latin1 } from "../reader.ts";

const SLOTS = 1024;
/** Longer texts are not kept. */
const MAX_KEPT = 32;

const texts: (string | undefined)[] = new Array(SLOTS).fill(undefined);

/** `bytes[start, end)` with each byte as the code point of the same number. */
export function internedText(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return "";
  if (length > MAX_KEPT) return latin1(bytes, start, end);
  const first = bytes[start] as number;
  const middle = bytes[start + (length >> 1)] as number;
  const last = bytes[end - 1] as number;
  const slot = (length * 131 + first * 17 + middle * 71 + last * 37) & (SLOTS - 1);
  const known = texts[slot];
  if (known !== undefined && known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  const text = latin1(bytes, start, end);
  texts[slot] = text;
  return text;
}

/** Whether `bytes[start, end)` is `lower` (ASCII, lower case), case ignored. */
export function equalsIgnoreCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  lower: string,
): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const b = bytes[start + i] as number;
    const folded = b >= 0x41 && b <= 0x5a ? b | 0x20 : b;
    if (folded !== lower.charCodeAt(i)) return false;
  }
  return true;
}
