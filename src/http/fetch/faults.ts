/** Why an object could not be fetched, in one line that people can act on. */
import type { ExchangeError, IncomingHead } from "../../engines/http/client-connection.ts";
import type { FetchRequest } from "../../engines/http/fetch/fetcher.ts";

/** By the code of Node, or a part of OpenSSL's text. */
const TLS_FAULTS: readonly (readonly [RegExp, string])[] = [
  [
    /SELF_SIGNED/,
    "its certificate is signed by nobody we know (self-signed): --cacert names who signs, --insecure checks nothing",
  ],
  [
    /UNABLE_TO_(?:VERIFY|GET)|CERT_UNTRUSTED/,
    "nobody we know signed its certificate: --cacert names who signs, --insecure checks nothing",
  ],
  [/CERT_HAS_EXPIRED/, "its certificate has expired"],
  [/CERT_NOT_YET_VALID/, "its certificate is not valid yet"],
  [/CERT_REVOKED/, "its certificate was revoked"],
  [
    /wrong version number|WRONG_VERSION_NUMBER|packet length too long|http request|unknown protocol|record layer failure/i,
    "the server does not speak TLS on this port",
  ],
  [/certificate required|CERTIFICATE_REQUIRED/i, "the server wants a certificate of ours (--cert)"],
  [/no application protocol/i, "the server speaks no http/1.1 on this port"],
  [
    /unsupported protocol|alert protocol version|version too low/i,
    "the server speaks versions of TLS that are not safe any more",
  ],
  [/alert handshake failure|no shared cipher/i, "the server and we have no cipher in common"],
  [/unknown ca/i, "the server does not know who signed our certificate"],
];

/** `got`: what came of the response. */
export function explained(
  why: ExchangeError,
  { origin }: FetchRequest,
  got: { readonly head: IncomingHead | undefined; readonly bodyBytes: number },
): string {
  const { fault, code = "", message } = why;
  switch (fault) {
    case "tls":
      if (code.startsWith("PROXY_")) return proxyText(code, message);
      return tlsText(code, message, origin.host);
    case "connect":
      return connectText(code, message, origin.scheme === "https");
    case "closed":
      return closedText(message, got);
    case "timeout":
      return stalledText(message, got);
    case "malformed":
    case "redirect":
    case "local":
      return message;
  }
}

function tlsText(code: string, message: string, host: string): string {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = /cert's (?:altnames|list): (.*)$/.exec(message);
    const whose = names?.[1]?.replaceAll("DNS:", "");
    return `its certificate is for ${whose === undefined || whose === "" ? "another server" : whose}, not for ${host}`;
  }
  const known = TLS_FAULTS.find(([pattern]) => pattern.test(code) || pattern.test(message));
  if (known !== undefined) return known[1];
  const [, openssl] = /SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  return `TLS failed: ${openssl ?? message.trim()}${code === "" ? "" : ` (${code})`}`;
}

/** The same of an `https://` proxy, whose flags have names of their own. */
function proxyText(code: string, message: string): string {
  const text = tlsText(code.slice("PROXY_".length), message, "the proxy's name");
  return `the proxy: ${text.replaceAll("--", "--proxy-").replace(/^the server/, "it")}`;
}

function connectText(code: string, message: string, tls: boolean): string {
  const where = /(\S+:[0-9]+)$/.exec(message)?.[1];
  const at = where === undefined ? "" : ` at ${where}`;
  // What a proxy or the look-up says is told already.
  if (!/^(?:connect|read|write|tls) /.test(message) && !message.startsWith("Client network")) {
    return message;
  }
  if (code === "ECONNREFUSED") return `nothing listens${at} (connection refused)`;
  if (code === "ETIMEDOUT" && message.startsWith("tls ")) {
    return `no TLS in time${where === undefined ? "" : ` on the connection to ${where}`}`;
  }
  if (code === "ETIMEDOUT") return `no connection in time${at}`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `no way to it${at} (${code})`;
  if (code === "ENOENT") return `there is no such socket${at}`;
  if (code === "ECONNRESET") {
    return tls ? "the server closed during the TLS handshake" : `the connection was reset${at}`;
  }
  return message;
}

function stalledText(
  message: string,
  { head, bodyBytes }: { readonly head: IncomingHead | undefined; readonly bodyBytes: number },
): string {
  if (head === undefined) return message;
  const of = head.length === undefined ? "" : ` of ${head.length}`;
  return `the body stalled: ${bodyBytes}${of} octets came, and no more in time`;
}

function closedText(
  message: string,
  { head, bodyBytes }: { readonly head: IncomingHead | undefined; readonly bodyBytes: number },
): string {
  if (message.includes("SSL routines")) return tlsText("", message, "");
  if (head === undefined) return `${message}, without an answer`;
  const { length } = head;
  const of = length === undefined ? "" : ` of ${length}`;
  return `the body was cut: ${bodyBytes}${of} octets came (${message})`;
}
