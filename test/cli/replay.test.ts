import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const PAGE = "fixtures/captures/page.pcap";
const folder = mkdtempSync(join(tmpdir(), "netkit-replay-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function netkit(...args: string[]) {
  return spawnSync("node", ["bin/run.js", ...args], { encoding: "utf8", timeout: 60_000 });
}

/** Where it listens. */
function serving(...args: string[]): Promise<{ addr: string; port: number }> {
  const child = spawn("node", ["bin/run.js", ...args, "--listen", "127.0.0.1:0", "--json"], {
    timeout: 60_000,
  });
  children.push(child);
  return new Promise((resolve, reject) => {
    let out = "";
    child.on("exit", () => reject(new Error(`it ended: ${out}`)));
    child.stderr.on("data", (data) => {
      out += data;
    });
    child.stdout.once("data", (data) => resolve(JSON.parse(String(data)).listening[0]));
  });
}

/** What real Linux TCP took, medians of three (test/interop/linux-tcp/pages.ts). */
const MEASURED = {
  serial: 1311.6,
  persistent: 714.5,
  concurrent: 398.5,
  "concurrent-persistent": 335.3,
  pipelined: 272.1,
};

describe("netkit replay", () => {
  const report = join(folder, "report.html");
  const saved = join(folder, "workload.json");
  const { stdout, status } = netkit("replay", PAGE, "--json", "--html", report, "--save", saved);
  const json = JSON.parse(stdout);

  it("tells the link, the pages and what each strategy would have cost, as measured within 3 %", () => {
    expect(status).toBe(0);
    expect(json.link.rttMs).toBeCloseTo(60, 0);
    expect(json.link.rateMbps).toBeCloseTo(20, 0);
    expect(json.pages.length).toBe(1);
    for (const [strategy, ms] of Object.entries(MEASURED)) {
      const one = json.predictions.find(
        (p: { strategy: string; placement: string }) =>
          p.strategy === strategy && p.placement === "none",
      );
      expect([strategy, Math.abs(one.timeMs / ms - 1) < 0.03]).toEqual([strategy, true]);
      expect(Math.abs(one.timeMs - ms)).toBeLessThanOrEqual(one.errorMs);
      expect(Object.keys(one)).toEqual(
        expect.arrayContaining([
          "page",
          "dns",
          "bytes",
          "connections",
          "rtts",
          "formulaMs",
          "causes",
        ]),
      );
    }
    expect(new Set(json.predictions.map((p: { placement: string }) => p.placement)).size).toBe(10);
  });

  it("writes a report, and a workload that gives the same predictions", () => {
    expect(readFileSync(report, "utf8")).toContain("<svg");
    const again = JSON.parse(netkit("replay", saved, "--json").stdout);
    expect(again.predictions).toEqual(json.predictions);
  });

  it("a person sees a table, and what was assumed", () => {
    const { stdout: text } = netkit(
      "replay",
      PAGE,
      "--placement",
      "none,cdn-warm",
      "--what-if",
      "m=1,6",
    );
    expect(text).toMatch(/^link RTT 60\.\d ms, 20\.\d Mbit\/s/);
    expect(text).toMatch(/pipelined +\d+ ms ±[\d.]+ +142 ms/);
    expect(text).toContain("note: the queue never overflowed");
    expect(text).toContain("ms by m");
  });

  it.each([
    [["--link", "rtt=0x3"], "--link rtt=0x3: write it as 100ms or 0.1s"],
    [["--link", "speed=3"], '--link speed=3: "speed=3" is not one of rtt=, rate=, queue=, loss='],
    [["--link", "loss=2"], "--link loss=2: a share below 1"],
    [["--link", "rate=0"], "--link rate=0: between 1kbit and 1000Gbit"],
    [["--edge", "rtt=500ms"], "is longer than the whole path"],
    [["--strategy", "spdy"], "--strategy spdy: one of serial"],
    [["--what-if", "mtu=3"], "--what-if mtu=3: one of rtt="],
    [["--dns", "ttl=3"], '"ttl=3" is not one of max-ttl='],
    [["--against", "ftp://x"], "write it as http://HOST[:PORT] or @SERVER[:PORT]"],
    [["--against", "http://127.0.0.1:1", "--speed", "0"], "--speed 0: a number above 0, or max"],
  ])("%j is refused in one line", (flags, line) => {
    const run = netkit("replay", PAGE, ...flags);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(line);
    expect(run.stderr.trim().split("\n").length).toBe(1);
  });

  it("what has nothing to compare says so: exit 3", () => {
    const bad = join(folder, "bad.json");
    writeFileSync(bad, "{}");
    for (const [file, line] of [
      ["fixtures/README.md", "is no capture"],
      [bad, "format"],
      [join(folder, "none.pcap"), "none.pcap"],
    ] as const) {
      const run = netkit("replay", file);
      expect([file, run.status]).toEqual([file, 3]);
      expect(run.stderr).toContain(line);
    }
  });

  it("a server that answers from the capture gives what was recorded; another does not: exit 1", async () => {
    const { port } = await serving("http", "serve", "--capture", PAGE);
    const url = `http://127.0.0.1:${port}`;
    const same = netkit("replay", PAGE, "--against", url, "--speed", "max");
    expect([same.status, same.stdout]).toEqual([
      0,
      "10 asked again, 10 answered as before, 0 otherwise; 0 not asked\n",
    ]);
    const other = await serving("http", "serve", folder);
    const differs = netkit("replay", PAGE, "--against", `http://127.0.0.1:${other.port}`, "--json");
    expect(differs.status).toBe(1);
    const told = JSON.parse(differs.stdout);
    expect([told.asked, told.same]).toEqual([10, 0]);
    expect(told.differences[0].difference).toMatch(/^status 404, it was 200/);
  });

  it("RFC 1035 4.1.1: the same for questions of DNS", async () => {
    const capture = "fixtures/captures/office.pcap";
    const { port } = await serving("dns", "serve", "--capture", capture);
    const same = netkit(
      "replay",
      capture,
      "--against",
      `@127.0.0.1:${port}`,
      "--speed",
      "max",
      "--json",
    );
    const told = JSON.parse(same.stdout);
    expect(same.status).toBe(0);
    expect(told.asked).toBeGreaterThan(0);
    expect(told.same).toBe(told.asked);
    const unknown = netkit("dns", "resolve", "nobody.example", `@127.0.0.1:${port}`, "--json");
    expect(unknown.stdout).toContain("REFUSED");
  });
});

describe("netkit http scorecard", () => {
  it("prints the rows that are asked for as JSON", () => {
    const { stdout, status } = netkit(
      "http",
      "scorecard",
      "--strategy",
      "serial",
      "--strategy",
      "pipelined",
      "--json",
    );
    expect(status).toBe(0);
    const { rows } = JSON.parse(stdout);
    expect(rows.map(({ strategy }: { strategy: string }) => strategy)).toEqual([
      "serial",
      "pipelined",
    ]);
    for (const row of rows) expect(row.simulatedMs).toBeGreaterThan(0);
    expect(rows[0].formulaMs).toBe(2080);
  });

  it.each([
    [["--size", "big"], "--size big"],
    [["--rate", "-3"], "--rate -3"],
    [["--queue", "10"], "less than one packet"],
    [["--what-if", "busy=3"], "write it as idle="],
    [["--objects", "10000", "--size", "1MB"], "more than 2 GB"],
  ])("%j is refused in one line", (flags, line) => {
    const run = netkit("http", "scorecard", ...flags);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(line);
  });
});
