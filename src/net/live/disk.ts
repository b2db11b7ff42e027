/** Files of this machine behind `Disk`: paths are relative to the host's folder or absolute. */
import {
  close,
  fstat,
  fsync,
  ftruncate,
  open,
  read,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  write,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Disk, DiskDone, DiskError, DiskFile, FileStat } from "../../engines/host.ts";
import { makeFolderSync } from "./folders.ts";
import { holdLock } from "./lock.ts";

function diskError(error: NodeJS.ErrnoException, path: string): DiskError {
  return Object.assign(new Error(error.message), { code: error.code ?? "EIO", path });
}

/** A callback that tells success or failure only. */
function settle(path: string, done: DiskDone): (error: NodeJS.ErrnoException | null) => void {
  return (error) => done(error === null ? null : diskError(error, path));
}

export class LiveDisk implements Disk {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  private at(path: string): string {
    return isAbsolute(path) ? path : join(this.folder, path);
  }

  open(path: string, mode: "read" | "write" | "create", done: DiskDone<DiskFile>): void {
    const name = this.at(path);
    const finish = (error: NodeJS.ErrnoException | null, fd?: number) => {
      if (error !== null || fd === undefined) done(diskError(error ?? new Error("no file"), path));
      else done(null, file(fd, path));
    };
    if (mode !== "create") {
      open(name, mode === "read" ? "r" : "r+", finish);
      return;
    }
    open(name, "r+", (error, fd) => {
      if (error?.code === "ENOENT") open(name, "w+", finish);
      else finish(error, fd);
    });
  }

  stat(path: string, done: DiskDone<FileStat>): void {
    realpath(this.at(path), (failed, realPath) => {
      if (failed !== null) {
        done(diskError(failed, path));
        return;
      }
      stat(realPath, (error, found) => {
        if (error !== null) done(diskError(error, path));
        else {
          const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
          done(null, { kind, size: found.size, modifiedMs: found.mtimeMs, realPath });
        }
      });
    });
  }

  rename(from: string, to: string, done: DiskDone): void {
    rename(this.at(from), this.at(to), settle(from, done));
  }

  remove(path: string, done: DiskDone): void {
    rm(this.at(path), settle(path, done));
  }

  list(folder: string, done: DiskDone<readonly string[]>): void {
    readdir(this.at(folder), (error, names) => {
      if (error !== null) done(diskError(error, folder));
      else done(null, names.sort());
    });
  }

  makeFolder(path: string, done: DiskDone): void {
    let failed: NodeJS.ErrnoException | null = null;
    try {
      makeFolderSync(this.at(path));
    } catch (error) {
      failed = error as NodeJS.ErrnoException;
    }
    setImmediate(settle(path, done), failed);
  }

  lock(folder: string, done: DiskDone): void {
    let failed: NodeJS.ErrnoException | null = null;
    try {
      holdLock(join(this.at(folder), "lock"));
    } catch (error) {
      failed = error as NodeJS.ErrnoException;
    }
    setImmediate(settle(folder, done), failed);
  }
}

/** One call at a time, in their order. */
function file(fd: number, path: string): DiskFile {
  const queue: ((next: () => void) => void)[] = [];
  let busy = false;
  const step = () => {
    const work = queue.shift();
    busy = work !== undefined;
    work?.(step);
  };
  const enqueue = (work: (next: () => void) => void) => {
    queue.push(work);
    if (!busy) step();
  };
  const plain =
    (call: (back: (error: NodeJS.ErrnoException | null) => void) => void, done: DiskDone) =>
    (next: () => void) =>
      call((error) => {
        settle(path, done)(error);
        next();
      });
  return {
    read: (at, length, done) =>
      enqueue((next) => {
        const buffer = new Uint8Array(length);
        read(fd, buffer, 0, length, at, (error, count) => {
          if (error !== null) done(diskError(error, path));
          else done(null, buffer.subarray(0, count));
          next();
        });
      }),
    write: (at, data, done) => enqueue((next) => writeAll(fd, data, at, path, done, next)),
    sync: (done) => enqueue(plain((back) => fsync(fd, back), done)),
    size: (done) =>
      enqueue((next) =>
        fstat(fd, (error, stat) => {
          if (error !== null) done(diskError(error, path));
          else done(null, stat.size);
          next();
        }),
      ),
    truncate: (length, done) => enqueue(plain((back) => ftruncate(fd, length, back), done)),
    close: () => enqueue((next) => close(fd, next)),
  };
}

/** `write` may take less than it was given. */
function writeAll(
  fd: number,
  data: Uint8Array,
  at: number,
  path: string,
  done: DiskDone,
  next: () => void,
): void {
  write(fd, data, 0, data.length, at, (error, count) => {
    if (error === null && count < data.length) {
      writeAll(fd, data.subarray(count), at + count, path, done, next);
      return;
    }
    settle(path, done)(error);
    next();
  });
}
