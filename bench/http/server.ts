/**
 * Servers and loaders of HTTP beside others: npm run bench:http. Ratios from rounds taken in turn; the
 * server has one core, the load the other. Rows whose rival is not installed say so.
 */
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROUNDS = 3;
const SECONDS = 2;
const folder = mkdtempSync(join(tmpdir(), "netkit-bench-"));
const site = join(folder, "site");
mkdirSync(site);
writeFileSync(join(site, "1k"), Buffer.alloc(1024, 97));

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(40)} ${text}\n`);
}

function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

const children: ChildProcess[] = [];
function start(command: readonly string[], core: number): ChildProcess {
  const child = spawn("taskset", ["-c", String(core), ...command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

async function netkitServer(
  ...flags: readonly string[]
): Promise<{ port: number; child: ChildProcess }> {
  const child = start(
    ["node", "bin/run.js", "http", ...flags, "--listen", "127.0.0.1:0", "--json"],
    0,
  );
  const text = await new Promise<string>((resolve) => {
    child.stdout?.once("data", (bytes: Buffer) => resolve(bytes.toString()));
  });
  return {
    port: (JSON.parse(text) as { listening: { port: number }[] }).listening[0]?.port ?? 0,
    child,
  };
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing listens at ${port}`);
}

async function nginx(port: number, location = "", origin = 0): Promise<ChildProcess> {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  const conf = join(folder, `nginx-${port}.conf`);
  const upstream =
    origin === 0 ? "" : `upstream origin { server 127.0.0.1:${origin}; keepalive 64; }`;
  writeFileSync(
    conf,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/nginx-${port}.pid; error_log ${folder}/nginx.err;
events { worker_connections 20000; }
http { access_log off; ${paths} ${upstream} keepalive_requests 1000000000; sendfile on; tcp_nopush off;
server { listen 127.0.0.1:${port}; root ${site}; ${location} } }\n`,
  );
  const child = start(["nginx", "-c", conf], 0);
  await listens(port);
  return child;
}

const PIPELINE = join(folder, "pipeline.lua");
writeFileSync(
  PIPELINE,
  `init = function() local r = {} for i = 1, 16 do r[i] = wrk.format("GET", "/1k") end req = table.concat(r) end
request = function() return req end\n`,
);

/** Requests a second by wrk on the other core. */
function wrk(port: number, pipelined = false): number {
  const args = [
    "-t1",
    "-c32",
    `-d${SECONDS}`,
    ...(pipelined ? ["-s", PIPELINE] : []),
    `http://127.0.0.1:${port}/1k`,
  ];
  const run = spawnSync("taskset", ["-c", "1", "wrk", ...args], { encoding: "utf8" });
  return Number(/Requests\/sec:\s+([0-9.]+)/.exec(run.stdout)?.[1]);
}

function netkitLoad(port: number): number {
  const args = [
    "bin/run.js",
    "http",
    "bench",
    `http://127.0.0.1:${port}/1k`,
    "--seconds",
    String(SECONDS),
    "--json",
  ];
  const run = spawnSync("taskset", ["-c", "1", "node", ...args], { encoding: "utf8" });
  return (JSON.parse(run.stdout) as { perSecond: number }).perSecond;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** Both sides in turn; the median of the rounds' ratios. */
function beside(
  ours: () => number,
  theirs: () => number,
): { ratio: number; ours: number; theirs: number } {
  const rounds = Array.from({ length: ROUNDS }, () => ({ ours: ours(), theirs: theirs() }));
  return {
    ratio: median(rounds.map((round) => round.ours / round.theirs)),
    ours: median(rounds.map((round) => round.ours)),
    theirs: median(rounds.map((round) => round.theirs)),
  };
}

function rssOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+([0-9]+)/.exec(status)?.[1]) / 1024;
}

/** Megabytes that so many idle connections add to a server. */
async function idleMemory(port: number, pid: number, count: number): Promise<number> {
  const before = rssOf(pid);
  const sockets = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<import("node:net").Socket>((resolve, reject) => {
          const socket = connect(port, "127.0.0.1", () => {
            socket.write("GET /1k HTTP/1.1\r\nHost: x\r\n\r\n");
          });
          socket.once("data", () => resolve(socket));
          socket.on("error", reject);
        }),
    ),
  );
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = rssOf(pid);
  for (const socket of sockets) socket.destroy();
  return after - before;
}

/** The cache in front of our origin: hits beside varnish, and what is not cached beside nginx. */
async function proxies(origin: number): Promise<void> {
  const proxy = (cached: boolean) =>
    netkitServer(
      "proxy",
      "--reverse",
      `http://127.0.0.1:${origin}`,
      ...(cached ? [] : ["--no-cache"]),
    );
  const cached = await proxy(true);
  if (has("varnishd")) {
    const port = 18_283;
    const state = join(folder, "varnish");
    const child = start(
      [
        "varnishd",
        "-F",
        "-n",
        state,
        "-a",
        `127.0.0.1:${port}`,
        "-b",
        `127.0.0.1:${origin}`,
        "-s",
        "malloc,64m",
      ],
      0,
    );
    child.stdout?.resume();
    await listens(port);
    const hit = beside(
      () => wrk(cached.port),
      () => wrk(port),
    );
    line(
      "proxy, cache hit 1 KB",
      `${hit.ratio.toFixed(2)} x varnish (${k(hit.ours)}, ${k(hit.theirs)}; target >= 1.2)`,
    );
    const piped = beside(
      () => wrk(cached.port, true),
      () => wrk(port, true),
    );
    line(
      "proxy, hits pipelined 16 deep",
      `${piped.ratio.toFixed(2)} x varnish (${k(piped.ours)}, ${k(piped.theirs)}; target >= 4)`,
    );
  } else line("proxy, cache hit 1 KB", "varnish is not installed");
  if (has("nginx")) {
    const port = 18_284;
    const passing = await proxy(false);
    await nginx(
      port,
      `location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }`,
      origin,
    );
    const pass = beside(
      () => wrk(passing.port),
      () => wrk(port),
    );
    line(
      "proxy, nothing cached",
      `${pass.ratio.toFixed(2)} x nginx (${k(pass.ours)}, ${k(pass.theirs)}; target >= 0.7)`,
    );
  }
}

const k = (value: number) => `${Math.round(value / 1000)} k/s`;

try {
  const { port, child } = await netkitServer("serve", site);
  if (has("nginx") && has("wrk")) {
    const other = 18_282;
    await nginx(other);
    const plain = beside(
      () => wrk(port),
      () => wrk(other),
    );
    line(
      "origin, 1 KB, keep-alive",
      `${plain.ratio.toFixed(2)} x nginx (${k(plain.ours)}, ${k(plain.theirs)}; target >= 0.9)`,
    );
    const piped = beside(
      () => wrk(port, true),
      () => wrk(other, true),
    );
    line(
      "origin, pipelined 16 deep",
      `${piped.ratio.toFixed(2)} x nginx (${k(piped.ours)}, ${k(piped.theirs)}; target >= 4)`,
    );
    const load = beside(
      () => netkitLoad(other),
      () => wrk(other),
    );
    line(
      "http bench against nginx",
      `${load.ratio.toFixed(2)} x wrk (${k(load.ours)}, ${k(load.theirs)}; target >= 0.8)`,
    );
  } else line("origin and load client", "nginx and wrk are not installed");
  if (has("wrk")) await proxies(port);
  const pid = Number(
    spawnSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" }).stdout.trim() || child.pid,
  );
  const idle = await idleMemory(port, pid, 10_000);
  line("10,000 idle connections", `${idle.toFixed(0)} MB over the base (target 100)`);
} finally {
  for (const child of children) child.kill("SIGTERM");
}
