/** Where requests go: scheme, name and port of a server. RFC 9110 4.3.1. */
import type { AbsoluteUri } from "../../../codecs/http/uri.ts";

export interface Origin {
  readonly scheme: "http" | "https";
  /** Lower case; an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number;
}

export function originOf(uri: AbsoluteUri): Origin | undefined {
  if (uri.scheme !== "http" && uri.scheme !== "https") return undefined;
  if (uri.host === undefined || uri.host === "") return undefined;
  const port =
    uri.port === undefined || uri.port === "" ? defaultPort(uri.scheme) : Number(uri.port);
  if (!(port > 0 && port < 65_536)) return undefined;
  return { scheme: uri.scheme, host: uri.host.toLowerCase(), port };
}

export function defaultPort(scheme: "http" | "https"): number {
  return scheme === "https" ? 443 : 80;
}

/** The value of Host: the port is left out where it is the scheme's. RFC 9110 7.2 */
export function hostField(origin: Origin): string {
  return origin.port === defaultPort(origin.scheme) ? origin.host : `${origin.host}:${origin.port}`;
}

export function originKey(origin: Origin): string {
  return `${origin.scheme}://${origin.host}:${origin.port}`;
}

/** The path and query that a request asks for. RFC 9112 3.2.1 */
export function targetOf(uri: AbsoluteUri): string {
  const path = uri.path === "" ? "/" : uri.path;
  return uri.query === undefined ? path : `${path}?${uri.query}`;
}
