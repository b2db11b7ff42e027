/** Files that flags name. */
import { readFileSync } from "node:fs";
import { CommandError, EXIT } from "../../failure.ts";

/** A text file. @throws CommandError */
export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    throw new CommandError(`${what} ${path}: ${(error as Error).message}`, EXIT.input);
  }
}
