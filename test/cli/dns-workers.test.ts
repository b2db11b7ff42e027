import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hasReusePort } from "../../src/dns/serve/worker.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-workers-"));
const zone = join(folder, "z.zone");
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const write = (address: string, serial = 1) =>
  writeFileSync(zone, `$ORIGIN z.\n@ 5 SOA ns h ${serial} 2 3 4 5\n@ 5 NS ns\nns 5 A ${address}\n`);

// Children are found in /proc.
const onLinux = process.platform === "linux";
if (!onLinux) process.stderr.write("dns serve --workers: needs /proc: skipped\n");

/** Processes whose parent is this one. */
function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "latin1").replace(/^.*\) /, "");
        return Number(stat.split(" ")[1]) === pid && !stat.startsWith("Z");
      } catch {
        return false; // It has ended meanwhile.
      }
    })
    .map(Number);
}

function alive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((done) => setTimeout(done, 20));
}

async function serve(...more: string[]) {
  const args = ["serve", zone, "--workers", "2", "--listen", "127.0.0.1:0", "--json", ...more];
  const child = spawn("node", ["bin/run.js", "dns", ...args], { timeout: 60_000 });
  started.push(child);
  const said = { out: "", err: "" };
  child.stdout.on("data", (data) => (said.out += data));
  child.stderr.on("data", (data) => (said.err += data));
  const exit = new Promise<number | null>((done) => child.once("exit", done));
  await until(() => said.out.includes("\n") || child.exitCode !== null);
  const [{ port, transports }] = (
    JSON.parse(said.out) as { listening: [{ port: number; transports: string[] }] }
  ).listening;
  const ask = (...flags: string[]) =>
    spawnSync(
      "node",
      ["bin/run.js", "dns", "resolve", "ns.z.", "A", `@127.0.0.1:${port}`, "--short", ...flags],
      { encoding: "utf8", timeout: 30_000 },
    ).stdout.trim();
  return { child, pid: child.pid as number, port, transports, said, exit, ask };
}

describe.skipIf(!onLinux)("dns serve --workers", () => {
  it("several processes answer at one port; one that is killed is replaced; SIGHUP reaches all; SIGTERM ends all", async () => {
    write("192.0.2.1");
    const { child, pid, transports, said, exit, ask } = await serve();
    expect(transports).toEqual(["udp", "tcp"]);
    expect(childrenOf(pid)).toHaveLength(2);
    expect([ask(), ask("--tcp")]).toEqual(["192.0.2.1", "192.0.2.1"]);

    const [first = 0] = childrenOf(pid);
    process.kill(first, "SIGKILL");
    await until(() => said.err.includes("takes its place") && childrenOf(pid).length === 2);
    expect(childrenOf(pid)).not.toContain(first);
    expect(said.err).toContain(`worker ${first} has ended (SIGKILL)`);

    write("192.0.2.2");
    child.kill("SIGHUP");
    await until(() => said.err.includes("reloaded z. serial 1"));
    for (const answer of [ask(), ask("--tcp"), ask(), ask("--tcp")])
      expect(answer).toBe("192.0.2.2");
    writeFileSync(zone, "@ nonsense\n");
    child.kill("SIGHUP");
    await until(() => said.err.includes("the old zone stays"));
    expect(ask()).toBe("192.0.2.2");

    const workers = childrenOf(pid);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    await until(() => !workers.some(alive));
    expect(said.out.trim().split("\n")).toHaveLength(1);
    expect(said.err.match(/the old zone stays/g)).toHaveLength(1);
  });

  it("RFC 1995: those that take the place of others know the versions before them", async () => {
    write("192.0.2.1");
    const { child, pid, port, said, exit } = await serve("--allow-transfer", "127.0.0.0/8");
    write("192.0.2.2", 2);
    child.kill("SIGHUP");
    await until(() => said.err.includes("reloaded z. serial 2"));
    const first = childrenOf(pid);
    for (const worker of first) process.kill(worker, "SIGKILL");
    await until(() => {
      const now = childrenOf(pid);
      return now.length === 2 && !now.some((worker) => first.includes(worker));
    });
    const args = ["resolve", "z.", "IXFR=1", `@127.0.0.1:${port}`];
    const ask = () =>
      spawnSync("node", ["bin/run.js", "dns", ...args], { encoding: "utf8", timeout: 30_000 })
        .stdout;
    let stdout = "";
    // They are there before they listen.
    await until(() => {
      stdout = ask();
      return stdout !== "";
    });
    // The difference names the version before; a whole zone does not.
    expect(stdout).toContain("ns.z. h.z. 1 2 3 4 5");
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
  });

  it("RFC 7766 6.2.4: a connection that is open at SIGTERM is closed in order", async () => {
    write("192.0.2.1");
    const { child, port, exit } = await serve();
    const socket = connect(port, "127.0.0.1");
    let answered = 0;
    socket.on("data", (data) => (answered += data.length));
    const closed = new Promise((done) => socket.once("close", done));
    await new Promise<void>((done) => socket.once("connect", done));
    // ns.z. A, framed (RFC 1035 4.2.2).
    socket.write(Buffer.from("0016000100000001000000000000026e73017a0000010001", "hex"));
    await until(() => answered > 0);
    child.kill("SIGTERM");
    await closed;
    expect(await exit).toBe(0);
    expect(answered).toBe(2 + 22 + 16);
  });

  it("workers do not outlive the first process", async () => {
    write("192.0.2.1");
    const { child, pid } = await serve();
    const workers = childrenOf(pid);
    child.kill("SIGKILL");
    await until(() => !workers.some(alive));
  });

  it("workers that end again and again are not replaced for ever: exit code 70", async () => {
    write("192.0.2.1");
    const { pid, said, exit, child } = await serve();
    const killed = new Set<number>();
    while (child.exitCode === null && !said.err.includes("giving up")) {
      for (const worker of childrenOf(pid)) {
        if (killed.has(worker)) continue;
        killed.add(worker);
        process.kill(worker, "SIGKILL");
      }
      await new Promise((done) => setTimeout(done, 20));
    }
    expect(await exit).toBe(70);
    expect(said.err).toMatch(/6 workers ended within 60 s, the last by SIGKILL: giving up/);
  });

  it.each([
    [
      ["--updates"],
      "--workers does not go with --updates: one process must own a zone that changes",
    ],
    [
      ["--secondary", "s.@192.0.2.1"],
      "--workers does not go with --secondary: one process must own a zone that changes",
    ],
  ])("%j is refused: one line and exit code 2", (flags, line) => {
    write("192.0.2.1");
    const { stderr, status } = spawnSync(
      "node",
      ["bin/run.js", "dns", "serve", zone, "--workers", "2", ...flags],
      { encoding: "utf8", timeout: 30_000 },
    );
    expect([stderr, status]).toEqual([`netkit: ${line}\n`, 2]);
  });
});

it.each([
  ["20.20.2", false],
  ["22.11.0", false],
  ["22.12.0", true],
  ["23.0.0", false],
  ["23.1.0", true],
  ["24.0.0", true],
])("node %s has SO_REUSEPORT: %s", (version, has) => {
  expect(hasReusePort(version)).toBe(has);
});
