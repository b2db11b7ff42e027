/** What the flags of `http fetch` ask for. */
import { EncodeError } from "../../codecs/errors.ts";
import { encode } from "../../codecs/http/encode.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { AbsoluteUri } from "../../codecs/http/uri.ts";
import { parseUri } from "../../codecs/http/uri.ts";
import { utf8Bytes } from "../../codecs/writer.ts";
import type { Nanos } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import { hostField, originOf, targetOf } from "../../engines/http/fetch/origin.ts";
import type { Strategy } from "../../engines/http/fetch/strategy.ts";
import { DEFAULT_DEPTH } from "../../engines/http/fetch/strategy.ts";
import { field, without } from "../../engines/http/fields.ts";
import { CommandError } from "../../failure.ts";
import { givenCookies } from "./cookies.ts";
import { fileBytes } from "./files.ts";
import type { FetchFlags } from "./flags.ts";
import type { Wanted } from "./set.ts";

export function strategyOf(flags: FetchFlags): Strategy {
  const { concurrent = 1, pipelined, persistent, serial } = flags;
  const keep = !serial && (flags.concurrent === undefined || persistent || pipelined);
  return { connections: concurrent, keep, depth: pipelined ? (flags.depth ?? DEFAULT_DEPTH) : 1 };
}

export function secondsOf(flag: string, text: string): Nanos {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new CommandError(`--${flag} ${text}: not a number of seconds`);
  }
  return Math.round(value * SECOND);
}

/** The request for a URL; `http://` where there is no scheme. @throws CommandError */
export function wantedOf(text: string, flags: FetchFlags): Wanted {
  const full = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? text : `http://${text}`;
  const uri = parseUri(asciiUrl(full));
  const origin = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || origin === undefined)
    throw new CommandError(`${text}: not an http or https URL`);
  const { userinfo } = uri;
  const request = requestOf(uri, flags);
  checkWritable(text, request);
  return {
    url: plainUrl(uri),
    request,
    ...(userinfo === undefined ? {} : { userinfo }),
  };
}

/** RFC 9112 11.1: what would split the message is told before anything is sent. */
function checkWritable(text: string, { method, target, fields }: FetchRequest): void {
  try {
    encode({
      kind: "request",
      method,
      requestTarget: target,
      version: "HTTP/1.1",
      fields,
      body: new Uint8Array(0),
      trailers: [],
    });
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error;
    throw new CommandError(`${JSON.stringify(text)}: ${error.message} (${error.spec})`);
  }
}

/** Without what is not sent: the user and the fragment. */
export function plainUrl(uri: AbsoluteUri): string {
  const origin = originOf(uri);
  if (origin === undefined) return "";
  return `${origin.scheme}://${hostField(origin)}${targetOf(uri)}`;
}

/** Names by UTS 46 and paths by UTF-8 and percent signs, as the URL Standard has it; ASCII is left as it is. */
function asciiUrl(text: string): string {
  let ascii = true;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7e) ascii = false;
  if (ascii) return text.replaceAll(" ", "%20");
  return URL.canParse(text) ? new URL(text).href : text;
}

function requestOf(uri: AbsoluteUri, flags: FetchFlags): FetchRequest {
  const origin = originOf(uri);
  if (origin === undefined) throw new CommandError("not an http or https URL");
  const body = flags.data === undefined ? undefined : bodyOf(flags.data);
  const method = flags.request ?? (flags.head ? "HEAD" : body === undefined ? "GET" : "POST");
  let fields: Field[] = [
    { name: "Host", value: hostField(origin) },
    { name: "User-Agent", value: "netkit" },
    { name: "Accept", value: "*/*" },
  ];
  if (body !== undefined && flags.data !== undefined) {
    fields.push({ name: "Content-Type", value: "application/x-www-form-urlencoded" });
  }
  const cookies = givenCookies(flags);
  if (cookies !== undefined) fields.push({ name: "Cookie", value: cookies });
  for (const entry of flags.header ?? []) {
    const one = fieldOf(entry);
    fields = without(fields, one.name.toLowerCase());
    if (one.value !== "") fields.push(one);
  }
  if (flags["http1.0"] && !flags.serial && field(fields, "connection") === undefined) {
    fields.push({ name: "Connection", value: "keep-alive" });
  }
  return {
    method,
    origin,
    target: targetOf(uri),
    ...(flags["http1.0"] ? { version: "HTTP/1.0" } : {}),
    fields,
    body,
  };
}

export function fieldOf(entry: string): Field {
  const colon = entry.indexOf(":");
  const name = colon < 0 ? entry.replace(/;$/, "") : entry.slice(0, colon).trim();
  const value = colon < 0 ? "" : entry.slice(colon + 1).trim();
  // RFC 9112 11.1: a line end in a field would begin another one, or the body.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[\r\n\0]/.test(value)) {
    throw new CommandError(
      `--header ${JSON.stringify(entry)}: write it as 'Name: value', on one line`,
    );
  }
  return { name, value: Buffer.from(value, "utf8").toString("latin1") };
}

function bodyOf(data: string): Uint8Array {
  if (!data.startsWith("@")) return utf8Bytes(data);
  return fileBytes(data.slice(1));
}
