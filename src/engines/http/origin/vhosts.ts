/** Many sites on one machine: by the name in Host, or by the address and port. RFC 9110 7.2. */
import { parseTarget } from "../../../codecs/http/uri.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestHandler } from "../server-connection.ts";

export interface Site {
  /** Lower case; `*.example.com` is all below; `ADDRESS:PORT` is by the socket. */
  readonly name: string;
  readonly handler: RequestHandler;
}

/** The name that a request is for: the target's own where it has one (RFC 9112 3.2.2), else Host's. */
export function requestedHost(exchange: Exchange): string {
  const { method, target } = exchange.request;
  const form = parseTarget(target, method);
  const text =
    form?.form === "absolute" && form.uri.host !== undefined
      ? form.uri.host
      : exchange.field("host");
  return (text ?? "")
    .replace(/:[0-9]*$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

/** `fallback` has what no site is for. */
export function byHost(sites: readonly Site[], fallback: RequestHandler): RequestHandler {
  const exact = new Map(sites.map((site) => [site.name.toLowerCase(), site.handler]));
  return (exchange) => {
    const { addr, port } = exchange.connection.local;
    const host = requestedHost(exchange);
    const handler =
      exact.get(host) ?? wildcard(exact, host) ?? exact.get(`${addr}:${port}`) ?? fallback;
    handler(exchange);
  };
}

function wildcard(
  exact: ReadonlyMap<string, RequestHandler>,
  host: string,
): RequestHandler | undefined {
  for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
    const found = exact.get(`*${host.slice(dot)}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
