/** `netkit dns check-zone`. */
import * as Args from "@oclif/core/args";
import { NetkitCommand } from "../../command.ts";

export default class DnsCheckZone extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Read a zone file as a server would, and say what is wrong with it.";
  static override description =
    "Exits 0 when the zone may be served (warnings go to stderr), 3 with file, line, column and record when not.";
  static override examples = [
    "<%= config.bin %> dns check-zone example.com.zone",
    "<%= config.bin %> dns check-zone example.com=zones/com.txt --json",
  ];
  static override args = {
    zone: Args.string({ ignoreStdin: true, required: true, description: "[NAME=]FILE" }),
  };

  async run(): Promise<object> {
    const { args } = await this.parse(DnsCheckZone);
    const { loadZone, zoneSource } = await import("../../dns/serve/load.ts");
    const { zone, warnings } = loadZone(zoneSource(args.zone));
    const records = [...zone.records()].length;
    for (const warning of warnings) process.stderr.write(`netkit: warning: ${warning}\n`);
    this.log(
      `${zone.name} serial ${zone.serial}: ${records} records${zone.signed ? ", signed" : ""}`,
    );
    return { zone: zone.name, serial: zone.serial, records, signed: zone.signed, warnings };
  }
}
