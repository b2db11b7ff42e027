/**
 * A large body through serve, a reverse proxy and fetch: what each process has in memory beyond what it
 * takes at rest. npm run bench:stream; npm run bench:stream -- 1 for 1 GB in place of 10.
 */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const GB = 1_000_000_000;
const TARGET_MB = 60;
const SAMPLE_MS = 50;

const size = Number(process.argv[2] ?? 10) * GB;
if (!(size > 0)) throw new Error("bench/http/stream.ts [GB]: a number of gigabytes");
const folder = mkdtempSync(join(tmpdir(), "netkit-stream-"));

/** Takes no room on the disk. */
function sparse(name: string, bytes: number): void {
  const file = openSync(join(folder, name), "w");
  ftruncateSync(file, bytes);
  closeSync(file);
}

/** Megabytes resident: now, and the most so far; undefined once the process is gone. */
function memory(child: ChildProcess): { now: number; peak: number } | undefined {
  try {
    const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
    const of = (name: string) =>
      Number(new RegExp(`${name}:\\s+([0-9]+)`).exec(status)?.[1]) / 1024;
    const found = { now: of("VmRSS"), peak: of("VmHWM") };
    return Number.isNaN(found.now) ? undefined : found;
  } catch {
    return undefined;
  }
}

const children: ChildProcess[] = [];
async function server(...words: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const args = ["bin/run.js", "http", ...words, "--listen", "127.0.0.1:0", "--json"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", (code) => reject(new Error(`http ${words[0]} ended with ${code}`)));
  });
  const { listening } = JSON.parse(first) as { listening: { port: number }[] };
  return { child, url: `http://127.0.0.1:${listening[0]?.port}` };
}

/** Octets that came, seconds, and the peak of the process that fetched them. */
async function fetched(url: string) {
  const args = ["bin/run.js", "http", "fetch", url, "-o", "/dev/null", "--json"];
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, memory(child)?.peak ?? 0);
  };
  const timer = setInterval(look, SAMPLE_MS);
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const report = await text(child.stdout as NonNullable<typeof child.stdout>);
  if ((await code) !== 0) throw new Error(`http fetch ended with ${child.exitCode}`);
  clearInterval(timer);
  const { bytes } = JSON.parse(report) as { bytes: number };
  return { bytes, peak, seconds: (performance.now() - began) / 1000 };
}

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(40)} ${text}\n`);
}

try {
  sparse("big", size);
  sparse("small", 1);
  const origin = await server("serve", folder);
  const proxy = await server("proxy", "--reverse", origin.url);
  const small = await fetched(`${proxy.url}/small`);
  const [serveBase, proxyBase] = [memory(origin.child)?.now, memory(proxy.child)?.now];
  const big = await fetched(`${proxy.url}/big`);
  if (big.bytes !== size) throw new Error(`${big.bytes} octets came in place of ${size}`);
  line("serve, proxy --reverse, fetch", `${size / GB} GB in ${big.seconds.toFixed(1)} s`);
  for (const [name, base, peak] of [
    ["http serve", serveBase, memory(origin.child)?.peak],
    ["http proxy --reverse", proxyBase, memory(proxy.child)?.peak],
    ["http fetch", small.peak, big.peak],
  ] as const) {
    const [from, to] = [Number(base), Number(peak)];
    line(
      `${name}, peak over base`,
      `${(to - from).toFixed(0)} MB (${from.toFixed(0)}, ${to.toFixed(0)}; target <= ${TARGET_MB})`,
    );
  }
} finally {
  for (const child of children) child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
