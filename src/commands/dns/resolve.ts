/** `netkit dns resolve`. */
import { NetkitCommand } from "../../command.ts";
import { resolveFlags } from "../../dns/resolve/flags.ts";

export default class DnsResolve extends NetkitCommand {
  static override summary = "Ask for names: as a program would, or step by step from the root.";
  static override description =
    "Words are names, record types and @servers in any order. Without a server the hosts file is read first, then the servers of /etc/resolv.conf are asked, with its search list. Each try has an identifier and a port of its own, since a forger must then guess anew (RFC 5452); --same-id keeps one. Exits 1 when no name has what was asked for, 4 when no server answers.";
  static override usage = "dns resolve NAME... [TYPE...] [@SERVER...] [FLAGS]";
  static override examples = [
    "<%= config.bin %> dns resolve www.example.com",
    "<%= config.bin %> dns resolve example.com MX TXT @192.0.2.53",
    "<%= config.bin %> dns resolve 192.0.2.1",
    "<%= config.bin %> dns resolve example.com @tls://192.0.2.53 --tls-name dns.example",
    "<%= config.bin %> dns resolve example.com HTTPS --dnssec --ecs 198.51.100.0/24 --trace",
    "<%= config.bin %> dns resolve -f names.txt A --json --concurrency 20",
  ];
  static override strict = false;
  static override flags = resolveFlags;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(DnsResolve);
    const { run } = await import("../../dns/resolve/main.ts");
    process.exitCode = await run(argv as string[], flags);
  }
}
