/** The extension protocol and what travels in it: BEP 10, metadata exchange (BEP 9), peer exchange (BEP 11). */

import { decode, decodePrefix } from "../bencode/decode.ts";
import type { Bencodable } from "../bencode/encode.ts";
import { encode } from "../bencode/encode.ts";
import type { BencodeNode } from "../bencode/node.ts";
import { get, getBytes, getInteger, getText } from "../bencode/node.ts";
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { strictUtf8 } from "../reader.ts";
import { concat } from "../writer.ts";
import type { Contact } from "./compact.ts";
import { contacts, encodeContacts } from "./compact.ts";

/** The message id of the extension handshake. */
export const EXTENSION_HANDSHAKE = 0;
/** libtorrent's limit of an info dictionary sent by BEP 9. */
export const MAX_METADATA_BYTES = 30 * 1024 * 1024;
/** Names that one handshake may give. */
const MAX_EXTENSIONS = 256;

export interface ExtensionHandshake {
  /** Name to the message id that the sender wants for it; 0 takes it back. */
  readonly extensions: ReadonlyMap<string, number>;
  /** `v`: name and version of the client. */
  readonly client?: string;
  /** `p`: the port on which the sender listens. */
  readonly port?: number;
  readonly requestQueue?: number;
  /** BEP 9; left out when out of bounds. */
  readonly metadataSize?: number;
  /** All of it. */
  readonly dict: BencodeNode;
}

/** @throws DecodeError */
export function decodeExtensionHandshake(
  payload: Uint8Array,
  options: DecodeOptions = {},
): ExtensionHandshake {
  const dict = decodePrefix(payload, options);
  if (dict.kind !== "dict")
    throw new DecodeError("bittorrent.extension.handshake", 0, "BEP 10", "not a dictionary");
  const extensions = new Map<string, number>();
  const m = get(dict, "m");
  if (m?.kind === "dict") {
    for (const { key, value } of m.entries) {
      const name = strictUtf8(key, 0, key.length);
      if (name === undefined || value.kind !== "integer" || extensions.size >= MAX_EXTENSIONS)
        continue;
      const id = Number(value.value);
      if (id >= 0 && id <= 255) extensions.set(name, id);
      else
        deviate(
          options,
          "bittorrent.extension.id",
          value.start,
          "BEP 10",
          `${name} has the id ${value.value}`,
        );
    }
  }
  const client = getText(dict, "v");
  const port = getInteger(dict, "p");
  const requestQueue = getInteger(dict, "reqq");
  const size = getInteger(dict, "metadata_size");
  if (size !== undefined && (size <= 0 || size > MAX_METADATA_BYTES)) {
    deviate(
      options,
      "bittorrent.metadata.size",
      get(dict, "metadata_size")?.start ?? 0,
      "BEP 9",
      `a metadata size of ${size}`,
    );
  }
  return {
    extensions,
    dict,
    ...(client === undefined ? {} : { client }),
    ...(port === undefined || port < 0 || port > 65_535 ? {} : { port }),
    ...(requestQueue === undefined ? {} : { requestQueue }),
    ...(size === undefined || size <= 0 || size > MAX_METADATA_BYTES ? {} : { metadataSize: size }),
  };
}

/** BEP 9. */
export type MetadataMessage =
  | { readonly type: "request"; readonly piece: number }
  | {
      readonly type: "data";
      readonly piece: number;
      readonly totalSize: number;
      readonly data: Uint8Array;
    }
  | { readonly type: "reject"; readonly piece: number };

const METADATA_TYPES = ["request", "data", "reject"] as const;

/** @throws DecodeError */
export function decodeMetadata(payload: Uint8Array, options: DecodeOptions = {}): MetadataMessage {
  const dict = decodePrefix(payload, options);
  const type = METADATA_TYPES[getInteger(dict, "msg_type") ?? -1];
  const piece = getInteger(dict, "piece");
  if (type === undefined || piece === undefined || piece < 0) {
    throw new DecodeError("bittorrent.metadata.message", 0, "BEP 9", "no msg_type or no piece");
  }
  if (type !== "data") return { type, piece };
  const totalSize = getInteger(dict, "total_size") ?? -1;
  if (totalSize <= 0 || totalSize > MAX_METADATA_BYTES) {
    throw new DecodeError("bittorrent.metadata.size", 0, "BEP 9", `a total size of ${totalSize}`);
  }
  return { type, piece, totalSize, data: payload.subarray(dict.end) };
}

export function encodeMetadata(message: MetadataMessage): Uint8Array {
  const dict: Record<string, Bencodable> = {
    msg_type: METADATA_TYPES.indexOf(message.type),
    piece: message.piece,
  };
  if (message.type !== "data") return encode(dict);
  return concat([encode({ ...dict, total_size: message.totalSize }), message.data]);
}

/** BEP 11. */
export interface PeerExchange {
  readonly added: readonly Contact[];
  readonly dropped: readonly Contact[];
}

/** @throws DecodeError: also for lists that are not whole contacts */
export function decodePeerExchange(payload: Uint8Array, options: DecodeOptions = {}): PeerExchange {
  const dict = decode(payload, options);
  const list = (name: string, size: number) => {
    const bytes = getBytes(dict, name);
    if (bytes === undefined) return [];
    if (bytes.length % size !== 0) {
      throw new DecodeError(
        "bittorrent.pex.ragged",
        get(dict, name)?.start ?? 0,
        "BEP 11",
        `${name} is not a whole number of contacts`,
      );
    }
    return contacts(bytes, size);
  };
  return {
    added: [...list("added", 6), ...list("added6", 18)],
    dropped: [...list("dropped", 6), ...list("dropped6", 18)],
  };
}

export function encodePeerExchange(exchange: PeerExchange): Uint8Array {
  const added = encodeContacts(exchange.added);
  const dropped = encodeContacts(exchange.dropped);
  return encode({
    added: added.v4,
    "added.f": new Uint8Array(added.v4.length / 6),
    added6: added.v6,
    "added6.f": new Uint8Array(added.v6.length / 18),
    dropped: dropped.v4,
    dropped6: dropped.v6,
  });
}
