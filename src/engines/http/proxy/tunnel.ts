/** CONNECT: octets both ways, each side no faster than the other takes them. RFC 9110 9.3.6. */
import { ATTEMPT_DELAY, racing } from "../../dialing/race.ts";
import type { Endpoint, Host, Nanos, TcpConnection, TcpHandler } from "../../host.ts";
import { SECOND } from "../../host.ts";
import { ExchangeError } from "../client-connection.ts";
import type { Exchange } from "../exchange.ts";
import type { ResponseHead } from "../head.ts";

/** Without an octet either way: a peer may be gone without a word. */
export const TUNNEL_IDLE = 900 * SECOND;

export interface TunnelOptions {
  readonly connectTime?: Nanos | undefined;
}

/** Answers 2xx with `head` once one of the `targets` is reached; `failed` when none is. RFC 8305 5 */
export function tunnel(
  host: Host,
  exchange: Exchange,
  targets: readonly Endpoint[],
  head: ResponseHead,
  options: TunnelOptions,
  failed: (why: Error) => void,
  opened: () => void,
): void {
  let open = false;
  let client: TcpConnection | undefined;
  const dial = racing(host, targets, ATTEMPT_DELAY, () => {});
  const server = dial(
    {
      onOpen: (connection) => {
        open = true;
        connection.setNoDelay(true);
        connection.setIdleTimeout(TUNNEL_IDLE);
        exchange.handOver(head, relayTo(connection));
        client = exchange.connection;
        opened();
      },
      onData: (data, connection) => {
        if (client?.write(data.slice()) === false) connection.pause();
      },
      onEnd: () => client?.end(),
      onDrain: () => client?.resume(),
      onClose: (cause, error) => {
        if (!open) {
          if (!exchange.gone) {
            const text = error?.message ?? cause;
            failed(new ExchangeError("connect", text, true, false, error?.code ?? "ETIMEDOUT"));
          }
        } else if (cause === "ended") client?.end();
        else client?.reset();
      },
    },
    { timeout: options.connectTime ?? 30 * SECOND },
  );
  exchange.onAbandoned = () => server.reset();
}

/** Handler of a connection whose octets go to another, no faster than that takes them. */
export function relayTo(peer: TcpConnection, closed: () => void = () => {}): TcpHandler {
  return {
    onData: (data, connection) => {
      if (!peer.write(data.slice())) connection.pause();
    },
    onEnd: () => peer.end(),
    onDrain: () => peer.resume(),
    onClose: (cause) => {
      closed();
      if (cause === "ended") peer.end();
      else peer.reset();
    },
  };
}
