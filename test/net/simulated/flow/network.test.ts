import { describe, expect, it } from "vitest";
import type { Host, TcpConnection } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { Xoshiro } from "../../../../src/net/random.ts";
import type { Flow, FlowNode } from "../../../../src/net/simulated/flow/network.ts";
import { FlowNetwork } from "../../../../src/net/simulated/flow/network.ts";
import { World } from "../../../../src/net/simulated/world.ts";

/** Water-filling over all links: the most loaded one is filled, its flows are fixed, and again. */
function waterFilling(flows: readonly Flow[]): Map<Flow, number> {
  const rates = new Map<Flow, number>();
  const links = new Set(flows.flatMap(({ from, to }) => [from.up, to.down]));
  while (rates.size < flows.length) {
    let least = Number.POSITIVE_INFINITY;
    let fullest: readonly Flow[] = [];
    for (const link of links) {
      const open = [...link.flows].filter((flow) => !rates.has(flow));
      if (open.length === 0) continue;
      let left = link.capacity;
      for (const flow of link.flows) left -= rates.get(flow) ?? 0;
      if (left / open.length < least) {
        least = left / open.length;
        fullest = open;
      }
    }
    for (const flow of fullest) rates.set(flow, least);
  }
  return rates;
}

describe("transfers as fluids", () => {
  it("rates are max-min fair: equal to filling all links anew, over 40 seeds of comings and goings", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Xoshiro(seed);
      const network = new FlowNetwork();
      const nodes: FlowNode[] = Array.from({ length: 12 }, () =>
        network.node(1e5 * (1 + random.below(20)), 1e5 * (1 + random.below(50))),
      );
      const flows: Flow[] = [];
      for (let step = 0; step < 60; step++) {
        if (flows.length > 3 && random.below(3) === 0) {
          network.stop(flows.splice(random.below(flows.length), 1)[0] as Flow);
        } else {
          const from = random.below(12);
          const to = (from + 1 + random.below(11)) % 12;
          flows.push(network.start(nodes[from] as FlowNode, nodes[to] as FlowNode, 1e15));
        }
        network.run(network.now + MILLISECOND);
        for (const [flow, rate] of waterFilling(flows)) {
          expect([seed, step, Math.abs(flow.rate / rate - 1) < 1e-6]).toEqual([seed, step, true]);
        }
      }
    }
  });

  it("the course's distribution time: a server to n clients takes max(nF/u, F/d)", () => {
    const network = new FlowNetwork();
    const server = network.node(1e6, 1e6);
    let last = 0;
    for (let i = 0; i < 10; i++) {
      network.start(server, network.node(1e5, 5e5), 1e6, () => {
        last = network.now;
      });
    }
    network.run();
    expect(last / SECOND).toBeCloseTo(10, 3);
    expect(network.finished).toBe(10);
  });

  it("agrees with packets: makespan and mean within 5 %, 20 nodes that exchange 80 files", () => {
    const random = new Xoshiro(5);
    const up = 500_000;
    const down = 2_000_000;
    const transfers = Array.from({ length: 80 }, () => {
      const from = random.below(20);
      return {
        from,
        to: (from + 1 + random.below(19)) % 20,
        bytes: 1_000_000 + random.below(3_000_000),
        at: random.below(20_000) * MILLISECOND,
      };
    });
    const packets = inPackets(transfers, up, down);
    const network = new FlowNetwork();
    const nodes = Array.from({ length: 20 }, () => network.node(up, down));
    const fluid: number[] = [];
    for (const { from, to, bytes, at } of transfers) {
      network.at(at, () =>
        network.start(nodes[from] as FlowNode, nodes[to] as FlowNode, bytes, () =>
          fluid.push(network.now - at),
        ),
      );
    }
    network.run();
    const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
    expect(packets.times.length).toBe(80);
    expect(Math.abs(packets.last / network.now - 1)).toBeLessThan(0.05);
    expect(Math.abs(mean(packets.times) / mean(fluid) - 1)).toBeLessThan(0.05);
  });
});

interface Transfer {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly at: number;
}

/** The same by TCP. */
function inPackets(transfers: readonly Transfer[], up: number, down: number) {
  const world = new World({ seed: 1, delay: 0 });
  // Headers, and the acknowledgments of as much that comes: 52 octets for two segments.
  const onWire = (rate: number) => rate * 8 * (1526 / 1448);
  const times: number[] = [];
  let last = 0;
  const program = (start: () => void) => ({
    start,
    stop: (_: boolean, done: () => void) => done(),
  });
  const begin = (host: Host, { from, bytes, at }: Transfer) => {
    let got = 0;
    const connect = () =>
      host.connect(
        {
          onOpen: (c) => void c.write(new TextEncoder().encode(`${bytes}\n`)),
          onData: (data) => {
            got += data.length;
            if (got < bytes) return;
            last = host.clock.now();
            times.push(last - at);
          },
          onClose() {},
        },
        { remote: { addr: `10.0.0.${from + 1}`, port: 80 } },
      );
    host.clock.timer(() => void connect()).armAt(at);
  };
  const serve = (host: Host) =>
    host.listen(
      () => ({
        onData: (data, c: TcpConnection) =>
          void c.write(new Uint8Array(Number(new TextDecoder().decode(data)))),
        onClose() {},
      }),
      { local: { addr: host.addresses[0] as string, port: 80 } },
    );
  for (let i = 0; i < 20; i++) {
    world.node(`n${i}`, {
      addresses: [`10.0.0.${i + 1}`],
      link: { delay: 5 * MILLISECOND, queue: 150_000 },
      boot: (host) =>
        program(() => {
          serve(host);
          for (const one of transfers) if (one.to === i) begin(host, one);
        }),
    });
    for (const link of world.topology.linksBetween(`n${i}`, "core")) {
      const rate = onWire(link.from.name === "core" ? down : up);
      world.topology.change(link, { rate }, true);
    }
  }
  world.run(200 * SECOND);
  return { times, last };
}
