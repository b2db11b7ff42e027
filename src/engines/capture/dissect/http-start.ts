/** How HTTP/1.x messages begin: to tell the protocol, and to find the way back after missing bytes. */
import { METHODS } from "../../../codecs/http/constants.ts";
import { latin1 } from "../../../codecs/reader.ts";

/** Bytes of a request line that are looked at. RFC 9112 3 recommends to support 8000. */
const MAX_LINE_BYTES = 8192;
const LONGEST_METHOD = Math.max(...[...METHODS].map((method) => method.length));
/** `HTTP/1.1 200`. */
const STATUS_BYTES = 12;
const STATUS = /^HTTP\/1\.[01] [1-5][0-9][0-9]/;

/** Judges bytes at which a message may begin. */
export function judgeStart(
  bytes: Uint8Array,
  start: number,
  end: number,
): "request" | "response" | "more" | "no" {
  if (bytes[start] === 0x48) {
    const text = latin1(bytes, start, Math.min(end, start + STATUS_BYTES));
    if (STATUS.test(text)) return "response";
    if (text.length < STATUS_BYTES && "HTTP/1.".startsWith(text.slice(0, 7))) return "more";
  }
  return judgeRequest(bytes, start, end);
}

/** `METHOD SP target SP HTTP/1.x`, or of HTTP/0.9 without the version. */
function judgeRequest(bytes: Uint8Array, start: number, end: number): "request" | "more" | "no" {
  let at = start;
  while (at < end && isMethodOctet(bytes[at] as number)) at++;
  if (at === start || at - start > 32) return "no";
  const method = latin1(bytes, start, at);
  if (at === end) {
    return [...METHODS].some((known) => known.startsWith(method)) ? "more" : "no";
  }
  if (bytes[at] !== 0x20) return "no";
  const stop = Math.min(end, start + MAX_LINE_BYTES);
  let lf = at + 1;
  while (lf < stop && bytes[lf] !== 0x0a) {
    if ((bytes[lf] as number) < 0x20 && bytes[lf] !== 0x0d && bytes[lf] !== 0x09) return "no";
    lf++;
  }
  if (lf === stop) return METHODS.has(method) && end === stop ? "more" : "no";
  let to = lf;
  if (bytes[to - 1] === 0x0d) to--;
  const line = latin1(bytes, at + 1, to);
  if (/ HTTP\/1\.[0-9]?\s*$/.test(line)) return "request";
  return METHODS.has(method) && /^\/[^ ]*$/.test(line) ? "request" : "no";
}

/** Upper-case letters and `-`, `_`: all registered methods (IANA HTTP Method Registry). */
function isMethodOctet(b: number): boolean {
  return (b >= 0x41 && b <= 0x5a) || b === 0x2d || b === 0x5f;
}

/**
 * Index of the first message of this kind (or of any) that begins in `bytes[start, end)`, at its
 * beginning or in the middle; -1 when there is none.
 */
export function findMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: "request" | "response" | undefined,
): number {
  const atStart = judgeStart(bytes, start, end);
  if (
    atStart === kind ||
    (kind === undefined && (atStart === "request" || atStart === "response"))
  ) {
    return start;
  }
  const text = latin1(bytes, start, end);
  for (let i = text.indexOf("HTTP/1."); i >= 0; i = text.indexOf("HTTP/1.", i + 1)) {
    if (kind !== "request" && STATUS.test(text.slice(i, i + STATUS_BYTES))) return start + i;
    if (kind === "response") continue;
    const line = requestLineBefore(text, i);
    if (line >= 0) return start + line;
  }
  return -1;
}

/** Where the request line begins whose version is at `versionAt`; -1 when there is none. */
function requestLineBefore(text: string, versionAt: number): number {
  if (!/^HTTP\/1\.[01]\r?\n/.test(text.slice(versionAt, versionAt + 10))) return -1;
  if (text[versionAt - 1] !== " ") return -1;
  const targetAt = text.lastIndexOf(" ", versionAt - 2) + 1;
  if (targetAt <= 0 || versionAt - targetAt > MAX_LINE_BYTES) return -1;
  const before = text.slice(Math.max(0, targetAt - 1 - LONGEST_METHOD), targetAt - 1);
  for (let length = before.length; length >= 3; length--) {
    if (METHODS.has(before.slice(-length))) return targetAt - 1 - length;
  }
  return -1;
}
