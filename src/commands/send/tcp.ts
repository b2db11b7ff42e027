/** `netkit send tcp`. */
import { SendCommand, sendArgs, sendFlags } from "../../send/send-command.ts";

export default class SendTcp extends SendCommand {
  static override summary =
    "Send bytes over TCP verbatim and print the reply, decoded by its codec.";
  static override examples = [
    "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | <%= config.bin %> send tcp 127.0.0.1:8080",
    "<%= config.bin %> send tcp 127.0.0.1:25",
  ];
  static override args = sendArgs;
  static override flags = sendFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SendTcp);
    await this.send("tcp", args.peer, args.input, flags);
  }
}
