/** HTTP/1.x messages as plain data. RFC 9112 2.1. */

/** One field line. Text holds one code point an octet, as sent; OWS around the value is left out. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

/** One chunk of a chunked body, the last one (of size 0) included. */
export interface Chunk {
  readonly size: number;
  /** All after the size, as sent: empty, or beginning with `;`. RFC 9112 7.1.1. */
  readonly extensions: string;
}

interface Message {
  /** `HTTP/1.1`, as sent. `HTTP/0.9` for a request line without version. */
  readonly version: string;
  /** In the order sent, repeated ones included, case kept. */
  readonly fields: readonly Field[];
  /** After de-chunking, before content decoding. May share memory with the input. */
  readonly body: Uint8Array;
  /** The layout of a chunked body; absent where the body is not chunked. */
  readonly chunks?: readonly Chunk[];
  /** Fields after a chunked body. */
  readonly trailers: readonly Field[];
}

export interface HttpRequest extends Message {
  readonly kind: "request";
  readonly method: string;
  /** As sent; `parseTarget` tells its form. */
  readonly requestTarget: string;
}

export interface HttpResponse extends Message {
  readonly kind: "response";
  readonly statusCode: number;
  readonly reasonPhrase: string;
}

export type HttpMessage = HttpRequest | HttpResponse;
