/** `netkit dns notify`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { EXIT } from "../../failure.ts";

export default class DnsNotify extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Tell a secondary that a zone has changed (RFC 1996).";
  static override description =
    "It is sent five times, further and further apart, until it is answered, nothing listens there, or --timeout is over. Exits 1 when it is refused, 4 when it is not answered. A secondary hears only its primary.";
  static override examples = [
    "<%= config.bin %> dns notify example.com @127.0.0.1:5300",
    "<%= config.bin %> dns notify example.com @127.0.0.1:5300 --serial 2024010101 --json",
  ];
  static override args = {
    zone: Args.string({ required: true, description: "the zone" }),
    server: Args.string({ required: true, description: "@ADDRESS[:PORT] of the secondary" }),
  };
  static override flags = {
    tsig: Flags.string({
      description: "[ALGORITHM:]NAME:BASE64: the key that signs it (RFC 8945)",
    }),
    timeout: Flags.integer({
      default: 62_000,
      min: 1,
      description: "milliseconds, all tries together",
    }),
    serial: Flags.integer({ min: 0, max: 0xffffffff, description: "tell this serial along" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(DnsNotify);
    const { notifyServer } = await import("../../dns/update/notify.ts");
    const { serial, tsig, timeout } = flags;
    const result = await notifyServer(args.zone, args.server, serial, tsig, timeout);
    this.log(`${result.zone} at ${result.server}: ${result.rcode}`);
    if (result.rcode !== "NOERROR") process.exitCode = EXIT.negative;
    return result;
  }
}
