/** Files that flags name, read whole. */
import { readFileSync } from "node:fs";
import { CommandError, EXIT } from "../../failure.ts";

/** `-` is stdin. @throws CommandError */
export function fileBytes(path: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path === "-" ? 0 : path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CommandError(`${path}: cannot be read (${code})`, EXIT.input);
  }
}
