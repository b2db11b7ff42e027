/** `netkit dns decode`. */
import { DecodeCommand, decodeArgs, decodeFlags } from "../../message/decode-command.ts";

export default class DnsDecode extends DecodeCommand {
  static override summary = "Print a DNS message (RFC 1035) as JSON, with what is wrong with it.";
  static override examples = [
    "<%= config.bin %> dns decode 1a2b01000001000000000000076578616d706c6503636f6d0000010001",
    "<%= config.bin %> dns decode query.bin --strict",
  ];
  static override args = decodeArgs;
  static override flags = decodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DnsDecode);
    await this.decodeWith("dns", args.input, flags);
  }
}
