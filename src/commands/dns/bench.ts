/** `netkit dns bench`. */
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";

export default class DnsBench extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Load for a DNS server over UDP: answers a second and their times.";
  static override description =
    "So many questions are under way at once; with --rate no more than that a second. Percentiles are in steps of 2 %. Under full load they are the time in the queue: for the time of service use --rate or --concurrency 1. Ctrl-C ends it, with what was measured until then. Exits 4 when nothing is answered.";
  static override examples = [
    "<%= config.bin %> dns bench www.example.com A @127.0.0.1:5300",
    "<%= config.bin %> dns bench example.com SOA MX @127.0.0.1:5300 --rate 1000 --seconds 10 --json",
  ];
  static override strict = false;
  static override usage = "dns bench NAME... [TYPE...] @SERVER";
  static override flags = {
    concurrency: Flags.integer({
      default: 100,
      min: 1,
      max: 10_000,
      description: "under way at once",
    }),
    rate: Flags.integer({ min: 1, description: "questions a second at most" }),
    seconds: Flags.integer({ default: 5, min: 1, max: 3600, description: "how long" }),
    timeout: Flags.integer({
      default: 1000,
      min: 1,
      description: "milliseconds until one is lost",
    }),
    rd: Flags.boolean({ description: "ask for recursion", default: true, allowNo: true }),
    dnssec: Flags.boolean({ description: "ask for signatures (DO)" }),
  };

  async run(): Promise<object> {
    const { argv, flags } = await this.parse(DnsBench);
    const { bench } = await import("../../dns/bench/main.ts");
    const result = await bench(argv as string[], flags);
    for (const [name, value] of Object.entries(result))
      this.log(`${name.padEnd(14)}${typeof value === "object" ? JSON.stringify(value) : value}`);
    return result;
  }
}
