/** A server command of netkit as a process of its own, on the port that it tells. */
import { spawn } from "node:child_process";

export interface Running {
  readonly port: number;
  /** Of all addresses that its first line tells. */
  readonly ports: readonly number[];
  /** With SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** `args` say where it listens, with port 0. @throws what it wrote to stderr, where it ended at once */
export async function running(...args: string[]): Promise<Running> {
  const program = new URL("../../../bin/run.js", import.meta.url).pathname;
  const child = spawn(process.execPath, [program, ...args, "--json"]);
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const exited = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", () => reject(new Error(stderr)));
  });
  const { listening } = JSON.parse(first) as { listening: { port: number }[] };
  const kill = () => {
    child.kill("SIGKILL");
    return exited;
  };
  const ports = listening.map(({ port }) => port);
  return { port: ports[0] ?? 0, ports, kill };
}
