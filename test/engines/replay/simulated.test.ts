import { describe, expect, it } from "vitest";
import { PcapngParser } from "../../../src/codecs/pcap/pcapng.ts";
import { utf8Bytes } from "../../../src/codecs/writer.ts";
import type { Engine, Host } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import type { Workload } from "../../../src/engines/replay/index.ts";
import { inferWorkload, Observer } from "../../../src/engines/replay/index.ts";
import { Trace } from "../../../src/net/simulated/trace.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { get, ok } from "../../support/replay/conversation.ts";

interface Path {
  readonly rttMs: number;
  readonly rateMbps: number;
  readonly queue: number;
  readonly loss?: number;
}

const THINK_MS = 7;
const idle = { stop: (_graceful: boolean, done: () => void) => done() };

/** Packets that the last run's queue towards the client dropped. */
let drops = 0;

/** Objects of these sizes, one after the other on one connection; the workload of one end's own trace. */
function fetched(
  path: Path,
  sizes: readonly number[],
  vantage: "client" | "server" = "client",
): Workload {
  const world = new World({ seed: 3, delay: 0 });
  world.router("far");
  const server = (host: Host): Engine => ({
    ...idle,
    start: () => {
      host.listen(
        (c) => {
          let count = 0;
          const answer = host.clock.timer(() => {
            c.write(utf8Bytes(ok("x".repeat(sizes[count++] as number))));
          });
          return {
            onData: () => answer.armAt(host.clock.now() + THINK_MS * MILLISECOND),
            onEnd: () => c.end(),
            onClose: () => {},
          };
        },
        { local: { addr: "192.0.2.80", port: 80 } },
      );
    },
  });
  const client = (host: Host): Engine => ({
    ...idle,
    start: () => {
      let done = 0;
      let octets = 0;
      const wanted = () => ok("x".repeat(sizes[done] as number)).length;
      host.connect(
        {
          onOpen: (c) => void c.write(utf8Bytes(get(`/${done}`))),
          onData: (data, c) => {
            octets += data.length;
            if (octets < wanted()) return;
            octets = 0;
            if (++done < sizes.length) c.write(utf8Bytes(get(`/${done}`)));
            else c.end();
          },
          onEnd: (c) => c.end(),
          onClose: () => {},
        },
        { remote: { addr: "192.0.2.80", port: 80 } },
      );
    },
  });
  world.node("server", { addresses: ["192.0.2.80"], at: "far", link: { delay: 0 }, boot: server });
  world.node("client", {
    addresses: ["192.0.2.1"],
    at: "far",
    link: {
      delay: (path.rttMs * MILLISECOND) / 2,
      rate: path.rateMbps * 1e6,
      queue: path.queue,
      loss: path.loss ?? 0,
    },
    boot: client,
  });
  const trace = new Trace(world.startedMs, vantage);
  world.attach(vantage, trace);
  world.run(300 * SECOND);
  const links = world.topology.linksBetween("far", "client");
  drops = links.find(({ from }) => from.name === "far")?.queue.drops ?? 0;
  const observer = new Observer();
  const parser = new PcapngParser({
    packet: (captured) => observer.add(captured),
    issue: (issue) => observer.trouble(issue),
  });
  const bytes = trace.bytes();
  expect(parser.parse(bytes, 0, bytes.length)).toBe(bytes.length);
  observer.end();
  return inferWorkload(observer);
}

const near = (value: number | null, truth: number, part: number) =>
  expect(Math.abs((value ?? 0) / truth - 1)).toBeLessThan(part);

describe("a simulated run's own trace gives back its parameters", () => {
  const SIZES = [30_000, 120_000, 5000];

  it.each([
    { rttMs: 20, rateMbps: 100, queue: 250_000 },
    { rttMs: 60, rateMbps: 20, queue: 150_000 },
    { rttMs: 150, rateMbps: 5, queue: 93_750 },
    { rttMs: 300, rateMbps: 2, queue: 75_000 },
  ])("$rttMs ms, $rateMbps Mb/s: within 0.5 %", (path) => {
    const { link, pages, source } = fetched(path, SIZES);
    expect(source.vantage).toBe("client");
    near(link.rttMs, path.rttMs, 0.005);
    near(link.rateMbps, path.rateMbps, 0.005);
    expect([link.retransmissions, link.lossRate]).toEqual([0, 0]);
    const [page] = pages;
    expect(page?.strategy).toBe("persistent");
    for (const object of page?.objects ?? []) {
      expect(object.bodyBytes).toBe(SIZES[object.id]);
      expect(Math.abs((object.thinkMs ?? 0) - THINK_MS)).toBeLessThan(1);
      expect(object.clientThinkMs).toBeLessThan(0.01);
    }
  });

  it("a queue that overflowed is told within 5 %, and what it dropped is no loss of the path", () => {
    const path = { rttMs: 80, rateMbps: 8, queue: 80_000 };
    const { link } = fetched(path, [2_000_000]);
    expect(drops).toBeGreaterThan(3);
    expect(link.retransmissions).toBe(drops);
    near(link.queueBytes, path.queue, 0.05);
    expect(link.lossRate).toBeLessThan(0.001);
  });

  it("random loss is told within a third, and no queue", () => {
    const path = { rttMs: 40, rateMbps: 20, queue: 1_000_000, loss: 0.01 };
    const { link } = fetched(path, [3_000_000]);
    near(link.lossRate, 0.01, 0.33);
    expect(link.queueBytes).toBeNull();
    near(link.rateMbps, path.rateMbps, 0.005);
  });

  it("taken at the server the path is the same", () => {
    const path = { rttMs: 60, rateMbps: 20, queue: 150_000 };
    const { link, source, notes } = fetched(path, SIZES, "server");
    expect(source.vantage).toBe("server");
    near(link.rttMs, path.rttMs, 0.005);
    near(link.rateMbps, path.rateMbps, 0.01);
    expect(notes.map(({ code }) => code)).toContain("capture.vantage");
  });
});
