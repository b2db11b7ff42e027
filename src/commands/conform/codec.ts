/** `netkit conform codec`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { EXIT } from "../../failure.ts";

export default class ConformCodec extends NetkitCommand {
  static override summary = "Feed messages that must be accepted or refused to somebody's decoder.";
  static override description =
    "The program gets each message as a file ({} in the command) or on standard input. Exit code 0 means accepted, 1 to 125 refused; signals and time-outs are failures. Exits 0 when all passed, 1 when not.";
  static override examples = [
    "<%= config.bin %> conform codec dns --exec '<%= config.bin %> dns decode --strict --input raw {}'",
    "<%= config.bin %> conform codec bencode --exec './my-decoder {}' --format junit > report.xml",
  ];
  static override args = {
    protocol: Args.string({
      ignoreStdin: true,
      required: true,
      options: ["bencode", "dns", "http", "sip"],
      description: "which vectors",
    }),
  };
  static override flags = {
    exec: Flags.string({ char: "e", required: true, description: "the decoder: a shell command" }),
    format: Flags.string({
      description: "report",
      options: ["text", "json", "junit", "tap"],
      default: "text",
    }),
    only: Flags.string({ description: "only vectors whose id contains this" }),
    timeout: Flags.integer({
      description: "milliseconds for one message",
      default: 10_000,
      min: 1,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConformCodec);
    const { SUITES, passed } = await import("../../engines/conformance/codec/suite.ts");
    const { runVectors } = await import("../../conform/run.ts");
    const report = await import("../../conform/report.ts");
    const all = SUITES[args.protocol] ?? [];
    const vectors = all.filter(
      (vector) => flags.only === undefined || vector.id.includes(flags.only),
    );
    const { format } = flags;
    const results = await runVectors(
      vectors,
      { command: flags.exec, timeout: flags.timeout },
      (result) => {
        if (format === "text")
          process.stdout.write(`${report.textLine(report.codecCheck(result))}\n`);
      },
    );
    const name = `netkit conform codec ${args.protocol}`;
    report.print(
      format,
      { name, classname: `netkit.${args.protocol}`, head: { protocol: args.protocol } },
      results.map(report.codecCheck),
    );
    if (!results.every(passed)) process.exitCode = EXIT.negative;
  }
}
