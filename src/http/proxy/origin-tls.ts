/** TLS with the origins behind a proxy or an edge. */
import type { TlsClient } from "../../engines/host.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";

/** `ca`: whom to trust, in PEM; without it whom the system does. */
export function originTls(
  ca: string | undefined,
  insecure: boolean,
): (origin: Origin) => TlsClient | undefined {
  return ({ scheme, host }) =>
    scheme === "http"
      ? undefined
      : { name: host.replace(/^\[(.*)\]$/, "$1"), ca, verify: !insecure, alpn: ["http/1.1"] };
}
