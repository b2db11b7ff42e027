/** Heads of which nothing is out of the ordinary, read in one pass. RFC 9112 2 to 5. */
import { COLON, CR, HTAB, LF, MAX_FIELDS, SP, TEXT, TOKEN } from "./constants.ts";
import type { HeadParts } from "./head-parts.ts";
import { isBlank } from "./head-parts.ts";
import { knownName, learnName } from "./known-names.ts";
import { internedText } from "./names.ts";
import { skipText, skipVisible } from "./words.ts";

const SLASH = 0x2f;

/** Reads the head that `head` was placed at. Returns the index after its blank line, or -1: it needs a closer look. */
export function readPlainHead(head: HeadParts): number {
  const { bytes, end } = head;
  const words = head.wordsOf();
  let at = head.kind === "request" ? requestLine(head) : statusLine(head);
  if (at < 0) return -1;
  while (at < end) {
    if (bytes[at] === CR) {
      if (bytes[at + 1] !== LF || at + 1 >= end) return -1;
      head.end = at + 2;
      return at + 2;
    }
    const nameStart = at;
    const known = knownName(words, at, end, head.count);
    if (known === undefined) {
      while (at < end && TOKEN[bytes[at] as number] === 1) at++;
      if (at === nameStart || bytes[at] !== COLON) return -1;
    } else at += known.length;
    const nameEnd = at++;
    while (at < end && isBlank(bytes[at] as number)) at++;
    const valueStart = at;
    at = skipText(words, at, end);
    // As TEXT has it; comparisons are faster than a table here, where most of a head is.
    for (; at < end; at++) {
      const b = bytes[at] as number;
      if (b < 0x20 ? b !== HTAB : b === 0x7f) break;
    }
    if (at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd--;
    if (head.count >= MAX_FIELDS) return -1;
    if (known === undefined) {
      const id = head.add(nameStart, nameEnd, valueStart, valueEnd, 0);
      learnName(bytes, words, nameStart, nameEnd, head.count - 1, id);
    } else head.note(nameStart, nameEnd, valueStart, valueEnd, known.id, known.text);
    at += 2;
  }
  return -1;
}

/** `METHOD SP /path SP HTTP/1.x CRLF`. Returns the index of the next line, or -1. */
function requestLine(head: HeadParts): number {
  const { bytes, start, end } = head;
  let at = start;
  while (at < end && TOKEN[bytes[at] as number] === 1) at++;
  if (at === start || bytes[at] !== SP || bytes[at + 1] !== SLASH) return -1;
  const methodEnd = at;
  const targetStart = ++at;
  at = skipVisible(head.wordsOf(), at, end);
  while (at < end && (bytes[at] as number) > 0x20 && (bytes[at] as number) < 0x7f) at++;
  if (at + 10 >= end || bytes[at] !== SP) return -1;
  if (bytes[at + 9] !== CR || bytes[at + 10] !== LF || !version(head, at + 1)) return -1;
  head.method = internedText(bytes, start, methodEnd);
  // authority-form is another matter: RFC 9112 3.2.3.
  if (head.method === "CONNECT") return -1;
  head.targetStart = targetStart;
  head.targetEnd = at;
  return at + 11;
}

/** `HTTP/1.x SP 3DIGIT SP [reason] CRLF`. */
function statusLine(head: HeadParts): number {
  const { bytes, start, end } = head;
  if (start + 14 > end || bytes[start + 8] !== SP || bytes[start + 12] !== SP) return -1;
  const a = (bytes[start + 9] as number) - 0x30;
  const b = (bytes[start + 10] as number) - 0x30;
  const c = (bytes[start + 11] as number) - 0x30;
  if (a < 1 || a > 5 || b < 0 || b > 9 || c < 0 || c > 9 || !version(head, start)) return -1;
  let at = start + 13;
  while (at < end && TEXT[bytes[at] as number] === 1) at++;
  if (at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
  head.statusCode = a * 100 + b * 10 + c;
  head.reasonStart = start + 13;
  head.reasonEnd = at;
  return at + 2;
}

/** `HTTP/1.0` or `HTTP/1.1`. */
function version(head: HeadParts, at: number): boolean {
  const { bytes } = head;
  if (
    bytes[at] !== 0x48 ||
    bytes[at + 1] !== 0x54 ||
    bytes[at + 2] !== 0x54 ||
    bytes[at + 3] !== 0x50 ||
    bytes[at + 4] !== SLASH ||
    bytes[at + 5] !== 0x31 ||
    bytes[at + 6] !== 0x2e
  ) {
    return false;
  }
  const minor = (bytes[at + 7] as number) - 0x30;
  if (minor !== 0 && minor !== 1) return false;
  head.setVersion(1, minor, minor === 1 ? "HTTP/1.1" : "HTTP/1.0");
  return true;
}
