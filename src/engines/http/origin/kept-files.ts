/** Small files in memory, by the target that asked for them; the one used least lately goes first. */
import type { DiskFile, FileStat, Nanos } from "../../host.ts";

/** Octets of one file, and of all. */
export const MAX_KEPT_BYTES = 128 * 1024;
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;
/** Octets that an entry takes beside its body, about. */
const OVERHEAD = 1024;

export interface KeptFile {
  readonly stat: FileStat;
  readonly body: Uint8Array;
  /** Of the answer with the whole file: see `preparedHead`. */
  readonly head: Uint8Array;
  /** When the file was last seen to be as it is here. */
  checked: Nanos;
}

export class KeptFiles {
  private readonly files = new Map<string, KeptFile>();
  private bytes = 0;

  get(target: string): KeptFile | undefined {
    return this.files.get(target);
  }

  set(target: string, file: KeptFile): void {
    this.drop(target);
    this.files.set(target, file);
    this.bytes += sizeOf(target, file);
    // Insertion order: a file that is read anew after a change moves to the end.
    for (const oldest of this.files.keys()) {
      if (this.bytes <= MAX_TOTAL_BYTES) break;
      this.drop(oldest);
    }
  }

  private drop(target: string): void {
    const file = this.files.get(target);
    if (file === undefined) return;
    this.files.delete(target);
    this.bytes -= sizeOf(target, file);
  }
}

function sizeOf(target: string, { body, head }: KeptFile): number {
  return body.length + head.length + 2 * target.length + OVERHEAD;
}

/** Octets in memory, read as a file is. */
export function fileInMemory(body: Uint8Array): DiskFile {
  const refuse = () => {
    throw new Error("a file in memory is not written to");
  };
  return {
    read: (at, length, done) => done(null, body.subarray(at, at + length)),
    size: (done) => done(null, body.length),
    write: refuse,
    sync: refuse,
    truncate: refuse,
    close: () => {},
  };
}
