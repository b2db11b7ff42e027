/** Runs `netkit http fetch` against a small server of node:http, which is not our code. */
import { spawn } from "node:child_process";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function fetchRun(
  args: readonly string[],
  more: { env?: Record<string, string>; cwd?: string; stdin?: string } = {},
): Promise<Ran> {
  const program = new URL("../../../bin/run.js", import.meta.url).pathname;
  const run = spawn("node", [program, "http", "fetch", ...args], {
    timeout: 30_000,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...more.env },
    ...(more.cwd === undefined ? {} : { cwd: more.cwd }),
  });
  run.stdin.on("error", () => {});
  run.stdin.end(more.stdin ?? "");
  const code = new Promise<number | null>((resolve) => run.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
  return { code: await code, stdout, stderr };
}

export interface Served {
  readonly server: Server;
  /** With a trailing slash. */
  readonly url: string;
  /** Requests so far, as `METHOD target`. */
  readonly asked: string[];
}

export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<Served> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => answer(request, response, Buffer.concat(pieces)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}/`, asked };
}
