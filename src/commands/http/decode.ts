/** `netkit http decode`. */
import * as Flags from "@oclif/core/flags";
import { DecodeCommand, decodeArgs, decodeFlags } from "../../message/decode-command.ts";

export default class HttpDecode extends DecodeCommand {
  static override summary =
    "Print a HTTP/1.x message (RFC 9112) as JSON, with what is wrong with it.";
  static override examples = [
    "<%= config.bin %> http decode request.txt",
    "curl -si http://127.0.0.1:8080/ | <%= config.bin %> http decode",
  ];
  static override args = decodeArgs;
  static override flags = {
    ...decodeFlags,
    content: Flags.boolean({
      description: "undo the content coding of the body: gzip, deflate, br",
    }),
    method: Flags.string({
      description:
        "method of the request that a response answers: HEAD and CONNECT change its framing",
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HttpDecode);
    await this.decodeWith("http", args.input, flags);
  }
}
