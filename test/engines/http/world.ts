/** A client and a server of HTTP in a simulated world, 100 ms of round trip apart. */

import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND } from "../../../src/engines/host.ts";
import type {
  ClientEvents,
  ClientOptions,
  IncomingHead,
} from "../../../src/engines/http/client-connection.ts";
import { ClientConnection } from "../../../src/engines/http/client-connection.ts";
import type { RequestHandler, ServerLimits } from "../../../src/engines/http/server-connection.ts";
import { SERVER_LIMITS, ServerConnection } from "../../../src/engines/http/server-connection.ts";
import { World } from "../../../src/net/simulated/world.ts";

export const SERVER = { addr: "192.0.2.80", port: 80 };
export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
export const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

export function httpWorld(handler: RequestHandler, limits: Partial<ServerLimits> = {}) {
  const world = new World({ seed: 7, delay: 25 * MILLISECOND });
  const server = world.node("server", { addresses: [SERVER.addr] });
  const client = world.node("client", { addresses: ["198.51.100.1"] });
  const refused: number[] = [];
  server.listen(
    (connection) =>
      new ServerConnection(
        server,
        connection,
        handler,
        { ...SERVER_LIMITS, ...limits },
        {
          onBadRequest: (_error, statusCode) => refused.push(statusCode),
        },
      ),
    { local: { port: 80 } },
  );
  return { world, server, client, refused };
}

export interface Answer {
  at: number;
  head?: IncomingHead;
  body: string;
  ended: boolean;
  informed: number[];
  error?: { fault: string; unanswered: boolean };
}

export function clientOf(
  world: World,
  events: ClientEvents = {},
  options: Partial<ClientOptions> = {},
) {
  const connection = new ClientConnection(
    world.get("client"),
    { remote: SERVER, ...options },
    events,
  );
  const send = (method: string, target: string, more: object = {}): Answer => {
    const answer: Answer = { at: -1, body: "", ended: false, informed: [] };
    const request = { method, target, fields: [{ name: "Host", value: "x" }], ...more };
    connection.send(request, {
      informed: (head) => answer.informed.push(head.statusCode),
      head: (head) => {
        answer.head = head;
      },
      data: (bytes) => {
        answer.body += textOf(bytes);
      },
      end: () => {
        answer.ended = true;
        answer.at = world.now / MILLISECOND;
      },
      cut: (why) => {
        answer.error = { fault: why.fault, unanswered: why.unanswered };
      },
    });
    return answer;
  };
  return { connection, send };
}

/** Writes raw octets, in pieces of `size`, and gives what came back. */
export function raw(world: World, text: string, size = text.length, end = false): () => string {
  let back = "";
  const client = world.get("client");
  client.connect(
    {
      onOpen: (connection: TcpConnection) => {
        const bytes = bytesOf(text);
        for (let at = 0; at < bytes.length; at += size)
          connection.write(bytes.slice(at, at + size));
        if (end) connection.end();
      },
      onData: (data) => {
        back += textOf(data);
      },
      onEnd: (connection) => connection.end(),
      onClose: (cause) => {
        back += `<${cause}>`;
      },
    },
    { remote: SERVER },
  );
  return () => back;
}
