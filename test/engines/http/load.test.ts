import { describe, expect, it } from "vitest";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import type { LoadResult } from "../../../src/engines/http/load.ts";
import { Load } from "../../../src/engines/http/load.ts";
import { bytesOf, httpWorld, SERVER } from "./world.ts";

const REQUEST = bytesOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

function loaded(port: number, stopAt?: number) {
  const { world, client } = httpWorld((exchange) =>
    exchange.respond({ statusCode: 200, fields: [] }, bytesOf("ok")),
  );
  const results: LoadResult[] = [];
  const load = new Load(
    client,
    {
      remote: { addr: SERVER.addr, port },
      requests: [REQUEST],
      method: "GET",
      connections: 4,
      depth: 2,
      duration: 10 * SECOND,
      timeout: SECOND,
    },
    (result) => results.push(result),
  );
  if (stopAt !== undefined) {
    world.run(stopAt * MILLISECOND);
    load.stop();
  }
  world.run(20 * SECOND);
  expect(results).toHaveLength(1);
  return results[0] as LoadResult;
}

describe("load for a server", () => {
  it("so many connections and requests ahead, for its time", () => {
    const result = loaded(80);
    // Two on each of four connections every 100 ms, after the handshake.
    expect(result).toMatchObject({ seconds: 10, failed: 0, timedOut: 0, fault: undefined });
    expect(result.answered).toBeGreaterThanOrEqual(8 * 98);
    expect(result.answered).toBeLessThanOrEqual(8 * 99);
    expect(result.statuses).toEqual(new Map([[200, result.answered]]));
  });

  it("ended before its time it tells what there is", () => {
    const result = loaded(80, 1050);
    expect(result.seconds).toBeCloseTo(1.05, 3);
    expect(result.answered).toBe(8 * 9);
  });

  it("where nobody listens it does not go on for all its time", () => {
    const result = loaded(81);
    expect(result.answered).toBe(0);
    expect(result.fault).toContain("ECONNREFUSED");
    expect(result.seconds).toBeLessThan(2);
  });
});
