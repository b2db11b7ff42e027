/** Records of BitTorrent messages: the body keys that the analyser prints. */
import { decodePrefix } from "../bencode/decode.ts";
import { stringsOf, toJson } from "../bencode/json.ts";
import type { BencodeNode } from "../bencode/node.ts";
import { getBytes, getText } from "../bencode/node.ts";
import { DecodeError } from "../errors.ts";
import { hex, strictUtf8 } from "../reader.ts";
import type { Handshake, PeerMessage } from "./peer-wire.ts";
import type { TrackerRequest, TrackerResponse } from "./udp-tracker.ts";
import type { UtpPacket } from "./utp.ts";

/** `extension`: its name by the receiver's handshake, where that was seen. */
export function peerRecord(
  message: Handshake | PeerMessage,
  extension?: string,
): Record<string, unknown> {
  switch (message.msg) {
    case "handshake":
      return {
        msg: message.msg,
        infoHash: message.infoHash,
        peerId: message.peerId,
        reserved: message.reserved,
      };
    case "bitfield":
      return { msg: message.msg, length: message.bits.length };
    case "piece":
      return {
        msg: message.msg,
        index: message.index,
        begin: message.begin,
        length: message.block.length,
      };
    case "extended":
      return extendedRecord(message.id, message.payload, extension);
    case "unknown":
      return { msg: message.msg, type: message.type, length: message.payload.length };
    case "hashes": {
      const { hashes, ...rest } = message;
      return { ...rest, hashes: hashes.length / 32 };
    }
    default:
      return { ...message };
  }
}

function extendedRecord(
  id: number,
  payload: Uint8Array,
  name: string | undefined,
): Record<string, unknown> {
  const body: Record<string, unknown> = { msg: "extended", extendedId: id };
  const extension = id === 0 ? "handshake" : name;
  if (extension !== undefined) body["extension"] = extension;
  body["length"] = payload.length;
  try {
    if (payload.length > 0) body["dict"] = toJson(decodePrefix(payload, { tolerate: () => {} }));
  } catch (error) {
    // Extensions need not be bencoded: then there is no `dict`.
    if (!(error instanceof DecodeError)) throw error;
  }
  return body;
}

export function utpRecord(packet: UtpPacket): Record<string, unknown> {
  return {
    type: packet.type,
    connectionId: packet.connectionId,
    seq: packet.seq,
    ack: packet.ack,
    window: packet.window,
    extensions: packet.extensions,
    payloadBytes: packet.payload.length,
  };
}

/** From the dictionary, so that messages which break KRPC's own rules are shown too. */
export function dhtRecord(dict: BencodeNode): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  const y = getText(dict, "y");
  const q = getText(dict, "q");
  const t = getBytes(dict, "t");
  if (y !== undefined) body["y"] = y;
  if (q !== undefined) body["q"] = q;
  if (t !== undefined) body["t"] = isPrintable(t) ? strictUtf8(t, 0, t.length) : hex(t);
  body["dict"] = toJson(dict);
  body["strings"] = stringsOf(dict);
  return body;
}

function isPrintable(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet >= 0x20 && octet < 0x7f);
}

export function trackerRequestRecord(request: TrackerRequest): Record<string, unknown> {
  const { action, transactionId } = request;
  switch (action) {
    case "connect":
      return { action, transactionId };
    case "scrape":
      return {
        action,
        transactionId,
        connectionId: request.connectionId,
        infoHashes: request.infoHashes,
      };
    default:
      return {
        action,
        transactionId,
        connectionId: request.connectionId,
        infoHash: request.infoHash,
        peerId: request.peerId,
        downloaded: exact(request.downloaded),
        left: exact(request.left),
        uploaded: exact(request.uploaded),
        event: request.event,
        numWant: request.numWant,
        port: request.port,
      };
  }
}

function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

export function trackerResponseRecord(response: TrackerResponse): Record<string, unknown> {
  const { action, transactionId } = response;
  switch (response.action) {
    case "connect":
      return { action, transactionId, connectionId: response.connectionId };
    case "announce":
      return {
        action,
        transactionId,
        interval: response.interval,
        seeders: response.seeders,
        leechers: response.leechers,
        peers: response.peers.map((peer) =>
          peer.address.includes(":")
            ? `[${peer.address}]:${peer.port}`
            : `${peer.address}:${peer.port}`,
        ),
      };
    case "scrape":
      return { action, transactionId, entries: response.entries };
    default:
      return { action, transactionId, message: response.message };
  }
}
