/**
 * Another protocol on the connection, such as WebSocket (RFC 6455): the request is passed on, and
 * after a 101 octets go both ways. RFC 9110 7.8.
 */
import type { TcpConnection, TcpHandler } from "../../host.ts";
import type { IncomingHead } from "../client-connection.ts";
import type { Exchange } from "../exchange.ts";
import { endToEnd, joinedField, listMembers, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import { upgradeOf } from "../server-connection.ts";
import { relayTo, TUNNEL_IDLE } from "./tunnel.ts";

/** Other versions of HTTP would be spoken past whoever looks at requests here; TLS likewise. */
const NOT_PASSED = /^(?:h2c?|h3|http(?:\/.*)?|tls(?:\/.*)?)$/i;

/**
 * The protocols that the client would change to, where the proxy may pass that on: a request alone on
 * its connection, without a body, whose Connection names the field. Else it is an ordinary request.
 */
export function upgradeWanted(exchange: Exchange): readonly string[] {
  const { request, hasBody } = exchange;
  // RFC 9110 7.8: a server ignores it in HTTP/1.0.
  if (request.version !== "HTTP/1.1" || request.method !== "GET" || hasBody) return [];
  if (!exchange.isAlone) return [];
  return listMembers(upgradeOf(request.fields)).filter((name) => !NOT_PASSED.test(name));
}

/** What says so to the next hop. */
export function upgradeFields(protocols: readonly string[]) {
  return [
    { name: "Connection", value: "Upgrade" },
    { name: "Upgrade", value: protocols.join(", ") },
  ];
}

export interface Upgrading {
  /** Fields of the response as the client gets them, but for Connection and Upgrade. */
  fields(head: ResponseHead): ResponseHead["fields"];
  opened(head: IncomingHead): void;
  /** The server changed to what it was not asked for, or the client has sent more meanwhile. */
  refused(why: string): void;
  closed?(): void;
}

/** After the server's 101: the client's connection is handed over too. */
export function switchBoth(
  exchange: Exchange,
  wanted: readonly string[],
  head: IncomingHead,
  left: Uint8Array,
  server: TcpConnection,
  upgrading: Upgrading,
): TcpHandler {
  const chosen = listMembers(joinedField(head.fields, "upgrade"));
  const asked = new Set(wanted.map((name) => name.toLowerCase()));
  const why = exchange.gone
    ? "the client left"
    : chosen.length === 0 || !chosen.every((name) => asked.has(name.toLowerCase()))
      ? "a change of protocol that nobody asked for"
      : exchange.isAlone
        ? undefined
        : "the client sent more before the protocol was changed";
  if (why !== undefined) {
    server.reset();
    if (!exchange.gone) upgrading.refused(why);
    upgrading.closed?.();
    return { onData: () => {}, onClose: () => {} };
  }
  const fields = [...upgrading.fields(head), ...upgradeFields(chosen)];
  const client = exchange.connection;
  server.setIdleTimeout(TUNNEL_IDLE);
  exchange.handOver({ statusCode: head.statusCode, fields: endToEndBut(fields) }, relayTo(server));
  if (left.length > 0 && !client.write(left)) server.pause();
  exchange.pauseBody(false);
  upgrading.opened(head);
  return relayTo(client, upgrading.closed);
}

/** Fields of this hop are those that were added. */
function endToEndBut(fields: ResponseHead["fields"]): ResponseHead["fields"] {
  const hop = fields.slice(-2);
  // RFC 9110 8.6: a 101 has no length.
  return [...without(endToEnd(fields.slice(0, -2)), "content-length"), ...hop];
}
