import { describe, expect, it } from "vitest";
import { FrameDecoder, frame } from "../../../src/codecs/dns/framing.ts";
import { Streams } from "../../../src/engines/dns/streams.ts";
import type { TcpConnection } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";

const SERVER = { addr: "192.0.2.53", port: 53 };

type Serve = (message: Uint8Array, connection: TcpConnection, nth: number) => void;

/** A server whose connections are counted, 40 ms of round trip away, and what becomes of questions to it. */
function setting(serve: Serve) {
  const world = new World({ seed: 3, delay: 10 * MILLISECOND });
  const host = world.node("client", { addresses: ["192.0.2.1"] });
  const server = world.node("server", { addresses: [SERVER.addr] });
  const connections: { open: boolean }[] = [];
  let asked = 0;
  server.listen(
    () => {
      const state = { open: true };
      connections.push(state);
      const frames = new FrameDecoder();
      return {
        onData: (data, c) => {
          frames.push(data);
          for (let q = frames.next(); q !== undefined; q = frames.next())
            serve(q.slice(), c, asked++);
        },
        onEnd: (c) => c.end(),
        onClose: () => {
          state.open = false;
        },
      };
    },
    { local: { port: SERVER.port } },
  );
  const streams = new Streams(host, 10 * SECOND);
  const told: string[] = [];
  const ask = (id: number, to = SERVER) => {
    const withdraw = streams.ask(to, {
      bytes: question(id),
      timeout: SECOND,
      onMessage: (message) => {
        if (((message[0] as number) << 8) + (message[1] as number) !== id) {
          told.push(`${id}: not its own`);
          return;
        }
        told.push(`${id}: answered`);
        withdraw();
      },
      onLost: (cause) => told.push(`${id}: ${cause}`),
    });
    return withdraw;
  };
  return { world, host, streams, connections, told, ask };
}

function question(id: number): Uint8Array {
  const bytes = new Uint8Array(12);
  bytes[0] = id >> 8;
  bytes[1] = id & 255;
  return bytes;
}

describe("questions over TCP", () => {
  it("RFC 7766 6.2.1, 7: share one connection, whatever the order of the answers", () => {
    const kept: Uint8Array[] = [];
    const { world, connections, told, ask } = setting((message, connection) => {
      kept.push(message);
      if (kept.length === 20) for (const one of kept.reverse()) connection.write(frame(one));
    });
    for (let id = 1; id <= 20; id++) ask(id);
    world.run();
    expect(connections).toHaveLength(1);
    expect(told).toHaveLength(20);
    expect(told[0]).toBe("20: answered");
  });

  it("a later question finds it open, until it was idle for its time", () => {
    const { world, connections, told, ask } = setting((m, c) => c.write(frame(m)));
    ask(1);
    world.run(9 * SECOND);
    ask(2);
    world.run(30 * SECOND);
    expect(connections).toEqual([{ open: false }]);
    ask(3);
    world.run();
    expect(connections).toHaveLength(2);
    expect(told).toEqual(["1: answered", "2: answered", "3: answered"]);
  });

  it("RFC 7766 6.2.4: what a server closes after one answer is asked again", () => {
    const { world, connections, told, ask } = setting((m, c) => {
      c.write(frame(m));
      c.end();
    });
    for (let id = 1; id <= 5; id++) ask(id);
    world.run();
    expect(told.sort()).toEqual([1, 2, 3, 4, 5].map((id) => `${id}: answered`));
    expect(connections.length).toBeLessThanOrEqual(5);
  });

  it("one that closes without any answer has refused", () => {
    const { world, connections, told, ask } = setting((_m, c) => c.end());
    ask(1);
    ask(2);
    world.run();
    expect(told).toEqual(["1: ended", "2: ended"]);
    expect(connections).toHaveLength(1);
  });

  it("after silence the next question goes to a new connection", () => {
    const { world, host, connections, told, ask } = setting((m, c, nth) => {
      if (nth > 0) c.write(frame(m));
    });
    const withdraw = ask(1);
    host.clock.timer(withdraw).armAt(2 * SECOND);
    world.run();
    ask(2);
    world.run();
    expect(told).toEqual(["2: answered"]);
    expect(connections).toHaveLength(2);
  });

  it("two questions of one identifier have a connection each", () => {
    const { world, connections, told, ask } = setting((m, c) => c.write(frame(m)));
    ask(7);
    ask(7);
    world.run();
    expect(connections).toHaveLength(2);
    expect(told).toEqual(["7: answered", "7: answered"]);
  });

  it("answers to nothing that was asked are not without end", () => {
    const { world, connections, told, ask } = setting((_m, c) => {
      for (let i = 0; i < 1000; i++) c.write(frame(question(9)));
    });
    ask(1);
    world.run();
    expect(told.at(-1)).toBe("1: malformed");
    expect(told.length).toBeLessThan(100);
    expect(connections).toEqual([{ open: false }]);
  });

  it("a length that no message has ends it", () => {
    const { world, told, ask } = setting((_m, c) => c.write(new Uint8Array([0, 3, 1, 2, 3])));
    ask(1);
    world.run();
    expect(told).toEqual(["1: malformed"]);
  });

  it("a closed port refuses all that wait", () => {
    const { world, told, ask } = setting(() => {});
    ask(1, { ...SERVER, port: 54 });
    ask(2, { ...SERVER, port: 54 });
    world.run();
    expect(told).toEqual(["1: refused", "2: refused"]);
  });

  it("idle connections are bounded", () => {
    const { world, host, connections, told, streams } = setting((m, c) => c.write(frame(m)));
    for (let id = 1; id <= 100; id++) {
      const withdraw = streams.ask(SERVER, {
        bytes: question(5),
        timeout: SECOND,
        onMessage: () => {
          told.push("answered");
          host.clock.defer(withdraw);
        },
        onLost: () => told.push("lost"),
      });
    }
    world.run(5 * SECOND);
    expect(told).toHaveLength(100);
    expect(connections).toHaveLength(100);
    expect(connections.filter(({ open }) => open)).toHaveLength(64);
  });

  it("closing withdraws all that wait", () => {
    const { world, told, streams, ask } = setting(() => {});
    ask(1);
    streams.close();
    world.run();
    expect(told).toEqual([]);
  });
});
