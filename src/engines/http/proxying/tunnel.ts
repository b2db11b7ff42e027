/**
 * Connections through a proxy: CONNECT (RFC 9110 9.3.6) or SOCKS5, then TLS with the server itself.
 * To who uses the connection it opens like any other.
 */

import type { Field } from "../../../codecs/http/message.ts";
import { placeOf } from "../../dialing/place.ts";
import type { Dial, DialOptions } from "../../dialing/race.ts";
import type {
  CloseCause,
  Endpoint,
  Host,
  NetError,
  TcpConnection,
  TcpHandler,
  TlsClient,
} from "../../host.ts";
import { SECOND } from "../../host.ts";
import { ClientConnection } from "../client-connection.ts";
import type { SocksTarget } from "./socks.ts";
import { SocksHandshake } from "./socks.ts";

export type Tunnel =
  | {
      readonly kind: "connect";
      /** Where it is thought to be; the way there is `dial`. */
      readonly proxy: Endpoint;
      /** With the proxy itself, before TLS with the server in the tunnel. */
      readonly tls?: TlsClient | undefined;
      /** `host:port` of the server. */
      readonly authority: string;
      readonly authorization?: string | undefined;
    }
  | { readonly kind: "socks5"; readonly proxy: Endpoint; readonly target: SocksTarget };

/** `dial` opens the connection to the proxy; `options.tls` is for the server behind it. */
export function connectThrough(
  host: Host,
  dial: Dial,
  handler: TcpHandler,
  options: DialOptions,
  tunnel: Tunnel,
): TcpConnection {
  const { tls, timeout = 30 * SECOND } = options;
  const { proxy } = tunnel;
  let over = false;
  const timer = host.clock.timer(() => {
    failed(new Error("no answer in time"), "timeout");
    connection.reset();
  });
  const failed = (why: Error, cause: CloseCause): void => {
    if (over) return;
    over = true;
    timer.armAt(undefined);
    const error = tunnelError(proxy, why, cause);
    host.clock.defer(() => handler.onClose(cause, error, connection));
  };
  const opened = (tcp: TcpConnection, left: Uint8Array): void => {
    if (over) return;
    over = true;
    timer.armAt(undefined);
    tcp.handler = handler;
    if (tls !== undefined) {
      tcp.secure(tls);
      return;
    }
    handler.onOpen?.(tcp);
    if (left.length > 0) handler.onData(left, tcp);
  };
  const connection = begin(host, dial, options, tunnel, opened, failed);
  timer.armAt(host.clock.now() + timeout);
  return connection;
}

function begin(
  host: Host,
  dial: Dial,
  options: DialOptions,
  tunnel: Tunnel,
  opened: (tcp: TcpConnection, left: Uint8Array) => void,
  failed: (why: Error, cause: CloseCause) => void,
): TcpConnection {
  const { tls: _behind, ...way } = options;
  if (tunnel.kind === "socks5") {
    return dial(new SocksHandshake(tunnel.target, opened, failed), way);
  }
  return ask(host, dial, way, tunnel, opened, failed);
}

function ask(
  host: Host,
  dial: Dial,
  { local, timeout }: DialOptions,
  tunnel: Extract<Tunnel, { kind: "connect" }>,
  opened: (tcp: TcpConnection, left: Uint8Array) => void,
  failed: (why: Error, cause: CloseCause) => void,
): TcpConnection {
  const { proxy, tls, authority, authorization } = tunnel;
  const fields: Field[] = [{ name: "Host", value: authority }];
  if (authorization !== undefined)
    fields.push({ name: "Proxy-Authorization", value: authorization });
  const client = new ClientConnection(host, {
    remote: proxy,
    dial,
    local,
    tls,
    proxied: true,
    connectTime: timeout,
  });
  client.send(
    { method: "CONNECT", target: authority, fields },
    {
      head: ({ statusCode, reasonPhrase }) => {
        if (statusCode >= 200 && statusCode < 300) return;
        failed(new Error(`it answered ${statusCode} ${reasonPhrase}`.trimEnd()), "refused");
        client.abort();
      },
      data: () => {},
      end: () => {},
      cut: (why) => failed(why, why.fault === "timeout" ? "timeout" : "refused"),
      switched: (_head, left, tcp) => {
        // What is taken over is opened behind the proxy's own octets.
        host.clock.defer(() => opened(tcp, left));
        return { onData: () => {}, onClose: (cause) => failed(new Error("it closed"), cause) };
      },
    },
  );
  return client.connection;
}

function tunnelError(remote: Endpoint, why: Error, cause: CloseCause): NetError {
  const code = (why as Partial<NetError>).code ?? (cause === "timeout" ? "ETIMEDOUT" : "EPROXY");
  const text = `no connection through the proxy ${placeOf(remote)}: ${why.message}`;
  return Object.assign(new Error(text), { code, syscall: "connect", remote });
}
