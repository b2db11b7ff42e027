/** From the `--tls-*` flags to what a connection checks of its server. RFC 7858 4, RFC 8310. */
import type { TlsClient } from "../../engines/host.ts";
import type { ServerWord } from "./arguments.ts";

export interface TlsSettings {
  readonly name?: string;
  /** PEM. */
  readonly ca?: string | undefined;
  readonly pins: readonly string[];
  readonly insecure: boolean;
}

export function tlsClient(tls: TlsSettings, servers: readonly ServerWord[]): TlsClient {
  return {
    name: tls.name ?? servers[0]?.host,
    ca: tls.ca,
    pins: tls.pins,
    verify: !tls.insecure,
    alpn: ["dot"],
  };
}
