/** `netkit dns lab`. */
import * as Flags from "@oclif/core/flags";
import { JsonLinesCommand } from "../../command.ts";

export default class DnsLab extends JsonLinesCommand {
  static override summary = "A whole hierarchy of name servers on this machine, or simulated.";
  static override description =
    "13 root letters, two top-level domains, four signed or unsigned domains with two servers each, and a validating recursor, on addresses of 127.0.0.0/8 at one port. Writes root.hints, the trust anchor and the zones into a folder. With --simulated the same servers run in virtual time: names are resolved iteratively, by the recursor (hybrid) and recursively, with nothing known and again, and a table shows who had to ask whom.";
  static override examples = [
    "<%= config.bin %> dns lab",
    "<%= config.bin %> dns lab --port 5333 --folder /tmp/lab",
    "<%= config.bin %> dns lab --simulated --rtt 40ms --loss 1%",
    "<%= config.bin %> dns lab --simulated --name www.cs.uni.edu --pcap recursor.pcapng",
    "<%= config.bin %> dns lab --simulated --name www.example.com --down ns1.example.com",
    "<%= config.bin %> dns lab --simulated --name nothing.example.com --no-negative-cache",
  ];
  static override flags = {
    port: Flags.integer({ description: "port of all servers", default: 5300, min: 1, max: 65_535 }),
    folder: Flags.string({ description: "where files are written", default: "netkit-lab" }),
    simulated: Flags.boolean({ description: "in virtual time, without sockets" }),
    rtt: Flags.string({ description: "round trip between two hosts (simulated)", default: "40ms" }),
    loss: Flags.string({ description: "chance that a packet is lost (simulated)", default: "0%" }),
    seed: Flags.integer({ description: "of everything that is drawn (simulated)", default: 1 }),
    name: Flags.string({
      description: "name to resolve (simulated); may repeat",
      multiple: true,
      multipleNonGreedy: true,
    }),
    "negative-cache": Flags.boolean({
      description: "keep that names do not exist (simulated)",
      default: true,
      allowNo: true,
    }),
    down: Flags.string({
      description: "a server that is down (simulated); may repeat",
      multiple: true,
      multipleNonGreedy: true,
    }),
    pcap: Flags.string({ description: "write what the recursor sees (simulated), as pcapng" }),
    json: Flags.boolean({ description: "one JSON document" }),
  };

  async run(): Promise<void> {
    const { flags, metadata } = await this.parse(DnsLab);
    const { lab } = await import("../../dns/lab/main.ts");
    const written = Object.keys(flags).filter(
      (name) => metadata.flags[name]?.setFromDefault !== true,
    );
    await lab(flags, written);
  }
}
