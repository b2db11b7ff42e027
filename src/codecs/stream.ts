/** The contract of every codec of a byte stream: pushed chunks in, pulled items out. */

/** A message cut anywhere gives the same items. */
export interface StreamDecoder<Item> {
  /** Appends bytes. The decoder copies what it must keep, so `chunk` may be reused afterwards. */
  push(chunk: Uint8Array): void;
  /** The next whole item, or undefined when more bytes are needed. @throws DecodeError */
  next(): Item | undefined;
  /** No more bytes come. @throws DecodeError if an item is cut. */
  end(): void;
}
