/** Heads of messages as engines pass them on. RFC 9112 2. */
import type { Field } from "../../codecs/http/message.ts";

export interface RequestHead {
  readonly method: string;
  /** As sent: see `parseTarget`. */
  readonly target: string;
  /** `HTTP/1.1`, `HTTP/1.0`. */
  readonly version: string;
  readonly fields: readonly Field[];
}

export interface ResponseHead {
  readonly statusCode: number;
  readonly reasonPhrase?: string;
  readonly version?: string;
  readonly fields: readonly Field[];
}

/** Takes the body of a message. Bytes are lent until the call returns. */
export interface BodySink {
  data(bytes: Uint8Array): void;
  end(trailers: readonly Field[]): void;
  /** The message was cut: what came is not all of it. */
  cut(why: Error): void;
}

/** RFC 9110 9.2.1 and 9.2.2. */
export function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS" || method === "TRACE";
}

export function isIdempotent(method: string): boolean {
  return isSafe(method) || method === "PUT" || method === "DELETE";
}

/** Responses that never have a body. RFC 9110 6.4.1 */
export function isBodiless(method: string, statusCode: number): boolean {
  return method === "HEAD" || statusCode < 200 || statusCode === 204 || statusCode === 304;
}
