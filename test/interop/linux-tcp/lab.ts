/** Real Linux TCP over a link of stated properties: box.c between two namespaces, nginx, client.c. */
import type { ChildProcess, ChildProcessByStdio } from "node:child_process";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

export const STRATEGIES = [
  "serial",
  "persistent",
  "concurrent",
  "concurrent-persistent",
  "pipelined",
  "pipelined-warm",
] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface Path {
  readonly rttMs: number;
  readonly rateMbps: number;
  /** Per direction, with the packet in service; without: one bandwidth-delay product, at least 30 KB. */
  readonly queueBytes?: number;
  readonly lossPpm?: number;
  readonly seed?: number;
}

export interface Cell extends Path {
  readonly n: number;
  readonly bytes: number;
  readonly strategy: Strategy;
}

export interface Run {
  readonly ms: number;
  readonly headBytes: number;
  readonly dropsUp: number;
  readonly dropsDown: number;
  readonly lost: number;
  readonly packetsUp: number;
  readonly packetsDown: number;
  /** The most bytes that stood in the queue towards the client. */
  readonly highestQueue: number;
  /** How late the box delivered its latest packet. */
  readonly lateUs: number;
}

interface Counters {
  packets: number;
  drops: number;
  lost: number;
  highestQueue: number;
}

interface Stats {
  lateUs: number;
  stallUs: number;
  up: Counters;
  down: Counters;
}

/** From the root of the repository, where tests and scripts run. */
const SOURCE = "test/interop/linux-tcp";
const SERVER = "10.77.0.2";
const CONNECTIONS = 6;
/** Runs in which the box was later than this measured the machine, not TCP. */
const LATE_US = 500;

export const queueOf = (p: Path): number =>
  p.queueBytes ?? Math.max(30_000, Math.round((p.rttMs * p.rateMbps * 1000) / 8));

/** Why this machine cannot run it, in one line; undefined if it can. */
export function missing(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root for namespaces";
  if (!existsSync("/dev/net/tun")) return "needs /dev/net/tun";
  for (const [tool, flag] of [
    ["gcc", "--version"],
    ["nginx", "-v"],
    ["ip", "-V"],
    ["nsenter", "--version"],
    ["setpriv", "--version"],
    ["chrt", "--version"],
  ] as const)
    if (spawnSync(tool, [flag], { timeout: 10_000 }).status !== 0) return `needs ${tool}`;
  if (spawnSync("unshare", ["--net", "true"], { timeout: 10_000 }).status !== 0)
    return "may not make network namespaces";
  const known = execFileSync("sysctl", ["-n", "net.ipv4.tcp_available_congestion_control"]);
  if (!known.toString().includes("cubic")) return "needs the congestion control cubic";
  return undefined;
}

export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), "netkit-tcp-"));
  #box!: ChildProcessByStdio<Writable, Readable, null>;
  #lines!: AsyncIterator<string>;
  #nginx!: ChildProcess;
  #client!: string;
  readonly #sizes = new Set<number>();

  static async open(): Promise<Lab> {
    const lab = new Lab();
    await lab.#start();
    return lab;
  }

  async #start(): Promise<void> {
    for (const name of ["box", "client"])
      execFileSync("gcc", [
        "-O2",
        "-Wall",
        "-o",
        join(this.folder, name),
        join(SOURCE, `${name}.c`),
      ]);
    this.#box = spawn(join(this.folder, "box"), [], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#box.stdout })[Symbol.asyncIterator]();
    const first = JSON.parse(await this.#line());
    this.#client = first.client;
    if (first.realTime !== true)
      process.stderr.write("box: no real-time priority: timing suffers\n");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path ${this.folder}/${name};`)
      .join(" ");
    writeFileSync(
      join(this.folder, "nginx.conf"),
      `daemon off; master_process off; user root; pid ${this.folder}/nginx.pid; error_log ${this.folder}/error.log;
worker_rlimit_nofile 4096; events { worker_connections 2048; }
http { ${temporary} access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000;
keepalive_timeout 300s; default_type application/octet-stream; server { listen ${SERVER}:80; root ${this.folder}/www; } }`,
    );
    mkdirSync(join(this.folder, "www"));
    this.#nginx = spawn(
      "chrt",
      // biome-ignore format: one command line
      ["-f", "20", "nsenter", `--net=${first.server}`, "setpriv", "--pdeathsig", "KILL",
       "nginx", "-p", this.folder, "-c", join(this.folder, "nginx.conf")],
      { stdio: "ignore" },
    );
    for (let i = 0; i < 100 && !existsSync(join(this.folder, "nginx.pid")); i++) await sleep(20);
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the box has ended");
    return value;
  }

  async #ask(command: string): Promise<unknown> {
    this.#box.stdin.write(`${command}\n`);
    const answer = JSON.parse(await this.#line());
    if (answer.error !== undefined) throw new Error(`box: ${answer.error}: ${command}`);
    return answer;
  }

  #files(bytes: number, n: number): void {
    if (this.#sizes.has(bytes)) return;
    this.#sizes.add(bytes);
    const folder = join(this.folder, "www", `o${bytes}`);
    mkdirSync(folder);
    const first = join(folder, "f1");
    const body = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++) body[i] = (i * 2654435761) >>> 24;
    writeFileSync(first, body);
    for (let i = 2; i <= Math.max(n, 50); i++) linkSync(first, join(folder, `f${i}`));
  }

  /** One fetch of the set; `capture`: prefix of the captures of both ends. */
  async run(cell: Cell, capture?: string): Promise<Run> {
    this.#files(cell.bytes, cell.n);
    await this.#ask(
      `link ${Math.round(cell.rttMs * 500)} ${Math.round(cell.rateMbps * 1000)} ${queueOf(cell)} ${cell.lossPpm ?? 0} ${cell.seed ?? 1}`,
    );
    if (capture !== undefined) await this.#ask(`capture ${capture}`);
    const result = await this.#fetch(cell);
    const stats = (await this.#ask("stats")) as Stats;
    /* What is under way (FIN, its ACK) must not meet the next run. */
    await sleep(3 * cell.rttMs + 20);
    if (capture !== undefined) await this.#ask("capture -");
    return {
      ms: result.ms,
      headBytes: result.headBytes,
      dropsUp: stats.up.drops,
      dropsDown: stats.down.drops,
      lost: stats.up.lost + stats.down.lost,
      packetsUp: stats.up.packets,
      packetsDown: stats.down.packets,
      highestQueue: stats.down.highestQueue,
      lateUs: Math.max(stats.lateUs, stats.stallUs),
    };
  }

  #fetch(cell: Cell): Promise<{ ms: number; headBytes: number }> {
    return new Promise((resolve, reject) => {
      // biome-ignore format: one command line
      const child = spawn("chrt", ["-f", "20", "nsenter", `--net=${this.#client}`, join(this.folder, "client"),
         SERVER, "80", cell.strategy, `${cell.n}`, `${cell.bytes}`, `${CONNECTIONS}`],
        { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      child.stdout.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) resolve(JSON.parse(text));
        else reject(new Error(`client ended with ${code}`));
      });
    });
  }

  /** The median of `count` runs in which the machine kept up. */
  async measure(cell: Cell, count: number): Promise<{ median: Run; min: number; max: number }> {
    const runs: Run[] = [];
    for (let tries = 0; runs.length < count; tries++) {
      const run = await this.run(cell);
      if (run.lateUs <= LATE_US || tries >= 4 * count) runs.push(run);
    }
    runs.sort((a, b) => a.ms - b.ms);
    const median = runs[(runs.length - 1) >> 1];
    const max = runs.at(-1);
    if (median === undefined || max === undefined) throw new RangeError("no runs");
    return { median, min: runs[0]?.ms ?? 0, max: max.ms };
  }

  async close(): Promise<void> {
    const ended = [this.#nginx, this.#box].map(
      (child) => new Promise<void>((resolve) => child.once("exit", () => resolve())),
    );
    this.#nginx.kill("SIGKILL");
    this.#box.kill("SIGKILL");
    await Promise.all(ended);
    rmSync(this.folder, { recursive: true });
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
