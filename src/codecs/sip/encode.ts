/** SIP messages from objects to bytes. RFC 3261 7. What would split a message is refused. */
import { EncodeError } from "../errors.ts";
import { Writer } from "../writer.ts";
import type { SipMessage } from "./message.ts";
import { isToken } from "./scanner.ts";

function refuse(code: string, message: string): never {
  throw new EncodeError(code, "RFC 3261 7", message);
}

function hasLineEnd(text: string): boolean {
  return text.includes("\r") || text.includes("\n");
}

/** SP and HTAB only: other white space is part of a value. */
function hasOuterBlank(text: string): boolean {
  return /^[ \t]|[ \t]$/.test(text);
}

/**
 * The octets of a message. Fields are written as given, Content-Length too.
 * @throws EncodeError
 */
export function encode(message: SipMessage): Uint8Array {
  const writer = new Writer(1024 + message.body.length);
  writer.utf8(`${startLine(message)}\r\n`);
  for (const { name, value } of message.fields) {
    if (!isToken(name))
      refuse("sip.field.name", `the field name ${JSON.stringify(name)} is no token`);
    if (hasLineEnd(value) || hasOuterBlank(value))
      refuse("sip.field.value", `the value of ${name} has line ends or outer blanks`);
    writer.utf8(`${name}: ${value}\r\n`);
  }
  writer.utf8("\r\n");
  writer.bytes(message.body);
  return writer.finish();
}

function startLine(message: SipMessage): string {
  if (!/^SIP\/[0-9]+\.[0-9]+$/i.test(message.version))
    refuse("sip.version", "the version is not SIP/2.0");
  if (message.kind === "request") {
    if (!isToken(message.method)) refuse("sip.method", "the method is no token");
    if (/[\s]/.test(message.requestUri) || message.requestUri === "")
      refuse("sip.request-uri", "the Request-URI is empty or has blanks");
    return `${message.method} ${message.requestUri} ${message.version}`;
  }
  const { statusCode, reasonPhrase } = message;
  if (!Number.isInteger(statusCode) || statusCode < 100 || statusCode > 699)
    refuse("sip.status", "the status code is not 100 to 699");
  if (hasLineEnd(reasonPhrase)) refuse("sip.reason", "the reason phrase has a line end");
  return `${message.version} ${statusCode} ${reasonPhrase}`;
}
