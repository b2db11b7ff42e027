/** `netkit torrent encode`. */
import { EncodeCommand, encodeArgs, encodeFlags } from "../../message/encode-command.ts";

export default class TorrentEncode extends EncodeCommand {
  static override summary =
    "Write the bytes of a torrent file, bencoded value, peer message or magnet link from the JSON that decode prints.";
  static override examples = [
    "<%= config.bin %> torrent decode message.bin | <%= config.bin %> torrent encode > same.bin",
    "<%= config.bin %> torrent encode message.json --to hex",
  ];
  static override args = encodeArgs;
  static override flags = encodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TorrentEncode);
    await this.encodeWith("torrent", args.input, flags);
  }
}
