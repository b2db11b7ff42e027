import { describe, expect, it } from "vitest";
import { MILLISECOND } from "../../../src/engines/host.ts";
import type { CapturedDatagram } from "../../../src/net/replayed/world.ts";
import { ReplayedWorld } from "../../../src/net/replayed/world.ts";
import { worldContract } from "../../support/world.contract.ts";

const cert = "certificate of localhost";

worldContract(
  "replayed",
  () => {
    const replay = new ReplayedWorld({ seed: 7, startedMs: 0, counterpart: () => {} });
    const { world } = replay;
    return Promise.resolve({
      a: replay.node("a", { addresses: ["192.0.2.1"] }),
      b: replay.node("b", { addresses: ["192.0.2.2"] }),
      bAddress: "192.0.2.2",
      settle: <T>(promise: Promise<T>) => world.settle(promise),
      wait: <T>(begin: Parameters<typeof world.tasks.wait<T>>[0]) => world.tasks.wait(begin),
      close: () => {},
    });
  },
  { cert, key: "", ca: cert },
);

describe("the replayed world", () => {
  it("gives the capture's datagrams at their times, and shows what the engine sends to others", () => {
    const sent: CapturedDatagram[] = [];
    const replay = new ReplayedWorld({
      seed: 1,
      startedMs: 1000,
      counterpart: (datagram, answer) => {
        sent.push(datagram);
        answer(Uint8Array.of(9), 5 * MILLISECOND);
      },
    });
    const seen: string[] = [];
    replay.node("server", {
      addresses: ["192.0.2.53"],
      boot: () => ({
        start: (host) => {
          host.udp(
            {
              onDatagram: (data, addr, port, socket) => {
                seen.push(`${host.clock.now() / MILLISECOND} ${addr} ${port} ${data[0]}`);
                if (data[0] === 1) socket.send(Uint8Array.of(2), "198.51.100.1", 4000);
              },
            },
            { local: { port: 53 } },
          );
        },
        stop: (_graceful, done) => done(),
      }),
    });
    const from = { src: "203.0.113.5", sport: 1234, dst: "192.0.2.53", dport: 53 };
    replay.play([
      { at: 10 * MILLISECOND, ...from, data: Uint8Array.of(1) },
      { at: 30 * MILLISECOND, ...from, data: Uint8Array.of(3) },
    ]);
    replay.world.run();
    expect(seen).toEqual([
      "10 203.0.113.5 1234 1",
      "15 198.51.100.1 4000 9",
      "30 203.0.113.5 1234 3",
    ]);
    expect(sent.map((d) => [d.at / MILLISECOND, d.dst, d.data[0]])).toEqual([
      [10, "198.51.100.1", 2],
    ]);
  });
});
