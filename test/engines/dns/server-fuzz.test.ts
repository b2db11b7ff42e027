import { describe, expect, it } from "vitest";
import { fuzzServer, SERVERS } from "../../../bench/fuzz/servers.ts";

/** The short form of `npm run fuzz -- --server all`. */
const RUNS = 6000;

describe("a server among mutated packets", () => {
  it.each(SERVERS)("%s: answers on, keeps its memory, says nothing, ends well", async (kind) => {
    const { sent, streams, answered, failures } = await fuzzServer(kind, RUNS, 3);
    expect(failures).toEqual([]);
    expect(sent).toBe(RUNS);
    expect(streams).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(RUNS / 3);
  });
});
