import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchRun } from "../support/http/fetch-run.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-lab-"));
const hints = join(folder, "root.hints");
const anchor = join(folder, "root.ds");
let lab: ChildProcessWithoutNullStreams;
let port = 0;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1", () => {
      const { port: found } = socket.address();
      socket.close(() => resolve(found));
    });
  });
}

/** A server that runs until it is killed; resolves with the first line of its stdout. */
function start(
  ...args: string[]
): Promise<{ child: ChildProcessWithoutNullStreams; first: string }> {
  const child = spawn("node", ["bin/run.js", "dns", ...args], { timeout: 60_000 });
  return new Promise((resolve, reject) => {
    let out = "";
    let err = "";
    child.stderr.on("data", (data) => (err += data));
    child.stdout.on("data", (data) => {
      out += data;
      if (out.includes("\n")) resolve({ child, first: out.split("\n")[0] as string });
    });
    child.on("exit", (code) => reject(new Error(`exit ${code}: ${err}`)));
  });
}

function resolve(...args: string[]) {
  const { stdout, stderr, status } = spawnSync("node", ["bin/run.js", "dns", "resolve", ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { stdout, stderr, status };
}

// Other systems give the loopback one address only.
const onLinux = process.platform === "linux";
if (!onLinux) process.stderr.write("dns lab: needs the addresses of 127.0.0.0/8: skipped\n");

beforeAll(async () => {
  if (!onLinux) return;
  port = await freePort();
  const started = await start("lab", "--json", "--port", String(port), "--folder", folder);
  lab = started.child;
  const report = JSON.parse(started.first) as { listening: string[]; recursor: string };
  expect(report.listening).toHaveLength(26);
});

afterAll(async () => {
  if (!onLinux) return;
  const ended = new Promise((done) => lab.on("exit", done));
  lab.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true });
});

describe.skipIf(!onLinux)("netkit dns resolve against the lab", () => {
  const walk = () => ["--hints", hints, "--port", String(port)];

  it("RFC 7858, RFC 4035 5: answers over TLS are validated too, by a server whose certificate is right", async () => {
    const [certPath, keyPath] = ["fixtures/tls/localhost.pem", "fixtures/tls/localhost.key"];
    const tls = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"];
    const keys = ["--cert", certPath, "--key", keyPath, "--hints", hints, "--trust-anchor", anchor];
    const { child, first } = await start(
      ...["recursor", ...tls, ...keys, "--upstream-port", String(port), "--json"],
    );
    const { listening } = JSON.parse(first) as { listening: { port: number }[] };
    const at = `@tls://127.0.0.1:${listening[1]?.port}`;
    const validate = ["--validate", "--hints", hints, "--trust-anchor", anchor];
    const ask = (...flags: string[]) => resolve("www.example.com", "A", at, ...validate, ...flags);
    const good = ask("--tls-ca", certPath, "--tls-name", "localhost");
    expect(good.stdout).toMatch(/NOERROR SECURE from 127\.0\.0\.1#\d+ \(/);
    expect(good.stderr).toBe("");
    expect(ask("--tls-ca", certPath, "--tls-name", "other").status).toBe(4);
    child.kill("SIGTERM");
  });

  it("asks a server: data of all kinds, and exit codes that say what came of it", () => {
    const at = `@127.0.0.53:${port}`;
    expect(resolve("www.cs.uni.edu", "A", at, "--short")).toMatchObject({
      stdout: "192.0.2.90\n",
      status: 0,
    });
    const all = resolve("example.com", "MX", "TXT", at, "--json")
      .stdout.trim()
      .split("\n")
      .map((l) => JSON.parse(l));
    expect(all.map((one) => one.response.answers[0].data)).toEqual([
      "10 mail.example.com.",
      '"the lab of netkit"',
    ]);
    expect(all[0].response.ad).toBe(true);
    expect(resolve("nothing.example.com", "A", at).status).toBe(1);
    expect(
      resolve("www.example.com", "A", "@127.0.0.99:9", "--timeout", "200", "--tries", "1").status,
    ).toBe(4);
    const wrong = resolve("www..example.com", "A", at);
    expect([wrong.status, wrong.stderr.trim().split("\n").length]).toEqual([2, 1]);
  });

  it("http fetch looks names up in each of the modes, and hands a proxy of SOCKS5 the address", async () => {
    const asked: string[] = [];
    const socks = createServer((client) => {
      client.on("error", () => {});
      client.once("data", () => {
        client.write(Buffer.from([5, 0]));
        client.once("data", (request) => {
          asked.push(request.toString("hex"));
          client.end(Buffer.from([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]));
        });
      });
    });
    await new Promise<void>((done) => socks.listen(0, "127.0.0.1", done));
    const proxy = `socks5://127.0.0.1:${(socks.address() as AddressInfo).port}`;
    for (const mode of ["iterative", "hybrid", "recursive"]) {
      const { code, stderr } = await fetchRun([
        ...["http://www.cs.uni.edu/", "-s", "-x", proxy, "--dns-mode", mode],
        ...["--dns-hints", hints, "--dns-port", String(port), "--dns", `@127.0.0.53:${port}`],
      ]);
      expect([code, stderr.trim().endsWith("the proxy answered: host unreachable")]).toEqual([
        4,
        true,
      ]);
    }
    socks.close();
    // RFC 1928 4: CONNECT to 192.0.2.90, port 80.
    expect(asked).toEqual(new Array(3).fill("05010001c000025a0050"));
  });

  it("walks from the root, validates, and tells each step", () => {
    const run = resolve(
      "www.cs.uni.edu",
      "A",
      "--mode",
      "iterative",
      ...walk(),
      "--trust-anchor",
      anchor,
      "--trace",
    );
    expect(run.status).toBe(0);
    expect(run.stdout).toContain("SECURE");
    expect(run.stderr).toContain("referral, to cs.uni.edu., with 2 glue");
    const insecure = resolve(
      "www.shop.com",
      "A",
      "--mode",
      "iterative",
      ...walk(),
      "--trust-anchor",
      anchor,
    );
    expect(insecure.stdout).toContain("INSECURE");
  });

  it("--validate of a walk is of what all its servers say", () => {
    const ways = ["--mode", "iterative", "--validate", ...walk(), "--trust-anchor", anchor];
    const run = resolve("www.example.com", "A", ...ways);
    expect(run.stdout).toMatch(/^; www\.example\.com\. A NOERROR SECURE from a walk of our own/);
    expect(run.status).toBe(0);
  });

  it("--mode recursive asks the @server that is named, and no other", () => {
    const server = `127.0.0.53:${port}`;
    const run = resolve("www.uni.edu", "A", "--mode", "recursive", `@${server}`, "--trace");
    expect(run.stdout).toContain("from 127.0.0.53#");
    expect(run.stderr.match(/to [0-9.]+#[0-9]+/g)).toEqual([`to ${server.replace(":", "#")}`]);
    expect(run.status).toBe(0);
  });

  it("recursive and hybrid give the same answer", () => {
    for (const mode of ["recursive", "hybrid"]) {
      const run = resolve(
        "www.uni.edu",
        "A",
        "--mode",
        mode,
        ...walk(),
        `@127.0.0.53:${port}`,
        "--short",
      );
      expect(run).toMatchObject({ stdout: "192.0.2.80\n", status: 0 });
    }
    const compared = resolve(
      "www.uni.edu",
      "A",
      "--compare",
      ...walk(),
      `@127.0.0.53:${port}`,
      "--json",
    );
    const { rows } = JSON.parse(compared.stdout) as { rows: { mode: string; rcode: string }[] };
    expect(rows.map((row) => row.rcode)).toEqual(Array(6).fill("NOERROR"));
  });

  it("RFC 5936: secondaries have their zones from the primary, by transfer", () => {
    const transfer = (addr: string) => resolve("uni.edu", "AXFR", `@${addr}:${port}`);
    const [primary, secondary] = [transfer("127.0.4.1"), transfer("127.0.4.2")];
    expect(primary.stdout).toMatch(/RRSIG/);
    const records = (text: string) => text.split("\n").sort();
    expect(records(secondary.stdout)).toEqual(records(primary.stdout));
    expect(resolve("uni.edu", "SOA", `@127.0.4.2:${port}`, "--short").status).toBe(0);
  });

  it("RFC 4035 5: a server that lies is found out by --validate and by --compare-servers", async () => {
    const { child, first } = await start(
      "recursor",
      "--json",
      "--listen",
      "127.0.0.1:0",
      "--hints",
      hints,
      "--upstream-port",
      String(port),
      "--trust-anchor",
      anchor,
      "--lie",
      "www.example.com=192.0.2.66",
    );
    try {
      const { listening } = JSON.parse(first) as {
        listening: (string | { addr: string; port: number })[];
      };
      const [at] = listening;
      const liar = typeof at === "string" ? `@${at}` : `@${at?.addr}:${at?.port}`;
      expect(resolve("www.example.com", "A", liar, "--short").stdout).toBe("192.0.2.66\n");
      const judged = resolve(
        "www.example.com",
        "A",
        liar,
        "--validate",
        ...walk(),
        "--trust-anchor",
        anchor,
      );
      expect([judged.status, judged.stdout.includes("SERVFAIL")]).toEqual([1, true]);
      const honest = `@127.0.0.53:${port}`;
      expect(resolve("www.example.com", "A", "--compare-servers", liar, honest).status).toBe(1);
    } finally {
      child.kill("SIGTERM");
    }
  });
});

describe.skipIf(!onLinux)("netkit dns bench against the lab", () => {
  it("RFC 1035 4.1.1: asks for recursion, and tells what it measured when it is ended", async () => {
    const name = ["mail.example.com", "A", `@127.0.0.53:${port}`];
    const long = ["--seconds", "30", "--rate", "100", "--json"];
    const child = spawn("node", ["bin/run.js", "dns", "bench", ...name, ...long]);
    setTimeout(() => child.kill("SIGINT"), 1500);
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    const code = await new Promise((done) => child.on("exit", done));
    const { answered, seconds, rcodes } = JSON.parse(out) as Record<string, number | object>;
    expect(rcodes).toEqual({ NOERROR: answered });
    expect([code, Number(answered) > 0, Number(seconds) < 10]).toEqual([130, true, true]);
  });
});
