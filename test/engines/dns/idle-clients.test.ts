/** Ten thousand clients that connect and say nothing. RFC 7766 6.2.3 (idle), 10 (exhaustion). */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { decode, encode, FrameDecoder, frame } from "../../../src/codecs/dns/index.ts";
import { questionFor } from "../../../src/engines/dns/resolver/resolver.ts";

const CLIENTS = 10_000;
/** Of both sides, with what a process has open anyway. */
const FILES = CLIENTS + 500;
const AT_ONCE = 200;
const MAX_MEGABYTES = 300;

/** Node raises its own limit to the hard one. */
const limit = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).stdout.trim();
const enough = process.platform === "linux" && (limit === "unlimited" || Number(limit) >= FILES);
if (!enough)
  process.stderr.write(`idle clients: ${FILES} open files are needed, ${limit} allowed: skipped\n`);

const folder = mkdtempSync(join(tmpdir(), "netkit-idle-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function serve(
  ...args: string[]
): Promise<{ child: ChildProcessWithoutNullStreams; port: number }> {
  const all = ["bin/run.js", "dns", ...args, "--listen", "127.0.0.1:0", "--json"];
  const child = spawn("node", all, { timeout: 120_000 });
  return new Promise((resolve, reject) => {
    let err = "";
    child.stderr.on("data", (data) => (err += data));
    child.on("exit", (code) => reject(new Error(`exit ${code}: ${err}`)));
    child.stdout.once("data", (data) => {
      const { listening } = JSON.parse(String(data)) as { listening: { port: number }[] };
      resolve({ child, port: listening[0]?.port ?? 0 });
    });
  });
}

function megabytes(child: ChildProcessWithoutNullStreams): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

function idleClient(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** What a new connection is answered, and after how many milliseconds. */
function ask(port: number): Promise<{ rcode: number; ms: number }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const frames = new FrameDecoder();
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(frame(encode({ ...questionFor("www.z."), id: 7 })));
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without an answer")));
    socket.on("data", (data) => {
      frames.push(data);
      const answer = frames.next();
      if (answer === undefined) return;
      resolve({ rcode: decode(answer).rcode, ms: performance.now() - started });
      socket.end();
    });
  });
}

describe.runIf(enough)("idle clients", () => {
  it.each(["authority", "recursor"])(
    "RFC 7766 10, %s: with 10^4 idle TCP clients new ones are answered, and memory is bounded",
    async (kind) => {
      const file = join(folder, "z.zone");
      writeFileSync(
        file,
        "@ 60 SOA ns h 1 60 60 600 60\n@ 60 NS ns\nns 60 A 127.0.0.1\nwww 60 A 192.0.2.1\n",
      );
      const { child, port } =
        kind === "authority"
          ? await serve("serve", `z.=${file}`)
          : await serve("recursor", "--auth-zone", `z.=${file}`);
      const sockets: Socket[] = [];
      try {
        const before = megabytes(child);
        while (sockets.length < CLIENTS)
          sockets.push(
            ...(await Promise.all(Array.from({ length: AT_ONCE }, () => idleClient(port)))),
          );
        const open = sockets.filter(({ destroyed }) => !destroyed).length;
        expect(open, "connections that are open").toBe(CLIENTS);
        for (let n = 0; n < 20; n++) expect((await ask(port)).rcode).toBe(0);
        const grown = megabytes(child) - before;
        expect(grown, "megabytes for idle clients").toBeLessThan(MAX_MEGABYTES);
      } finally {
        for (const socket of sockets) {
          socket.on("error", () => {});
          socket.destroy();
        }
        child.removeAllListeners("exit");
        child.kill("SIGKILL");
      }
    },
    100_000,
  );
});
