/** Runs somebody's decoder over vectors: a program that gets a file and tells by its exit code. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Result } from "../engines/conformance/codec/suite.ts";
import type { Vector } from "../engines/conformance/codec/vector.ts";
import { CommandError } from "../failure.ts";

/** Exit codes from here on are the shell's for signals and programs that cannot be run. */
const FIRST_SIGNAL_CODE = 126;
const MAX_DETAIL = 200;

export interface RunOptions {
  /** A shell command; `{}` stands for the file with the message. Without it the message comes on standard input. */
  readonly command: string;
  /** Milliseconds for one vector. */
  readonly timeout: number;
}

export async function runVectors(
  vectors: readonly Vector[],
  options: RunOptions,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), "netkit-conform-"));
  const results: Result[] = [];
  try {
    for (const vector of vectors) {
      const result = await runOne(vector, join(folder, "message"), options);
      results.push(result);
      onResult(result);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

function runOne(vector: Vector, file: string, options: RunOptions): Promise<Result> {
  const inFile = options.command.includes("{}");
  if (inFile) writeFileSync(file, vector.bytes);
  const command = options.command.replaceAll("{}", `'${file.replaceAll("'", "'\\''")}'`);
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", command], {
      stdio: ["pipe", "ignore", "pipe"],
      detached: true,
    });
    let detail = "";
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
    }, options.timeout);
    child.stderr.on("data", (chunk: Buffer) => {
      if (detail.length < MAX_DETAIL) detail += chunk.toString("utf8");
    });
    // A program that reads no input closes the pipe: that is its right.
    child.stdin.on("error", () => {});
    child.stdin.end(inFile ? undefined : vector.bytes);
    child.on("error", (error) =>
      reject(new CommandError(`cannot run the program: ${error.message}`)),
    );
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const seconds = (performance.now() - started) / 1000;
      resolve({
        vector,
        outcome: outcomeOf(code, signal, late),
        seconds,
        detail: (detail.split("\n")[0] ?? "").slice(0, MAX_DETAIL),
      });
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // Ended by itself meanwhile.
  }
}

function outcomeOf(code: number | null, signal: string | null, late: boolean): Result["outcome"] {
  if (late) return "timeout";
  if (code === 0) return "accept";
  if (signal !== null || code === null || code >= FIRST_SIGNAL_CODE) return "crash";
  return "refuse";
}
