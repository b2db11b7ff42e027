import { describe, expect, it } from "vitest";
import { JsonWriter } from "../../../src/codecs/json-writer.ts";
import type { Filled } from "../../../src/net/capture/lane.ts";
import { LaneWriter, laneMemory } from "../../../src/net/capture/lane.ts";
import { flowSlot, LaneMerge } from "../../../src/net/capture/lane-merge.ts";

function lanes(count: number) {
  const memories = Array.from({ length: count }, laneMemory);
  let text = "";
  const merge = new LaneMerge(memories, (bytes) => {
    text += new TextDecoder().decode(bytes);
  });
  const writers = memories.map((memory, i) => {
    const json = new JsonWriter(64);
    const writer = new LaneWriter(memory, json, (filled: Filled) => merge.add(i, filled));
    const record = (order: number, slot: number, before: string, after: string) => {
      json.raw(before);
      const at = json.at;
      json.raw(after);
      writer.record(order, slot, at);
    };
    return { writer, record };
  });
  return { merge, writers, text: () => text };
}

describe("records of several workers", () => {
  it("come in the order of the capture, streams numbered as their flows began", () => {
    const { merge, writers, text } = lanes(2);
    const [a, b] = writers as [(typeof writers)[0], (typeof writers)[0]];
    const udp = flowSlot(17, 3);
    const tcp = flowSlot(6, 3);
    b.writer.flow(4, udp);
    b.record(5, udp, "b5:", "\n");
    b.writer.flow(8, tcp);
    b.record(9, tcp, "b9:", "\n");
    b.writer.send(10);
    expect(text()).toBe("");
    a.writer.flow(2, udp);
    a.record(3, udp, "a3:", "\n");
    a.record(7, udp, "a7:", "\n");
    // The flow leaves its place in the table, and another takes it.
    a.writer.flow(10, udp);
    a.record(11, udp, "a11:", "\n");
    a.writer.send(12);
    expect(text()).toBe("a3:0\nb5:1\na7:0\nb9:0\n");
    merge.finish(1);
    expect(text()).toBe("a3:0\nb5:1\na7:0\nb9:0\na11:2\n");
    merge.finish(0);
    expect(merge.finished).toBe(true);
  });

  it("a record longer than a piece passes whole", () => {
    const { merge, writers, text } = lanes(1);
    const slot = flowSlot(17, 0);
    const long = "x".repeat(3 << 20);
    for (let n = 0; n < 20; n++) {
      writers[0]?.writer.flow(2 * n, slot);
      writers[0]?.record(2 * n + 1, slot, long, "\n");
    }
    writers[0]?.writer.send(41);
    merge.finish(0);
    expect(text().length).toBe(20 * (long.length + 1) + 10 + 2 * 10);
    expect(text().endsWith("x19\n")).toBe(true);
  });
});
