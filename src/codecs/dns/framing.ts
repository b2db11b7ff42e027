/** DNS over TCP: a length of two octets before each message. RFC 1035 4.2.2, RFC 7766. */

import { DecodeError, EncodeError } from "../errors.ts";
import type { StreamDecoder } from "../stream.ts";
import { HEADER_BYTES } from "./constants.ts";
import { MAX_MESSAGE_BYTES } from "./encode.ts";

/** @throws EncodeError when the message is longer than 65535 octets. */
export function frame(message: Uint8Array): Uint8Array {
  if (message.length > MAX_MESSAGE_BYTES) {
    throw new EncodeError(
      "dns.too-long",
      "RFC 1035 4.2.2",
      `the message has ${message.length} octets`,
    );
  }
  const out = new Uint8Array(message.length + 2);
  out[0] = message.length >> 8;
  out[1] = message.length & 0xff;
  out.set(message, 2);
  return out;
}

/** Cuts a stream into the octets of its messages. Holds at most one message. */
export class FrameDecoder implements StreamDecoder<Uint8Array> {
  private kept: Uint8Array = new Uint8Array(0);
  /** Index in `kept` of the first octet that was not given out. */
  private at = 0;
  /** Octets of the stream before `kept`. */
  private passed = 0;

  push(chunk: Uint8Array): void {
    const rest = this.kept.length - this.at;
    const joined = new Uint8Array(rest + chunk.length);
    joined.set(this.kept.subarray(this.at));
    joined.set(chunk, rest);
    this.passed += this.at;
    this.at = 0;
    this.kept = joined;
  }

  /** The next whole message. @throws DecodeError for a length that no message has */
  next(): Uint8Array | undefined {
    const { kept, at } = this;
    if (kept.length - at < 2) return undefined;
    const length = ((kept[at] as number) << 8) | (kept[at + 1] as number);
    if (length < HEADER_BYTES) {
      throw new DecodeError(
        "dns.frame.length",
        this.passed + at,
        "RFC 1035 4.2.2",
        `a message of ${length} octets has no header`,
      );
    }
    if (kept.length - at < 2 + length) return undefined;
    this.at = at + 2 + length;
    return kept.subarray(at + 2, this.at);
  }

  /** @throws DecodeError when the stream ends inside a message */
  end(): void {
    if (this.at === this.kept.length) return;
    throw new DecodeError(
      "dns.frame.truncated",
      this.passed + this.at,
      "RFC 1035 4.2.2",
      "the stream ends inside a message",
    );
  }
}
