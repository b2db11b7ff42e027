import { describe, expect, it } from "vitest";
import type { Dial } from "../../../../src/engines/dialing/race.ts";
import type { Host, TcpConnection, TcpHandler } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { ClientConnection } from "../../../../src/engines/http/client-connection.ts";
import type { Tunnel } from "../../../../src/engines/http/proxying/tunnel.ts";
import { connectThrough } from "../../../../src/engines/http/proxying/tunnel.ts";
import type { World } from "../../../../src/net/simulated/world.ts";
import { bytesOf, httpWorld, textOf } from "../world.ts";

const PROXY = { addr: "192.0.2.99", port: 1080 };
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** A proxy of scripted answers, each sent once so many octets came, in pieces of one octet. */
function scriptedProxy(
  world: World,
  steps: readonly (readonly [after: number, answer: Uint8Array])[],
) {
  const node = world.node("proxy", { addresses: [PROXY.addr] });
  let seen = new Uint8Array(0);
  const left = [...steps];
  node.listen(
    () => ({
      onData: (data: Uint8Array, connection: TcpConnection) => {
        seen = new Uint8Array([...seen, ...data]);
        while (left[0] !== undefined && seen.length >= left[0][0]) {
          for (const byte of left.shift()?.[1] ?? []) connection.write(Uint8Array.of(byte));
        }
      },
      onEnd: (connection: TcpConnection) => connection.end(),
      onClose: () => {},
    }),
    { local: { port: PROXY.port } },
  );
  return () => seen;
}

const dialer =
  (host: Host): Dial =>
  (handler, options) =>
    host.connect(handler, { ...options, remote: PROXY });

/** A request through the tunnel; its body, or why there is none. */
function through(world: World, tunnel: Tunnel, connectTime = 5 * SECOND): () => string {
  const host = world.get("client");
  let got = "";
  const client = new ClientConnection(host, {
    remote: tunnel.proxy,
    connectTime,
    dial: (handler, options) => connectThrough(host, dialer(host), handler, options, tunnel),
  });
  client.send(
    { method: "GET", target: "/", fields: [{ name: "Host", value: "x" }] },
    {
      head: () => {},
      data: (bytes) => {
        got += textOf(bytes);
      },
      end: () => {
        got += ` at ${world.now / MILLISECOND} ms`;
      },
      cut: (why) => {
        got = `${why.fault}: ${why.message}`;
      },
    },
  );
  return () => got;
}

const RESPONSE = bytesOf("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
const name = (user?: string, password?: string): Tunnel => ({
  kind: "socks5",
  proxy: PROXY,
  target: { host: "a.test", port: 8080, user, password },
});

describe("SOCKS5", () => {
  it("RFC 1928 3, 4, 6: a name to look up, octet by octet, then the stream", () => {
    const { world } = httpWorld(() => {});
    const seen = scriptedProxy(world, [
      [3, hex("0500")],
      [3 + 13, hex("05000001 00000000 0000")],
      [3 + 13 + 20, RESPONSE],
    ]);
    const got = through(world, name());
    world.run(10 * SECOND);
    expect(got()).toMatch(/^hi at /);
    expect(Buffer.from(seen().slice(0, 16)).toString("hex")).toBe(
      `0501000501000306${Buffer.from("a.test").toString("hex")}1f90`,
    );
    expect(textOf(seen().slice(16))).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
  });

  it("RFC 1929 2: name and password, and addresses of both families", () => {
    for (const [host, where] of [
      ["192.0.2.7", "01c0000207"],
      ["2001:db8::7", "0420010db8000000000000000000000007"],
    ] as const) {
      const { world } = httpWorld(() => {});
      const seen = scriptedProxy(world, [
        [4, hex("0502")],
        [4 + 6, hex("0100")],
        [11, hex(`${"0500000104".slice(0, 8)}c0000201 0050`)],
      ]);
      const tunnel: Tunnel = {
        kind: "socks5",
        proxy: PROXY,
        target: { host, port: 80, user: "u", password: "pw" },
      };
      through(world, tunnel);
      world.run(10 * SECOND);
      expect(Buffer.from(seen().slice(0, 10)).toString("hex")).toBe("05020200" + "010175027077");
      expect(Buffer.from(seen().slice(10)).toString("hex")).toContain(`050100${where}0050`);
    }
  });

  it.each([
    ["0505", "the proxy chose method 5, which was not offered (RFC 1928 3)"],
    ["05ff", "the proxy wants a name and a password"],
    ["4854", "the proxy does not speak SOCKS5 (RFC 1928 3)"],
    ["0500 0505000100000000 0000", "the proxy answered: connection refused"],
    ["0500 0500000900000000 0000", "the proxy sent address type 9 (RFC 1928 6)"],
  ])("RFC 1928: %s is told", (answer, why) => {
    const { world } = httpWorld(() => {});
    scriptedProxy(world, [[3, hex(answer)]]);
    const got = through(world, name());
    world.run(10 * SECOND);
    expect(got()).toBe(`connect: no connection through the proxy 192.0.2.99:1080: ${why}`);
  });

  it("a proxy that says nothing is given up", () => {
    const { world } = httpWorld(() => {});
    scriptedProxy(world, []);
    const got = through(world, name(), 2 * SECOND);
    world.run(10 * SECOND);
    expect(got()).toBe(
      "connect: no connection through the proxy 192.0.2.99:1080: no answer in time",
    );
  });
});

const connect: Tunnel = {
  kind: "connect",
  proxy: PROXY,
  authority: "a.test:443",
  authorization: "Basic dTpw",
};

describe("CONNECT", () => {
  it("RFC 9110 9.3.6: the tunnel begins behind the head of the 2xx", () => {
    const { world } = httpWorld(() => {});
    const ok = "HTTP/1.1 200 Connection established\r\n\r\n";
    const seen = scriptedProxy(world, [
      [80, bytesOf(ok)],
      [100, RESPONSE],
    ]);
    const got = through(world, connect);
    world.run(10 * SECOND);
    expect(got()).toMatch(/^hi at /);
    expect(textOf(seen())).toBe(
      "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\nProxy-Authorization: Basic dTpw\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    );
  });

  it.each([
    [
      "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!",
      "it answered 407 Proxy Authentication Required",
    ],
    ["HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n", "it answered 403"],
  ])("RFC 9110 9.3.6: a refusal is told: %j", (answer, why) => {
    const { world } = httpWorld(() => {});
    scriptedProxy(world, [[80, bytesOf(answer)]]);
    const got = through(world, connect);
    world.run(10 * SECOND);
    expect(got()).toBe(`connect: no connection through the proxy 192.0.2.99:1080: ${why}`);
  });

  it("a proxy that is not there is told", () => {
    const { world } = httpWorld(() => {});
    world.node("proxy", { addresses: [PROXY.addr] });
    const got = through(world, connect);
    world.run(10 * SECOND);
    expect(got()).toMatch(
      /^connect: no connection through the proxy 192\.0\.2\.99:1080: .*ECONNREFUSED/,
    );
  });

  it("TLS with the server itself begins in the tunnel", () => {
    const { world } = httpWorld(() => {});
    const server = world.node("tls", { addresses: ["192.0.2.81"] });
    server.listen(
      () => ({
        onData: (_data: Uint8Array, connection: TcpConnection) => connection.write(RESPONSE),
        onClose: () => {},
      }),
      { local: { port: 443 }, tls: { cert: "CN=a.test", key: "k" } },
    );
    const proxy = world.node("relay", { addresses: [PROXY.addr] });
    proxy.listen((client) => relay(world, client), { local: { port: PROXY.port } });
    const host = world.get("client");
    let opened = "";
    connectThrough(
      host,
      dialer(host),
      {
        onOpen: (connection) => {
          opened += "open";
          connection.write(bytesOf("hello"));
        },
        onData: (data) => {
          opened += ` ${textOf(data).slice(0, 8)}`;
        },
        onClose: (_cause, error) => {
          opened += ` ${error?.message}`;
        },
      },
      { tls: { name: "a.test", verify: false } },
      connect,
    );
    world.run(10 * SECOND);
    expect(opened).toBe("open HTTP/1.1");
  });
});

describe("TLS in a tunnel", () => {
  it("a server behind it that does not begin TLS is waited for as long as for a connection", () => {
    const { world } = httpWorld(() => {});
    scriptedProxy(world, [[1, bytesOf("HTTP/1.1 200 OK\r\n\r\n")]]);
    const host = world.get("client");
    const told: string[] = [];
    const client = new ClientConnection(host, {
      remote: PROXY,
      connectTime: 2 * SECOND,
      tls: { name: "a.test", verify: false },
      dial: (handler, options) => connectThrough(host, dialer(host), handler, options, connect),
    });
    client.send(
      { method: "GET", target: "/", fields: [{ name: "Host", value: "x" }] },
      {
        head: () => {},
        data: () => {},
        end: () => {},
        cut: ({ fault, message }) =>
          told.push(`${world.now / MILLISECOND} ms: ${fault}: ${message}`),
      },
    );
    world.run(60 * SECOND);
    expect(told).toEqual(["2000 ms: connect: tls ETIMEDOUT 192.0.2.99:1080"]);
  });
});

/** Answers CONNECT and passes octets on, both ways. */
function relay(world: World, client: TcpConnection): TcpHandler {
  let up: TcpConnection | undefined;
  return {
    onData: (data) => {
      if (up !== undefined) {
        up.write(new Uint8Array(data));
        return;
      }
      up = world.get("relay").connect(
        {
          onOpen: () => client.write(bytesOf("HTTP/1.1 200 OK\r\n\r\n")),
          onData: (back) => client.write(new Uint8Array(back)),
          onClose: () => client.end(),
        },
        { remote: { addr: "192.0.2.81", port: 443 } },
      );
    },
    onClose: () => up?.end(),
  };
}
