import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue, QueueTimer } from "../../src/net/event-queue.ts";

describe("the queue of events", () => {
  it("fires by time, then by scheduling, whatever is cancelled and moved", () => {
    const step = fc.record({
      time: fc.integer({ min: 0, max: 50 }),
      cancel: fc.boolean(),
      moveTo: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 700 }), (steps) => {
        const queue = new EventQueue();
        const fired: number[] = [];
        const expected: { n: number; time: number; order: number }[] = [];
        let order = 0;
        steps.forEach(({ time, cancel, moveTo }, n) => {
          const timer = new QueueTimer(queue, (arg) => fired.push(arg), n);
          timer.armAt(time);
          order++;
          if (cancel) timer.armAt(undefined);
          else if (moveTo === undefined) expected.push({ n, time, order });
          if (moveTo === undefined) return;
          timer.armAt(moveTo);
          order++;
          expected.push({ n, time: moveTo, order });
        });
        expect(queue.pending).toBe(expected.length);
        let last = 0;
        for (let next = queue.next(); next !== undefined; next = queue.next()) {
          expect(next).toBeGreaterThanOrEqual(last);
          last = next;
          queue.fire();
        }
        expected.sort((a, b) => a.time - b.time || a.order - b.order);
        expect(fired).toEqual(expected.map(({ n }) => n));
      }),
    );
  });

  it("a timer that is moved a million times holds no memory", () => {
    const queue = new EventQueue();
    const timer = new QueueTimer(queue, () => {}, 0);
    for (let i = 0; i < 1_000_000; i++) timer.armAt(i + 1000);
    expect(queue.pending).toBe(1);
    expect(queue.next()).toBe(1_000_999);
  });
});
