/** HTTP/1.x messages from objects to bytes. RFC 9112; what would split a message is refused (RFC 9112 11.1). */
import { EncodeError } from "../errors.ts";
import { pooledLatin1, Writer } from "../writer.ts";
import { TARGET, TEXT, TOKEN } from "./constants.ts";
import type { Field, HttpMessage } from "./message.ts";

function refuse(code: string, spec: string, message: string): never {
  throw new EncodeError(code, spec, message);
}

function allOf(table: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || table[code] !== 1) return false;
  }
  return true;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** SP and HTAB only: other white space is part of a value. */
function hasOuterBlank(text: string): boolean {
  return isBlank(text.charCodeAt(0)) || isBlank(text.charCodeAt(text.length - 1));
}

/**
 * The octets of a message, its body framed by its `chunks` where there are any. The fields are
 * written as given: lengths and codings are the caller's, and must fit the body.
 * @throws EncodeError
 */
export function encode(message: HttpMessage): Uint8Array {
  // One text, written at once: a call for each line would cost more than all else.
  const head = `${startLine(message)}${fieldLines(message.fields)}\r\n`;
  const { body } = message;
  if (message.chunks === undefined) {
    if (message.trailers.length > 0)
      refuse("http.trailers", "RFC 9112 7.1.2", "only chunked bodies have trailers");
    if (body.length === 0) return pooledLatin1(head);
  }
  const writer = new Writer(head.length + body.length);
  writer.latin1(head);
  if (message.chunks === undefined) writer.bytes(body);
  else chunked(writer, message);
  return writer.finish();
}

function startLine(message: HttpMessage): string {
  if (message.kind === "request") {
    if (message.method === "" || !allOf(TOKEN, message.method))
      refuse("http.method", "RFC 9110 9.1", "the method is no token");
    if (message.requestTarget === "" || !allOf(TARGET, message.requestTarget)) {
      refuse("http.target", "RFC 9112 3.2", "the request target has an octet that no URI holds");
    }
    if (message.version === "HTTP/0.9") {
      return `${message.method} ${message.requestTarget}\r\n`;
    }
    return `${message.method} ${message.requestTarget} ${version(message)}\r\n`;
  }
  const { statusCode, reasonPhrase } = message;
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 999) {
    refuse("http.status", "RFC 9112 4", "the status code is not three digits");
  }
  if (!allOf(TEXT, reasonPhrase))
    refuse("http.reason", "RFC 9112 4", "the reason phrase has a control character");
  return `${version(message)} ${statusCode} ${reasonPhrase}\r\n`;
}

function version(message: HttpMessage): string {
  if (!/^HTTP\/[0-9]\.[0-9]$/.test(message.version))
    refuse("http.version", "RFC 9112 2.3", "the version is not HTTP/ digit . digit");
  return message.version;
}

function fieldLines(fields: readonly Field[]): string {
  let lines = "";
  for (const { name, value } of fields) {
    if (name === "" || !allOf(TOKEN, name))
      refuse(
        "http.field.name",
        "RFC 9110 5.1",
        `the field name ${JSON.stringify(name)} is no token`,
      );
    if (!allOf(TEXT, value) || hasOuterBlank(value)) {
      refuse(
        "http.field.value",
        "RFC 9110 5.5",
        `the value of ${name} has a control character or outer blanks`,
      );
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}

function chunked(writer: Writer, message: HttpMessage): void {
  let at = 0;
  let ended = false;
  for (const { size, extensions } of message.chunks ?? []) {
    if (ended) refuse("http.chunk.after-last", "RFC 9112 7.1", "a chunk follows the one of size 0");
    if (!Number.isInteger(size) || size < 0 || at + size > message.body.length) {
      refuse("http.chunk.size", "RFC 9112 7.1", "the chunks are longer than the body");
    }
    if (extensions !== "" && (!extensions.startsWith(";") || !allOf(TEXT, extensions))) {
      refuse(
        "http.chunk.extension",
        "RFC 9112 7.1.1",
        "a chunk extension must begin with a semicolon",
      );
    }
    writer.latin1(`${size.toString(16)}${extensions}\r\n`);
    ended = size === 0;
    if (ended) break;
    writer.bytes(message.body.subarray(at, at + size));
    writer.latin1("\r\n");
    at += size;
  }
  if (!ended || at !== message.body.length) {
    refuse(
      "http.chunk.size",
      "RFC 9112 7.1",
      "the chunks do not end with one of size 0, or leave some of the body out",
    );
  }
  writer.latin1(`${fieldLines(message.trailers)}\r\n`);
}
