/** DHT messages in captures, on any port. BEP 5. */

import { decode } from "../../../codecs/bencode/decode.ts";
import { getBytes, getText } from "../../../codecs/bencode/node.ts";
import { dhtRecord } from "../../../codecs/bittorrent/record.ts";
import type { Issue } from "../../../codecs/errors.ts";
import { DecodeError } from "../../../codecs/errors.ts";
import { view } from "../../../codecs/reader.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import type { Mark } from "../mark.ts";

const D = 0x64;
const E = 0x65;
/** Values of `y`. */
const TYPES: ReadonlySet<string> = new Set(["q", "r", "e"]);

/** Every KRPC dictionary begins with one of its keys of one letter, or `ip`, `ro`. */
function beginsKrpc(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 12 || bytes[start] !== D || bytes[start + 2] !== 0x3a) return false;
  const digit = bytes[start + 1];
  const first = bytes[start + 3] as number;
  if (digit === 0x31)
    return (
      first === 0x61 ||
      first === 0x72 ||
      first === 0x65 ||
      first === 0x71 ||
      first === 0x74 ||
      first === 0x76
    );
  return digit === 0x32 && (first === 0x69 || first === 0x72);
}

class DhtDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;

  constructor(context: DissectorContext) {
    this.context = context;
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (!beginsKrpc(bytes, start, end)) return false;
    const { out, account } = this.context;
    const issues: Issue[] = [];
    const size = end - start;
    const raw = { bytes, start, end };
    try {
      const dict = decode(view(bytes, start, end), { tolerate: (issue) => issues.push(issue) });
      if (!TYPES.has(getText(dict, "y") ?? "")) return false;
      if (getBytes(dict, "t") === undefined) {
        issues.push({
          code: "krpc.transaction",
          offset: 0,
          spec: "BEP 5",
          message: "no transaction id",
        });
      }
      out.emit(
        "bt-dht",
        flow,
        direction,
        mark,
        size,
        dhtRecord(dict),
        { malformed: false, issues },
        raw,
      );
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      issues.push(error.toIssue());
      if (cut) account.truncated(size);
      out.emit("bt-dht", flow, direction, mark, size, {}, { malformed: true, issues }, raw);
    }
    return true;
  }
}

export const dht: DatagramProtocol = {
  name: "bt-dht",
  recognises: (bytes, start, end) => {
    if (!beginsKrpc(bytes, start, end) || bytes[end - 1] !== E) return false;
    try {
      const dict = decode(view(bytes, start, end), { tolerate: () => {} });
      return TYPES.has(getText(dict, "y") ?? "");
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return false; // Not bencoded: some other protocol.
    }
  },
  open: (_flow, context) => new DhtDatagrams(context),
};
