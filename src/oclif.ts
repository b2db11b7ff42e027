/** The part of oclif that every command needs. */

import { flush } from "@oclif/core/flush";
import { run } from "@oclif/core/run";
import { reportFailure } from "./failure.ts";

export async function runOclif(entry: string, argv: string[]): Promise<void> {
  try {
    await run(argv, entry);
    await flush();
  } catch (error) {
    reportFailure(error);
  }
}
