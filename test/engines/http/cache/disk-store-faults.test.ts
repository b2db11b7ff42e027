import { describe, expect, it } from "vitest";
import type { Host } from "../../../../src/engines/host.ts";
import { MILLISECOND } from "../../../../src/engines/host.ts";
import { DiskStore } from "../../../../src/engines/http/cache/disk-store.ts";
import type { StoredResponse } from "../../../../src/engines/http/cache/entry.ts";
import { World } from "../../../../src/net/simulated/world.ts";
import { seeds } from "../../../support/seeds.ts";
import { bytesOf, textOf } from "../world.ts";

function responseOf(key: string, value: string, size: number): StoredResponse {
  return {
    key,
    statusCode: 200,
    reasonPhrase: "OK",
    fields: [{ name: "X", value }],
    selecting: [],
    requestMs: 1000,
    responseMs: 1000 + size,
    range: undefined,
    size,
    invalid: false,
  };
}

function opened(world: World, host: Host, prefix: string, troubles: Error[] = []): DiskStore {
  const store = new DiskStore({
    disk: host.disk,
    folder: "cache",
    limit: 100_000,
    prefix,
    onTrouble: (error) => troubles.push(error),
  });
  let state: unknown = "starting";
  store.start((error) => {
    state = error;
  });
  world.run(world.now + 1000 * MILLISECOND);
  expect(state).toBeNull();
  return store;
}

function bodyOf(world: World, store: DiskStore, stored: StoredResponse): string | Error {
  let got: string | Error = "nothing";
  const reader = store.open(stored);
  reader?.read(0, stored.size, (error, bytes) => {
    got = error ?? textOf(bytes ?? bytesOf("none"));
  });
  world.run(world.now + 20 * MILLISECOND);
  reader?.close();
  return got;
}

function names(world: World, host: Host): readonly string[] {
  let found: readonly string[] = [];
  host.disk.list("cache", (_error, list) => {
    found = list ?? [];
  });
  world.run(world.now + 20 * MILLISECOND);
  return found;
}

describe("a store on disk", () => {
  it("finds after a restart what it had, with the metadata as they were last", () => {
    const world = new World({ seed: 1 });
    const host = world.node("n", { addresses: ["192.0.2.1"] });
    const store = opened(world, host, "a");
    const one = responseOf("http://a/1", "old", 3);
    store.put(one, [bytesOf("a"), bytesOf("bc")], []);
    store.put(responseOf("http://a/2", "x", 0), [], []);
    store.update(one, { ...one, fields: [{ name: "X", value: "new" }] });
    world.run(world.now + 100 * MILLISECOND);
    world.faults.restart("n");
    const again = opened(world, host, "b");
    const [found] = again.find("http://a/1");
    expect(found?.fields).toEqual([{ name: "X", value: "new" }]);
    expect([again.count, bodyOf(world, again, found as StoredResponse)]).toEqual([2, "abc"]);
  });

  it("a second on the same folder is refused and removes nothing, until the first is gone", () => {
    const world = new World({ seed: 1 });
    const host = world.node("n", { addresses: ["192.0.2.1"] });
    const first = opened(world, host, "a");
    first.put(responseOf("http://a/1", "x", 3), [bytesOf("abc")], []);
    // The body is there, the metadata are not yet: for a second store an orphan.
    world.run(world.now + 3 * MILLISECOND);
    const options = { disk: host.disk, folder: "cache", limit: 100_000 };
    const codes: unknown[] = [];
    new DiskStore({ ...options, prefix: "b" }).start((error) => codes.push(error?.code));
    world.run(world.now + 100 * MILLISECOND);
    expect([codes, names(world, host)]).toEqual([["EBUSY"], ["a-1.body", "a-1.meta"]]);
    new DiskStore({ ...options, prefix: "c", readOnly: true }).start((error) => codes.push(error));
    world.run(world.now + 100 * MILLISECOND);
    expect(codes).toEqual(["EBUSY", null]);
    world.faults.restart("n");
    expect(opened(world, host, "d").count).toBe(1);
  });

  it("a body that was damaged on disk is not given as whole, and goes", () => {
    const world = new World({ seed: 1 });
    const host = world.node("n", { addresses: ["192.0.2.1"] });
    const first = opened(world, host, "a");
    first.put(responseOf("http://a/1", "x", 3), [bytesOf("abc")], []);
    world.run(world.now + 100 * MILLISECOND);
    host.disk.open("cache/a-1.body", "write", (_error, file) =>
      file?.write(1, bytesOf("X"), () => {}),
    );
    world.run(world.now + 100 * MILLISECOND);
    world.faults.restart("n");
    const troubles: Error[] = [];
    const again = opened(world, host, "b", troubles);
    const [found] = again.find("http://a/1");
    expect(bodyOf(world, again, found as StoredResponse)).toBeInstanceOf(Error);
    expect([again.count, troubles.length, names(world, host)]).toEqual([0, 1, []]);
  });

  it("a full disk costs what was to be stored, and nothing else", () => {
    const world = new World({ seed: 1 });
    const host = world.node("n", { addresses: ["192.0.2.1"] });
    const troubles: Error[] = [];
    const store = opened(world, host, "a", troubles);
    store.put(responseOf("http://a/1", "x", 3), [bytesOf("abc")], []);
    world.run(world.now + 100 * MILLISECOND);
    host.disk.capacity = 1000;
    store.put(responseOf("http://a/2", "x", 5000), [new Uint8Array(5000)], []);
    world.run(world.now + 100 * MILLISECOND);
    expect([store.count, troubles.length]).toEqual([1, 1]);
    expect(names(world, host)).toEqual(["a-1.body", "a-1.meta"]);
    host.disk.capacity = Number.POSITIVE_INFINITY;
    store.put(responseOf("http://a/2", "x", 5000), [new Uint8Array(5000)], []);
    world.run(world.now + 100 * MILLISECOND);
    world.faults.restart("n");
    expect(opened(world, host, "b").count).toBe(2);
  });

  it.each(seeds())(
    "seed %i: power fails at any time: what is found is whole, and what was written is found",
    (seed) => {
      const world = new World({ seed });
      const host = world.node("n", { addresses: ["192.0.2.1"] });
      const random = world.random.fork("test");
      let expected = new Map<string, string>();
      for (const prefix of ["a", "b", "c"]) {
        const store = opened(world, host, prefix);
        for (const [key, value] of expected) {
          const [found] = store.find(key);
          expect([key, found?.fields[0]?.value]).toEqual([key, value]);
        }
        for (const key of Array.from({ length: 8 }, (_, i) => `http://a/${i}`)) {
          const [found] = store.find(key);
          if (found === undefined) continue;
          expect(bodyOf(world, store, found)).toBe(
            found.fields[0]?.value.repeat(100).slice(0, found.size),
          );
        }
        // Written and at rest: these must be there afterwards.
        expected = new Map();
        const change = (settled: boolean) => {
          const key = `http://a/${random.below(8)}`;
          const value = `${prefix}${random.below(1000)};`;
          const body = bytesOf(value.repeat(100)).subarray(0, random.below(300));
          const [old] = store.find(key);
          expected.delete(key);
          if (random.below(4) === 0 && old !== undefined) store.remove(old);
          else {
            store.put(responseOf(key, value, body.length), [body], store.find(key));
            if (settled) expected.set(key, value);
          }
        };
        for (let i = 0; i < 6; i++) change(true);
        world.run(world.now + 100 * MILLISECOND);
        for (let i = 0; i < 6; i++) {
          change(false);
          world.run(world.now + random.below(3) * MILLISECOND);
        }
        world.faults.restart("n");
      }
      const store = opened(world, host, "d");
      expect(names(world, host).length).toBe(store.count * 2);
    },
  );
});
