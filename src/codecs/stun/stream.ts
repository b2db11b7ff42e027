/** STUN and TURN over TCP: messages and padded ChannelData one behind the other. RFC 8489 6.2.2, RFC 8656 12.5. */
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { view } from "../reader.ts";
import type { StreamDecoder } from "../stream.ts";
import { decodeStun } from "./decode.ts";
import type { StunItem } from "./message.ts";
import { framedBytes } from "./sniff.ts";

/** The longest item: a header of 20 and 65,535 bytes, and their padding. */
export const MAX_STUN_ITEM_BYTES = 65_560;

/** Offsets of errors and issues count from the start of the stream. */
export class StunStreamDecoder implements StreamDecoder<StunItem> {
  private waiting = new Uint8Array(0);
  private consumed = 0;
  private readonly options: DecodeOptions;

  constructor(options: DecodeOptions = {}) {
    this.options = options;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const all = new Uint8Array(this.waiting.length + chunk.length);
    all.set(this.waiting);
    all.set(chunk, this.waiting.length);
    this.waiting = all;
  }

  next(): StunItem | undefined {
    const { waiting } = this;
    const length = framedBytes(waiting, 0, waiting.length);
    if (length < 0) {
      throw new DecodeError(
        "stun.stream.framing",
        this.consumed,
        "RFC 8489 6.2.2",
        "no item begins here",
      );
    }
    if (length === 0 || length > waiting.length) return undefined;
    const base = this.consumed;
    this.waiting = view(waiting, length, waiting.length) as Uint8Array<ArrayBuffer>;
    this.consumed += length;
    try {
      return decodeStun(view(waiting, 0, length), this.shifted(base));
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw new DecodeError(error.code, base + error.offset, error.spec, error.message);
    }
  }

  private shifted(base: number): DecodeOptions {
    const { tolerate } = this.options;
    if (tolerate === undefined || base === 0) return this.options;
    return {
      tolerate: (issue: Issue) => tolerate({ ...issue, offset: issue.offset + base }),
    };
  }

  end(): void {
    if (this.waiting.length === 0) return;
    const offset = this.consumed + this.waiting.length;
    throw new DecodeError("stun.stream.truncated", offset, "RFC 8489 6.2.2", "an item is cut");
  }
}
