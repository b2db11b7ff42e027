/** `netkit dns verify`. */
import * as Args from "@oclif/core/args";
import { NetkitCommand } from "../../command.ts";

export default class DnsVerify extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary =
    "Check a signed zone without a network: signatures and the chain of denial.";
  static override description =
    "Each set must have a signature of a key of the zone that holds now; the NSEC or NSEC3 chain must be whole and tell the types that there are. Exits 1 with what is wrong, 3 when the file cannot be read.";
  static override examples = [
    "<%= config.bin %> dns verify example.com.signed",
    "<%= config.bin %> dns verify example.com=zones/com.signed --json",
  ];
  static override args = {
    zone: Args.string({ required: true, description: "[NAME=]FILE" }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(DnsVerify);
    const { loadZone, zoneSource } = await import("../../dns/serve/load.ts");
    const { checkSigned } = await import("../../engines/dns/check-signed.ts");
    const { zone } = loadZone(zoneSource(args.zone));
    const report = checkSigned(zone, Math.floor(Date.now() / 1000));
    for (const problem of report.problems) process.stderr.write(`netkit: ${problem}\n`);
    if (report.problems.length > 0) process.exitCode = 1;
    const until = report.expires === undefined ? "" : new Date(report.expires * 1000).toISOString();
    this.log(
      report.problems.length > 0
        ? `${zone.name} serial ${zone.serial}: ${report.problems.length} problems`
        : `${zone.name} serial ${zone.serial}: ${report.sets} sets hold, until ${until}`,
    );
    return { zone: zone.name, serial: zone.serial, ...report };
  }
}
