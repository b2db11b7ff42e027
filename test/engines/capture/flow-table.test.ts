import { describe, expect, it } from "vitest";
import type { DatagramDissector } from "../../../src/engines/capture/dissector.ts";
import type { Flow } from "../../../src/engines/capture/flow.ts";
import { TCP, UDP } from "../../../src/engines/capture/flow.ts";
import type { Endpoints } from "../../../src/engines/capture/flow-table.ts";
import {
  FlowTable,
  hashOf,
  PARTITIONS,
  partitionOf,
} from "../../../src/engines/capture/flow-table.ts";

function ends(n: number, protocol: number = UDP, family = 4): Endpoints {
  const words = { s0: n, s1: 1, s2: 2, s3: n, d0: -5, d1: 6, d2: 7, d3: 8 };
  return { ...words, family, sourcePort: 1024 + (n & 0x3fff), destinationPort: 53, protocol };
}

function back(p: Endpoints): Endpoints {
  const { s0, s1, s2, s3, d0, d1, d2, d3, sourcePort, destinationPort } = p;
  const words = { s0: d0, s1: d1, s2: d2, s3: d3, d0: s0, d1: s1, d2: s2, d3: s3 };
  return { ...p, ...words, sourcePort: destinationPort, destinationPort: sourcePort };
}

function lookup(table: FlowTable, p: Endpoints, seconds: number, order: number): Flow {
  return table.lookup(p, hashOf(p), seconds, order);
}

describe("FlowTable", () => {
  it.each([4, 6])("both directions of IPv%i endpoints are one flow", (family) => {
    const table = new FlowTable(UDP, () => {}, 64);
    const packet = ends(9, UDP, family);
    expect(lookup(table, packet, 1, 1).stream).toBe(0);
    expect(table.direction).toBe(0);
    expect(lookup(table, ends(10, UDP, family), 1, 2).stream).toBe(1);
    const flow = lookup(table, back(packet), 1, 3);
    expect([flow.stream, table.direction, flow.a0, flow.aPort, flow.bPort]).toEqual([
      0,
      1,
      9,
      packet.sourcePort,
      53,
    ]);
  });

  it("a passing flow keeps its shared dissector, and what it is given when kept", () => {
    const table = new FlowTable(UDP, () => {}, 64);
    const dissector: DatagramDissector = { datagram: () => true };
    const first = lookup(table, ends(1), 1, 1);
    expect(first.passing).toBe(true);
    table.share(first, dissector);
    expect(lookup(table, ends(2), 1, 2).dissector).toBeUndefined();
    const again = lookup(table, ends(1), 1, 3);
    expect(again.dissector).toBe(dissector);
    const kept = table.keep(again, ends(1));
    kept.misses = 7;
    lookup(table, ends(2), 1, 4);
    expect(lookup(table, back(ends(1)), 1, 5)).toBe(kept);
    expect([kept.misses, kept.dissector, kept.passing]).toEqual([7, dissector, false]);
  });

  it("the flow idle longest of a full partition is closed, and only that", () => {
    const closed: number[] = [];
    const table = new FlowTable(TCP, (flow: Flow) => closed.push(flow.stream), 2 * PARTITIONS);
    const same = Array.from({ length: 400 }, (_, n) => ends(n, TCP)).filter(
      (p) => partitionOf(hashOf(p)) === 3,
    );
    const [a, b, c] = same as [Endpoints, Endpoints, Endpoints];
    lookup(table, a, 1, 1);
    lookup(table, b, 1, 2);
    lookup(table, a, 2, 3);
    lookup(table, c, 2, 4);
    expect(closed).toEqual([1]);
    expect(lookup(table, a, 2, 5).stream).toBe(0);
    expect(lookup(table, b, 2, 6).stream).toBe(3);
  });

  it("idle too long, the same endpoints are another flow", () => {
    const table = new FlowTable(UDP, () => {}, 64);
    lookup(table, ends(1), 1000, 1);
    expect(lookup(table, ends(1), 1600, 2).stream).toBe(0);
    expect(lookup(table, ends(1), 2201, 3).stream).toBe(1);
    expect(table.size).toBe(1);
  });

  it("finds every flow that it holds after many came and went", () => {
    const limit = 128;
    const open = new Set<number>();
    const table = new FlowTable(TCP, (flow) => open.delete(flow.stream), limit);
    const streams = new Map<number, number>();
    for (let n = 0; n < 5000; n++) {
      const key = Math.imul(n, 0x9e3779b1) >>> 20;
      const { stream } = lookup(table, ends(key, TCP), n, n);
      const known = streams.get(key);
      if (known !== undefined && open.has(known)) expect(stream).toBe(known);
      streams.set(key, stream);
      open.add(stream);
      expect(open.size).toBe(table.size);
    }
    const order: number[] = [];
    table.closeAll((touched) => order.push(touched));
    expect([open.size, table.size]).toEqual([0, 0]);
    expect(order).toEqual([...order].sort((x, y) => x - y));
  });
});
