/** What the flags of `http fetch` ask for. */
import { EncodeError } from "../../codecs/errors.ts";
import { encode } from "../../codecs/http/encode.ts";
import type { Field } from "../../codecs/http/message.ts";
import type { AbsoluteUri } from "../../codecs/http/uri.ts";
import { parseUri } from "../../codecs/http/uri.ts";
import type { Nanos } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";
import { hostField, originOf, targetOf } from "../../engines/http/fetch/origin.ts";
import type { Strategy } from "../../engines/http/fetch/strategy.ts";
import { DEFAULT_DEPTH } from "../../engines/http/fetch/strategy.ts";
import { field, without } from "../../engines/http/fields.ts";
import { parseRanges } from "../../engines/http/ranges.ts";
import { CommandError } from "../../failure.ts";
import type { RequestBody } from "./body/request-body.ts";
import { queryOf, requestBody, uploadName } from "./body/request-body.ts";
import { conditionsOf } from "./conditions.ts";
import { givenCookies } from "./cookies.ts";
import { ACCEPTED } from "./decoding.ts";
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
  const uri = extended(parseUri(asciiUrl(full)), flags);
  const origin = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || origin === undefined) throw new CommandError(urlFault(text, uri));
  const { userinfo } = uri;
  const request = requestOf(uri, flags);
  checkWritable(text, request);
  return {
    url: plainUrl(uri),
    request,
    ...(userinfo === undefined ? {} : { userinfo }),
  };
}

function urlFault(text: string, uri: AbsoluteUri | undefined): string {
  if (uri === undefined) return `${text}: not a URL (RFC 3986 3.2)`;
  if (uri.scheme !== "http" && uri.scheme !== "https") {
    return `${text}: the scheme ${uri.scheme} is not http or https`;
  }
  return uri.host === undefined || uri.host === ""
    ? `${text}: names no host`
    : `${text}: ${uri.port} is not a port`;
}

/** With what `--get` and `--upload-file` add to it. */
function extended(uri: AbsoluteUri | undefined, flags: FetchFlags): AbsoluteUri | undefined {
  if (uri === undefined) return undefined;
  const more = queryOf(flags);
  const name = uri.path.endsWith("/") || uri.path === "" ? uploadName(flags) : "";
  const query = [uri.query, more].filter((one) => one !== undefined && one !== "").join("&");
  const path = name === "" ? uri.path : `${uri.path === "" ? "/" : uri.path}${name}`;
  return { ...uri, path, ...(more === undefined ? {} : { query }) };
}

/** RFC 9112 11.1: what would split the message is told before anything is sent. */
function checkWritable(text: string, { method, target, fields, body }: FetchRequest): void {
  const told = field(fields, "content-length");
  const length = body === undefined ? 0 : body.length;
  if (field(fields, "transfer-encoding") !== undefined || (told ?? `${length}`) !== `${length}`) {
    // The next request on the connection would be taken for a part of this one, or the other way round.
    throw new CommandError(
      "--header: how the body is framed is not for headers to say (netkit send sends anything)",
    );
  }
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
  // A blank in a host is no name, however it is written.
  if (ascii) return /^[^/]*\/\/[^/?#]* /.test(text) ? text : text.replaceAll(" ", "%20");
  return URL.canParse(text) ? new URL(text).href : text;
}

function requestOf(uri: AbsoluteUri, flags: FetchFlags): FetchRequest {
  const origin = originOf(uri);
  if (origin === undefined) throw new CommandError("not an http or https URL");
  const said = requestBody(flags);
  // RFC 9112 6.1: to HTTP/1.0 nothing is sent in chunks.
  if (said !== undefined && said.body.length === undefined && flags["http1.0"]) {
    throw new CommandError("--upload-file -: HTTP/1.0 has no way to send what has no length");
  }
  const method = flags.request ?? (flags.head ? "HEAD" : (said?.method ?? "GET"));
  let fields: Field[] = [
    { name: "Host", value: hostField(origin) },
    { name: "User-Agent", value: flags["user-agent"] },
    { name: "Accept", value: "*/*" },
  ];
  if (flags.referer !== undefined) fields.push({ name: "Referer", value: flags.referer });
  if (flags.compressed) fields.push({ name: "Accept-Encoding", value: ACCEPTED });
  if (flags.range !== undefined) fields.push({ name: "Range", value: rangeOf(flags.range) });
  fields.push(...conditionsOf(flags));
  for (const one of said?.fields ?? []) {
    fields = [...without(fields, one.name.toLowerCase()), one];
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
    body: said?.body,
    ...(waitsForContinue(said, flags) ? { continueTime: CONTINUE_TIME } : {}),
  };
}

/** As curl has it: a body of a megabyte or more, or of unknown length, waits a second to be asked for. */
const CONTINUE_TIME = SECOND;
const CONTINUE_BYTES = 1024 * 1024;

function waitsForContinue(said: RequestBody | undefined, flags: FetchFlags): boolean {
  if (said === undefined || flags["http1.0"]) return false;
  return (said.body.length ?? CONTINUE_BYTES) >= CONTINUE_BYTES;
}

function rangeOf(text: string): string {
  const value = `bytes=${text}`;
  if (parseRanges(value, Number.MAX_SAFE_INTEGER) === undefined) {
    throw new CommandError(`--range ${text}: write it as 0-499, 500- or -500`);
  }
  return value;
}

/** `100`, `20K`, `3M`, `1G`. @throws CommandError */
export function bytesOf(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)([kmg]?)$/i.exec(text);
  const bytes =
    Number(match?.[1]) * 1024 ** ["", "k", "m", "g"].indexOf(match?.[2]?.toLowerCase() ?? "");
  if (!(bytes >= 1))
    throw new CommandError(`--${flag} ${text}: write a number of octets; K, M, G may follow`);
  return Math.floor(bytes);
}

export function fieldOf(entry: string): Field {
  const colon = entry.indexOf(":");
  const name = colon < 0 ? entry.replace(/;$/, "") : entry.slice(0, colon).trim();
  const value = colon < 0 ? "" : entry.slice(colon + 1).trim();
  // RFC 9112 11.1: a line end in a field would begin another one, or the body.
  const bare = colon < 0 && !entry.endsWith(";");
  if (bare || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || /[\r\n\0]/.test(value)) {
    throw new CommandError(
      `--header ${JSON.stringify(entry)}: write it as 'Name: value', on one line`,
    );
  }
  return { name, value: Buffer.from(value, "utf8").toString("latin1") };
}
