/** `netkit sip encode`. */
import { EncodeCommand, encodeArgs, encodeFlags } from "../../message/encode-command.ts";

export default class SipEncode extends EncodeCommand {
  static override summary =
    "Write the bytes of a SIP message (RFC 3261) from the JSON that decode prints.";
  static override examples = [
    "<%= config.bin %> sip decode message.bin | <%= config.bin %> sip encode > same.bin",
    "<%= config.bin %> sip encode message.json --to hex",
  ];
  static override args = encodeArgs;
  static override flags = encodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SipEncode);
    await this.encodeWith("sip", args.input, flags);
  }
}
