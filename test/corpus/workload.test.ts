/** What is inferred from captures of page loads on real Linux TCP, held against what was measured there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { WorkloadPage } from "../../src/engines/replay/index.ts";
import { workloadOfCapture } from "../../src/replay/load.ts";
import { CORPUS } from "./support/corpus.ts";

const folder = join(CORPUS, "captures/replay");

/** Capture, strategy, round trip, Mb/s, objects, octets of each. */
const SHARED = [
  ["s1-persistent-5x20000-60ms-20mbps.pcap", "persistent", 60, 20, 5, 20_000, 458.9],
  ["s2-concurrent6-30x5000-150ms-5mbps.pcap", "concurrent", 150, 5, 30, 5000, 1595.6],
  ["s3-serial-8x50000-40ms-50mbps.pcap", "serial", 40, 50, 8, 50_000, 1301.0],
  ["s4-pipelined-20x30000-80ms-8mbps.pcap", "pipelined", 80, 8, 20, 30_000, 930.9],
] as const;

interface Truth {
  readonly path: string;
  readonly status: number;
  readonly body: number;
  readonly start: number;
  readonly end: number;
}

function truthOf(file: string): Truth[][] {
  const pages: Truth[][] = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (line.startsWith("page ")) pages.push([]);
    const match =
      /^obj (\S+) status (\d+) body (\d+) start ([\d.]+) end ([\d.]+)/.exec(line) ?? undefined;
    if (match === undefined) continue;
    const [, path = "", status, body, start, end] = match;
    pages.at(-1)?.push({
      path,
      status: Number(status),
      body: Number(body),
      start: Number(start),
      end: Number(end),
    });
  }
  return pages;
}

const within = (value: number | null, truth: number, part: number) => {
  expect(value).not.toBeNull();
  expect(Math.abs((value as number) / truth - 1)).toBeLessThan(part);
};

describe.skipIf(!existsSync(folder))("a workload from a capture", () => {
  it.each(SHARED)("%s", async (name, strategy, rtt, rate, n, bytes, time) => {
    const { link, pages, notes, source } = await workloadOfCapture(join(folder, name));
    expect(source.vantage).toBe("client");
    within(link.rttMs, rtt, 0.01);
    within(link.rateMbps, rate, 0.03);
    expect(link.lossRate).toBe(0);
    expect(link.retransmissions).toBe(0);
    expect(pages).toHaveLength(1);
    const page = pages[0] as WorkloadPage;
    expect(page.strategy).toBe(strategy);
    expect(page.parallel).toBe(strategy === "concurrent" ? 6 : 1);
    expect(page.objects).toHaveLength(n);
    expect(Math.abs(page.timeMs - time)).toBeLessThan(1);
    for (const object of page.objects) {
      expect(object.bodyBytes).toBe(bytes);
      expect(object.parents).toEqual([]);
      expect(object.thinkMs ?? 0).toBeLessThan(2.5);
      expect(object.clientThinkMs).toBeLessThan(1);
    }
    expect(notes).toEqual([]);
  });

  it("two loads of a page: objects within 1 ms, who named whom, think times", async () => {
    const name = "pageB-concurrent6-persistent";
    const { link, pages } = await workloadOfCapture(join(folder, `${name}.pcap`));
    const truth = truthOf(join(folder, `${name}.objects.txt`));
    within(link.rttMs, 60, 0.01);
    within(link.rateMbps, 20, 0.03);
    expect(pages.map(({ revalidates }) => revalidates)).toEqual([null, 0]);
    for (const [i, page] of pages.entries()) {
      expect([page.strategy, page.parallel]).toEqual(["concurrent-persistent", 6]);
      const objects = new Map(page.objects.map((o) => [new URL(o.url).pathname, o]));
      expect(objects.size).toBe(24);
      for (const one of truth[i] as Truth[]) {
        const found = objects.get(one.path);
        expect([found?.status, found?.bodyBytes]).toEqual([one.status, one.body]);
        expect(Math.abs((found?.startMs ?? 0) - one.start)).toBeLessThan(1);
        expect(Math.abs((found?.endMs ?? 0) - one.end)).toBeLessThan(1);
        const parent = page.objects[found?.parents[0]?.id ?? -1];
        const named = { "/index.html": undefined, "/f0.woff2": "/s0.css" }[one.path];
        const expected = one.path in { "/index.html": 0, "/f0.woff2": 0 } ? named : "/index.html";
        expect(parent === undefined ? undefined : new URL(parent.url).pathname).toBe(expected);
        expect(found?.parents.every(({ why }) => why === "reference")).toBe(true);
        const think = one.path === "/index.html" ? 40 : 2;
        expect(Math.abs((found?.thinkMs ?? 0) - think)).toBeLessThan(3);
      }
    }
  });
});
