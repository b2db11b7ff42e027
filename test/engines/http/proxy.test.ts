import { describe, expect, it } from "vitest";
import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { field } from "../../../src/engines/http/fields.ts";
import { cacheWorld, ORIGIN, PROXY, reply } from "./cache/world.ts";
import { bytesOf, textOf } from "./world.ts";

describe("a proxy", () => {
  it("RFC 9112 9.3.2: misses of pipelined requests are fetched side by side, and answered in order", () => {
    const { client, world } = cacheWorld((exchange) =>
      reply(exchange, {}, exchange.request.target),
    );
    const { send } = client();
    const all = Array.from({ length: 20 }, (_, i) => send("GET", `/${i}`));
    world.run(5 * SECOND);
    expect(all.map(({ body }) => body)).toEqual(all.map((_, i) => `/${i}`));
    // One after the other would be 20 times 100 ms.
    expect(all[19]?.at).toBeLessThan(250);
  });

  it("RFC 9110 7.6.1: fields of one hop are not passed on", () => {
    const { get, asked } = cacheWorld((exchange) =>
      reply(exchange, {
        Connection: "x-hop",
        "X-Hop": "1",
        "Keep-Alive": "timeout=5",
        "X-End": "2",
      }),
    );
    const got = get("/a", { Connection: "x-mine", "X-Mine": "1", TE: "trailers", "X-Other": "2" });
    const names = (fields: readonly { name: string }[]) =>
      fields.map(({ name }) => name.toLowerCase());
    expect(names(asked[0]?.fields ?? [])).toEqual(["host", "x-other", "via", "te", "connection"]);
    expect(field(asked[0]?.fields ?? [], "connection")).toBe("TE");
    expect(names(got.fields)).not.toContain("x-hop");
    expect(names(got.fields)).not.toContain("keep-alive");
    expect(field(got.fields, "x-end")).toBe("2");
    expect(field(got.fields, "via")).toMatch(/^1\.1 netkit-[0-9a-f]{8}$/);
  });

  it("RFC 9110 6.5: trailer fields go to those who take them, but for what comes too late there", () => {
    const { get, asked } = cacheWorld((exchange) => {
      const fields = [
        { name: "Trailer", value: "X-Sum" },
        { name: "Cache-Control", value: "max-age=60" },
      ];
      exchange.start({ statusCode: 200, fields });
      exchange.write(bytesOf("body"));
      exchange.end([
        { name: "X-Sum", value: "7" },
        { name: "Set-Cookie", value: "a=b" },
        { name: "Content-Type", value: "text/html" },
      ]);
    });
    const taking = get("/a", { TE: "trailers", Connection: "TE" });
    expect([taking.body, taking.trailers]).toEqual(["body", [{ name: "X-Sum", value: "7" }]]);
    expect(field(taking.fields, "trailer")).toBe("X-Sum");
    expect(field(asked[0]?.fields ?? [], "te")).toBe("trailers");
    // RFC 9111 3.1: what is stored has none.
    const again = get("/a", { TE: "trailers", Connection: "TE" });
    expect([again.body, again.trailers, asked.length]).toEqual(["body", [], 1]);
    const other = get("/b");
    expect([other.body, other.trailers, field(other.fields, "trailer")]).toEqual([
      "body",
      [],
      undefined,
    ]);
    expect(field(asked[1]?.fields ?? [], "te")).toBeUndefined();
  });

  it("RFC 9112 7.1.2: trailer fields of a request go on behind its chunks", () => {
    const seen: string[] = [];
    const { world } = cacheWorld((exchange) => {
      exchange.readBody({
        data: (bytes) => seen.push(textOf(bytes)),
        end: (trailers) => {
          seen.push(...trailers.map(({ name, value }) => `${name}: ${value}`));
          reply(exchange, {});
        },
        cut: () => seen.push("cut"),
      });
    });
    world.get("client").connect(
      {
        onOpen: (connection) => {
          connection.write(
            bytesOf(
              `POST /a HTTP/1.1\r\nHost: ${ORIGIN}\r\nTransfer-Encoding: chunked\r\n\r\n` +
                "4\r\nbody\r\n0\r\nX-Sum: 7\r\nAuthorization: me\r\n\r\n",
            ),
          );
        },
        onData: () => {},
        onClose: () => {},
      },
      { remote: { addr: PROXY, port: 80 } },
    );
    world.run(world.now + SECOND);
    expect(seen).toEqual(["body", "X-Sum: 7"]);
  });

  it.each([
    ["Content-Length: 4", "body"],
    ["Transfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n"],
  ])(
    "RFC 9110 10.1.1: an origin that never says 100 gets the body of a client that waits no longer (%s)",
    (framing, sent) => {
      const { world } = cacheWorld((exchange) => {
        let came = "";
        exchange.readBody(
          {
            data: (bytes) => {
              came += textOf(bytes);
            },
            end: () => reply(exchange, {}, `got ${came}`),
            cut: () => {},
          },
          true,
        );
      });
      let back = "";
      const head = `POST /a HTTP/1.1\r\nHost: ${ORIGIN}\r\nExpect: 100-continue\r\n${framing}\r\n\r\n`;
      const client = world.get("client").connect(
        {
          onOpen: (open) => open.write(bytesOf(head)),
          onData: (data) => {
            back += textOf(data);
          },
          onClose: () => {},
        },
        { remote: { addr: PROXY, port: 80 } },
      );
      world.run(world.now + 500 * MILLISECOND);
      expect(back).toBe("");
      client.write(bytesOf(sent));
      world.run(world.now + 3 * SECOND);
      expect(back).toMatch(/^HTTP\/1\.1 200 /);
      expect(back.endsWith("got body")).toBe(true);
    },
  );

  it("RFC 9110 7.6.2: Max-Forwards counts down, and ends here at 0", () => {
    const { get, asked } = cacheWorld((exchange) => reply(exchange, {}));
    get("/a", { "Max-Forwards": "2" }, "OPTIONS");
    expect(field(asked[0]?.fields ?? [], "max-forwards")).toBe("1");
    const traced = get("/a", { "Max-Forwards": "0", Cookie: "secret" }, "TRACE");
    expect([
      asked.length,
      traced.body.startsWith("TRACE /a HTTP/1.1"),
      traced.body.includes("secret"),
    ]).toEqual([1, true, false]);
  });

  it("RFC 9110 7.6.3: a request that comes round again is refused", () => {
    const { get, asked } = cacheWorld((exchange) => reply(exchange, {}));
    get("/a");
    const via = field(asked[0]?.fields ?? [], "via") ?? "";
    const again = get("/b", { Via: via });
    expect([again.statusCode, field(again.fields, "proxy-status")]).toEqual([
      502,
      "netkit; error=proxy_loop_detected",
    ]);
  });

  it.each([
    ["/a", 400],
    [`http://user@${ORIGIN}/a`, 400],
    [`http://${ORIGIN}/a#b`, 400],
    [`ftp://${ORIGIN}/a`, 400],
    [`http://${ORIGIN}/a`, 200],
    [`http://${ORIGIN}`, 200],
  ])("RFC 9112 3.2.2: a forward proxy asked for %s says %i", (target, statusCode) => {
    const { get } = cacheWorld((exchange) => reply(exchange, {}, "x"), { forward: true });
    expect(get(target).statusCode).toBe(statusCode);
  });

  it("RFC 9112 3.2.2: the target of the absolute form is the host, whatever Host says", () => {
    const { client, world, asked } = cacheWorld((exchange) => reply(exchange, {}, "x"), {
      forward: true,
    });
    client().send("GET", `http://${ORIGIN}/a`, { Host: "evil.example" });
    world.run(SECOND);
    expect(asked.map(({ target, fields }) => [target, field(fields, "host")])).toEqual([
      ["/a", ORIGIN],
    ]);
  });

  it("RFC 9110 9.3.6: CONNECT is a tunnel for octets both ways, and half closes", () => {
    const { world } = cacheWorld(() => {}, { forward: true, proxy: { tunnelPorts: new Set([7]) } });
    world.get("origin").listen(
      () => ({
        onData: (data, c) => void c.write(data.slice()),
        onEnd: (c) => c.end(),
        onClose: () => {},
      }),
      { local: { port: 7 } },
    );
    const speak = (target: string) => {
      let back = "";
      world.get("client").connect(
        {
          onOpen: (c: TcpConnection) => {
            c.write(bytesOf(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\nping`));
            c.end();
          },
          onData: (data) => {
            back += textOf(data);
          },
          onClose: () => {},
        },
        { remote: { addr: PROXY, port: 80 } },
      );
      world.run(world.now + 2 * SECOND);
      return back;
    };
    expect(speak(`${ORIGIN}:7`)).toBe("HTTP/1.1 200 Connection established\r\n\r\nping");
    expect(speak(`${ORIGIN}:9`)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("RFC 8305: CONNECT reaches a name of several addresses by one that opens, at the port that is asked for", () => {
    const asked: unknown[] = [];
    const { world } = cacheWorld((exchange) => reply(exchange, {}, "by tunnel"), {
      forward: true,
      proxy: {
        tunnelPorts: new Set([80]),
        lookup: (name, done, port) => {
          asked.push([name, port]);
          done(null, { addresses: ["192.0.2.66", ORIGIN] });
        },
      },
    });
    // A node that answers nothing.
    world.node("silent", { addresses: ["192.0.2.66"] });
    world.faults.crash("silent");
    let back = "";
    world.get("client").connect(
      {
        onOpen: (c: TcpConnection) => {
          const get = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
          c.write(bytesOf(`CONNECT two.test:80 HTTP/1.1\r\nHost: two.test:80\r\n\r\n${get}`));
        },
        onData: (data) => {
          back += textOf(data);
        },
        onClose: () => {},
      },
      { remote: { addr: PROXY, port: 80 } },
    );
    world.run(world.now + 2 * SECOND);
    expect(asked).toEqual([["two.test", 80]]);
    expect(back).toMatch(/^HTTP\/1\.1 200 Connection established\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(back.endsWith("by tunnel")).toBe(true);
  });

  it("RFC 9209: a next hop that cannot be reached, or does not answer, is told", () => {
    const refused = cacheWorld(() => {}, {
      proxy: { origin: { scheme: "http", host: ORIGIN, port: 81 } },
    }).get("/a");
    expect([refused.statusCode, field(refused.fields, "proxy-status")?.split(";")[1]]).toEqual([
      502,
      " error=connection_refused",
    ]);
    const slow = cacheWorld(() => {}, { proxy: { responseTime: 200 * MILLISECOND } }).get("/a");
    expect([slow.statusCode, field(slow.fields, "proxy-status")?.split(";")[1]]).toEqual([
      504,
      " error=http_response_timeout",
    ]);
  });

  it("a slow client holds the origin back, and nothing is lost", () => {
    const size = 3_000_000;
    const { client, world } = cacheWorld((exchange) => {
      let left = size;
      const more = () => {
        while (left > 0) {
          const length = Math.min(left, 50_000);
          left -= length;
          if (!exchange.write(new Uint8Array(length).fill(120))) break;
        }
        if (left === 0) exchange.end();
      };
      exchange.onDrain = more;
      exchange.start({ statusCode: 200, fields: [] });
      more();
    });
    world.faults.slowReader("client", 500_000);
    const got = client().send("GET", "/a");
    world.run(3 * SECOND);
    expect(got.state).toBe("waiting");
    world.run(20 * SECOND);
    expect([got.state, got.body.length]).toEqual(["whole", size]);
  });

  it("RFC 9110 10.1.1: a request body is asked for once the origin asks for it", () => {
    const { client, world, asked } = cacheWorld((exchange) =>
      exchange.readAll(1000, (body) => reply(exchange, {}, textOf(body ?? bytesOf("cut")))),
    );
    const { connection } = client();
    let body = "";
    connection.send(
      {
        method: "POST",
        target: "/a",
        fields: [{ name: "Host", value: "x" }],
        body: bytesOf("payload"),
        continueTime: SECOND,
      },
      {
        head: () => {},
        data: (b) => {
          body += textOf(b);
        },
        end: () => {},
        cut: () => {},
      },
    );
    world.run(2 * SECOND);
    expect([body, field(asked[0]?.fields ?? [], "expect")]).toEqual(["payload", "100-continue"]);
  });
});
