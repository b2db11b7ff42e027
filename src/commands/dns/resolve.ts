/** `netkit dns resolve`. */
import { JsonLinesCommand } from "../../command.ts";
import { resolveFlags } from "../../dns/resolve/flags.ts";

export default class DnsResolve extends JsonLinesCommand {
  static override summary = "Ask for names: as a program would, or step by step from the root.";
  static override description =
    "Words are names, record types and @servers in any order; AXFR, or IXFR=SERIAL, has a zone as records. Without a server the hosts file is read first, then the servers of /etc/resolv.conf are asked, with its search list. Each try has an identifier and a port of its own, since a forger must then guess anew (RFC 5452); --same-id keeps one. Exits 1 when no name has what was asked for, 4 when no server answers.";
  static override usage = "dns resolve NAME... [TYPE...] [@SERVER...] [FLAGS]";
  static override examples = [
    "<%= config.bin %> dns lab    # in another terminal: what the next six ask",
    "<%= config.bin %> dns resolve www.example.com @127.0.0.53:5300",
    "<%= config.bin %> dns resolve example.com MX TXT @127.0.0.53:5300 --dnssec",
    "<%= config.bin %> dns resolve www.cs.uni.edu A --mode iterative --hints netkit-lab/root.hints --port 5300 --trace",
    "<%= config.bin %> dns resolve www.example.com --validate @127.0.0.53:5300 --hints netkit-lab/root.hints --trust-anchor netkit-lab/root.ds",
    "<%= config.bin %> dns resolve www.uni.edu A --compare @127.0.0.53:5300 --hints netkit-lab/root.hints --port 5300",
    "<%= config.bin %> dns resolve example.com AXFR @127.0.3.1:5300    # or IXFR=SERIAL",
    "<%= config.bin %> dns resolve www.example.com A --compare-servers @127.0.3.1:5300 @127.0.3.2:5300 --json",
  ];
  static override strict = false;
  static override flags = resolveFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(DnsResolve);
    const { run } = await import("../../dns/resolve/main.ts");
    process.exitCode = await run(argv as string[], flags);
  }
}
