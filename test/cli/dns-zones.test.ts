/** A recursor with zones of its own, and servers that have keys by name, as commands. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "netkit-zones-"));
const children: ChildProcessWithoutNullStreams[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const file = join(folder, "corp.zone");
const write = (address: string) =>
  writeFileSync(
    file,
    `$TTL 60\n@ SOA ns h 1 600 600 6000 60\n@ NS ns\nns A 127.0.0.1\nwww A ${address}\n`,
  );
const K1 = "k1:Zmlyc3Q=";
const K2 = "k2:c2Vjb25k";

/** A server, and what it says; `until` waits for a line of that. */
function start(...args: string[]) {
  const all = ["bin/run.js", "dns", ...args, "--listen", "127.0.0.1:0", "--json"];
  const child = spawn("node", all, { timeout: 60_000 });
  children.push(child);
  let said = "";
  const port = new Promise<number>((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`exit ${code}: ${said}`)));
    child.stdout.once("data", (data) => {
      const { listening } = JSON.parse(String(data)) as { listening: { port: number }[] };
      resolve(listening[0]?.port ?? 0);
    });
  });
  const until = (wanted: RegExp) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (wanted.test(said)) resolve();
      };
      child.stderr.on("data", look);
      look();
    });
  child.stderr.on("data", (data) => (said += data));
  return { child, port, until };
}

function run(...args: string[]) {
  const { stdout, stderr, status } = spawnSync("node", ["bin/run.js", "dns", ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { stdout, stderr, status };
}

describe("dns recursor --auth-zone", () => {
  it("answers from a file, and from what it reads at SIGHUP", async () => {
    write("192.0.2.1");
    const { child, port, until } = start("recursor", "--auth-zone", `corp=${file}`);
    const at = `@127.0.0.1:${await port}`;
    expect(run("resolve", "www.corp", "A", at, "--short").stdout).toBe("192.0.2.1\n");
    write("192.0.2.2");
    child.kill("SIGHUP");
    await until(/SIGHUP: files were read again/);
    expect(run("resolve", "www.corp", "A", at, "--short").stdout).toBe("192.0.2.2\n");
  });

  it.each([
    [["corp"], 2, /--auth-zone corp is no ZONE=FILE/],
    [["corp="], 2, /is no ZONE=FILE/],
    [["corp=/no/such.zone"], 3, /no such file/],
    [["corp=@192.0.2.1:99999"], 2, /192.0.2.1:99999 is no ADDRESS/],
  ])("a bad one is one line: %j", (values, code, why) => {
    const { status, stderr } = run("recursor", ...values.flatMap((one) => ["--auth-zone", one]));
    expect(stderr).toMatch(why);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(status).toBe(code);
  });
});

describe("keys by name", () => {
  it("RFC 8945 5, RFC 1996 3.11: each server has its key, and a NOTIFY without it is refused", async () => {
    write("192.0.2.1");
    const keys = ["--tsig", K1, "--tsig", K2];
    const primary = start("serve", `corp=${file}`, ...keys);
    const port = await primary.port;
    const secondary = start("serve", "--secondary", `corp@127.0.0.1:${port}#k2`, ...keys);
    const at = `@127.0.0.1:${await secondary.port}`;
    await secondary.until(/corp\. serial 1/);
    const asked = (key: string) => run("resolve", "www.corp", "A", at, "--short", "--tsig", key);
    expect(asked(K1)).toMatchObject({ stdout: "192.0.2.1\n", status: 0 });
    expect(asked(K2)).toMatchObject({ stdout: "192.0.2.1\n", status: 0 });
    const wrong = asked("k2:d3Jvbmc=");
    expect([wrong.stdout, wrong.status]).toEqual(["", 3]);
    expect(wrong.stderr).toMatch(/BADSIG/);
    expect(run("notify", "corp", at)).toMatchObject({
      stdout: expect.stringMatching(/NOTAUTH/),
      status: 1,
    });
    expect(run("notify", "corp", at, "--tsig", K1)).toMatchObject({
      stdout: expect.stringMatching(/NOTAUTH/),
      status: 1,
    });
    expect(run("notify", "corp", at, "--tsig", K2)).toMatchObject({
      stdout: expect.stringMatching(/NOERROR/),
      status: 0,
    });
  });

  it("a key that is not given is one line", () => {
    const { status, stderr } = run("serve", "--secondary", "corp@127.0.0.1#k3", "--tsig", K1);
    expect(stderr).toMatch(/there is no --tsig key k3\./);
    expect(status).toBe(2);
  });
});
