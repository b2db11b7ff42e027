/** `netkit send tls`. */
import * as Flags from "@oclif/core/flags";
import { SendCommand, sendArgs, sendFlags } from "../../send/send-command.ts";

export default class SendTls extends SendCommand {
  static override summary =
    "Send bytes over TLS verbatim and print the reply, decoded by its codec.";
  static override examples = [
    "printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' | <%= config.bin %> send tls localhost:8443 --insecure",
  ];
  static override args = sendArgs;
  static override flags = {
    ...sendFlags,
    insecure: Flags.boolean({ char: "k", description: "take any certificate" }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SendTls);
    await this.send("tls", args.peer, args.input, flags);
  }
}
