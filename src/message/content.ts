/** Content codings of HTTP bodies undone: RFC 9110 8.4.1. Bounded, since a few kilobytes can become gigabytes. */
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from "node:zlib";
import type { HttpMessage } from "../codecs/http/index.ts";
import { CommandError, EXIT } from "../failure.ts";

/** Bytes of decoded content. */
const MAX_CONTENT_BYTES = 64 * 1024 * 1024;
/** Codings on top of each other. */
const MAX_CODINGS = 4;

const limits = { maxOutputLength: MAX_CONTENT_BYTES };

/** RFC 9110 8.4.1.2: some senders leave the zlib wrapper out. */
function inflated(bytes: Uint8Array): Buffer {
  const wrapped =
    ((bytes[0] ?? 0) & 15) === 8 && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) % 31 === 0;
  return wrapped ? inflateSync(bytes, limits) : inflateRawSync(bytes, limits);
}

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gunzipSync(bytes, limits),
  "x-gzip": (bytes) => gunzipSync(bytes, limits),
  deflate: inflated,
  br: (bytes) => brotliDecompressSync(bytes, limits),
  identity: (bytes) => bytes,
};

/** @throws CommandError for codings that are not known, broken data, and more than 64 MiB */
export function decodedContent(message: HttpMessage): Uint8Array {
  const codings = message.fields
    .filter((field) => field.name.toLowerCase() === "content-encoding")
    .flatMap((field) => field.value.split(","))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== "");
  if (codings.length > MAX_CODINGS)
    throw new CommandError(`more than ${MAX_CODINGS} content codings`, EXIT.input);
  // The last one applied comes off first.
  return codings.reverse().reduce((bytes, coding) => {
    const decode = DECODERS[coding];
    if (decode === undefined)
      throw new CommandError(`the content coding ${coding} is not known`, EXIT.input);
    try {
      return decode(bytes);
    } catch (error) {
      throw new CommandError(`the body is not ${coding}: ${(error as Error).message}`, EXIT.input);
    }
  }, message.body);
}
