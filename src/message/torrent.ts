/** What `netkit torrent decode|encode` takes: torrent files, any bencode, KRPC, peer messages, uTP, tracker packets, magnets. */
import type { Bencodable, BencodeJson, BencodeNode } from "../codecs/bencode/index.ts";
import { decode, encode, get, toJson } from "../codecs/bencode/index.ts";
import type { Hash, Metainfo } from "../codecs/bittorrent/index.ts";
import {
  decodeHandshake,
  decodeMessage,
  encodeHandshake,
  encodeMessage,
  formatMagnet,
  infoHashes,
  parseMagnet,
  parseMetainfo,
} from "../codecs/bittorrent/index.ts";
import type { DecodeOptions } from "../codecs/errors.ts";
import { utf8Bytes } from "../codecs/writer.ts";
import { CommandError, EXIT } from "../failure.ts";

const DIGIT_OR_CONTAINER = /^[0-9dil]/;

/** The kind is told by the first octets. @throws DecodeError */
export function torrentDecode(
  bytes: Uint8Array,
  options: DecodeOptions,
  hashes: { readonly sha1: Hash; readonly sha256: Hash },
): object {
  const head = Buffer.from(bytes.subarray(0, 20)).toString("latin1");
  if (/^magnet:/i.test(head)) {
    return { kind: "magnet", ...parseMagnet(Buffer.from(bytes).toString("utf8").trim()) };
  }
  if (head.startsWith("\x13BitTorrent protocol"))
    return { kind: "peer", ...decodeHandshake(bytes) };
  if (!DIGIT_OR_CONTAINER.test(head)) return { kind: "peer", ...decodeMessage(bytes, options) };
  const node = decode(bytes, options);
  if (get(node, "info")?.kind !== "dict") return { kind: "bencode", value: toJson(node) };
  const metainfo = parseMetainfo(bytes, { ...options, sha256: hashes.sha256 });
  return {
    kind: "torrent",
    ...facts(metainfo),
    ...infoHashes(metainfo, hashes),
    value: toJson(node as BencodeNode),
  };
}

function facts(metainfo: Metainfo): object {
  const { name, length, pieceLength, pieceCount, files, trackers, webSeeds } = metainfo;
  return {
    name,
    length,
    pieceLength,
    pieceCount,
    private: metainfo.private,
    files: files.map((file) => ({
      path: file.path.join("/"),
      length: file.length,
      ...(file.pad ? { pad: true } : {}),
    })),
    trackers,
    webSeeds,
  };
}

/** @throws EncodeError, CommandError */
export function torrentEncode(message: object): Uint8Array {
  const { kind, ...rest } = message as { kind?: string } & Record<string, unknown>;
  switch (kind) {
    case "magnet":
      return utf8Bytes(`${formatMagnet(rest as never)}\n`);
    case "peer":
      return rest["msg"] === "handshake"
        ? encodeHandshake(rest as never)
        : encodeMessage(rest as never);
    case "bencode":
    case "torrent":
      return encode(fromJson(rest["value"] as BencodeJson));
    default:
      throw new CommandError("kind is none of magnet, peer, bencode and torrent", EXIT.input);
  }
}

/** JSON of bencode back to values: `{hex}` and `hex:` keys are octets. */
function fromJson(value: BencodeJson | Uint8Array): Bencodable {
  if (typeof value === "number" || typeof value === "string" || value instanceof Uint8Array)
    return value;
  if (Array.isArray(value)) return value.map(fromJson);
  return new Map(
    Object.entries(value as Record<string, BencodeJson>).map(([key, item]) => [
      key.startsWith("hex:") ? new Uint8Array(Buffer.from(key.slice(4), "hex")) : key,
      fromJson(item),
    ]),
  );
}
