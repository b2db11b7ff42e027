/** A file that one process at a time may write, told by another beside it that has the number of the process. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { CommandError, EXIT } from "../../failure.ts";

/** Ends the hold. @throws CommandError when another process that runs has it */
export function lockFile(path: string): () => void {
  const lock = `${path}.lock`;
  try {
    take(lock);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw new CommandError(`${lock}: ${message}`, EXIT.input);
    const holder = Number(readFileSync(lock, "latin1"));
    if (isRunning(holder))
      throw new CommandError(`${path}: process ${holder} writes it (${lock})`, EXIT.input);
    // Its process was killed, and could not take it away.
    rmSync(lock, { force: true });
    take(lock);
  }
  return () => rmSync(lock, { force: true });
}

function take(lock: string): void {
  writeFileSync(lock, String(process.pid), { flag: "wx" });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, and is another user's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
