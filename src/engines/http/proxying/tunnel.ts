/**
 * Connections through a proxy: CONNECT (RFC 9110 9.3.6) or SOCKS5, then TLS with the server itself.
 * To who uses the connection it opens like any other.
 */

import type { Field } from "../../../codecs/http/message.ts";
import type {
  CloseCause,
  ConnectOptions,
  Endpoint,
  Host,
  Nanos,
  NetError,
  TcpConnection,
  TcpHandler,
} from "../../host.ts";
import { SECOND } from "../../host.ts";
import { ClientConnection } from "../client-connection.ts";
import type { SocksTarget } from "./socks.ts";
import { SocksHandshake } from "./socks.ts";

export type Tunnel =
  | {
      readonly kind: "connect";
      readonly proxy: Endpoint;
      /** `host:port` of the server. */
      readonly authority: string;
      readonly authorization?: string | undefined;
    }
  | { readonly kind: "socks5"; readonly proxy: Endpoint; readonly target: SocksTarget };

/** `options.remote` is the proxy; `options.tls` is for the server behind it. */
export function connectThrough(
  host: Host,
  handler: TcpHandler,
  options: Omit<ConnectOptions, "remote">,
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
  const connection = begin(host, { ...options, remote: proxy }, tunnel, opened, failed);
  timer.armAt(host.clock.now() + timeout);
  return connection;
}

function begin(
  host: Host,
  options: ConnectOptions,
  tunnel: Tunnel,
  opened: (tcp: TcpConnection, left: Uint8Array) => void,
  failed: (why: Error, cause: CloseCause) => void,
): TcpConnection {
  const { remote, local, timeout } = options;
  if (tunnel.kind === "socks5") {
    const handshake = new SocksHandshake(tunnel.target, opened, failed);
    return host.connect(handshake, {
      remote,
      ...(local === undefined ? {} : { local }),
      ...(timeout === undefined ? {} : { timeout }),
    });
  }
  return ask(host, options, tunnel, opened, failed, timeout);
}

function ask(
  host: Host,
  { remote, local }: ConnectOptions,
  tunnel: Extract<Tunnel, { kind: "connect" }>,
  opened: (tcp: TcpConnection, left: Uint8Array) => void,
  failed: (why: Error, cause: CloseCause) => void,
  connectTime: Nanos | undefined,
): TcpConnection {
  const { authority, authorization } = tunnel;
  const fields: Field[] = [{ name: "Host", value: authority }];
  if (authorization !== undefined)
    fields.push({ name: "Proxy-Authorization", value: authorization });
  const client = new ClientConnection(host, { remote, local, connectTime });
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

function tunnelError({ addr, port }: Endpoint, why: Error, cause: CloseCause): NetError {
  const where = addr.includes(":") ? `[${addr}]:${port}` : `${addr}:${port}`;
  const code = (why as Partial<NetError>).code ?? (cause === "timeout" ? "ETIMEDOUT" : "EPROXY");
  const text = `no connection through the proxy ${where}: ${why.message}`;
  return Object.assign(new Error(text), { code, syscall: "connect", remote: { addr, port } });
}
