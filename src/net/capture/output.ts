/** Where output bytes go: standard output, a device, or a file that appears whole or not at all. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { replaceable } from "../live/replaceable.ts";
import { CaptureError, fileError } from "./errors.ts";

/** Thrown when the reader of a pipe went away: the work ends quietly. */
export class ReaderGone extends Error {}

const pauseCell = new Int32Array(new SharedArrayBuffer(4));

export class ByteOutput {
  private readonly fd: number;
  private readonly path: string | undefined;
  private readonly target: string | undefined;
  private readonly temporary: string | undefined;
  private closed = false;

  /** `path`: undefined or `-` for standard output. @throws CaptureError */
  constructor(path?: string) {
    if (path === undefined || path === "-") {
      this.fd = 1;
      return;
    }
    this.path = path;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new CaptureError("EISDIR", `${path}: is a directory; a file to write is expected`);
    }
    this.target = replaceable(path);
    if (this.target !== undefined) this.temporary = `${this.target}.${process.pid}.partial`;
    try {
      this.fd = openSync(this.temporary ?? path, "w");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") {
        throw new CaptureError("ENOENT", `${path}: cannot be written: no folder ${dirname(path)}`);
      }
      throw fileError(path, error);
    }
  }

  /** Writes all bytes. @throws ReaderGone */
  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      try {
        at += writeSync(this.fd, bytes, at, bytes.length - at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EPIPE") throw new ReaderGone();
        if (code !== "EAGAIN") throw fileError(this.path ?? "standard output", error);
        Atomics.wait(pauseCell, 0, 0, 2); // The pipe is full and does not block: try again soon.
      }
    }
  }

  text(text: string): void {
    this.write(Buffer.from(text));
  }

  /** All was written: the file takes its name. */
  commit(): void {
    if (this.temporary === undefined || this.target === undefined) return;
    this.close();
    try {
      renameSync(this.temporary, this.target);
    } catch (error) {
      rmSync(this.temporary, { force: true });
      throw fileError(this.target, error);
    }
  }

  /** Something failed: nothing is left behind. */
  discard(): void {
    if (this.temporary === undefined) return;
    this.close();
    rmSync(this.temporary, { force: true });
  }

  /** Once: a failed commit is discarded after it. */
  private close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }
}
