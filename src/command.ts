/** What all commands share: errors as one line on stderr, the exit-code table, JSON on one line. */
import { Command } from "@oclif/core/command";
import { exitCodeOf, failureJson, reportFailure } from "./failure.ts";

export abstract class NetkitCommand extends Command {
  /** Whether a failure is told on stdout too. */
  protected wantsJson(): boolean {
    return this.jsonEnabled();
  }

  protected override catch(error: Error): Promise<unknown> {
    if (exitCodeOf(error) !== 0 && this.wantsJson()) this.logJson(failureJson(error));
    reportFailure(error);
    return Promise.resolve();
  }

  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify(json)}\n`);
  }
}

/** One whose `--json` is of its own making: NDJSON, or a line that tells where it listens. */
export abstract class JsonLinesCommand extends NetkitCommand {
  protected override wantsJson(): boolean {
    return this.argv.includes("--json");
  }
}
