/** `netkit dns serve`. */
import * as Flags from "@oclif/core/flags";
import { JsonLinesCommand } from "../../command.ts";
import { many } from "../../repeated.ts";

export default class DnsServe extends JsonLinesCommand {
  static override summary = "An authoritative server of zones from files.";
  static override description =
    "SIGTERM finishes what is in flight, SIGHUP reads the files again and keeps the old zone where the new one is bad. With --json the first line on stdout tells where it listens.";
  static override examples = [
    "<%= config.bin %> dns serve example.com.zone --listen 127.0.0.1:5300",
    "<%= config.bin %> dns serve example.com=zones/com.txt example.org=zones/org.txt --listen 127.0.0.1:0 --json",
    "<%= config.bin %> dns serve example.com.zone --listen 127.0.0.1:5300 --allow-transfer 127.0.0.0/8",
    "<%= config.bin %> dns serve --secondary example.com@192.0.2.1 --state-folder zones --listen 127.0.0.1:5300",
    "<%= config.bin %> dns serve example.com.zone --updates --tsig k:c2VjcmV0 --notify 127.0.0.2:5300",
    "<%= config.bin %> dns serve example.com.signed --updates --tsig k:c2VjcmV0 --sign-key example.com.pem",
    "<%= config.bin %> dns serve example.com.zone --workers 2 --listen 127.0.0.1:5300",
    "<%= config.bin %> dns serve example.com.zone --nearest edges.json --listen 127.0.0.1:5300",
    "<%= config.bin %> dns serve example.com.zone --listen-tls 127.0.0.1:8853 --cert cert.pem --key key.pem",
  ];
  static override strict = false;
  static override usage = "dns serve [NAME=]FILE... [--listen ADDRESS:PORT]";
  static override flags = {
    listen: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description:
        "ADDRESS:PORT for UDP and TCP; port 0 picks one, 0.0.0.0 and [::] are each address of this machine; may repeat [default: 127.0.0.1:5300]",
    }),
    "listen-tls": Flags.string({
      ...many,
      description: "ADDRESS:PORT for DNS over TLS",
    }),
    cert: Flags.string({ description: "certificate chain, PEM" }),
    key: Flags.string({ description: "its key, PEM" }),
    "allow-transfer": Flags.string({
      ...many,
      description: "ADDRESS[/PREFIX] that may have zones whole (AXFR, IXFR); may repeat",
    }),
    "allow-update": Flags.string({
      ...many,
      description: "ADDRESS[/PREFIX] that may change zones (RFC 2136); may repeat",
    }),
    updates: Flags.boolean({
      description:
        "take changes that are signed with a --tsig key; they are kept in FILE.journal or in --state-folder",
    }),
    "sign-key": Flags.string({
      ...many,
      description:
        "PEM of a key of a signed zone (netkit dns sign): what --updates change is signed with it, and signatures are made again before they end; may repeat",
    }),
    notify: Flags.string({
      ...many,
      description:
        "ADDRESS[:PORT][#KEY] of a secondary, told of zones at start, on SIGHUP and after UPDATE, signed with the --tsig key of that name; may repeat",
    }),
    tsig: Flags.string({
      ...many,
      description:
        "[ALGORITHM:]NAME:BASE64: a key; transfers then need one, the first signs those that we ask for where no #KEY says another; may repeat",
    }),
    secondary: Flags.string({
      ...many,
      description:
        "ZONE@ADDRESS[:PORT][#KEY]: fetch this zone from its primary, whose NOTIFY must then be signed with that --tsig key; may repeat",
    }),
    nearest: Flags.string({
      description:
        "FILE (JSON) of edges and where clients are: names in it are answered with the nearest edge that is well (see docs/dns.md)",
    }),
    "state-folder": Flags.string({
      description:
        "where fetched zones and the journals of changes are kept; made when it is not there",
    }),
    capture: Flags.string({
      helpValue: "FILE",
      description: "answer as the servers of a capture did, in place of zones",
    }),
    nsid: Flags.string({ description: "name of this server, for those who ask (RFC 5001)" }),
    "udp-size": Flags.integer({
      default: 1232,
      min: 512,
      max: 65_535,
      description: "octets of the largest answer over UDP",
    }),
    workers: Flags.integer({
      default: 1,
      min: 1,
      max: 256,
      description:
        "processes that answer at the same port; not for zones that change (--updates, --secondary)",
    }),
    json: Flags.boolean({ description: "first line on stdout: where it listens" }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(DnsServe);
    if (flags.capture !== undefined) {
      const { serveRecorded } = await import("../../dns/serve/recorded.ts");
      await serveRecorded(flags.capture, argv as string[], flags);
      return;
    }
    const { serveZones } = await import("../../dns/serve/options.ts");
    await serveZones(argv as string[], flags);
  }
}
