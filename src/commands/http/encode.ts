/** `netkit http encode`. */
import { EncodeCommand, encodeArgs, encodeFlags } from "../../message/encode-command.ts";

export default class HttpEncode extends EncodeCommand {
  static override summary =
    "Write the bytes of a HTTP/1.x message (RFC 9112) from the JSON that decode prints.";
  static override examples = [
    "<%= config.bin %> http decode message.bin | <%= config.bin %> http encode > same.bin",
    "<%= config.bin %> http encode message.json --to hex",
  ];
  static override args = encodeArgs;
  static override flags = encodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpEncode);
    await this.encodeWith("http", args.input, flags);
  }
}
