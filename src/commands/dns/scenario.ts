/** `netkit dns scenario`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { EXIT } from "../../failure.ts";

export default class DnsScenario extends NetkitCommand {
  static override summary = "Run resolver scenarios (.rpl) against netkit's resolver.";
  static override description =
    "A scenario has canned servers, clients' questions and a clock, in the format of unbound's testbound and of deckard. Relaxed: rcode, flags, question and answer must be as written, the authority section of negative answers too. Exits 0 when all passed, 1 when not, 3 when a file is no scenario.";
  static override examples = [
    "<%= config.bin %> dns scenario my.rpl",
    "<%= config.bin %> dns scenario testdata/ --strict --json",
    "<%= config.bin %> dns scenario my.rpl --trace",
  ];
  static override strict = false;
  static override enableJsonFlag = false;
  static override args = {
    path: Args.string({
      required: true,
      ignoreStdin: true,
      description: "a file, or a folder of them; may repeat",
    }),
  };
  static override flags = {
    strict: Flags.boolean({ description: "compare all that the scenario asks for" }),
    trace: Flags.boolean({
      description: "print each step of the resolution, one JSON object a line, on stderr",
    }),
    seed: Flags.integer({ description: "of the random numbers", default: 1 }),
    json: Flags.boolean({ description: "one JSON document" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(DnsScenario);
    const { runFile, scenarioFiles } = await import("../../dns/scenario/run.ts");
    const tracer = (event: object) => process.stderr.write(`${JSON.stringify(event)}\n`);
    const scenarios = [];
    for (const file of scenarioFiles(argv as string[])) {
      const row = runFile(file, {
        strict: flags.strict,
        seed: flags.seed,
        ...(flags.trace ? { tracer } : {}),
      });
      scenarios.push(row);
      if (flags.json) continue;
      process.stdout.write(
        row.passed ? `ok   ${file}\n` : `FAIL ${file}: step ${row.step}: ${row.why}\n`,
      );
    }
    const passed = scenarios.filter((row) => row.passed).length;
    if (flags.json) this.logJson({ total: scenarios.length, passed, scenarios });
    else process.stdout.write(`${passed} of ${scenarios.length} passed\n`);
    if (passed < scenarios.length)
      process.exitCode = scenarios.some((row) => row.malformed) ? EXIT.input : EXIT.negative;
  }
}
