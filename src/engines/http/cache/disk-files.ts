/** Files of a store on disk: metadata with a checksum, written whole and synced. */
import { createHash } from "node:crypto";
import { utf8Bytes } from "../../../codecs/writer.ts";
import type { Disk, DiskDone, DiskError } from "../../host.ts";
import type { StoredResponse } from "./entry.ts";

export interface StoredHead {
  readonly response: StoredResponse;
  /** Octets of the body, and its SHA-256 in hexadecimal digits. */
  readonly length: number;
  readonly checksum: string;
}

const MAGIC = "netkit-cache 1";

/** A line with the checksum of what follows, then JSON. */
export function writeHead({ response, length, checksum }: StoredHead): Uint8Array {
  const text = JSON.stringify({
    response: { ...response, range: response.range ?? null },
    length,
    checksum,
  });
  return utf8Bytes(`${MAGIC} ${digest(text)}\n${text}`);
}

/** Undefined for what was not written by `writeHead`, or not to its end. */
export function readHead(bytes: Uint8Array): StoredHead | undefined {
  const all = new TextDecoder().decode(bytes);
  const end = all.indexOf("\n");
  const text = all.slice(end + 1);
  if (end < 0 || all.slice(0, end) !== `${MAGIC} ${digest(text)}`) return undefined;
  const { response, length, checksum } = JSON.parse(text) as {
    response: StoredResponse & { range: StoredResponse["range"] | null };
    length: number;
    checksum: string;
  };
  return { response: { ...response, range: response.range ?? undefined }, length, checksum };
}

function digest(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

/** A new file with these octets, which survive a crash once `done`. */
export function writeWhole(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  done: (error: DiskError | null) => void,
): void {
  disk.open(path, "create", (error, file) => {
    if (error !== null || file === undefined) {
      done(error);
      return;
    }
    const finish = (failed: DiskError | null) => {
      file.close();
      done(failed);
    };
    const sync = () => file.sync(finish);
    // What an earlier file of that name had goes.
    file.truncate(0, (cut) => {
      if (cut !== null) finish(cut);
      else if (bytes.length === 0) sync();
      else file.write(0, bytes, (wrong) => (wrong === null ? sync() : finish(wrong)));
    });
  });
}

export function readWhole(disk: Disk, path: string, done: DiskDone<Uint8Array>): void {
  disk.open(path, "read", (error, file) => {
    if (error !== null || file === undefined) {
      done(error);
      return;
    }
    file.size((failed, size) => {
      if (failed !== null || size === undefined) {
        file.close();
        done(failed);
        return;
      }
      file.read(0, size, (wrong, bytes) => {
        file.close();
        done(wrong, bytes);
      });
    });
  });
}

export function sizeIs(
  disk: Disk,
  path: string,
  size: number,
  done: (fits: boolean) => void,
): void {
  disk.stat(path, (error, stat) =>
    done(error === null && stat?.kind === "file" && stat.size === size),
  );
}
