import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { FrameDecoder, frame } from "../../../src/codecs/dns/framing.ts";
import type { DnsService, ListenerLimits, Listening } from "../../../src/engines/dns/listener.ts";
import { DnsListener } from "../../../src/engines/dns/listener.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { LiveHost } from "../../../src/net/live/host.ts";

const hosts: LiveHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

/** A header with an id, and what follows it. */
function query(id: number, tail = 0): Uint8Array {
  const bytes = new Uint8Array(13);
  bytes[0] = id >> 8;
  bytes[1] = id & 255;
  bytes[12] = tail;
  return bytes;
}

const echo: DnsService = {
  query(request, _client, reply) {
    const answer = Uint8Array.from(request);
    answer[2] = 0x80;
    reply(answer);
  },
};

async function listen(
  service: DnsService,
  limits: Partial<ListenerLimits> = {},
): Promise<{ listener: DnsListener; at: Listening }> {
  const host = new LiveHost();
  hosts.push(host);
  return new Promise((done, fail) => {
    const listener: DnsListener = new DnsListener(service, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      limits,
      onListening: ([at]) => done({ listener, at: at as Listening }),
      onListenError: fail,
    });
    listener.start(host);
  });
}

/** The next messages of a connection, and how it closes. */
function client(port: number) {
  const socket = connect(port, "127.0.0.1");
  const frames = new FrameDecoder();
  const got: Uint8Array[] = [];
  let want: (() => void) | undefined;
  socket.on("data", (data) => {
    frames.push(data);
    for (let m = frames.next(); m !== undefined; m = frames.next()) got.push(m);
    want?.();
  });
  const closed = new Promise<void>((done) => socket.on("close", () => done()));
  socket.on("error", () => {});
  return {
    socket,
    closed,
    async messages(count: number): Promise<Uint8Array[]> {
      while (got.length < count) await new Promise<void>((done) => (want = done));
      return got.splice(0, count);
    },
  };
}

function exchange(port: number, ...sent: Uint8Array[]): Promise<Uint8Array> {
  const socket = createSocket("udp4");
  return new Promise((done) => {
    socket.once("message", (data) => {
      socket.close();
      done(data);
    });
    for (const bytes of sent) socket.send(bytes, port, "127.0.0.1");
  });
}

describe("a listener", () => {
  it("RFC 1035 4.2: UDP and TCP have the same port, chosen for port 0", async () => {
    const { at } = await listen(echo);
    expect(at.port).toBeGreaterThan(0);
    expect(at.transports).toEqual(["udp", "tcp"]);
    expect((await exchange(at.port, query(7)))[1]).toBe(7);
  });

  it("RFC 5625 6.1: responses and what has no header are never answered", async () => {
    const { at } = await listen(echo);
    const response = query(1);
    response[2] = 0x80;
    const answer = await exchange(at.port, response, new Uint8Array(11), query(2));
    expect(answer[1]).toBe(2);
  });

  it("RFC 7766 6.2.1.1: questions of one connection are answered in any order", async () => {
    const held: (() => void)[] = [];
    const { at } = await listen({
      query(request, from, reply) {
        const copy = Uint8Array.from(request);
        held.push(() => echo.query(copy, from, reply));
        if (held.length === 3) for (const answer of held.reverse()) answer();
      },
    });
    const { socket, messages } = client(at.port);
    const all = Buffer.concat([1, 2, 3].map((id) => frame(query(id))));
    for (const byte of all) socket.write(Uint8Array.of(byte));
    expect((await messages(3)).map((m) => m[1])).toEqual([3, 2, 1]);
    socket.destroy();
  });

  it("RFC 7766 6.2.3: an idle connection is closed", async () => {
    const { at, listener } = await listen(echo, { idle: SECOND / 20 });
    const { closed } = client(at.port);
    await closed;
    while (listener.connections.size > 0) await new Promise(setImmediate);
  });

  it("RFC 7766 6.2.2: above the limit the longest idle goes", async () => {
    const { at } = await listen(echo, { connections: 2 });
    const [a, b] = [client(at.port), client(at.port)];
    a.socket.write(frame(query(1)));
    await a.messages(1);
    b.socket.write(frame(query(2)));
    await b.messages(1);
    a.socket.write(frame(query(3)));
    await a.messages(1);
    const c = client(at.port);
    await b.closed;
    c.socket.write(frame(query(4)));
    expect((await c.messages(1))[0]?.[1]).toBe(4);
    a.socket.destroy();
    c.socket.destroy();
  });

  it("RFC 1035 4.2.2: a length without a header ends the connection", async () => {
    const { at } = await listen(echo);
    const { socket, closed } = client(at.port);
    socket.write(Uint8Array.of(0, 3, 1, 2, 3));
    await closed;
  });

  it("more questions than may wait are read later, none is lost", async () => {
    let most = 0;
    let waiting = 0;
    const { at } = await listen(
      {
        query(request, from, reply) {
          const copy = Uint8Array.from(request);
          most = Math.max(most, ++waiting);
          setImmediate(() => {
            waiting--;
            echo.query(copy, from, reply);
          });
        },
      },
      { pipelined: 4 },
    );
    const { socket, messages } = client(at.port);
    socket.write(Buffer.concat(Array.from({ length: 100 }, (_, id) => frame(query(id)))));
    const ids = (await messages(100)).map((m) => m[1]);
    expect(new Set(ids).size).toBe(100);
    expect(most).toBe(4);
    socket.destroy();
  });

  it("RFC 5936 2.2: an answer of many messages waits for the client to read", async () => {
    let made = 0;
    const { at } = await listen({
      query(_request, _from, reply) {
        const big = () => new Uint8Array(60_000).fill(++made & 255);
        reply(
          big(),
          (function* () {
            while (made < 400) yield big();
          })(),
        );
      },
    });
    const { socket, messages } = client(at.port);
    socket.pause();
    socket.write(frame(query(1)));
    for (let turn = 0; turn < 5000; turn++) await new Promise(setImmediate);
    expect(made).toBeLessThan(400);
    socket.resume();
    const all = await messages(400);
    expect(all.map((m) => m[5])).toEqual(all.map((_, i) => (i + 1) & 255));
    socket.destroy();
  });

  it("a graceful stop answers what was asked", async () => {
    let answer = () => {};
    const { at, listener } = await listen({
      query(request, from, reply) {
        const copy = Uint8Array.from(request);
        answer = () => echo.query(copy, from, reply);
      },
    });
    const { socket, messages, closed } = client(at.port);
    socket.write(frame(query(9)));
    while (listener.connections.size === 0 || [...listener.connections][0]?.idle !== false)
      await new Promise(setImmediate);
    const stopped = new Promise<void>((done) => listener.stop(true, done));
    answer();
    expect((await messages(1))[0]?.[1]).toBe(9);
    socket.end();
    await Promise.all([stopped, closed]);
  });

  it("a port in use is told once, and nothing listens", async () => {
    const { at } = await listen(echo);
    const host = new LiveHost();
    hosts.push(host);
    const error = await new Promise<{ code: string }>((done, fail) => {
      new DnsListener(echo, {
        listen: [
          { addr: "127.0.0.1", port: 0 },
          { addr: "127.0.0.1", port: at.port },
        ],
        onListening: fail,
        onListenError: done,
      }).start(host);
    });
    expect(error.code).toBe("EADDRINUSE");
  });
});
