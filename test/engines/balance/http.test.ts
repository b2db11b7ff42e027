import { describe, expect, it } from "vitest";
import { Backends } from "../../../src/engines/balance/backends.ts";
import { HttpBalancer } from "../../../src/engines/balance/http.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { ClientConnection } from "../../../src/engines/http/client-connection.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { field } from "../../../src/engines/http/fields.ts";
import { HttpServer } from "../../../src/engines/http/server.ts";
import { World } from "../../../src/net/simulated/world.ts";

const VIP = { addr: "203.0.113.1", port: 80 };
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));

type Handler = (exchange: Exchange, name: string) => void;
const named: Handler = (exchange, name) =>
  exchange.respond({ statusCode: 200, fields: [] }, bytesOf(name));

function balanced(handler: Handler = named, affinity = false) {
  const world = new World({ seed: 4, delay: 5 * MILLISECOND });
  for (const n of [1, 2, 3]) {
    world.node(`s${n}`, {
      addresses: [`10.0.0.${n}`],
      boot: () =>
        new HttpServer((exchange) => handler(exchange, `s${n}`), {
          listen: [{ addr: `10.0.0.${n}`, port: 80 }],
        }),
    });
  }
  const front = world.node("front", { addresses: [VIP.addr] });
  const client = world.node("client", { addresses: ["198.51.100.1"] });
  const backends = new Backends(
    "round-robin",
    [1, 2, 3].map((n) => ({ id: `s${n}`, at: { addr: `10.0.0.${n}`, port: 80 } })),
  );
  const failures: string[] = [];
  const balancer = new HttpBalancer(front, {
    backends,
    affinity,
    events: { onFailure: ({ id }, _why, last) => failures.push(`${id}${last ? " last" : ""}`) },
  });
  new HttpServer((exchange) => balancer.handle(exchange), { listen: [VIP] }).start(front);
  world.run(MILLISECOND);
  const ask = (
    method = "GET",
    fields: { name: string; value: string }[] = [],
    body?: Uint8Array,
  ) => {
    const got = { statusCode: 0, body: "", cookie: undefined as string | undefined };
    const connection = new ClientConnection(client, { remote: VIP, tolerant: true });
    connection.send(
      {
        method,
        target: "/",
        fields: [{ name: "Host", value: "www.example.com" }, ...fields],
        body,
      },
      {
        head: ({ statusCode, fields: lines }) => {
          got.statusCode = statusCode;
          got.cookie = field(lines, "set-cookie")?.split(";")[0];
        },
        data: (bytes) => {
          got.body += Buffer.from(bytes).toString();
        },
        end: () => connection.close(),
        cut: () => {},
      },
    );
    world.run(world.now + 20 * SECOND);
    return got;
  };
  return { world, backends, ask, failures };
}

describe("a balancer of requests", () => {
  it("gives each request to the next machine, Host and client told on", () => {
    const { ask } = balanced((exchange, name) => {
      const told = ["host", "x-forwarded-for", "forwarded"]
        .map((one) => exchange.field(one))
        .join("|");
      exchange.respond({ statusCode: 200, fields: [] }, bytesOf(`${name} ${told}`));
    });
    const bodies = [ask(), ask(), ask(), ask()].map(({ body }) => body);
    expect(bodies.map((body) => body.slice(0, 2))).toEqual(["s1", "s2", "s3", "s1"]);
    expect(bodies[0]).toBe("s1 www.example.com|198.51.100.1|for=198.51.100.1");
  });

  it("RFC 9110 15: a code beyond 599 is a machine's answer, and no fault of it", () => {
    const { ask, failures } = balanced((exchange) =>
      exchange.respond({ statusCode: 999, fields: [] }),
    );
    expect([ask().statusCode, failures]).toEqual([999, []]);
  });

  it("a cookie brings a client back, also to a machine that drains, and elsewhere when it is down", () => {
    const { ask, backends, world } = balanced(named, true);
    const first = ask();
    const cookie = [{ name: "Cookie", value: `a=b; ${first.cookie}` }];
    expect([first.body, ask("GET", cookie).body, ask("GET", cookie).body]).toEqual([
      "s1",
      "s1",
      "s1",
    ]);
    const s1 = backends.get("s1");
    if (s1 !== undefined) s1.draining = true;
    expect(ask("GET", cookie).body).toBe("s1");
    expect([ask().body, ask().body, ask().body]).not.toContain("s1");
    world.get("s1").crash();
    const moved = ask("GET", cookie);
    expect(moved.body).not.toBe("s1");
    expect(moved.cookie).toBeDefined();
  });

  it("RFC 9110 9.2.2: what a machine did not answer goes to another only where it may be repeated", () => {
    const seen: string[] = [];
    const { ask, failures } = balanced((exchange, name) => {
      seen.push(`${exchange.request.method} ${name}`);
      if (name === "s1" || exchange.request.method === "POST") exchange.abort();
      else named(exchange, name);
    });
    expect(ask("GET").body).toBe("s2");
    expect(seen).toEqual(["GET s1", "GET s2"]);
    const post = ask("POST", [], bytesOf("once"));
    expect(post.statusCode).toBe(502);
    expect(seen.filter((line) => line.startsWith("POST"))).toHaveLength(1);
    expect(failures.filter((line) => line.endsWith("last"))).toHaveLength(1);
  });

  it("a machine that cannot be had is passed over, a POST without a body that went out too", () => {
    const { ask, world } = balanced();
    world.get("s1").crash();
    const answers = Array.from({ length: 4 }, () => ask("GET"));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200]);
    for (const n of [2, 3]) world.get(`s${n}`).crash();
    expect(ask("GET").statusCode).toBeGreaterThanOrEqual(502);
  });

  it("bodies pass both ways", () => {
    const large = new Uint8Array(300_000).fill(0x61);
    const { ask } = balanced((exchange) =>
      exchange.readAll(1_000_000, (body) =>
        exchange.respond({ statusCode: 200, fields: [] }, body),
      ),
    );
    expect(ask("POST", [], large).body.length).toBe(large.length);
  });
});
