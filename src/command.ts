/** What all commands share: errors as one line on stderr, the exit-code table, JSON on one line. */
import { Command } from "@oclif/core/command";
import { reportFailure } from "./failure.ts";

export abstract class NetkitCommand extends Command {
  protected override catch(error: Error): Promise<unknown> {
    reportFailure(error);
    return Promise.resolve();
  }

  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`);
  }
}
