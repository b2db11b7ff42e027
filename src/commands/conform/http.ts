/** `netkit conform http`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { RULE_FLAGS } from "../../conform/flags.ts";
import { EXIT } from "../../failure.ts";

export default class ConformHttp extends NetkitCommand {
  static override summary = "Check an HTTP/1.1 server against the rules of the RFCs.";
  static override description =
    "Each rule is a short conversation with the server: request lines, fields, framing (what keeps requests from being smuggled), connections, validators, ranges. Exits 0 when all rules of the level were kept, 1 when not, 4 when the server does not answer.";
  static override examples = [
    "<%= config.bin %> conform http 127.0.0.1:8080",
    "<%= config.bin %> conform http 127.0.0.1:8080 --path /index.html --host www.example.com --level must",
    "<%= config.bin %> conform http 127.0.0.1:8080 --only rfc9112.6 --format tap",
    "<%= config.bin %> conform http --list",
  ];
  static override args = {
    server: Args.string({
      ignoreStdin: true,
      description: "ADDRESS:PORT, or [IPv6]:PORT; without a port 80",
    }),
  };
  static override flags = {
    path: Flags.string({ default: "/", description: "what GET answers with 200 and a body" }),
    host: Flags.string({ description: "the value of Host [default: the server]" }),
    ...RULE_FLAGS,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConformHttp);
    const { allRules, runRules } = await import("../../conform/http.ts");
    const { listRules, selectRules } = await import("../../conform/select.ts");
    const rules = selectRules(allRules, flags.level as "must" | "should" | "may", flags.only);
    if (flags.list) {
      process.stdout.write(listRules(rules, flags.format));
      return;
    }
    const { path, host, format } = flags;
    const kept = await runRules({ server: args.server, host, path, format }, rules);
    if (!kept) process.exitCode = EXIT.negative;
  }
}
