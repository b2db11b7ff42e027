/** One folder of `--cache`, several processes. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";

let origin: Served;
beforeAll(async () => {
  origin = await serve((request, response) => {
    response.writeHead(200, { "Cache-Control": "max-age=600" }).end(`body ${request.url}`);
  });
});
afterAll(() => origin.server.close());

const children: ChildProcess[] = [];
function over(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once("exit", resolve));
}
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal);
  return over(child);
}
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, "SIGKILL");
});

const folder = () => mkdtempSync(join(tmpdir(), "netkit-lock-"));

function proxy(cache: string) {
  const args = ["http", "proxy", "--reverse", origin.url, "--cache", cache];
  const child = spawn(
    process.execPath,
    ["bin/run.js", ...args, "--json", "--listen", "127.0.0.1:0"],
    { timeout: 60_000, stdio: ["ignore", "pipe", "pipe"] },
  );
  children.push(child);
  const stderr = text(child.stderr);
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => {
      const { listening } = JSON.parse(bytes.toString()) as { listening: { port: number }[] };
      resolve(`http://127.0.0.1:${listening[0]?.port}/`);
    });
    child.once("exit", async () => reject(new Error(await stderr)));
  });
  url.catch(() => {});
  return { child, url, stderr };
}

const locks = (cache: string) => readdirSync(cache).filter((name) => name.startsWith("lock"));

describe("a cache in a folder", () => {
  it("is one proxy's: a second ends with 3 and one line, and after kill -9 the next has it", async () => {
    const cache = join(folder(), "cache");
    const first = proxy(cache);
    await first.url;
    const second = proxy(cache);
    expect(await over(second.child)).toBe(3);
    expect(await second.stderr).toBe(
      `netkit: --cache ${cache}: in use by process ${first.child.pid}\n`,
    );
    expect((await fetch(`${await first.url}a`)).status).toBe(200);
    await end(first.child, "SIGKILL");
    expect(locks(cache)).toEqual(["lock"]);
    const third = proxy(cache);
    expect((await fetch(`${await third.url}a`)).status).toBe(200);
    expect(await end(third.child, "SIGTERM")).toBe(0);
    expect(locks(cache)).toEqual([]);
  });

  it("that is a proxy's: fetch goes on without it, and says so", async () => {
    const cache = join(folder(), "cache");
    const { child, url } = proxy(cache);
    await url;
    const ran = await fetchRun([`${origin.url}b`, "--cache", cache, "-s", "-o", "-"]);
    expect(ran).toEqual({
      code: 0,
      stdout: "body /b",
      stderr: `netkit: --cache ${cache}: in use by process ${child.pid}; going on without it\n`,
    });
    await end(child, "SIGTERM");
    const after = await fetchRun([`${origin.url}b`, "--cache", cache, "-s", "-o", "-"]);
    expect([after.code, after.stderr]).toEqual([0, ""]);
  });

  it("that is a link which leads nowhere: it cannot be used", async () => {
    const cache = folder();
    symlinkSync(join(cache, "none"), join(cache, "lock"));
    const got = await fetchRun([`${origin.url}d`, "--cache", cache, "-s", "-o", "-"]);
    expect([got.code, got.stderr]).toEqual([
      3,
      `netkit: --cache ${cache}: cannot be used (ELOOP)\n`,
    ]);
    expect(locks(cache)).toEqual(["lock"]);
  });

  const boot = "/proc/sys/kernel/random/boot_id";
  const linux = existsSync(boot);
  const thisBoot = linux ? readFileSync(boot, "utf8").trim() : "-";
  const left: readonly (readonly [what: string, holder: string])[] = [
    ["is not running", "999999999 1 -"],
    ["is not told, since power failed", ""],
    ...(linux
      ? ([
          ["is another by now", `${process.pid} 1 ${thisBoot}`],
          ["ran before the machine was started", `${process.pid} 1 another`],
        ] as const)
      : []),
  ];
  it.each(left)("is taken over from a process that %s", async (_what, holder) => {
    const cache = folder();
    writeFileSync(join(cache, "lock"), holder);
    const got = await fetchRun([`${origin.url}c`, "--cache", cache, "-s", "-o", "-"]);
    expect([got.code, got.stdout, got.stderr]).toEqual([0, "body /c", ""]);
    expect(locks(cache)).toEqual([]);
  });

  it("is taken over by one of several who find it left, and then by the others", async () => {
    const cache = join(folder(), "cache");
    mkdirSync(cache);
    // One was killed in a take-over, too.
    for (const name of ["lock", "lock.over"]) writeFileSync(join(cache, name), "999999999 1 -");
    const paths = ["1", "2", "3", "4"];
    const ran = await Promise.all(
      paths.map((path) => fetchRun([origin.url + path, "--cache", cache, "-s", "-o", "-"])),
    );
    expect(ran.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(
      paths.map((path) => `0 body /${path}`),
    );
    const warned = ran.filter(({ stderr }) => stderr !== "").length;
    const names = readdirSync(cache);
    // Each who had it left its response whole.
    expect(names.filter((name) => name.endsWith(".meta"))).toHaveLength(paths.length - warned);
    expect(names.filter((name) => !/\.(?:meta|body)$/.test(name))).toEqual([]);
  }, 30_000);
});
