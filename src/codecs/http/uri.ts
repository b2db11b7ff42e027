/** Request targets and http URIs. RFC 9112 3.2, RFC 9110 4.2, RFC 3986 3. */

/** Where a request target points, by its form: RFC 9112 3.2.1 to 3.2.4. */
export type RequestTarget =
  | { readonly form: "origin"; readonly path: string; readonly query?: string }
  | { readonly form: "absolute"; readonly uri: AbsoluteUri }
  | { readonly form: "authority"; readonly host: string; readonly port: string }
  | { readonly form: "asterisk" };

/** Parts of an absolute URI as sent, nothing decoded. What is undefined is absent, not empty. */
export interface AbsoluteUri {
  /** Lower case. */
  readonly scheme: string;
  readonly userinfo?: string;
  /** With brackets for an IP literal. Absent in a URI without `//`. */
  readonly host?: string;
  /** Digits; empty when only the colon is there. */
  readonly port?: string;
  readonly path: string;
  readonly query?: string;
  readonly fragment?: string;
}

/** unreserved / sub-delims / "%" of RFC 3986 3.2.2. */
const REG_NAME = new Uint8Array(256);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=%") {
  REG_NAME[c.charCodeAt(0)] = 1;
}
const IP_LITERAL = new Uint8Array(REG_NAME);
IP_LITERAL[0x3a] = 1;
IP_LITERAL[0x25] = 0;

/** Whether `bytes[start, end)` is `uri-host [ ":" port ]` (RFC 9110 7.2). Empty is one: RFC 9112 3.2. */
export function isHostPort(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (bytes[at] === 0x5b && at < end) {
    at++;
    while (at < end && IP_LITERAL[bytes[at] as number] === 1) at++;
    if (bytes[at] !== 0x5d || at >= end) return false;
    at++;
  } else {
    while (at < end && REG_NAME[bytes[at] as number] === 1) at++;
  }
  if (at === end) return true;
  if (bytes[at] !== 0x3a) return false;
  for (at++; at < end; at++) {
    const b = bytes[at] as number;
    if (b < 0x30 || b > 0x39) return false;
  }
  return true;
}

function isHost(text: string): boolean {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    bytes[i] = code;
  }
  return isHostPort(bytes, 0, bytes.length);
}

/** The form and parts of a request target. Undefined when it has none of the four forms. */
export function parseTarget(target: string, method?: string): RequestTarget | undefined {
  if (method === "CONNECT") return parseAuthority(target);
  if (target === "*") return { form: "asterisk" };
  if (target.startsWith("/")) {
    const mark = target.indexOf("?");
    return mark < 0
      ? { form: "origin", path: target }
      : { form: "origin", path: target.slice(0, mark), query: target.slice(mark + 1) };
  }
  const uri = parseUri(target);
  return uri === undefined ? undefined : { form: "absolute", uri };
}

function parseAuthority(target: string): RequestTarget | undefined {
  const colon = target.lastIndexOf(":");
  if (colon <= 0 || colon === target.length - 1 || !isHost(target)) return undefined;
  if (target.endsWith("]")) return undefined;
  return { form: "authority", host: target.slice(0, colon), port: target.slice(colon + 1) };
}

export function formatTarget(target: RequestTarget): string {
  switch (target.form) {
    case "asterisk":
      return "*";
    case "authority":
      return `${target.host}:${target.port}`;
    case "origin":
      return target.query === undefined ? target.path : `${target.path}?${target.query}`;
    case "absolute":
      return formatUri(target.uri);
  }
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*$/;

/** RFC 3986 3 (its appendix B, step by step). Undefined without a scheme or with a malformed authority. */
export function parseUri(text: string): AbsoluteUri | undefined {
  const colon = text.indexOf(":");
  if (colon <= 0 || !SCHEME.test(text.slice(0, colon))) return undefined;
  let rest = text.slice(colon + 1);
  const tail: { query?: string; fragment?: string } = {};
  const hash = rest.indexOf("#");
  if (hash >= 0) {
    tail.fragment = rest.slice(hash + 1);
    rest = rest.slice(0, hash);
  }
  const mark = rest.indexOf("?");
  if (mark >= 0) {
    tail.query = rest.slice(mark + 1);
    rest = rest.slice(0, mark);
  }
  const scheme = text.slice(0, colon).toLowerCase();
  if (!rest.startsWith("//")) return { scheme, path: rest, ...tail };
  const slash = rest.indexOf("/", 2);
  const authority = slash < 0 ? rest.slice(2) : rest.slice(2, slash);
  const parts = splitAuthority(authority);
  if (parts === undefined) return undefined;
  return { scheme, ...parts, path: slash < 0 ? "" : rest.slice(slash), ...tail };
}

function splitAuthority(
  authority: string,
): { userinfo?: string; host: string; port?: string } | undefined {
  const at = authority.lastIndexOf("@");
  const hostPort = authority.slice(at + 1);
  if (!isHost(hostPort)) return undefined;
  const bracket = hostPort.indexOf("]");
  const colon = hostPort.indexOf(":", bracket < 0 ? 0 : bracket);
  return {
    ...(at < 0 ? {} : { userinfo: authority.slice(0, at) }),
    host: colon < 0 ? hostPort : hostPort.slice(0, colon),
    ...(colon < 0 ? {} : { port: hostPort.slice(colon + 1) }),
  };
}

export function formatUri(uri: AbsoluteUri): string {
  let text = `${uri.scheme}:`;
  if (uri.host !== undefined) {
    text += "//";
    if (uri.userinfo !== undefined) text += `${uri.userinfo}@`;
    text += uri.host;
    if (uri.port !== undefined) text += `:${uri.port}`;
  }
  text += uri.path;
  if (uri.query !== undefined) text += `?${uri.query}`;
  if (uri.fragment !== undefined) text += `#${uri.fragment}`;
  return text;
}

/** Replaces each `%XX` by its byte, read as UTF-8 (RFC 3986 2.1). Undefined when it is malformed. */
export function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // The only way that decodeURIComponent tells of malformed input.
  }
}

/** Whether what begins here may be a scheme, up to its colon. RFC 3986 3.1 */
export function hasScheme(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  if (((bytes[i] as number) | 0x20) < 0x61 || ((bytes[i] as number) | 0x20) > 0x7a) return false;
  while (i < end && bytes[i] !== 0x3a) {
    const b = bytes[i] as number;
    const letter = (b | 0x20) >= 0x61 && (b | 0x20) <= 0x7a;
    if (!letter && !(b >= 0x30 && b <= 0x39) && b !== 0x2b && b !== 0x2d && b !== 0x2e)
      return false;
    i++;
  }
  return i < end;
}
