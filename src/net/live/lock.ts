/**
 * What is for one process alone: a file names the process, and counts for nothing once that process
 * is gone. Processes are known by their pid, so this holds on one machine, not over a network.
 */
import { linkSync, lstatSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";

export class LockHeld extends Error {
  readonly code = "EBUSY";
  readonly pid: number;

  constructor(pid: number) {
    super(`in use by process ${pid}`);
    this.pid = pid;
  }
}

/** Until what it gives is called, or the process ends. @throws LockHeld, or the error of the system */
export function holdLock(path: string): () => void {
  const own = nameOf(process.pid);
  take(path, own);
  const release = () => {
    process.removeListener("exit", release);
    try {
      // Its folder may have been removed meanwhile, and be another's by now.
      if (read(path) === own) unlinkSync(path);
    } catch {
      // Left behind it counts for nothing, once this process is gone.
    }
  };
  process.once("exit", release);
  return release;
}

function take(path: string, own: string): void {
  while (!made(path, own)) {
    const holder = read(path);
    if (holder === undefined) {
      refuseLink(path);
      continue;
    }
    if (runs(holder)) throw new LockHeld(pidIn(holder));
    // One at a time takes over: else a second might remove what the first has made since.
    const right = `${path}.over`;
    take(right, own);
    if (read(path) === holder) unlinkSync(path);
    unlinkSync(right);
  }
}

/** A link appears with its whole content at once, and never in the place of another. */
function made(path: string, text: string): boolean {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  } finally {
    unlinkSync(temporary);
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** One that leads nowhere is there, and cannot be read: nothing that is waited for. */
function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return;
  throw Object.assign(new Error(`${path} is a link that leads nowhere`), { code: "ELOOP" });
}

/** Its pid, and on Linux when it began and in which boot: pids are used again. */
function nameOf(pid: number): string {
  return [pid, processOf(pid)?.began ?? "-", boot()].join(" ");
}

function pidIn(name: string): number {
  return Number.parseInt(name, 10);
}

function runs(name: string): boolean {
  const pid = pidIn(name);
  // What a loss of power left of it names nobody.
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const [, began, during] = name.split(" ");
  if (during !== boot()) return false;
  const now = processOf(pid);
  return now === undefined || (!now.over && now.began === began);
}

/** From /proc; undefined where there is none. `over`: it waits for its parent to take notice. */
function processOf(pid: number): { began: string; over: boolean } | undefined {
  const stat = proc(`/proc/${pid}/stat`);
  // The program's name, in parentheses, may hold anything.
  const [state, ...rest] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const began = rest[18];
  if (state === undefined || began === undefined) return undefined;
  return { began, over: state === "Z" || state === "X" };
}

function boot(): string {
  return proc("/proc/sys/kernel/random/boot_id")?.trim() ?? "-";
}

/** What cannot be read is not told: other systems have no /proc, and some hide the processes of others. */
function proc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
