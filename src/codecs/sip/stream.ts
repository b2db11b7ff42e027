/** SIP over streams: Content-Length frames the messages, empty lines between them keep the connection. RFC 3261 18.3, RFC 5626 3.5.1. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { latin1 } from "../reader.ts";
import type { StreamDecoder } from "../stream.ts";
import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from "./constants.ts";
import type { SipReading } from "./decode.ts";
import { findHead, readMessage } from "./decode.ts";

/**
 * Length of the body by the head's own field, without reading the rest: undefined when there is
 * none, -1 when it is no number.
 */
export function framedLength(bytes: Uint8Array, start: number, end: number): number | undefined {
  const head = latin1(bytes, start, end);
  const field = /(?:^|\n)(?:content-length|l)[ \t]*:[ \t]*(?:\r?\n[ \t]+)*([^\r\n]*)/i.exec(head);
  if (field === null) return undefined;
  const digits = (field[1] as string).trim();
  return /^[0-9]{1,10}$/.test(digits) ? Number(digits) : -1;
}

/** Whole messages out of a stream. Holds one message at most, and no more than the limits. */
export class SipStreamDecoder implements StreamDecoder<SipReading> {
  private kept: Uint8Array = new Uint8Array(0);
  private at = 0;
  /** Octets of the stream before `kept`. */
  private passed = 0;
  private readonly options: DecodeOptions;

  constructor(options: DecodeOptions = {}) {
    this.options = options;
  }

  push(chunk: Uint8Array): void {
    const rest = this.kept.length - this.at;
    const joined = new Uint8Array(rest + chunk.length);
    joined.set(this.kept.subarray(this.at));
    joined.set(chunk, rest);
    this.passed += this.at;
    this.at = 0;
    this.kept = joined;
  }

  /** @throws DecodeError with the offset in the stream: the framing is lost then */
  next(): SipReading | undefined {
    const { kept } = this;
    const head = findHead(kept, this.at, kept.length);
    this.at = head.start;
    if (head.end < 0) {
      if (kept.length - head.start > MAX_HEAD_BYTES) {
        this.fail("sip.head.too-long", `a head of more than ${MAX_HEAD_BYTES} octets`);
      }
      return undefined;
    }
    const length = framedLength(kept, head.start, head.end);
    if (length === undefined)
      this.fail("sip.content-length.missing", "no Content-Length on a stream");
    if (length < 0 || length > MAX_BODY_BYTES)
      this.fail("sip.content-length.number", "Content-Length is no length");
    if (kept.length < head.end + length) return undefined;
    const from = this.at;
    this.at = head.end + length;
    return readMessage(kept, from, this.at, this.options);
  }

  private fail(code: string, message: string): never {
    throw new DecodeError(code, this.passed + this.at, "RFC 3261 18.3", message);
  }

  /** @throws DecodeError when a message is cut */
  end(): void {
    const rest = findHead(this.kept, this.at, this.kept.length).start;
    if (rest < this.kept.length) this.fail("sip.message.cut", "the stream ends inside a message");
  }
}
