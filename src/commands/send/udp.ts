/** `netkit send udp`. */
import { SendCommand, sendArgs, sendFlags } from "../../send/send-command.ts";

export default class SendUdp extends SendCommand {
  static override summary = "Send one datagram verbatim and print the reply, decoded by its codec.";
  static override examples = [
    "<%= config.bin %> send udp 127.0.0.1:53 1a2b01000001000000000000076578616d706c6503636f6d0000010001",
    "<%= config.bin %> send udp 127.0.0.1:5060 options.txt --pcap exchange.pcap",
  ];
  static override args = sendArgs;
  static override flags = sendFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SendUdp);
    await this.send("udp", args.peer, args.input, flags);
  }
}
