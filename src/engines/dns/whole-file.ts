/** Files that are written whole: whoever reads one sees the old one or the new one. */
import type { Disk } from "../host.ts";

type Done = (error: Error | null) => void;

/** On the disk when `done` is called without an error. */
function writeWhole(disk: Disk, path: string, bytes: Uint8Array, done: Done): void {
  disk.open(path, "create", (error, file) => {
    if (error !== null || file === undefined) return done(error ?? new Error("not opened"));
    file.truncate(0, (uncut) => {
      file.write(0, bytes, (unwritten) => {
        file.sync((unsynced) => {
          file.close();
          done(uncut ?? unwritten ?? unsynced);
        });
      });
    });
  });
}

/** With an error the file is still the old one. */
export function replaceFile(disk: Disk, path: string, bytes: Uint8Array, done: Done): void {
  const next = `${path}.new`;
  writeWhole(disk, next, bytes, (error) => {
    if (error !== null) done(error);
    else disk.rename(next, path, done);
  });
}
