import { describe, expect, it } from "vitest";
import { Backends } from "../../../src/engines/balance/backends.ts";
import { HttpBalancer } from "../../../src/engines/balance/http.ts";
import type { Host, TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { ClientConnection } from "../../../src/engines/http/client-connection.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { field } from "../../../src/engines/http/fields.ts";
import { HttpProxy } from "../../../src/engines/http/proxy/proxy.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { upgradeOf } from "../../../src/engines/http/server-connection.ts";
import { World } from "../../../src/net/simulated/world.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const ORIGIN = { addr: "192.0.2.1", port: 80 };

/** Answers an upgrade to what it is told to, and then says everything twice. */
function origin(answer: string, seen: Exchange["request"][]) {
  return new HttpServer(
    (exchange) => {
      seen.push(exchange.request);
      if (upgradeOf(exchange.request.fields) === undefined) {
        exchange.respond({ statusCode: 200, fields: [] }, bytes("plain"));
        return;
      }
      const fields = [
        { name: "Connection", value: "Upgrade" },
        { name: "Upgrade", value: answer },
        { name: "Sec-WebSocket-Accept", value: "yes" },
      ];
      exchange.handOver(
        { statusCode: 101, fields },
        {
          onData: (data, connection) => {
            connection.write(data.slice());
            connection.write(data.slice());
          },
          onEnd: (connection) => {
            connection.write(bytes("bye"));
            connection.end();
          },
          onClose: () => {},
        },
      );
    },
    { listen: [ORIGIN] },
  );
}

type Middle = (host: Host) => (exchange: Exchange) => void;

const lookup = (_: string, done: (e: null, l: { addresses: string[] }) => void) =>
  done(null, { addresses: [ORIGIN.addr] });
const REVERSE: Middle = (host) => {
  const proxy = new HttpProxy(host, {
    origin: { scheme: "http", host: ORIGIN.addr, port: 80 },
    lookup,
  });
  return (exchange) => proxy.handle(exchange);
};
const FORWARD: Middle = (host) => {
  const proxy = new HttpProxy(host, { lookup });
  return (exchange) => proxy.handle(exchange);
};
const BALANCER: Middle = (host) => {
  const backends = new Backends("round-robin", [{ id: "a", at: ORIGIN }]);
  const balancer = new HttpBalancer(host, { backends });
  return (exchange) => balancer.handle(exchange);
};

function worldOf(middle: Middle, answer = "websocket") {
  const world = new World({ seed: 3, delay: MILLISECOND });
  const seen: Exchange["request"][] = [];
  world.node("origin", { addresses: [ORIGIN.addr], boot: () => origin(answer, seen) });
  const host = world.node("proxy", { addresses: ["192.0.2.2"] });
  const listen = [{ addr: "192.0.2.2", port: 80 }];
  new HttpServer(middle(host), { listen }).start(host);
  const client = world.node("client", { addresses: ["10.0.0.1"] });
  world.run(MILLISECOND);
  return { world, client, seen };
}

interface Talk {
  statusCode: number;
  upgrade: string | undefined;
  heard: string;
  ended: boolean;
  connection: TcpConnection | undefined;
}

function talk(
  client: Host,
  target: string,
  fields: Record<string, string>,
  { method = "GET", version = "HTTP/1.1" } = {},
): Talk {
  const got: Talk = {
    statusCode: 0,
    upgrade: undefined,
    heard: "",
    ended: false,
    connection: undefined,
  };
  const hear = (data: Uint8Array) => {
    got.heard += Buffer.from(data).toString();
  };
  const list = Object.entries(fields).map(([name, value]) => ({ name, value }));
  new ClientConnection(client, { remote: { addr: "192.0.2.2", port: 80 } }).send(
    { method, version, target, fields: [{ name: "Host", value: "192.0.2.1" }, ...list] },
    {
      head: (head) => {
        got.statusCode = head.statusCode;
        got.upgrade = field(head.fields, "upgrade");
      },
      data: hear,
      end: () => {},
      cut: () => {},
      switched: (_, left, connection) => {
        hear(left);
        got.connection = connection;
        return {
          onData: hear,
          onEnd: () => {
            got.ended = true;
          },
          onClose: () => {},
        };
      },
    },
  );
  return got;
}

const ASKED = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Key": "k" };
const WAYS = [
  ["reverse proxy", REVERSE, "/chat"],
  ["forward proxy", FORWARD, "http://192.0.2.1/chat"],
  ["balancer", BALANCER, "/chat"],
] as const;

describe.each(WAYS)("RFC 9110 7.8: an upgrade through the %s", (_, middle, target) => {
  it("after the 101 octets go both ways, and an end on one side comes out on the other", () => {
    const { world, client, seen } = worldOf(middle);
    const got = talk(client, target, ASKED);
    world.run(world.now + SECOND);
    expect([got.statusCode, got.upgrade]).toEqual([101, "websocket"]);
    expect(field(seen[0]?.fields ?? [], "sec-websocket-key")).toBe("k");
    expect(field(seen[0]?.fields ?? [], "via")).toContain("netkit");
    got.connection?.write(bytes("hello "));
    world.run(world.now + SECOND);
    expect(got.heard).toBe("hello hello ");
    got.connection?.end();
    world.run(world.now + SECOND);
    expect([got.heard, got.ended]).toEqual(["hello hello bye", true]);
  });

  it("much more than buffers hold comes through whole", () => {
    const { world, client } = worldOf(middle);
    const got = talk(client, target, ASKED);
    world.run(world.now + SECOND);
    const piece = bytes("0123456789abcdef".repeat(4096));
    for (let i = 0; i < 20; i++) {
      got.connection?.write(piece);
      world.run(world.now + SECOND / 10);
    }
    world.run(world.now + 5 * SECOND);
    expect(got.heard.length).toBe(2 * 20 * piece.length);
  });

  it.each([
    ["another version of HTTP", { ...ASKED, Upgrade: "h2c" }, {}],
    ["no Connection", { Upgrade: "websocket" }, {}],
    ["HTTP/1.0", ASKED, { version: "HTTP/1.0" }],
  ])("not passed on: %s", (__, fields, how) => {
    const { world, client, seen } = worldOf(middle);
    const got = talk(client, target, fields, how);
    world.run(world.now + SECOND);
    expect([got.statusCode, got.heard]).toEqual([200, "plain"]);
    expect(field(seen[0]?.fields ?? [], "upgrade")).toBeUndefined();
  });

  it("a server that changes to something else is not believed", () => {
    const { world, client } = worldOf(middle, "other");
    const got = talk(client, target, ASKED);
    world.run(world.now + SECOND);
    expect([got.statusCode, got.connection]).toEqual([502, undefined]);
  });

  it("what is pipelined behind it is no part of the other protocol", () => {
    const { world, client, seen } = worldOf(middle);
    let heard = "";
    const head = `GET ${target} HTTP/1.1\r\nHost: 192.0.2.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    client.connect(
      {
        onOpen: (connection) => {
          connection.write(bytes(`${head}GET ${target}2 HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n`));
        },
        onData: (data) => {
          heard += Buffer.from(data).toString();
        },
        onClose: () => {},
      },
      { remote: { addr: "192.0.2.2", port: 80 } },
    );
    world.run(world.now + SECOND);
    expect(heard).not.toContain("HTTP/1.1 101");
    expect(heard).toMatch(/^HTTP\/1\.1 502 /);
    expect(seen.length).toBeLessThanOrEqual(2);
  });
});
