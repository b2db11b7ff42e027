/** Folders with those above them. Node's `recursive` never ends below /proc: it takes ENOENT for a parent that is missing. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** @throws the error of the system, when it is not there afterwards */
export function makeFolderSync(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === "EEXIST" && statSync(path).isDirectory()) return;
    if (code !== "ENOENT" || parent === path || isFolder(parent)) throw error;
    makeFolderSync(parent);
    mkdirSync(path);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
