/** SIP messages from bytes. RFC 3261 7 and 25.1; torture cases of RFC 4475. */
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { asciiText, latin1, strictUtf8 } from "../reader.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "./constants.ts";
import type { SipField, SipMessage, SipRequest, SipResponse } from "./message.ts";
import type { SipParts } from "./parts.ts";
import { readParts } from "./parts.ts";
import { isToken } from "./scanner.ts";
import type { Uri } from "./uri.ts";
import { isSipUri, parseUri } from "./uri.ts";

const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;

/** A message with what was read on the way. */
export interface SipReading {
  readonly message: SipMessage;
  readonly parts: SipParts;
  /** Octets of the message: start line to the end of the body. */
  readonly bytes: number;
}

/** Where a head ends, for whoever frames a stream. */
export interface HeadSpan {
  /** Index of the first octet, after leading line ends (RFC 3261 7.5). */
  readonly start: number;
  /** Index after the blank line; -1 while there is none. */
  readonly end: number;
}

/** Finds the head in `bytes[start, end)`; `from`: where to go on looking. */
export function findHead(bytes: Uint8Array, start: number, end: number): HeadSpan {
  let first = start;
  while (first < end && (bytes[first] === CR || bytes[first] === LF)) first++;
  for (let i = first; i + 1 < end; i++) {
    if (bytes[i] !== LF) continue;
    if (bytes[i + 1] === LF) return { start: first, end: i + 2 };
    if (bytes[i + 1] === CR && i + 2 < end && bytes[i + 2] === LF)
      return { start: first, end: i + 3 };
  }
  return { start: first, end: -1 };
}

type StartLine = Omit<SipRequest, "fields" | "body"> | Omit<SipResponse, "fields" | "body">;

class Walk {
  private readonly bytes: Uint8Array;
  private readonly start: number;
  private readonly options: DecodeOptions;
  readonly fields: SipField[] = [];
  /** Offset of each value from the start of the message. */
  readonly offsets: number[] = [];
  /** The head, where it is ASCII: one call for all its parts. */
  private ascii: string | undefined = undefined;

  constructor(bytes: Uint8Array, start: number, options: DecodeOptions) {
    this.bytes = bytes;
    this.start = start;
    this.options = options;
  }

  deviate(code: string, offset: number, spec: string, message: string): void {
    if (this.options.tolerate === undefined) throw new DecodeError(code, offset, spec, message);
    this.options.tolerate({ code, offset, spec, message });
  }

  fail(code: string, at: number, spec: string, message: string): never {
    throw new DecodeError(code, at - this.start, spec, message);
  }

  /** What `text` will be asked for lies in `bytes[start, end)`. */
  head(end: number): void {
    this.ascii = asciiText(this.bytes, this.start, end);
  }

  /** RFC 3261 7: UTF-8. What is not is taken octet by octet. */
  text(from: number, to: number): string {
    if (this.ascii !== undefined) return this.ascii.slice(from - this.start, to - this.start);
    const text = strictUtf8(this.bytes, from, to);
    if (text !== undefined) return text;
    this.deviate("sip.text.utf8", from - this.start, "RFC 3261 25.1", "not UTF-8");
    return latin1(this.bytes, from, to);
  }

  /** Index of the LF that ends the line at `at`, or `end`. */
  lineEnd(at: number, end: number): number {
    let i = at;
    while (i < end && this.bytes[i] !== LF) i++;
    return i;
  }

  /** Index after the line's last octet without its CRLF. */
  contentEnd(from: number, lf: number): number {
    if (lf > from && this.bytes[lf - 1] === CR) return lf - 1;
    this.deviate("sip.line.bare-lf", lf - this.start, "RFC 3261 7.1", "a line ends with LF alone");
    return lf;
  }

  /** Field lines of `bytes[at, end)`, up to the blank line if there is one. */
  fieldLines(at: number, end: number): void {
    const { bytes } = this;
    let from = at;
    while (from < end) {
      let lf = this.lineEnd(from, end);
      if (lf === from || (lf === from + 1 && bytes[from] === CR)) return;
      let folded = false;
      while (lf + 1 < end && (bytes[lf + 1] === 0x20 || bytes[lf + 1] === 0x09)) {
        lf = this.lineEnd(lf + 1, end);
        folded = true;
      }
      if (lf < end) this.field(from, this.contentEnd(from, lf), folded);
      else this.field(from, end, folded);
      from = lf + 1;
    }
  }

  /** RFC 3261 7.3.1: `field-name HCOLON field-value`. */
  private field(from: number, to: number, folded: boolean): void {
    const { bytes } = this;
    let colon = from;
    while (colon < to && bytes[colon] !== COLON) colon++;
    let nameEnd = colon;
    while (nameEnd > from && isBlank(bytes[nameEnd - 1] as number)) nameEnd--;
    const name =
      this.ascii === undefined
        ? latin1(bytes, from, nameEnd)
        : this.ascii.slice(from - this.start, nameEnd - this.start);
    if (colon === to || !isToken(name)) {
      this.deviate(
        "sip.field.name",
        from - this.start,
        "RFC 3261 7.3.1",
        "a field line without name and colon",
      );
      return;
    }
    if (this.fields.length >= MAX_FIELDS) {
      this.fail("sip.field.count", from, "RFC 3261 21.5.7", `more than ${MAX_FIELDS} fields`);
    }
    let valueAt = colon + 1;
    while (valueAt < to && isSpace(bytes[valueAt] as number)) valueAt++;
    let valueEnd = to;
    while (valueEnd > valueAt && isSpace(bytes[valueEnd - 1] as number)) valueEnd--;
    let value = this.text(valueAt, valueEnd);
    if (folded)
      value = value
        .split("\n")
        .map((line) => line.trim())
        .join(" ");
    this.fields.push({ name, value });
    this.offsets.push(valueAt - this.start);
  }

  /** RFC 3261 7.1 and 7.2. */
  startLine(at: number, end: number): StartLine {
    const line = this.text(at, end);
    if (line.slice(0, 4).toUpperCase() === "SIP/") return this.statusLine(line);
    const methodEnd = wordEnd(line, 0);
    const uriAt = blanksEnd(line, methodEnd);
    let tail = line.length;
    while (tail > uriAt && isBlank(line.charCodeAt(tail - 1))) tail--;
    let versionAt = tail;
    while (versionAt > uriAt && !isBlank(line.charCodeAt(versionAt - 1))) versionAt--;
    let uriEnd = versionAt;
    while (uriEnd > uriAt && isBlank(line.charCodeAt(uriEnd - 1))) uriEnd--;
    const version = line.slice(versionAt, tail);
    if (uriEnd <= uriAt || version.slice(0, 4).toUpperCase() !== "SIP/") {
      this.fail(
        "sip.request-line.syntax",
        at,
        "RFC 3261 7.1",
        "not method, Request-URI and version",
      );
    }
    const method = line.slice(0, methodEnd);
    const requestUri = line.slice(uriAt, uriEnd);
    if (!isToken(method))
      this.fail("sip.method.syntax", at, "RFC 3261 25.1", "the method is no token");
    if (uriAt - methodEnd !== 1 || versionAt - uriEnd !== 1 || tail !== line.length) {
      this.deviate(
        "sip.request-line.whitespace",
        methodEnd,
        "RFC 3261 7.1",
        "not one space between the parts, or blanks after them",
      );
    }
    this.requestUri(requestUri, uriAt);
    this.version(version, versionAt);
    return { kind: "request", method, requestUri, version };
  }

  private requestUri(text: string, offset: number): void {
    let uri: Uri;
    try {
      uri = parseUri(text);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.deviate(
        "sip.request-uri.syntax",
        offset + error.offset,
        "RFC 3261 7.1",
        `the Request-URI: ${error.message}`,
      );
      return;
    }
    if (isSipUri(uri) && uri.headers.length > 0) {
      this.deviate(
        "sip.request-uri.headers",
        offset,
        "RFC 3261 19.1.1",
        "a Request-URI has no headers",
      );
    }
  }

  private version(text: string, offset: number): void {
    if (text.toUpperCase() === "SIP/2.0") return;
    this.deviate("sip.version", offset, "RFC 3261 7.1", `${text} is not SIP/2.0`);
  }

  private statusLine(line: string): StartLine {
    const parts = /^(SIP\/[^ ]+)( +)([0-9]+)( ?)(.*)$/is.exec(line);
    if (parts === null)
      this.fail(
        "sip.status-line.syntax",
        this.start,
        "RFC 3261 7.2",
        "not version, status code and reason",
      );
    const [, version, gap, code, space, reasonPhrase] = parts as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    this.version(version, 0);
    const statusCode = Number(code);
    if (code.length !== 3 || statusCode < 100 || statusCode > 699) {
      this.deviate(
        "sip.status.range",
        version.length + 1,
        "RFC 3261 7.2",
        `${code.slice(0, 20)} is not 100 to 699`,
      );
    }
    if (gap !== " " || space === "") {
      this.deviate(
        "sip.status-line.whitespace",
        version.length,
        "RFC 3261 7.2",
        "not one space between the parts",
      );
    }
    return { kind: "response", statusCode, reasonPhrase, version };
  }
}

function wordEnd(line: string, from: number): number {
  let at = from;
  while (at < line.length && !isBlank(line.charCodeAt(at))) at++;
  return at;
}

function blanksEnd(line: string, from: number): number {
  let at = from;
  while (at < line.length && isBlank(line.charCodeAt(at))) at++;
  return at;
}

function isBlank(b: number): boolean {
  return b === 0x20 || b === 0x09;
}

function isSpace(b: number): boolean {
  return b === 0x20 || b === 0x09 || b === CR || b === LF;
}

/**
 * One message that fills `bytes[start, end)`: a datagram, or what a stream's framing cut out.
 * Octets after the length that Content-Length tells do not count (RFC 3261 18.3).
 * @throws DecodeError
 */
export function readMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: DecodeOptions = {},
): SipReading {
  const head = findHead(bytes, start, end);
  const walk = new Walk(bytes, head.start, options);
  if (head.start === end) walk.fail("sip.message.empty", end, "RFC 3261 7", "no message");
  const headEnd = head.end < 0 ? end : head.end;
  if (headEnd - head.start > MAX_HEAD_BYTES) {
    walk.fail(
      "sip.head.too-long",
      head.start,
      "RFC 3261 18.1.1",
      `a head of more than ${MAX_HEAD_BYTES} octets`,
    );
  }
  walk.head(headEnd);
  const lf = walk.lineEnd(head.start, headEnd);
  const first = walk.startLine(
    head.start,
    lf < headEnd ? walk.contentEnd(head.start, lf) : headEnd,
  );
  if (head.end < 0) {
    walk.deviate(
      "sip.head.unended",
      end - head.start,
      "RFC 3261 7",
      "no blank line after the fields",
    );
  }
  walk.fieldLines(lf + 1, headEnd);
  const shell = { ...first, fields: walk.fields, body: EMPTY } as SipMessage;
  const parts = readParts(shell, (code, index, offset, spec, message) => {
    walk.deviate(
      code,
      index < 0 ? 0 : Math.min((walk.offsets[index] as number) + offset, end - head.start),
      spec,
      message,
    );
  });
  const bodyEnd = bodyEndOf(walk, parts, head.start, headEnd, end);
  const body = bodyEnd > headEnd ? bytes.slice(headEnd, bodyEnd) : EMPTY;
  const message = { ...shell, body };
  return { message, parts, bytes: bodyEnd - head.start };
}

const EMPTY = new Uint8Array(0);

function bodyEndOf(
  walk: Walk,
  parts: SipParts,
  start: number,
  headEnd: number,
  end: number,
): number {
  const { contentLength } = parts;
  if (contentLength === undefined) return end;
  if (contentLength > end - headEnd) {
    walk.deviate(
      "sip.content-length.short",
      headEnd - start,
      "RFC 3261 18.3",
      `Content-Length is ${contentLength}, the body has ${end - headEnd} octets`,
    );
    return end;
  }
  return headEnd + contentLength;
}

/** One message of a datagram. @throws DecodeError */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): SipMessage {
  return readMessage(bytes, 0, bytes.length, options).message;
}

/** Decodes as much as can be: `reading` is undefined when not even the start line could be told. */
export function tryMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly reading: SipReading | undefined; readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  try {
    const reading = readMessage(bytes, start, end, { tolerate: (issue) => issues.push(issue) });
    return { reading, issues };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    issues.push(error.toIssue());
    return { reading: undefined, issues };
  }
}
