import { describe, expect, it } from "vitest";
import { SECOND } from "../../../../src/engines/host.ts";
import type { Exchange } from "../../../../src/engines/http/exchange.ts";
import { Agent } from "../../../../src/engines/http/fetch/agent.ts";
import { Fetcher } from "../../../../src/engines/http/fetch/fetcher.ts";
import type { SplitMap } from "../../../../src/engines/http/fetch/split.ts";
import { Split } from "../../../../src/engines/http/fetch/split.ts";
import { parseRanges } from "../../../../src/engines/http/ranges.ts";
import { httpWorld, SERVER } from "../world.ts";

const SIZE = 5 * 1024 * 1024 + 17;
const OBJECT = new Uint8Array(SIZE).map((_, i) => (i * 31 + (i >> 11)) & 255);

interface Faults {
  /** Which requests (counted from 0 by server) break off after so many octets, or have another status. */
  cut?: (server: string, n: number) => number | undefined;
  status?: (server: string, n: number) => number | undefined;
  etag?: (server: string, n: number) => string;
  size?: (server: string) => number;
}

function splitFetch(
  faults: Faults = {},
  mirrors = ["a.test"],
  more: { connections?: number; earlier?: SplitMap } = {},
) {
  const counts = new Map<string, number>();
  let open = 0;
  let most = 0;
  const handler = (exchange: Exchange) => {
    const server = exchange.field("host") ?? "";
    const n = counts.get(server) ?? 0;
    counts.set(server, n + 1);
    const status = faults.status?.(server, n);
    if (status !== undefined && status !== 200) {
      exchange.respondError(status, "no");
      return;
    }
    const size = faults.size?.(server) ?? SIZE;
    const etag = faults.etag?.(server, n) ?? '"v"';
    const asked = exchange.field("range");
    const ifRange = exchange.field("if-range");
    const holds =
      asked !== undefined && (ifRange === undefined || ifRange === etag) && status !== 200;
    const [range] = holds ? (parseRanges(asked, size) ?? []) : [{ first: 0, last: size - 1 }];
    const { first, last } = range as { first: number; last: number };
    open++;
    most = Math.max(most, open);
    exchange.start({
      statusCode: holds ? 206 : 200,
      fields: [
        { name: "ETag", value: etag },
        { name: "Content-Length", value: String(last - first + 1) },
        ...(holds ? [{ name: "Content-Range", value: `bytes ${first}-${last}/${size}` }] : []),
      ],
    });
    const cut = faults.cut?.(server, n);
    const end = cut === undefined ? last + 1 : Math.min(last + 1, first + cut);
    // The last octet comes when the range is counted as served.
    exchange.write(OBJECT.slice(first, end - 1));
    const { clock } = exchange.host;
    clock
      .timer(() => {
        open--;
        exchange.write(OBJECT.slice(end - 1, end));
        if (cut === undefined) exchange.end();
        else exchange.abort();
      })
      .armAt(clock.now() + SECOND);
  };
  const { world, client } = httpWorld(handler);
  const { connections = 4, earlier } = more;
  const fetcher = new Fetcher(client, {
    strategy: { connections, keep: true, depth: 1 },
    lookup: (_name, done) => done(null, { addresses: [SERVER.addr] }),
  });
  const got = new Uint8Array(SIZE);
  let written = 0;
  let outcome = "";
  const split = new Split(
    {
      agent: new Agent(fetcher),
      connections,
      earlier,
      sources: mirrors.map((host) => ({
        method: "GET",
        origin: { scheme: "http", host, port: 80 },
        target: "/big",
        fields: [{ name: "Host", value: host }],
      })),
    },
    {
      begun: (size, reused) => {
        outcome = `${size} ${reused} `;
      },
      data: (at, bytes) => {
        got.set(bytes, at);
        written += bytes.length;
      },
      done: () => {
        outcome += "done";
      },
      failed: (why) => {
        outcome += `failed: ${why}`;
      },
    },
  );
  split.start();
  world.run(600 * SECOND);
  return {
    outcome,
    same: Buffer.compare(got, OBJECT) === 0,
    written,
    split,
    most: () => most,
    counts,
  };
}

describe("one object by ranges", () => {
  it("comes whole, over so many connections at once and no more", () => {
    const { outcome, same, written, most } = splitFetch();
    expect([outcome, same, written, most()]).toEqual([`${SIZE} 0 done`, true, SIZE, 4]);
  });

  it("from mirrors, each with its share; one that fails is left out", () => {
    const three = splitFetch({}, ["a.test", "b.test", "c.test"]);
    expect([three.outcome, three.same]).toEqual([`${SIZE} 0 done`, true]);
    expect(three.split.shares.every(({ bytes }) => bytes > 0)).toBe(true);
    const faults = { status: (server: string) => (server === "b.test" ? 503 : undefined) };
    const two = splitFetch(faults, ["a.test", "b.test"]);
    expect([two.outcome, two.same, two.split.shares[1]]).toMatchObject([
      `${SIZE} 0 done`,
      true,
      { bytes: 0, lastFault: "it answered 503" },
    ]);
    expect(two.counts.get("b.test")).toBeLessThan(6);
  });

  it("a piece that is cut goes on where it was, and no octet is written twice", () => {
    const cut = (_server: string, n: number) => (n % 2 === 1 ? 300_000 : undefined);
    const { outcome, same, written } = splitFetch({ cut });
    expect([outcome, same, written]).toEqual([`${SIZE} 0 done`, true, SIZE]);
  });

  it("RFC 9110 13.1.5: an object that changes meanwhile is not mixed with the old one", () => {
    const etag = (_server: string, n: number) => (n < 3 ? '"old"' : '"new"');
    const { outcome } = splitFetch({ etag });
    expect(outcome).toMatch(/failed: .*the object changed, or it does no ranges/);
  });

  it("a mirror with an object of another size gives nothing", () => {
    const size = (server: string) => (server === "b.test" ? SIZE - 1 : SIZE);
    const { outcome, same, split } = splitFetch({ size }, ["a.test", "b.test"]);
    expect([outcome, same, split.shares[1]?.bytes]).toEqual([`${SIZE} 0 done`, true, 0]);
  });

  it("a server that does no ranges gives it over one connection", () => {
    const { outcome, same } = splitFetch({ status: () => 200 });
    expect([outcome, same]).toEqual(["undefined 0 done", true]);
  });

  it("what is left after a failure is fetched by a later run, if the validator is the same", () => {
    const first = splitFetch({ status: (_server, n) => (n > 3 ? 500 : undefined) });
    expect(first.outcome).toMatch(/failed: http:\/\/a\.test\/big: it answered 500$/);
    const earlier = first.split.map() as SplitMap;
    const missing = earlier.missing.reduce((sum, [from, to]) => sum + to - from, 0);
    expect(missing + first.written).toBe(SIZE);
    const second = splitFetch({}, ["a.test"], { earlier });
    expect(second.outcome).toBe(`${SIZE} ${SIZE - missing} done`);
    const changed = splitFetch({ etag: () => '"other"' }, ["a.test"], { earlier });
    expect([changed.outcome, changed.same]).toEqual([`${SIZE} 0 done`, true]);
  });
});
