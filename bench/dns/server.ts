/**
 * CPU of servers per query under dnsperf: netkit beside a bare node:dgram echo, NSD and unbound, in
 * one run. npm run bench:dns. What is not installed is left out by name.
 */
import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SECONDS = 3;
const ROUNDS = 3;
const NAMES = 1000;
/** Clock ticks of /proc/PID/stat. */
const TICKS = 100;

const folder = mkdtempSync(join(tmpdir(), "netkit-bench-"));
const has = (program: string) => spawnSync(program, ["-h"]).error === undefined;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

const names = Array.from({ length: NAMES }, (_, i) => `host${i}.example.`);
const zone = `$TTL 3600\n@ SOA ns root 1 7200 900 1209600 300\n@ NS ns\nns A 127.0.0.1\n${names
  .map((name, i) => `${name} A 192.0.2.${i % 250}\n`)
  .join("")}`;
const zoneFile = join(folder, "example.zone");
const queries = join(folder, "queries");
writeFileSync(zoneFile, `$ORIGIN example.\n${zone}`);
writeFileSync(queries, names.map((name) => `${name} A\n`).join(""));

/** Echoes each datagram with QR set: the least that a server on node:dgram costs. */
const ECHO = `const s=require("node:dgram").createSocket({type:"udp4",lookup:(h,o,c)=>(c||o)(null,h,4)});
s.on("message",(m,r)=>{m[2]|=0x80;s.send(m,r.port,r.address)});s.bind(+process.argv[1],"127.0.0.1")`;

/** npm dns2 as its readme shows it, with the names in a Map. */
const DNS2 = `const { createServer, Packet } = require("dns2");
const names = new Map(Array.from({ length: ${NAMES} }, (_, i) => ["host" + i + ".example", "192.0.2." + (i % 250)]));
createServer({ udp: true, handle: (request, send) => {
  const response = Packet.createResponseFromRequest(request);
  const { name } = request.questions[0];
  const address = names.get(name);
  if (address !== undefined)
    response.answers.push({ name, type: Packet.TYPE.A, class: Packet.CLASS.IN, ttl: 3600, address });
  send(response);
} }).listen({ udp: { port: +process.argv[1], address: "127.0.0.1", type: "udp4" } });`;

type Start = (port: number) => readonly string[];

const nsdConf = (port: number) => {
  const file = join(folder, `nsd-${port}.conf`);
  writeFileSync(
    file,
    `server:
  ip-address: 127.0.0.1@${port}
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd"
  zonelistfile: "${folder}/zonelist"
  database: ""
  username: ""
  server-count: 1
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: example.
  zonefile: example.zone
`,
  );
  return file;
};

const unboundConf = (port: number, upstream: number) => {
  const file = join(folder, `unbound-${port}.conf`);
  writeFileSync(
    file,
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  num-threads: 1
  module-config: "iterator"
stub-zone:
  name: example.
  stub-addr: 127.0.0.1@${upstream}
remote-control:
  control-enable: no
`,
  );
  return file;
};

/** CPU seconds of a process and those that it started. */
function cpuOf(pid: number): number {
  const children = spawnSync("pgrep", ["-P", String(pid)], { encoding: "utf8" }).stdout;
  const own = (id: number) => {
    try {
      const fields = readFileSync(`/proc/${id}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      return (Number(fields[11]) + Number(fields[12])) / TICKS;
    } catch {
      return 0; // It has ended meanwhile.
    }
  };
  const ids = children.split("\n").filter((line) => line !== "");
  return own(pid) + ids.reduce((sum, id) => sum + cpuOf(Number(id)), 0);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Server {
  readonly name: string;
  readonly child: ChildProcess;
  readonly port: number;
  best: number;
}

async function launch(name: string, start: Start): Promise<Server> {
  const port = await freePort();
  const [program, ...args] = start(port);
  const child = spawn(program as string, args, { stdio: "ignore", timeout: 180_000 });
  await wait(1500);
  return { name, child, port, best: Number.POSITIVE_INFINITY };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** Microseconds of CPU a query, the least of the rounds. */
function load(server: Server): void {
  const before = cpuOf(server.child.pid as number);
  const run = spawnSync(
    "dnsperf",
    [
      "-s",
      "127.0.0.1",
      "-p",
      String(server.port),
      "-d",
      queries,
      "-l",
      String(SECONDS),
      "-c",
      "4",
      "-q",
      "100",
      "-e",
    ],
    { encoding: "utf8" },
  );
  const completed = Number(/Queries completed:\s+([0-9]+)/.exec(run.stdout)?.[1] ?? 0);
  const used = cpuOf(server.child.pid as number) - before;
  if (completed > 0) server.best = Math.min(server.best, (used * 1e6) / completed);
}

interface Pair {
  /** Answers a second, the most of the rounds. */
  rate: number;
  cpu: number;
}

/** One process beside two, under a client that is much lighter than they are: bench/dns/load.c. */
async function workers(): Promise<void> {
  const client = join(folder, "load");
  const compiled = spawnSync("cc", ["-O2", "-o", client, "bench/dns/load.c"]);
  if (compiled.status !== 0) {
    line("serve --workers 2", "no C compiler for the light client: skipped");
    return;
  }
  const found = new Map<number, Pair>([1, 2].map((n) => [n, { rate: 0, cpu: Infinity }]));
  for (let round = 0; round < ROUNDS; round++)
    for (const [count, best] of found) {
      const { child, port } = await launch(`workers ${count}`, (at) => [
        ...["node", "bin/run.js", "dns", "serve", zoneFile],
        ...["--listen", `127.0.0.1:${at}`, "--workers", String(count)],
      ]);
      const before = cpuOf(child.pid as number);
      const args = [port, SECONDS, 8, 128].map(String);
      const run = spawnSync(client, args, { encoding: "utf8" });
      const used = cpuOf(child.pid as number) - before;
      const [answered = 0, seconds = 1] = run.stdout.split(" ").map(Number);
      best.rate = Math.max(best.rate, answered / seconds);
      best.cpu = Math.min(best.cpu, (used * 1e6) / answered);
      await end(child);
    }
  const [one, two] = [found.get(1) as Pair, found.get(2) as Pair];
  const rates = `${Math.round(two.rate / 1000)} k and ${Math.round(one.rate / 1000)} k a second`;
  line(
    "serve --workers 2 beside 1",
    `${(two.rate / one.rate).toFixed(2)} x answers (${rates}; target >= 1.3 x)`,
  );
  line(
    "",
    `${(two.cpu / one.cpu).toFixed(2)} x CPU a query (${two.cpu.toFixed(1)} and ${one.cpu.toFixed(1)} us; target <= 1.15 x)`,
  );
}

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

const missing = ["dnsperf"].filter((program) => !has(program));
if (missing.length > 0) {
  line("servers", `${missing.join(", ")} is not installed: skipped`);
} else {
  const netkit = ["node", "bin/run.js", "dns"];
  const servers = [
    await launch("echo", (port) => ["node", "-e", ECHO, String(port)]),
    await launch("dns2", (port) => ["node", "-e", DNS2, String(port)]),
    await launch("serve", (port) => [
      ...netkit,
      "serve",
      zoneFile,
      "--listen",
      `127.0.0.1:${port}`,
    ]),
    ...(has("nsd") ? [await launch("nsd", (port) => ["nsd", "-d", "-c", nsdConf(port)])] : []),
  ];
  const authority = servers.find(({ name }) => name === "serve") as Server;
  servers.push(
    await launch("recursor", (port) => [
      ...netkit,
      "recursor",
      "--no-dnssec",
      "--listen",
      `127.0.0.1:${port}`,
      "--stub-zone",
      `example.=127.0.0.1:${authority.port}`,
    ]),
  );
  if (has("unbound"))
    servers.push(
      await launch("unbound", (port) => ["unbound", "-d", "-c", unboundConf(port, authority.port)]),
    );
  for (let round = 0; round < ROUNDS; round++) for (const server of servers) load(server);
  for (const { child, name } of servers) {
    if (child.exitCode !== null) line(name, `ended by itself with exit code ${child.exitCode}`);
    await end(child);
  }
  const cost = (name: string) => servers.find((server) => server.name === name)?.best;
  const ratio = (a: string, b: string, target: string) => {
    const [x, y] = [cost(a), cost(b)];
    if (x === undefined || y === undefined) line(`${a} beside ${b}`, "not installed: skipped");
    else
      line(
        `${a} beside ${b}`,
        `${(x / y).toFixed(2)} x CPU a query (${x.toFixed(1)} and ${y.toFixed(1)} us; target ${target})`,
      );
  };
  ratio("serve", "echo", "<= 1.25 x");
  ratio("serve", "nsd", "<= 1.75 x");
  ratio("dns2", "serve", ">= 6 x");
  ratio("recursor", "unbound", "<= 1.6 x, cache hits");
}
await workers();
rmSync(folder, { recursive: true, force: true });
