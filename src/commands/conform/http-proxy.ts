/** `netkit conform http-proxy`. */
import * as Args from "@oclif/core/args";
import { NetkitCommand } from "../../command.ts";
import { ORIGIN_FLAGS, RULE_FLAGS } from "../../conform/flags.ts";
import { EXIT } from "../../failure.ts";

export default class ConformHttpProxy extends NetkitCommand {
  static override summary = "Check an HTTP/1.1 proxy against the rules of the RFCs.";
  static override description =
    "What a proxy passes on, changes, refuses and must not change: targets, Via, fields of the connection, framing, broken responses. The origin is started by this command, at --origin; point the proxy at it, or use --forward. Exits 0 when all rules of the level were kept, 1 when not, 4 when the proxy does not answer.";
  static override examples = [
    "<%= config.bin %> conform http-proxy 127.0.0.1:8081 --origin 127.0.0.1:8090",
    "<%= config.bin %> conform http-proxy 127.0.0.1:3128 --origin 127.0.0.1:8090 --forward --level must",
    "<%= config.bin %> conform http-proxy 127.0.0.1:8081 --only rfc9112.6 --format tap",
    "<%= config.bin %> conform http-proxy --list",
  ];
  static override args = {
    proxy: Args.string({
      ignoreStdin: true,
      description: "ADDRESS:PORT, or [IPv6]:PORT; without a port 80",
    }),
  };
  static override flags = { ...ORIGIN_FLAGS, ...RULE_FLAGS };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConformHttpProxy);
    const { RULES } = await import("../../engines/conformance/http-proxy/rules.ts");
    const { runRules } = await import("../../conform/http-proxy.ts");
    const { listRules, selectRules } = await import("../../conform/select.ts");
    const rules = selectRules(RULES, flags.level as "must" | "should" | "may", flags.only);
    if (flags.list) {
      process.stdout.write(listRules(rules, flags.format));
      return;
    }
    const { origin, forward, host, format } = flags;
    const asked = { topic: "http-proxy", proxy: args.proxy, origin, forward, host, format };
    if (!(await runRules(asked, rules))) process.exitCode = EXIT.negative;
  }
}
