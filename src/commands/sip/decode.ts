/** `netkit sip decode`. */
import { DecodeCommand, decodeArgs, decodeFlags } from "../../message/decode-command.ts";

export default class SipDecode extends DecodeCommand {
  static override summary = "Print a SIP message (RFC 3261) as JSON, with what is wrong with it.";
  static override examples = [
    "<%= config.bin %> sip decode invite.txt",
    "<%= config.bin %> sip decode --strict < invite.txt",
  ];
  static override args = decodeArgs;
  static override flags = decodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SipDecode);
    await this.decodeWith("sip", args.input, flags);
  }
}
