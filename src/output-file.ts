/** Files that flags name for output. */
import { accessSync, constants, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError, EXIT } from "./failure.ts";

function refused(path: string, error: unknown): CommandError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new CommandError(`${path}: cannot be written (${code ?? message})`, EXIT.input);
}

/** @throws CommandError */
export function writeOutput(path: string, contents: string | Uint8Array): void {
  try {
    writeFileSync(path, contents, "utf8");
  } catch (error) {
    throw refused(path, error);
  }
}

/** Before the work is done whose result goes there. @throws CommandError */
export function checkOutput(path: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) throw new CommandError(`${path}: a directory`, EXIT.input);
    accessSync(there === undefined ? dirname(path) : path, constants.W_OK);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw refused(path, error);
  }
}
