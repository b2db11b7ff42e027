/** `netkit http bench`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";

export default class HttpBench extends NetkitCommand {
  static override summary = "Load for a server: requests a second, and how long each took.";
  static override description =
    "The same request over --connections, --depth of them ahead of their answers on each, as fast as the server answers or at --rate. Exits 4 when nothing is answered.";
  static override examples = [
    "<%= config.bin %> http bench http://127.0.0.1:8080/",
    "<%= config.bin %> http bench http://127.0.0.1:8080/ --connections 64 --depth 16 --seconds 10",
    "<%= config.bin %> http bench http://127.0.0.1:8080/ --rate 1000 --json",
  ];
  static override args = { url: Args.string({ required: true, description: "what is asked for" }) };
  static override flags = {
    connections: Flags.integer({
      char: "c",
      min: 1,
      max: 10_000,
      default: 32,
      description: "connections at once",
    }),
    depth: Flags.integer({
      min: 1,
      max: 1000,
      default: 1,
      description: "unanswered requests on a connection",
    }),
    rate: Flags.integer({ min: 1, description: "requests a second over all connections at most" }),
    seconds: Flags.integer({ min: 1, max: 3600, default: 5, description: "how long" }),
    timeout: Flags.integer({
      min: 1,
      max: 600,
      default: 10,
      description: "seconds after which an answer is given up",
    }),
    request: Flags.string({ char: "X", helpValue: "METHOD", description: "the method" }),
    header: Flags.string({
      char: "H",
      multiple: true,
      multipleNonGreedy: true,
      helpValue: "'NAME: VALUE'",
      description: "a field of the request",
    }),
    data: Flags.string({
      char: "d",
      helpValue: "TEXT|@FILE",
      description: "a body; POST, where no method is given",
    }),
    insecure: Flags.boolean({ char: "k", description: "check no certificate" }),
    json: Flags.boolean({ description: "the report as JSON" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpBench);
    const { bench, renderReport } = await import("../../http/bench/main.ts");
    const report = await bench(args.url, flags);
    if (flags.json) this.logJson(report);
    else process.stdout.write(renderReport(report));
  }
}
