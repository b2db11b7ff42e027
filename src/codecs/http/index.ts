/** HTTP/1.x: RFC 9110, 9112. */
export { FRAMING, Framing } from "./body.ts";
export { METHODS, REASON_PHRASES } from "./constants.ts";
export type { HttpDecodeOptions, HttpDecoderOptions } from "./decode.ts";
export { decode, HttpDecoder, isResponse } from "./decode.ts";
export { encode } from "./encode.ts";
export { FIELD } from "./field-ids.ts";
export { Head } from "./head.ts";
export type { Chunk, Field, HttpMessage, HttpRequest, HttpResponse } from "./message.ts";
export type { HttpSink } from "./parser.ts";
export { HttpParser } from "./parser.ts";
export type { AbsoluteUri, RequestTarget } from "./uri.ts";
export { formatTarget, formatUri, parseTarget, parseUri, percentDecode } from "./uri.ts";
