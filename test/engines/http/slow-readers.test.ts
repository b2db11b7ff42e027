/** Clients that ask for much and read little or nothing, in virtual time. */
import { describe, expect, it } from "vitest";
import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { MemoryStore } from "../../../src/engines/http/cache/memory-store.ts";
import type { Exchange } from "../../../src/engines/http/exchange.ts";
import { Files } from "../../../src/engines/http/origin/files.ts";
import { limited } from "../../../src/engines/http/origin/shape.ts";
import type { RequestHandler } from "../../../src/engines/http/server-connection.ts";
import type { SimNode } from "../../../src/net/simulated/node.ts";
import type { World } from "../../../src/net/simulated/world.ts";
import { cacheWorld, ORIGIN, PROXY } from "./cache/world.ts";
import { bytesOf, httpWorld, SERVER, textOf } from "./world.ts";

const MB = 1024 * 1024;
const BIG = new Uint8Array(8 * MB).fill(97);
const HUGE = new Uint8Array(48 * MB);
/** Water marks of 64 KB, and a piece above each of them. */
const HELD = MB;
/** What the buffers of two TCPs take beside that. */
const WINDOWS = 3 * MB;
const GET = (target: string, fields = "") =>
  `GET ${target} HTTP/1.1\r\nHost: ${ORIGIN}\r\n${fields}\r\n`;

interface Slow {
  bytes: number;
  text: string;
  closed: string | undefined;
  closedAt: number;
  readonly connection: TcpConnection;
}

/** Sends `text`, and reads only while told to. */
function slowClient(world: World, at: { addr: string; port: number }, text: string): Slow {
  const slow = { bytes: 0, text: "", closed: undefined as string | undefined, closedAt: -1 };
  const connection = world.get("client").connect(
    {
      onOpen: (open) => {
        open.write(bytesOf(text));
        open.pause();
      },
      onData: (data) => {
        slow.bytes += data.length;
        if (slow.text.length < 4 * MB) slow.text += textOf(data);
      },
      onEnd: (open) => open.end(),
      onClose: (cause) => {
        slow.closed = cause;
        slow.closedAt = world.now / SECOND;
      },
    },
    { remote: at },
  );
  return Object.assign(slow, { connection });
}

/** Runs for so many seconds, and gives the largest value that `measure` had. */
function most(world: World, seconds: number, measure: () => number): number {
  let largest = 0;
  const until = world.now + seconds * SECOND;
  while (world.now < until) {
    world.run(world.now + 100 * MILLISECOND);
    largest = Math.max(largest, measure());
  }
  return largest;
}

/** A server of files, whose exchanges are kept. */
function served(wrap: (handler: RequestHandler) => RequestHandler = (handler) => handler) {
  const exchanges: Exchange[] = [];
  let files: Files | undefined;
  const handler = wrap((exchange) => files?.handle(exchange));
  const { world, server } = httpWorld((exchange) => {
    exchanges.push(exchange);
    handler(exchange);
  });
  (server as SimNode).disk.load("site/big", BIG, 0);
  (server as SimNode).disk.load("site/huge", HUGE, 0);
  (server as SimNode).disk.load("site/kept", BIG.subarray(0, 100_000), 0);
  (server as SimNode).disk.load("site/end", BIG.subarray(0, 120_000), 0);
  files = new Files(server, { root: "site" });
  const buffered = () => exchanges[0]?.connection.buffered ?? 0;
  const sent = () => exchanges.reduce((sum, exchange) => sum + exchange.sent, 0);
  return { world, exchanges, buffered, sent };
}

describe("a client of a server that reads nothing", () => {
  it("has little made ready for it, and is closed after a minute", () => {
    const { world, buffered, sent } = served();
    const slow = slowClient(world, SERVER, GET("/big"));
    expect(most(world, 50, buffered)).toBeLessThan(HELD);
    expect([slow.closed, sent() < HELD + WINDOWS]).toEqual([undefined, true]);
    most(world, 40, buffered);
    slow.connection.resume();
    world.run(world.now + SECOND);
    expect(slow.closed).toBe("reset");
  });

  it("has little made ready for it, where bodies come by a rate", () => {
    const { world, buffered, sent } = served((handler) => limited(handler, 2 * MB));
    slowClient(world, SERVER, GET("/big"));
    expect(most(world, 30, buffered)).toBeLessThan(HELD);
    expect(sent()).toBeLessThan(HELD + WINDOWS);
  });

  it.each(["/kept", "/big"])(
    "has little made ready for it, where it asks for %s 1500 times at once",
    (path) => {
      const { world, buffered, sent, exchanges } = served();
      // The file is known: each answer is made as soon as it is asked for.
      const first = slowClient(world, SERVER, GET(path));
      first.connection.resume();
      world.run(3 * SECOND);
      first.connection.reset();
      const before = sent();
      exchanges.length = 0;
      const slow = slowClient(world, SERVER, GET(path).repeat(1500));
      expect(most(world, 50, buffered)).toBeLessThan(HELD);
      expect([exchanges.length <= 101, sent() < HELD + WINDOWS, before > 0]).toEqual([
        true,
        true,
        true,
      ]);
      most(world, 40, buffered);
      slow.connection.resume();
      world.run(world.now + SECOND);
      expect(slow.closed).toBe("reset");
    },
  );
});

describe("a client of a server that reads slowly", () => {
  it("gets all of what it takes a little of within each minute", () => {
    const { world, buffered } = served();
    const slow = slowClient(world, SERVER, GET("/huge"));
    let peak = 0;
    // Four minutes of next to nothing.
    for (let i = 0; i < 5; i++) {
      peak = Math.max(peak, most(world, 45, buffered));
      // What has come is read; what that makes room for waits again.
      slow.connection.resume();
      slow.connection.pause();
    }
    expect([slow.closed, slow.bytes > 0, slow.bytes < HUGE.length / 2]).toEqual([
      undefined,
      true,
      true,
    ]);
    slow.connection.resume();
    world.run(world.now + 14 * SECOND);
    expect(slow.bytes).toBeGreaterThan(HUGE.length);
    expect(peak).toBeLessThan(HELD);
  });

  it("gets the end of a response that the server holds longer than it keeps idle connections", () => {
    const { world, exchanges, buffered } = served();
    const slow = slowClient(world, SERVER, GET("/end", "Connection: close\r\n"));
    world.run(2 * SECOND);
    // All is written, and a part of it waits for the client.
    expect([exchanges[0]?.over, buffered() > 0]).toEqual([true, true]);
    world.run(50 * SECOND);
    slow.connection.resume();
    world.run(world.now + 5 * SECOND);
    expect([slow.closed, slow.text.split("\r\n\r\n")[1]?.length]).toEqual(["ended", 120_000]);
  });

  it("RFC 9112 9.3.2: gets each of 300 pipelined answers, in order", () => {
    const { world } = httpWorld((exchange) =>
      exchange.respond(
        { statusCode: 200, fields: [] },
        bytesOf(exchange.request.target.repeat(2000)),
      ),
    );
    const targets = Array.from({ length: 300 }, (_, i) => `/${1000 + i}`);
    const slow = slowClient(world, SERVER, targets.map((target) => GET(target)).join(""));
    for (let i = 0; i < 60; i++) {
      slow.connection.pause();
      world.run(world.now + 5 * SECOND);
      slow.connection.resume();
      world.run(world.now + 100 * MILLISECOND);
    }
    world.run(world.now + 10 * SECOND);
    const bodies = [...slow.text.matchAll(/\r\n\r\n(\/\d{4})/g)].map(([, target]) => target);
    expect(bodies).toEqual(targets);
  });
});

it("RFC 9112 9.6: what is behind a request that says close is not carried out", () => {
  const seen: string[] = [];
  const { world } = httpWorld((exchange) => {
    seen.push(exchange.request.target);
    exchange.respond({ statusCode: 204, fields: [] });
  });
  slowClient(world, SERVER, GET("/1") + GET("/2", "Connection: close\r\n") + GET("/3"));
  world.run(SECOND);
  expect(seen).toEqual(["/1", "/2"]);
});

const FRESH = { "Cache-Control": "max-age=600", "Content-Length": String(BIG.length) };

/** An origin of BIG that goes as fast as it is taken. */
function bigOrigin(exchange: Exchange): void {
  const fields = Object.entries(FRESH).map(([name, value]) => ({ name, value }));
  exchange.start({ statusCode: 200, fields });
  const more = () => {
    while (exchange.sent < BIG.length) {
      if (!exchange.write(BIG.subarray(exchange.sent, exchange.sent + 64 * 1024))) return;
    }
    exchange.end();
  };
  exchange.onDrain = more;
  more();
}

describe.each([
  ["reverse", "cached", false, true],
  ["reverse", "not cached", false, false],
  ["forward", "cached", true, true],
  ["forward", "not cached", true, false],
] as const)("a client of a %s proxy, %s, that reads nothing", (_kind, _cached, forward, cached) => {
  const made = () => {
    const exchanges: Exchange[] = [];
    const setting = cacheWorld(
      (exchange) => {
        exchanges.push(exchange);
        bigOrigin(exchange);
      },
      {
        forward,
        store: new MemoryStore(40 * MB),
        ...(cached ? {} : { proxy: { cache: undefined } }),
      },
    );
    const target = forward ? `http://${ORIGIN}/big` : "/big";
    return { ...setting, exchanges, target };
  };
  const at = { addr: PROXY, port: 80 };

  it("holds the origin back, and is closed after a minute", () => {
    const { world, exchanges, target, store } = made();
    const slow = slowClient(world, at, GET(target));
    const sent = most(world, 50, () => exchanges[0]?.sent ?? 0);
    expect([sent < HELD + 2 * WINDOWS, sent > 64 * 1024]).toEqual([true, true]);
    expect([slow.closed, exchanges[0]?.gone]).toEqual([undefined, false]);
    most(world, 40, () => 0);
    // What may be stored is fetched to its end, now for the store alone.
    expect(exchanges.map(({ gone, over }) => [gone, over])).toEqual([[!cached, cached]]);
    expect(store.count).toBe(cached ? 1 : 0);
    slow.connection.resume();
    world.run(world.now + SECOND);
    expect(slow.closed).toBe("reset");
  });

  it("does not hold back another who asks for the same", () => {
    const { world, target, client } = made();
    slowClient(world, at, GET(target));
    world.run(5 * SECOND);
    const got = client().send("GET", target);
    world.run(25 * SECOND);
    expect([got.state, got.body.length]).toEqual(["whole", BIG.length]);
  });

  it("is sent what is stored no faster", () => {
    const { world, target, client, told } = made();
    const first = client().send("GET", target);
    world.run(20 * SECOND);
    expect(first.state).toBe("whole");
    slowClient(world, at, GET(target));
    world.run(world.now + SECOND);
    const exchange = told[1]?.exchange as Exchange;
    expect(told[1]?.outcome.verdict).toBe(cached ? "hit" : "bypass");
    expect(most(world, 50, () => exchange.connection.buffered)).toBeLessThan(HELD);
    expect(exchange.sent).toBeLessThan(HELD + WINDOWS);
  });
});
