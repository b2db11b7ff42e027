/** `netkit dns sign`. */
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { NetkitCommand } from "../../command.ts";

export default class DnsSign extends NetkitCommand {
  static override enableJsonFlag = true;
  static override summary = "Sign a zone file with DNSSEC (Ed25519 or P-256, NSEC or NSEC3).";
  static override description =
    "Keys are PEM files and are made where there are none. The signed zone goes to --output or stdout, the DS records for the parent to stderr.";
  static override examples = [
    "<%= config.bin %> dns sign example.com.zone --key example.com.pem --output example.com.signed",
    "<%= config.bin %> dns sign example.com.zone --key ksk.pem --zsk zsk.pem --algorithm p256 --nsec3",
    "<%= config.bin %> dns sign example.com.zone --key k.pem --inception 20260101000000 --expiration 20270101000000",
  ];
  static override args = {
    zone: Args.string({ ignoreStdin: true, required: true, description: "[NAME=]FILE" }),
  };
  static override flags = {
    key: Flags.string({ required: true, description: "PEM of the key (with --zsk: of the KSK)" }),
    zsk: Flags.string({ description: "PEM of a key of its own for all but the DNSKEY records" }),
    algorithm: Flags.string({
      options: ["ed25519", "p256"],
      default: "ed25519",
      description: "of keys that are made",
    }),
    nsec3: Flags.boolean({ description: "deny by hashes of names (RFC 5155)" }),
    salt: Flags.string({
      dependsOn: ["nsec3"],
      description: "hex; none is best (RFC 9276)",
    }),
    iterations: Flags.integer({
      dependsOn: ["nsec3"],
      min: 0,
      max: 150,
      description: "0 is best (RFC 9276)",
    }),
    "opt-out": Flags.boolean({
      dependsOn: ["nsec3"],
      description: "no NSEC3 for delegations without DS",
    }),
    inception: Flags.string({ description: "YYYYMMDDHHmmSS [default: an hour ago]" }),
    expiration: Flags.string({ description: "YYYYMMDDHHmmSS [default: 30 days later]" }),
    output: Flags.string({ char: "o", description: "file for the signed zone" }),
  };

  async run(): Promise<object> {
    const { args, flags } = await this.parse(DnsSign);
    const { signFile } = await import("../../dns/serve/sign.ts");
    const { text, ...result } = signFile(args.zone, flags, (line) =>
      process.stderr.write(`netkit: ${line}\n`),
    );
    if (flags.output !== undefined) {
      const { writeOutput } = await import("../../output-file.ts");
      writeOutput(flags.output, Buffer.from(text, "latin1"));
    } else if (!this.jsonEnabled()) process.stdout.write(Buffer.from(text, "latin1"));
    for (const line of result.ds) process.stderr.write(`${line}\n`);
    return result;
  }
}
