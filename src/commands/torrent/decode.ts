/** `netkit torrent decode`. */
import { DecodeCommand, decodeArgs, decodeFlags } from "../../message/decode-command.ts";

export default class TorrentDecode extends DecodeCommand {
  static override summary =
    "Print a torrent file, bencoded value, peer message or magnet link as JSON, with what is wrong with it.";
  static override examples = [
    "<%= config.bin %> torrent decode debian.torrent",
    "<%= config.bin %> torrent decode --compact 64323a6964333a61626365",
  ];
  static override args = decodeArgs;
  static override flags = decodeFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TorrentDecode);
    await this.decodeWith("torrent", args.input, flags);
  }
}
