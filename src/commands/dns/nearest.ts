/** `netkit dns nearest`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { many } from "../../repeated.ts";

export default class DnsNearest extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Where clients would be sent by a file of --nearest, and why.";
  static override description =
    "Checks the file (exit 3 with the place of the fault), and for each client tells each edge's distance and condition, the edge that is chosen, the reason, and the scope of the answer (RFC 7871). --load and --down say how edges are.";
  static override examples = [
    "<%= config.bin %> dns nearest edges.json --client 192.0.2.7",
    "<%= config.bin %> dns nearest edges.json --client 192.0.2.0/24 --load fra=950 --json",
    "<%= config.bin %> dns nearest edges.json --client 2001:db8::/48 --type AAAA --down fra",
  ];
  static override args = {
    file: Args.string({ required: true, description: "the file of dns serve --nearest" }),
  };
  static override flags = {
    client: Flags.string({
      ...many,
      description: "ADDRESS[/BITS]; may repeat",
    }),
    name: Flags.string({
      ...many,
      description: "of these names alone; may repeat [default: all of the file]",
    }),
    type: Flags.string({ options: ["A", "AAAA"], default: "A", description: "of the question" }),
    load: Flags.string({
      ...many,
      description: "EDGE=LOAD, in the unit of its capacity; may repeat",
    }),
    down: Flags.string({
      ...many,
      description: "an EDGE that is down; may repeat",
    }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(DnsNearest);
    const { explainNearest, renderVerdicts } = await import("../../dns/serve/nearest-explain.ts");
    const verdicts = explainNearest(args.file, flags);
    this.log(
      verdicts.length === 0
        ? `${args.file} can be served; --client tells where one is sent`
        : renderVerdicts(verdicts),
    );
    return { verdicts };
  }
}
