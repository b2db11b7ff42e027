/** A file that one process at a time may write, told by another beside it that names the process. */
import { CommandError, EXIT } from "../../failure.ts";
import { holdLock, LockHeld } from "../../net/live/lock.ts";

/** Ends the hold. @throws CommandError when another process that runs has it */
export function lockFile(path: string): () => void {
  const lock = `${path}.lock`;
  try {
    return holdLock(lock);
  } catch (error) {
    if (!(error instanceof LockHeld))
      throw new CommandError(`${lock}: ${(error as Error).message}`, EXIT.input);
    throw new CommandError(`${path}: process ${error.pid} writes it (${lock})`, EXIT.input);
  }
}
