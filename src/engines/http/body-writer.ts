/** A body as it goes out: by length, in chunks, or up to the close. RFC 9112 6, 7.1. */
import type { Field } from "../../codecs/http/message.ts";
import { latin1Bytes } from "../../codecs/writer.ts";

export const CRLF = latin1Bytes("\r\n");
const LAST_CHUNK = latin1Bytes("0\r\n\r\n");

/** The octets of one chunk around `bytes`. */
export function chunkOf(bytes: Uint8Array): Uint8Array {
  const size = latin1Bytes(`${bytes.length.toString(16)}\r\n`);
  const out = new Uint8Array(size.length + bytes.length + 2);
  out.set(size);
  out.set(bytes, size.length);
  out.set(CRLF, size.length + bytes.length);
  return out;
}

/** RFC 9112 7.1.2: the end of a chunked body. */
export function lastChunk(trailers: readonly Field[] = []): Uint8Array {
  if (trailers.length === 0) return LAST_CHUNK;
  const lines = trailers.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return latin1Bytes(`0\r\n${lines}\r\n`);
}
