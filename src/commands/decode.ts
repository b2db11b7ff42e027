/** `netkit decode`: every application message of a capture. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../command.ts";
import { CommandError, EXIT } from "../failure.ts";

export default class Decode extends NetkitCommand {
  static override summary =
    "Tell every DNS, HTTP, SIP, RTP, STUN and BitTorrent message of a capture.";
  static override description =
    `Reads pcap and pcapng, plain or as gzip, zstd or lz4; "-" is the standard input.
One line per message, in the order in which the messages were completed; an account of every
byte at the end (on stderr). Exit code 3: a capture cannot be read (or is damaged, with --strict).`;
  static override examples = [
    { description: "read a capture", command: "<%= config.bin %> decode capture.pcap" },
    {
      description: "for scripts: one JSON object a line",
      command: "<%= config.bin %> decode capture.pcap --json",
    },
    {
      description: "what breaks its protocol's rules, and may hide a request from a proxy",
      command: "<%= config.bin %> decode capture.pcap --lint --protocol http",
    },
    {
      description: "slow answers of one domain",
      command: `<%= config.bin %> decode capture.pcap --filter 'dns.latency > 0.1 && dns.qname contains "example"'`,
    },
    {
      description: "columns",
      command: "<%= config.bin %> decode capture.pcap --fields time,src,dns.qname --format csv",
    },
    { description: "while it is captured", command: "tcpdump -w - | <%= config.bin %> decode -" },
  ];
  static override strict = false;
  static override args = {
    capture: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'capture file, or "-"; several are merged by time',
    }),
  };
  static override flags = {
    json: Flags.boolean({ description: "NDJSON: one typed record a line (see: netkit schema)" }),
    account: Flags.boolean({
      description: "print the account also with --json (as the last line) and --fields",
      allowNo: true,
    }),
    verbose: Flags.boolean({ char: "v", description: "each message as a tree with offsets" }),
    hex: Flags.boolean({ char: "x", description: "each message's bytes" }),
    fields: Flags.string({
      description: "columns instead of records: names as in `netkit fields`, joined by commas",
    }),
    format: Flags.string({
      options: ["tsv", "csv"],
      default: "tsv",
      description: "how --fields are separated",
    }),
    header: Flags.boolean({
      default: true,
      allowNo: true,
      description: "names above the columns of --fields",
    }),
    time: Flags.string({
      options: ["relative", "delta", "utc", "local", "epoch"],
      description: "how times are shown (lines: relative; --fields: epoch)",
    }),
    since: Flags.string({
      description: "only records at or after this time (seconds since the epoch, or ISO 8601)",
    }),
    until: Flags.string({ description: "only records before this time" }),
    protocol: Flags.string({ char: "p", description: "only these protocols, joined by commas" }),
    filter: Flags.string({
      char: "Y",
      description: "only records for which this expression holds (docs/filter.md)",
    }),
    limit: Flags.integer({ char: "n", min: 1, description: "stop after so many records" }),
    output: Flags.string({
      char: "o",
      description: "write to this file, which appears when it is complete",
    }),
    follow: Flags.boolean({ char: "f", description: "go on as the file grows" }),
    "decode-as": Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      description: "force a protocol, e.g. tcp.port==8053,dns",
    }),
    heuristic: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      options: ["rtp"],
      description: "also guess this protocol from weak evidence",
    }),
    threads: Flags.integer({
      min: 1,
      max: 8,
      default: 1,
      description:
        "decode on so many processors, up to 8 (a plain file to --json); two are no faster than one so far (docs/performance.md)",
    }),
    lint: Flags.boolean({
      description:
        "only messages that break their protocol's rules, each rule with its section; exit 1 when there are any",
    }),
    strict: Flags.boolean({ description: "exit 3 when a capture is damaged" }),
    progress: Flags.boolean({
      default: true,
      allowNo: true,
      description: "progress of long work on stderr",
    }),
    color: Flags.boolean({ allowNo: true, description: "force colour on or off" }),
  };

  async run(): Promise<void> {
    const { flags, argv } = await this.parse(Decode);
    const { runDecode } = await import("../decode/run.ts");
    const code = await runDecode(argv as string[], flags);
    if (code !== EXIT.done) process.exitCode = code;
  }

  protected override catch(error: Error): Promise<unknown> {
    if (/Missing 1 required arg/.test(error.message)) {
      return super.catch(
        new CommandError("decode: name a capture file, or - for the standard input; see --help"),
      );
    }
    return super.catch(error);
  }
}
