/** How a message's body ends, and whether the connection goes on after it. RFC 9112 6.3 and 9.3. */
import { latin1 } from "../reader.ts";
import { MAX_CONTENT_LENGTH, TRANSFER_CODINGS } from "./constants.ts";
import { FIELD } from "./field-ids.ts";
import type { Head } from "./head.ts";
import { equalsIgnoreCase } from "./names.ts";
import { isHostPort } from "./uri.ts";

export const FRAMING = {
  /** No body at all. */
  NONE: 0,
  /** `length` bytes. */
  LENGTH: 1,
  CHUNKED: 2,
  /** All up to the end of the connection. */
  CLOSE: 3,
  /** The connection is no longer HTTP/1 after the head: CONNECT and 101. */
  HAND_OVER: 4,
} as const;

export class Framing {
  /** One of `FRAMING`. */
  kind: number = FRAMING.NONE;
  /** Bytes of the body where the kind is LENGTH. */
  length = 0;
  /** What the Content-Length field says; -1 without one. */
  contentLength = -1;
  /** Whether another message may follow on the connection: RFC 9112 9.3. */
  persistent = true;
  private chunked = false;
  private hasCoding = false;

  /**
   * Judges a head. `requestMethod`: of the request that a response answers, undefined when nobody
   * knows.
   * @throws DecodeError where RFC 9112 6.3 calls the message unrecoverable.
   */
  judge(head: Head, requestMethod: string | undefined): void {
    this.kind = FRAMING.NONE;
    this.length = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.hasCoding = false;
    const keepsAlive = this.readFields(head);
    this.persistent = keepsAlive;
    if (head.kind === "request") this.request(head);
    else this.response(head, requestMethod);
  }

  /** Notes the fields that matter. Returns whether the connection persists. */
  private readFields(head: Head): boolean {
    let hosts = 0;
    let close = false;
    let keepAlive = false;
    for (let i = 0; i < head.count; i++) {
      switch (head.id(i)) {
        case FIELD.HOST:
          hosts++;
          if (head.kind === "request") judgeHost(head, i, hosts);
          break;
        case FIELD.CONTENT_LENGTH:
          this.readLength(head, i);
          break;
        case FIELD.TRANSFER_ENCODING:
          this.readCodings(head, i);
          break;
        case FIELD.CONNECTION: {
          const option = connectionOption(head, i);
          close ||= (option & CLOSE) !== 0;
          keepAlive ||= (option & KEEP_ALIVE) !== 0;
        }
      }
    }
    const modern = head.major > 1 || (head.major === 1 && head.minor >= 1);
    if (head.kind === "request" && hosts === 0 && modern) {
      head.deviate(
        "http.host.missing",
        head.start,
        "RFC 9112 3.2",
        "HTTP/1.1 request without Host",
      );
    }
    return !close && (modern || keepAlive);
  }

  private request(head: Head): void {
    if (this.hasCoding) {
      this.judgeCoding(head);
      if (this.chunked) {
        this.kind = FRAMING.CHUNKED;
        return;
      }
      const at = head.find(FIELD.TRANSFER_ENCODING);
      // RFC 9112 6.3 rule 4: the length of such a request cannot be told.
      head.fail(
        "http.transfer-encoding.not-chunked",
        head.valueStart(at),
        "RFC 9112 6.3",
        "the last transfer coding of a request is not chunked",
      );
    }
    if (this.contentLength > 0) {
      this.kind = FRAMING.LENGTH;
      this.length = this.contentLength;
    }
  }

  private response(head: Head, requestMethod: string | undefined): void {
    const code = head.statusCode;
    if (code === 101 || (requestMethod === "CONNECT" && code >= 200 && code <= 299)) {
      this.kind = FRAMING.HAND_OVER;
      return;
    }
    if (requestMethod === "HEAD" || code < 200 || code === 204 || code === 304) return;
    if (this.hasCoding) {
      this.judgeCoding(head);
      this.kind = this.chunked ? FRAMING.CHUNKED : FRAMING.CLOSE;
    } else if (this.contentLength >= 0) {
      this.kind = this.contentLength === 0 ? FRAMING.NONE : FRAMING.LENGTH;
      this.length = this.contentLength;
    } else {
      this.kind = FRAMING.CLOSE;
    }
    if (this.kind === FRAMING.CLOSE) this.persistent = false;
  }

  /** RFC 9112 6.1: what must not stand beside a Transfer-Encoding. */
  private judgeCoding(head: Head): void {
    const at = head.valueStart(head.find(FIELD.TRANSFER_ENCODING));
    if (this.contentLength >= 0) {
      // Rule 3: Transfer-Encoding wins; a message of an attacker, or of a broken sender.
      this.persistent = false;
      head.deviate(
        "http.framing.both",
        at,
        "RFC 9112 6.3",
        "Content-Length beside Transfer-Encoding",
      );
    }
    if (head.major === 1 && head.minor === 0) {
      this.persistent = false;
      head.deviate(
        "http.transfer-encoding.http10",
        at,
        "RFC 9112 6.1",
        "transfer coding in HTTP/1.0",
      );
    }
  }

  /** RFC 9112 6.3 rules 5 and 6, RFC 9110 8.6: `Content-Length = 1*DIGIT`. */
  private readLength(head: Head, index: number): void {
    const { bytes } = head;
    const start = head.valueStart(index);
    const end = head.valueEnd(index);
    let at = start;
    let value = 0;
    while (at < end) {
      const digit = (bytes[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      if (value > MAX_CONTENT_LENGTH) badLength(head, start, "larger than 2^53 - 1");
      at++;
    }
    if (at === start) badLength(head, start, "not a number");
    if (at < end) {
      value = listedLength(head, start, end);
      head.deviate("http.content-length.list", at, "RFC 9112 6.3", "a list of equal lengths");
    }
    if (this.contentLength >= 0) {
      if (this.contentLength !== value) badLength(head, start, "differs from the one before");
      head.deviate("http.content-length.repeated", start, "RFC 9112 6.3", "given twice");
    }
    this.contentLength = value;
  }

  /** RFC 9112 6.1 and 7: the codings applied, in order; only chunked, at the end, frames the body. */
  private readCodings(head: Head, index: number): void {
    const { bytes } = head;
    const start = head.valueStart(index);
    const end = head.valueEnd(index);
    if (equalsIgnoreCase(bytes, start, end, "chunked")) {
      this.chunkedOnce(head, start);
      return;
    }
    const text = head.value(index).toLowerCase();
    let known = false;
    for (const part of text.split(",")) {
      const name = (part.split(";")[0] as string).trim();
      if (name === "") continue;
      known = true;
      if (name === "chunked") this.chunkedOnce(head, start);
      else this.otherCoding(head, start, name);
    }
    if (!known) {
      this.hasCoding = true;
      this.chunked = false;
      head.deviate(
        "http.transfer-encoding.empty",
        start,
        "RFC 9112 6.1",
        "no transfer coding named",
      );
    }
  }

  private otherCoding(head: Head, at: number, name: string): void {
    if (this.chunked) {
      head.deviate("http.transfer-encoding.order", at, "RFC 9112 6.1", `${name} after chunked`);
    }
    if (name === "identity") {
      // In RFC 2616 3.6 it was no coding at all, and some still send it so.
      head.deviate("http.transfer-encoding.unknown", at, "RFC 9112 7", "identity is no coding now");
      return;
    }
    if (!TRANSFER_CODINGS.has(name)) {
      head.deviate("http.transfer-encoding.unknown", at, "RFC 9112 6.1", `no such coding: ${name}`);
    }
    this.hasCoding = true;
    this.chunked = false;
  }

  private chunkedOnce(head: Head, at: number): void {
    if (this.chunked) {
      head.deviate("http.transfer-encoding.chunked-twice", at, "RFC 9112 6.1", "chunked twice");
    }
    this.hasCoding = true;
    this.chunked = true;
  }
}

function badLength(head: Head, at: number, why: string): never {
  head.fail("http.content-length.invalid", at, "RFC 9112 6.3", `Content-Length is ${why}`);
}

/** `3, 3`: the one value of a list of equal ones. */
function listedLength(head: Head, start: number, end: number): number {
  let common = -1;
  for (const part of latin1(head.bytes, start, end).split(",")) {
    const text = part.trim();
    let value = 0;
    if (text === "") badLength(head, start, "a list with nothing in it");
    for (let i = 0; i < text.length; i++) {
      const digit = text.charCodeAt(i) - 0x30;
      if (digit < 0 || digit > 9) badLength(head, start, "not a number");
      value = value * 10 + digit;
    }
    if (value > MAX_CONTENT_LENGTH) badLength(head, start, "larger than 2^53 - 1");
    if (common >= 0 && value !== common) badLength(head, start, "a list of different lengths");
    common = value;
  }
  return common;
}

const CLOSE = 1;
const KEEP_ALIVE = 2;

function connectionOption(head: Head, index: number): number {
  const { bytes } = head;
  const start = head.valueStart(index);
  const end = head.valueEnd(index);
  if (equalsIgnoreCase(bytes, start, end, "keep-alive")) return KEEP_ALIVE;
  if (equalsIgnoreCase(bytes, start, end, "close")) return CLOSE;
  let options = 0;
  for (const part of head.value(index).toLowerCase().split(",")) {
    const option = part.trim();
    if (option === "close") options |= CLOSE;
    else if (option === "keep-alive") options |= KEEP_ALIVE;
  }
  return options;
}

/** RFC 9112 3.2: one Host field with `uri-host [ ":" port ]`, for every version that has the field. */
function judgeHost(head: Head, index: number, seen: number): void {
  const start = head.valueStart(index);
  if (seen === 2) {
    head.deviate("http.host.repeated", head.nameStart(index), "RFC 9112 3.2", "more than one Host");
  }
  if (!isHostPort(head.bytes, start, head.valueEnd(index))) {
    head.deviate("http.host.syntax", start, "RFC 9112 3.2", "Host is not a host and port");
  }
}
