/** A node's disk: what was synced survives a crash, what was not is torn. */
import type { Disk, DiskDone, DiskError, DiskFile, FileStat, Random } from "../../engines/host.ts";
import { MICROSECOND, MILLISECOND } from "../../engines/host.ts";
import type { SimNode } from "./node.ts";

const WRITE_TIME = 50 * MICROSECOND;
const SYNC_TIME = 2 * MILLISECOND;

interface Stored {
  data: Uint8Array;
  /** What a crash leaves of it; undefined: never synced. */
  synced: Uint8Array | undefined;
  modifiedMs: number;
}

export function diskError(code: string, path: string): DiskError {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}

export class SimDisk implements Disk {
  private readonly node: SimNode;
  private readonly random: Random;
  private files = new Map<string, Stored>();
  private readonly folders = new Set<string>([""]);
  private readonly locked = new Set<string>();
  /** Octets that all files together may have: above it writes fail with ENOSPC. */
  capacity = Number.POSITIVE_INFINITY;

  constructor(node: SimNode, random: Random) {
    this.node = node;
    this.random = random;
  }

  private later(wait: number, f: () => void): void {
    const { node } = this;
    const { epoch } = node;
    node.world.queue.at(
      node.world.now + wait,
      (call: () => void) => {
        if (node.epoch === epoch) node.perform(call);
      },
      f,
      undefined,
    );
  }

  /** Puts a whole file in its place before the world begins. */
  load(path: string, data: Uint8Array, modifiedMs: number): void {
    const name = normal(path);
    for (let up = folderOf(name); up !== ""; up = folderOf(up)) this.folders.add(up);
    this.files.set(name, { data, synced: data, modifiedMs });
  }

  private wallMs(): number {
    return this.node.clock.wallMs();
  }

  private get used(): number {
    let sum = 0;
    for (const file of this.files.values()) sum += file.data.length;
    return sum;
  }

  open(path: string, mode: "read" | "write" | "create", done: DiskDone<DiskFile>): void {
    this.later(WRITE_TIME, () => {
      const name = normal(path);
      let stored = this.files.get(name);
      if (stored === undefined && mode === "create") {
        if (!this.folders.has(folderOf(name))) {
          done(diskError("ENOENT", path));
          return;
        }
        stored = { data: new Uint8Array(0), synced: undefined, modifiedMs: this.wallMs() };
        this.files.set(name, stored);
      }
      if (stored === undefined) done(diskError("ENOENT", path));
      else done(null, this.file(path, stored, mode !== "read"));
    });
  }

  private file(path: string, stored: Stored, writable: boolean): DiskFile {
    let closed = false;
    const wrong = (done: (error: DiskError) => void, writes: boolean): boolean => {
      if (!closed && (writable || !writes)) return false;
      done(diskError("EBADF", path));
      return true;
    };
    return {
      read: (at, length, done) =>
        this.later(WRITE_TIME, () => {
          if (!wrong(done, false)) done(null, stored.data.slice(at, at + length));
        }),
      write: (at, data, done) => {
        const copy = data.slice();
        this.later(WRITE_TIME, () => {
          if (wrong(done, true)) return;
          const length = Math.max(stored.data.length, at + copy.length);
          if (this.used - stored.data.length + length > this.capacity) {
            done(diskError("ENOSPC", path));
            return;
          }
          const next = new Uint8Array(length);
          next.set(stored.data);
          next.set(copy, at);
          stored.data = next;
          stored.modifiedMs = this.wallMs();
          done(null);
        });
      },
      sync: (done) =>
        this.later(SYNC_TIME, () => {
          if (wrong(done, false)) return;
          stored.synced = stored.data;
          done(null);
        }),
      size: (done) => this.later(WRITE_TIME, () => done(null, stored.data.length)),
      truncate: (length, done) =>
        this.later(WRITE_TIME, () => {
          if (wrong(done, true)) return;
          const next = new Uint8Array(length);
          next.set(stored.data.subarray(0, length));
          stored.data = next;
          done(null);
        }),
      close: () => {
        closed = true;
      },
    };
  }

  stat(path: string, done: DiskDone<FileStat>): void {
    this.later(WRITE_TIME, () => {
      const name = normal(path);
      const stored = this.files.get(name);
      const realPath = `/${name}`;
      if (stored !== undefined) {
        const { data, modifiedMs } = stored;
        done(null, { kind: "file", size: data.length, modifiedMs, realPath });
      } else if (this.folders.has(name)) {
        done(null, { kind: "folder", size: 0, modifiedMs: this.node.world.startedMs, realPath });
      } else done(diskError("ENOENT", path));
    });
  }

  rename(from: string, to: string, done: DiskDone): void {
    this.later(WRITE_TIME, () => {
      const stored = this.files.get(normal(from));
      if (stored === undefined) {
        done(diskError("ENOENT", from));
        return;
      }
      this.files.delete(normal(from));
      this.files.set(normal(to), stored);
      done(null);
    });
  }

  remove(path: string, done: DiskDone): void {
    this.later(WRITE_TIME, () =>
      done(this.files.delete(normal(path)) ? null : diskError("ENOENT", path)),
    );
  }

  list(folder: string, done: DiskDone<readonly string[]>): void {
    this.later(WRITE_TIME, () => {
      const name = normal(folder);
      if (!this.folders.has(name)) {
        done(diskError("ENOENT", folder));
        return;
      }
      const inside = (path: string) => path !== "" && folderOf(path) === name;
      const names = [...this.files.keys(), ...this.folders]
        .filter(inside)
        .map((path) => path.slice(path.lastIndexOf("/") + 1));
      done(null, names.sort());
    });
  }

  makeFolder(path: string, done: DiskDone): void {
    this.later(WRITE_TIME, () => {
      for (let name = normal(path); name !== ""; name = folderOf(name)) this.folders.add(name);
      done(null);
    });
  }

  lock(folder: string, done: DiskDone): void {
    this.later(WRITE_TIME, () => {
      const name = normal(folder);
      const code = this.locked.has(name) ? "EBUSY" : this.folders.has(name) ? undefined : "ENOENT";
      if (code === undefined) this.locked.add(name);
      done(code === undefined ? null : diskError(code, folder));
    });
  }

  /** Power fails: of what was not synced a part may be there, or nothing; no program is left. */
  crash(): void {
    this.locked.clear();
    for (const [path, stored] of [...this.files]) {
      if (stored.data === stored.synced) continue;
      const { data, synced } = stored;
      const torn = this.random.below(2) === 0;
      // The new octets up to somewhere, behind them the old ones: what was synced stays.
      if (torn) stored.data = tear(data, synced, this.random.below(data.length + 1));
      else if (synced === undefined) this.files.delete(path);
      else stored.data = synced;
      stored.synced = stored.data;
    }
  }

  /** Another disk in its place. */
  wipe(): void {
    this.files = new Map();
  }
}

function tear(data: Uint8Array, synced: Uint8Array | undefined, at: number): Uint8Array {
  const out = new Uint8Array(Math.max(at, synced?.length ?? 0));
  if (synced !== undefined) out.set(synced);
  out.set(data.subarray(0, at));
  return out;
}

function normal(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
