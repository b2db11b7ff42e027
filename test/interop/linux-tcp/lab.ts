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

/** An object of a page: it is known when its parent, by place in the list, has come. */
export interface PageObject {
  readonly path: string;
  readonly type: "text/html" | "text/css" | "text/javascript" | "image/png" | "font/woff2";
  readonly bytes: number;
  readonly thinkMs: number;
  readonly parent: number | undefined;
}

export interface PageCell extends Path {
  readonly page: readonly PageObject[];
  readonly strategy: Strategy;
  /** With validators: all answers are 304. */
  readonly reload?: boolean;
}

/** When the client asked for an object and had it, from its connect() on. */
export interface Fetched {
  readonly path: string;
  readonly status: number;
  readonly bytes: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface Run {
  readonly ms: number;
  readonly objects: readonly Fetched[];
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
/** nginx sends files at the one, and what origin.c answers at the other. */
const FILES_PORT = 80;
const PAGE_PORT = 81;
const ORIGIN_PORT = 8081;
export const CONNECTIONS = 6;
/** Runs in which the box was later than this measured the machine, not TCP. */
export const LATE_US = 500;

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
  #server!: string;
  #origin: ChildProcess | undefined;
  #page: readonly PageObject[] | undefined;
  readonly #sizes = new Set<number>();

  static async open(): Promise<Lab> {
    const lab = new Lab();
    await lab.#start();
    return lab;
  }

  async #start(): Promise<void> {
    for (const name of ["box", "client", "origin"])
      execFileSync("gcc", [
        "-pthread",
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
    this.#server = first.server;
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
keepalive_timeout 300s; default_type application/octet-stream; server { listen ${SERVER}:${FILES_PORT}; root ${this.folder}/www; }
upstream origin { server 127.0.0.1:${ORIGIN_PORT}; keepalive 64; }
server { listen ${SERVER}:${PAGE_PORT}; location / { proxy_pass http://origin; proxy_http_version 1.1;
proxy_set_header Connection ""; proxy_buffers 64 64k; } } }`,
    );
    mkdirSync(join(this.folder, "www"));
    this.#nginx = this.#enter(
      first.server,
      "nginx",
      "-p",
      this.folder,
      "-c",
      join(this.folder, "nginx.conf"),
    );
    for (let i = 0; i < 100 && !existsSync(join(this.folder, "nginx.pid")); i++) await sleep(20);
  }

  /** A server of real-time priority in a namespace, which ends with us. */
  #enter(namespace: string, ...command: string[]): ChildProcess {
    const by = ["-f", "20", "nsenter", `--net=${namespace}`, "setpriv", "--pdeathsig", "KILL"];
    return spawn("chrt", [...by, ...command], { stdio: "ignore" });
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

  /** Bodies that name their children as browsers read them, and the server that answers with them. */
  async #serve(page: readonly PageObject[]): Promise<void> {
    if (this.#page === page) return;
    this.#page = page;
    await ended(this.#origin);
    const folder = mkdtempSync(join(this.folder, "page-"));
    const lines = page.map((object, id) => {
      const file = join(folder, `${id}`);
      writeFileSync(file, bodyOf(page, id));
      return `${object.path} ${Math.round(object.thinkMs * 1000)} ${object.type} ${file}\n`;
    });
    writeFileSync(join(folder, "table"), lines.join(""));
    const plan = page.map(({ path, parent }) => `${path} ${parent ?? -1}\n`);
    writeFileSync(join(this.folder, "plan"), plan.join(""));
    this.#origin = this.#enter(
      this.#server,
      join(this.folder, "origin"),
      `${ORIGIN_PORT}`,
      join(folder, "table"),
    );
    await sleep(300);
  }

  /** One fetch; `capture`: prefix of the captures of both ends, and octets kept of each packet. */
  async run(
    cell: Cell | PageCell,
    capture?: readonly [prefix: string, octets: number],
  ): Promise<Run> {
    const page = "page" in cell;
    if (page) await this.#serve(cell.page);
    else this.#files(cell.bytes, cell.n);
    await this.#ask(
      `link ${Math.round(cell.rttMs * 500)} ${Math.round(cell.rateMbps * 1000)} ${queueOf(cell)} ${cell.lossPpm ?? 0} ${cell.seed ?? 1}`,
    );
    if (capture !== undefined) await this.#ask(`capture ${capture.join(" ")}`);
    const port = page ? PAGE_PORT : FILES_PORT;
    const what = page ? join(this.folder, "plan") : `${cell.n},${cell.bytes}`;
    const again = page && cell.reload === true ? ["reload"] : [];
    const result = await this.#fetch(`${port}`, cell.strategy, `${CONNECTIONS}`, what, ...again);
    const stats = (await this.#ask("stats")) as Stats;
    /* What is under way (FIN, its ACK) must not meet the next run. */
    await sleep(3 * cell.rttMs + 20);
    if (capture !== undefined) await this.#ask("capture -");
    return {
      ...result,
      dropsUp: stats.up.drops,
      dropsDown: stats.down.drops,
      lost: stats.up.lost + stats.down.lost,
      packetsUp: stats.up.packets,
      packetsDown: stats.down.packets,
      highestQueue: stats.down.highestQueue,
      lateUs: Math.max(stats.lateUs, stats.stallUs),
    };
  }

  #fetch(...given: string[]): Promise<{ ms: number; headBytes: number; objects: Fetched[] }> {
    const by = ["-f", "20", "nsenter", `--net=${this.#client}`];
    return new Promise((resolve, reject) => {
      const child = spawn("chrt", [...by, join(this.folder, "client"), SERVER, ...given], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      child.on("error", reject);
      child.on("close", (code) => {
        if (code !== 0) return reject(new Error(`client ended with ${code}`));
        const { ms, headBytes, objects } = JSON.parse(text) as {
          ms: number;
          headBytes: number;
          objects: [string, number, number, number, number][];
        };
        const fetched = objects.map(([path, status, bytes, startMs, endMs]) => ({
          path,
          status,
          bytes,
          startMs,
          endMs,
        }));
        return resolve({ ms, headBytes, objects: fetched });
      });
    });
  }

  /** The median of `count` runs in which the machine kept up. */
  async measure(
    cell: Cell | PageCell,
    count: number,
  ): Promise<{ median: Run; min: number; max: number }> {
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
    await Promise.all([this.#origin, this.#nginx, this.#box].map(ended));
    rmSync(this.folder, { recursive: true });
  }
}

function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}

const TAGS: Readonly<Record<PageObject["type"], (path: string) => string>> = {
  "text/css": (path) => `<link rel="stylesheet" href="${path}">`,
  "text/javascript": (path) => `<script src="${path}"></script>`,
  "image/png": (path) => `<img src="${path}">`,
  "font/woff2": (path) => `<link rel="preload" as="font" href="${path}">`,
  "text/html": (path) => `<iframe src="${path}"></iframe>`,
};

function bodyOf(page: readonly PageObject[], id: number): string {
  const { type, bytes } = page[id] as PageObject;
  const children = page.filter(({ parent }) => parent === id);
  let text = "";
  if (type === "text/html") {
    text = `<!doctype html>${children.map((child) => TAGS[child.type](child.path)).join("")}`;
  } else if (type === "text/css") {
    text = children
      .map((child) =>
        child.type === "font/woff2"
          ? `@font-face{font-family:f;src:url(${child.path})}`
          : `.c{background:url(${child.path})}`,
      )
      .join("");
  }
  return text.padEnd(bytes, "x").slice(0, Math.max(bytes, text.length));
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
