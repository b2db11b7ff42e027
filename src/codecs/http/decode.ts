/** HTTP/1.x messages from bytes to objects: a sink of the one parser. RFC 9112. */
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { latin1 } from "../reader.ts";
import type { StreamDecoder } from "../stream.ts";
import type { Framing } from "./body.ts";
import { FRAMING } from "./body.ts";
import { MAX_CHUNKS } from "./constants.ts";
import type { Head } from "./head.ts";
import type { Chunk, Field, HttpMessage, HttpRequest, HttpResponse } from "./message.ts";
import type { HttpSink } from "./parser.ts";
import { HttpParser } from "./parser.ts";

export interface HttpDecoderOptions extends DecodeOptions {
  /** Methods of the requests that the responses answer, asked for once a final response. */
  readonly requestMethod?: () => string | undefined;
  /** Bytes of one body that are kept; a longer one is a DecodeError. Default 64 MiB. */
  readonly maxBodyBytes?: number;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Collects one message at a time. */
class MessageSink implements HttpSink {
  readonly done: HttpMessage[] = [];
  private readonly options: HttpDecoderOptions;
  private readonly kind: "request" | "response";
  private shape:
    | Omit<HttpRequest, "body" | "trailers">
    | Omit<HttpResponse, "body" | "trailers">
    | undefined;
  private parts: Uint8Array[] = [];
  private size = 0;
  private chunks: Chunk[] | undefined;
  private trailerFields: Field[] = [];
  private method: string | undefined;

  constructor(kind: "request" | "response", options: HttpDecoderOptions) {
    this.kind = kind;
    this.options = options;
  }

  begin(): void {
    this.method = undefined;
  }

  requestMethod(): string | undefined {
    this.method ??= this.options.requestMethod?.();
    return this.method;
  }

  answersSimpleRequest(): boolean {
    return false;
  }

  head(head: Head, framing: Framing): void {
    this.parts = [];
    this.size = 0;
    this.trailerFields = [];
    this.chunks = framing.kind === FRAMING.CHUNKED ? [] : undefined;
    const { version } = head;
    this.shape =
      this.kind === "request"
        ? {
            kind: "request",
            method: head.method,
            requestTarget: head.target,
            version,
            fields: head.fields(),
          }
        : {
            kind: "response",
            version,
            statusCode: head.statusCode,
            reasonPhrase: head.reasonPhrase,
            fields: head.fields(),
          };
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.size += end - start;
    const most = this.options.maxBodyBytes ?? MAX_BODY_BYTES;
    if (this.size > most) {
      throw new DecodeError(
        "http.body.too-long",
        0,
        "RFC 9110 15.5.14",
        `a body of more than ${most} bytes`,
      );
    }
    this.parts.push(bytes.slice(start, end));
  }

  chunk(size: number, bytes: Uint8Array, start: number, end: number): void {
    const chunks = this.chunks as Chunk[];
    if (chunks.length >= MAX_CHUNKS) {
      throw new DecodeError(
        "http.chunk.too-many",
        0,
        "RFC 9112 7.1",
        `more than ${MAX_CHUNKS} chunks`,
      );
    }
    chunks.push({ size, extensions: latin1(bytes, start, end) });
  }

  trailers(head: Head): void {
    this.trailerFields = head.fields();
  }

  issue(issue: Issue): void {
    this.options.tolerate?.(issue);
  }

  end(): void {
    const { shape, chunks } = this;
    if (shape === undefined) return;
    const layout = chunks === undefined ? {} : { chunks };
    const body = this.whole();
    this.done.push({ ...shape, body, ...layout, trailers: this.trailerFields } as HttpMessage);
  }

  private whole(): Uint8Array {
    if (this.parts.length === 1) return this.parts[0] as Uint8Array;
    const body = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      body.set(part, at);
      at += part.length;
    }
    return body;
  }
}

/** One direction of a connection, pushed in chunks; whole messages come out. */
export class HttpDecoder implements StreamDecoder<HttpMessage> {
  private readonly sink: MessageSink;
  private readonly parser: HttpParser;
  private failure: DecodeError | undefined;
  private given = 0;
  /** What came after the connection was handed over (CONNECT, 101). */
  rest: Uint8Array = new Uint8Array(0);

  constructor(kind: "request" | "response", options: HttpDecoderOptions = {}) {
    this.sink = new MessageSink(kind, options);
    this.parser = new HttpParser(kind, this.sink, options.tolerate === undefined);
  }

  get handedOver(): boolean {
    return this.parser.handedOver;
  }

  push(chunk: Uint8Array): void {
    if (this.failure !== undefined) return;
    if (this.parser.handedOver) {
      const rest = new Uint8Array(this.rest.length + chunk.length);
      rest.set(this.rest);
      rest.set(chunk, this.rest.length);
      this.rest = rest;
      return;
    }
    this.guard(() => {
      const at = this.parser.push(chunk, 0, chunk.length);
      if (at < chunk.length) this.rest = chunk.slice(at);
    });
  }

  private guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.failure = error;
    }
  }

  /** The next message. @throws DecodeError after the last whole one before a fault */
  next(): HttpMessage | undefined {
    const { done } = this.sink;
    if (this.given < done.length) {
      const message = done[this.given++];
      if (this.given === done.length) {
        done.length = 0;
        this.given = 0;
      }
      return message;
    }
    if (this.failure !== undefined) throw this.failure;
    return undefined;
  }

  /** The connection ends; a body that the close delimits is then whole: call `next` again. @throws DecodeError */
  end(): void {
    if (this.failure !== undefined) throw this.failure;
    this.parser.end();
  }
}

export interface HttpDecodeOptions extends DecodeOptions {
  /** Of the request that a response answers: HEAD and CONNECT change its framing. */
  readonly requestMethod?: string;
}

/** Whether the bytes begin as a response does; requests never do (RFC 9112 2.1). */
export function isResponse(bytes: Uint8Array): boolean {
  let at = 0;
  while (bytes[at] === 0x0d || bytes[at] === 0x0a) at++;
  return latin1(bytes, at, Math.min(at + 5, bytes.length)).toUpperCase() === "HTTP/";
}

/**
 * One whole message; the end of the bytes is the end of the connection.
 * @throws DecodeError
 */
export function decode(bytes: Uint8Array, options: HttpDecodeOptions = {}): HttpMessage {
  const kind = isResponse(bytes) ? "response" : "request";
  const decoder = new HttpDecoder(kind, {
    ...(options.tolerate === undefined ? {} : { tolerate: options.tolerate }),
    requestMethod: () => options.requestMethod,
  });
  decoder.push(bytes);
  const first = decoder.next();
  if (first !== undefined) {
    trailing(decoder, options, bytes);
    return first;
  }
  decoder.end();
  const last = decoder.next();
  if (last === undefined)
    throw new DecodeError("http.message.empty", bytes.length, "RFC 9112 2.1", "no message");
  return last;
}

function trailing(decoder: HttpDecoder, options: DecodeOptions, bytes: Uint8Array): void {
  let fault = decoder.rest.length > 0;
  try {
    fault ||= decoder.next() !== undefined;
    decoder.end();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    fault = true; // Whatever follows is no whole message: it is trailing all the same.
  }
  if (!fault || decoder.handedOver) return;
  const issue = {
    code: "http.trailing",
    offset: bytes.length,
    spec: "RFC 9112 6.3",
    message: "bytes follow the message",
  };
  if (options.tolerate === undefined)
    throw new DecodeError(issue.code, issue.offset, issue.spec, issue.message);
  options.tolerate(issue);
}
