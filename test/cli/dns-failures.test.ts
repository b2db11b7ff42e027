/** DNS commands when something is amiss: outputs, servers and ports. One line on stderr, and the documented code. */
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "netkit-failures-"));
const at = (name: string) => join(folder, name);
/** Takes connections and datagrams, and says nothing. */
const silent = createServer();
const deaf = createSocket("udp4");
let port = 0;

beforeAll(async () => {
  writeFileSync(at("z.zone"), "$TTL 60\n@ SOA ns h 1 600 600 6000 60\n@ NS ns\nns A 127.0.0.1\n");
  writeFileSync(at("hints"), ". 60 NS a.root.\na.root. 60 A 127.0.0.1\n");
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  ({ port } = silent.address() as { port: number });
  await new Promise<void>((done) => deaf.bind(port, "127.0.0.1", done));
});
afterAll(() => {
  silent.close();
  deaf.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Nothing listens there. */
function freePort(): Promise<number> {
  return new Promise((done) => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1", () => {
      const { port: found } = socket.address();
      socket.close(() => done(found));
    });
  });
}

function run(...args: string[]) {
  return runTo("pipe", ...args);
}

function runTo(out: "pipe" | number, ...args: string[]) {
  const all = ["bin/run.js", "dns", ...args];
  const started = performance.now();
  const { stdout, stderr, status } = spawnSync("node", all, {
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["ignore", out, "pipe"],
  });
  return { stdout, stderr, status, ms: performance.now() - started };
}

describe("output that cannot be written", () => {
  it.each([
    ["sign", ["sign", `z=${at("z.zone")}`, "--key", at("k.pem"), "-o", "/nonexist/x"]],
    ["recursor", ["recursor", "--listen", "127.0.0.1:0", "--cache-dump", "/nonexist/c.json"]],
    ["lab", ["lab", "--simulated", "--pcap", "/nonexist/p"]],
  ])("dns %s: one line, exit 3", (_command, args) => {
    const { stderr, status } = run(...args);
    expect(stderr.split("\n").filter((line) => !/made the key|IN DS|\. DS /.test(line))).toEqual([
      expect.stringMatching(/^netkit: \/nonexist\/\S+: cannot be written \(ENOENT\)$/),
      "",
    ]);
    expect(status).toBe(3);
  });

  it.skipIf(process.platform !== "linux")("standard output on a full disk", () => {
    const full = openSync("/dev/full", "w");
    const { stderr, status } = runTo(full, "check-zone", `z=${at("z.zone")}`);
    closeSync(full);
    expect(stderr).toMatch(/^netkit: standard output: ENOSPC.*\n$/);
    expect(status).toBe(3);
  });
});

describe("servers that do not answer", () => {
  it("RFC 7858 3.1: --timeout holds for the handshake too, and an address is no name to be sent", () => {
    const server = `@tls://127.0.0.1:${port}`;
    const limits = ["--timeout", "300", "--tries", "1"];
    const { stdout, stderr, status, ms } = run("resolve", "x.example", "A", server, ...limits);
    expect(stdout).toMatch(/\(tls\): timeout/);
    expect([stderr, status]).toEqual(["", 4]);
    expect(ms).toBeLessThan(4000);
  });

  it("RFC 8914 4.23: a walk that nobody answers is no answer, exit 4", async () => {
    const walk = [
      "--mode",
      "iterative",
      "--hints",
      at("hints"),
      "--port",
      String(await freePort()),
    ];
    const { stdout, status } = run("resolve", "x.example", "A", ...walk);
    expect(stdout).toMatch(
      /^; x\.example\. A: no answer\n; {3}no server of the zone gave an answer\n$/,
    );
    expect(status).toBe(4);
  });

  it("RFC 1996 3.6: NOTIFY ends where nothing listens, and after --timeout", async () => {
    const free = await freePort();
    const refused = run("notify", "z", `@127.0.0.1:${free}`);
    expect(refused.stderr).toBe(`netkit: 127.0.0.1#${free}: nothing listens there\n`);
    expect(refused.status).toBe(4);
    const late = run("notify", "z", `@127.0.0.1:${port}`, "--timeout", "300");
    expect(late.stderr).toBe(`netkit: 127.0.0.1#${port}: it does not answer NOTIFY\n`);
    expect([late.status, late.ms < 4000]).toEqual([4, true]);
  });

  it("an address that is taken is told", () => {
    const { stderr, status } = run("serve", `z=${at("z.zone")}`, "--listen", `127.0.0.1:${port}`);
    expect(stderr).toMatch(
      new RegExp(`^netkit: cannot listen: .*EADDRINUSE 127\\.0\\.0\\.1:${port}\n$`),
    );
    expect(status).toBe(4);
  });
});
