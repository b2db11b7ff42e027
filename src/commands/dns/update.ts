/** `netkit dns update`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";
import { many } from "../../repeated.ts";

const list = (description: string) => Flags.string({ ...many, description });

export default class DnsUpdate extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Change a zone where it is served (RFC 2136), all or nothing.";
  static override description =
    "Without --add, --delete and --require it reads a script as nsupdate does (server, zone, prereq, update add, update delete, send), from standard input or --file. Names are absolute. Exits 1 when the server refuses, 4 when it does not answer.";
  static override examples = [
    "<%= config.bin %> dns update @127.0.0.1:5300 --zone example.com --add 'www.example.com 300 A 192.0.2.7' --tsig k:c2VjcmV0",
    "<%= config.bin %> dns update @127.0.0.1:5300 --zone example.com --require 'nxdomain new.example.com' --add 'new.example.com 60 TXT hello'",
    "<%= config.bin %> dns update @127.0.0.1:5300 --zone example.com --delete 'www.example.com A'",
    "<%= config.bin %> dns update @127.0.0.1:5300 --zone example.com --file changes.txt --json",
  ];
  static override args = {
    // Else its script on standard input would be taken for this.
    server: Args.string({ ignoreStdin: true, description: "@ADDRESS[:PORT] of the primary" }),
  };
  static override flags = {
    zone: Flags.string({ description: "the zone that is changed" }),
    file: Flags.string({ description: "script; - or without it standard input" }),
    add: list("'NAME TTL TYPE RDATA'; may repeat"),
    delete: list("'NAME [TYPE [RDATA]]'; may repeat"),
    require: list("'yxdomain|nxdomain NAME' or 'yxrrset|nxrrset NAME TYPE [RDATA]'; may repeat"),
    tsig: Flags.string({ description: "[ALGORITHM:]NAME:BASE64: the key that signs it" }),
    timeout: Flags.integer({ default: 5000, min: 1, description: "milliseconds" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(DnsUpdate);
    const { update } = await import("../../dns/update/main.ts");
    const results = await update(args.server, flags);
    for (const { zone, server, rcode, updates } of results)
      this.log(`${zone} at ${server}: ${rcode} (${updates} changes)`);
    return results;
  }
}
