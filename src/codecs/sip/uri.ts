/** SIP, SIPS, tel and other URIs. RFC 3261 19.1 and 25.1, RFC 3966, RFC 5118. */
import { DecodeError } from "../errors.ts";
import { parseIpv6 } from "../ip-text.ts";
import type { Param } from "./scanner.ts";
import { stopAt, stops } from "./scanner.ts";

export interface SipUri {
  readonly scheme: "sip" | "sips";
  /** Percent-encoded as sent. */
  readonly user?: string;
  readonly password?: string;
  /** Host name or address; IPv6 in brackets. */
  readonly host: string;
  readonly port?: number;
  readonly params: readonly Param[];
  readonly headers: readonly Param[];
}

/** A URI of another scheme, e.g. tel. RFC 3261 25.1 `absoluteURI`. */
export interface OtherUri {
  readonly scheme: string;
  readonly rest: string;
}

export type Uri = SipUri | OtherUri;

const USER = 1;
const PASSWORD = 2;
const PARAM = 4;
const HEADER = 8;
const ANY = 16;
const HOST = 32;
const CLASS = new Uint8Array(128);
const mark = (characters: string, bits: number) => {
  for (const c of characters) CLASS[c.charCodeAt(0)] = (CLASS[c.charCodeAt(0)] as number) | bits;
};
const ALNUM = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
mark(`${ALNUM}-_.!~*'()`, USER | PASSWORD | PARAM | HEADER | ANY);
mark("&=+$,;?/", USER);
mark("&=+$,", PASSWORD);
mark("[]/:&+$", PARAM);
mark("[]/?:+$", HEADER);
mark(";/?:@&=+$,[]", ANY);
mark(`${ALNUM}-.`, HOST);
const HOST_END = stops(";?:");
const PORT_END = stops(";?");
// A telephone subscriber as user (RFC 3261 19.1.6) has the separators of tel URIs; `#` is escaped.

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66);
}

function fits(text: string, bit: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x25) {
      if (!isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2))) return false;
      i += 2;
    } else if (code > 127 || ((CLASS[code] as number) & bit) === 0) {
      return false;
    }
  }
  return true;
}

/** Host name, IPv4 address or IPv6 reference. Underscores are seen in real names and taken. */
export function isHost(text: string): boolean {
  if (text.startsWith("[")) return text.endsWith("]") && parseIpv6(text.slice(1, -1)) !== undefined;
  if (text === "") return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== 0x5f && (code > 127 || ((CLASS[code] as number) & HOST) === 0)) return false;
  }
  return true;
}

/** Undefined when it is no port. */
export function portOf(digits: string): number | undefined {
  if (!/^[0-9]{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  return port <= 65_535 ? port : undefined;
}

function bad(at: number, message: string): never {
  throw new DecodeError("sip.uri.syntax", at, "RFC 3261 25.1", message);
}

/** @throws DecodeError with the offset in `text` */
export function parseUri(text: string): Uri {
  const colon = text.indexOf(":");
  if (colon <= 0 || !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(text.slice(0, colon)))
    bad(0, "a URI has no scheme");
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme === "sip" || scheme === "sips") return sipUri(text, scheme, colon + 1);
  const rest = text.slice(colon + 1);
  if (rest === "" || !fits(rest, ANY)) bad(colon + 1, "a character that no URI holds");
  return { scheme, rest };
}

function sipUri(text: string, scheme: "sip" | "sips", from: number): SipUri {
  let hostAt = from;
  let userInfo: { user?: string; password?: string } = {};
  const at = text.indexOf("@", from);
  if (at >= 0) {
    userInfo = userOf(text, from, at);
    hostAt = at + 1;
  }
  let end = hostAt;
  if (text[end] === "[") {
    while (end < text.length && text[end] !== "]") end++;
    end++;
  } else {
    end = stopAt(text, end, HOST_END);
  }
  const host = text.slice(hostAt, end);
  if (!isHost(host)) bad(hostAt, "no host name or address");
  let port: number | undefined;
  if (text[end] === ":") {
    const portAt = end + 1;
    end = portAt;
    end = stopAt(text, portAt, PORT_END);
    port = portOf(text.slice(portAt, end));
    if (port === undefined) bad(portAt, "no port number");
  }
  let query = text.indexOf("?", end);
  if (query < 0) query = text.length;
  return {
    scheme,
    ...userInfo,
    host,
    ...(port === undefined ? {} : { port }),
    params: end === query ? [] : parts(text, end, query, ";", PARAM),
    headers: query === text.length ? [] : parts(text, query, text.length, "&", HEADER),
  };
}

function userOf(text: string, from: number, at: number): { user: string; password?: string } {
  const colon = text.indexOf(":", from);
  const end = colon >= 0 && colon < at ? colon : at;
  const user = text.slice(from, end);
  if (user === "" || !fits(user, USER))
    bad(from, "no user, or a character that no user part holds");
  if (end === at) return { user };
  const password = text.slice(end + 1, at);
  if (!fits(password, PASSWORD)) bad(end + 1, "a character that no password holds");
  return { user, password };
}

/** `;a=b;c` or `?a=b&c=d`: the first character at `from` is passed over. */
function parts(text: string, from: number, to: number, separator: string, bit: number): Param[] {
  if (bit === PARAM && text[from] !== ";") bad(from, "something follows the host");
  let at = from + 1;
  return text
    .slice(from + 1, to)
    .split(separator)
    .map((part) => {
      const start = at;
      at += part.length + 1;
      const equals = part.indexOf("=");
      const name = equals < 0 ? part : part.slice(0, equals);
      const value = equals < 0 ? "" : part.slice(equals + 1);
      if (name === "" || !fits(name, bit) || !fits(value, bit))
        bad(start, "a parameter or header of the URI is malformed");
      return equals < 0 ? { name } : { name, value };
    });
}

export function isSipUri(uri: Uri): uri is SipUri {
  return "host" in uri;
}

export function formatUri(uri: Uri): string {
  if (!isSipUri(uri)) return `${uri.scheme}:${uri.rest}`;
  const password = uri.password === undefined ? "" : `:${uri.password}`;
  const user = uri.user === undefined ? "" : `${uri.user}${password}@`;
  const port = uri.port === undefined ? "" : `:${uri.port}`;
  const pairs = (list: readonly Param[]) =>
    list.map((p) => (p.value === undefined ? p.name : `${p.name}=${p.value}`));
  const params = pairs(uri.params)
    .map((p) => `;${p}`)
    .join("");
  const headers = uri.headers.length === 0 ? "" : `?${pairs(uri.headers).join("&")}`;
  return `${uri.scheme}:${user}${uri.host}${port}${params}${headers}`;
}
