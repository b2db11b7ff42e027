/** `netkit conform dns`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { RULE_FLAGS } from "../../conform/flags.ts";
import { EXIT } from "../../failure.ts";

export default class ConformDns extends NetkitCommand {
  static override summary = "Check a DNS server against the rules of the RFCs.";
  static override description =
    "Each rule is a short conversation with the server. With --zone, rules for authoritative servers are checked too. Exits 0 when all rules of the level were kept, 1 when not, 2 when it does not serve the zone, 4 when the server does not answer.";
  static override examples = [
    "<%= config.bin %> conform dns 127.0.0.1:5353",
    "<%= config.bin %> conform dns 127.0.0.1:5353 --zone example. --level must",
    "<%= config.bin %> conform dns [::1]:53 --only rfc6891 --format tap",
    "<%= config.bin %> conform dns --list",
  ];
  static override args = {
    server: Args.string({
      ignoreStdin: true,
      description: "ADDRESS:PORT, or [IPv6]:PORT; without a port 53",
    }),
  };
  static override flags = {
    zone: Flags.string({ char: "z", description: "a zone that the server is authoritative for" }),
    ...RULE_FLAGS,
  };

  protected override wantsJson(): boolean {
    return /--format[= ]json\b/.test(this.argv.join(" "));
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConformDns);
    const { allRules, runRules } = await import("../../conform/dns.ts");
    const { listRules, selectRules } = await import("../../conform/select.ts");
    const rules = selectRules(allRules, flags.level as "must" | "should" | "may", flags.only);
    if (flags.list) {
      process.stdout.write(listRules(rules, flags.format));
      return;
    }
    const kept = await runRules(args.server, flags.zone, rules, flags.format);
    if (!kept) process.exitCode = EXIT.negative;
  }
}
