/** `netkit dns encode`. */
import { EncodeCommand, encodeArgs, encodeFlags } from "../../message/encode-command.ts";

export default class DnsEncode extends EncodeCommand {
  static override summary =
    "Write the bytes of a DNS message (RFC 1035) from the JSON that decode prints.";
  static override examples = [
    "<%= config.bin %> dns decode message.bin | <%= config.bin %> dns encode > same.bin",
    "<%= config.bin %> dns encode message.json --to hex",
  ];
  static override args = encodeArgs;
  static override flags = encodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DnsEncode);
    await this.encodeWith("dns", args.input, flags);
  }
}
