/** What a file that a body goes to is: one that is replaced when the body is whole, or one that is written as it is. */
import { statSync } from "node:fs";
import { CommandError, EXIT } from "../../failure.ts";
import { replaceable } from "../../net/live/replaceable.ts";

export interface Target {
  /** Behind links. */
  readonly path: string;
  /** A device, a FIFO: nothing may take its place, and nothing of it can be gone on with. */
  readonly special: boolean;
  /** What was written cannot be written over. */
  readonly stream: boolean;
  /** Permissions of the file that is there. */
  readonly mode: number | undefined;
}

/** @throws CommandError for a folder */
export function targetOf(path: string): Target {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.isDirectory() === true) throw new CommandError(`${path}: a directory`, EXIT.input);
  const file = replaceable(path);
  return {
    path: file ?? path,
    special: file === undefined,
    stream: file === undefined && there?.isCharacterDevice() !== true,
    mode: file === undefined || there === undefined ? undefined : there.mode & 0o777,
  };
}
