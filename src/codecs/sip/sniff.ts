/** Whether bytes begin like a SIP message. RFC 3261 7.1, 7.2. */
import { latin1 } from "../reader.ts";

const STATUS = /^SIP\/2\.0 [1-6][0-9][0-9] /i;
/** Octets of a request line that are looked at. */
const MAX_LINE = 2048;

/** `more`: may begin one, but too little is there to say. */
export function looksLikeSip(bytes: Uint8Array, start: number, end: number): "yes" | "no" | "more" {
  let at = start;
  while (at < end && (bytes[at] === 0x0d || bytes[at] === 0x0a)) at++;
  if (at === end) return "more";
  const first = bytes[at] as number;
  // Methods are upper-case words, versions begin with S: all else is told by one octet.
  if (first < 0x21 || first > 0x7e) return "no";
  const stop = Math.min(end, at + MAX_LINE);
  let lf = at;
  while (lf < stop && bytes[lf] !== 0x0a) {
    const b = bytes[lf] as number;
    if (b < 0x20 && b !== 0x0d && b !== 0x09) return "no";
    lf++;
  }
  const line = latin1(bytes, at, lf);
  if (STATUS.test(line)) return "yes";
  if (lf === stop) {
    if (stop - at === MAX_LINE) return "no";
    if (/^(SIP\/2|[A-Za-z]{3,20} +(sip|sips|tel):)/.test(line)) return "more";
    return line.length < 32 && /^[A-Z]{0,20}( [a-z:]*)?$/.test(line) ? "more" : "no";
  }
  return /^[!%'*+.\-_`~0-9A-Za-z]{1,64}[ \t]+\S.*[ \t]SIP\/[0-9.]+[ \t]*\r?$/i.test(line)
    ? "yes"
    : "no";
}

/** Octets of the longest method that is looked for by `mightBeSip`. */
const MAX_METHOD = 32;

/**
 * A quick look at the first word: false for what `looksLikeSip` would refuse, nearly always, without
 * reading the line. True where the bytes end too soon to say.
 */
export function mightBeSip(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] === 0x0d || bytes[at] === 0x0a)) at++;
  const stop = Math.min(end, at + MAX_METHOD);
  let i = at;
  while (i < stop && isLetter(bytes[i] as number)) i++;
  if (i === end) return true;
  // A version, or a method and behind a space the scheme of a URI.
  if (bytes[i] === 0x2f) return i - at === 3 && ((bytes[at] as number) | 0x20) === 0x73;
  if (bytes[i] !== 0x20 || i === at) return false;
  let scheme = i + 1;
  while (scheme < end && scheme < i + 16 && isLetter(bytes[scheme] as number)) scheme++;
  return scheme === end || (scheme > i + 1 && bytes[scheme] === 0x3a);
}

function isLetter(c: number): boolean {
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x7a;
}
