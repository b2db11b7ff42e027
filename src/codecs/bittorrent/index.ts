/** BitTorrent: BEP 3 and those that extend it. */
export type { Contact, NodeContact } from "./compact.ts";
export { contacts, encodeContact, encodeContacts, encodeNode, nodes } from "./compact.ts";
export type { ExtensionHandshake, MetadataMessage, PeerExchange } from "./extension.ts";
export {
  decodeExtensionHandshake,
  decodeMetadata,
  decodePeerExchange,
  EXTENSION_HANDSHAKE,
  encodeMetadata,
  encodePeerExchange,
  MAX_METADATA_BYTES,
} from "./extension.ts";
export type { HttpAnnounce, HttpAnswer } from "./http-tracker.ts";
export { decodeHttpAnswer, parseAnnounce } from "./http-tracker.ts";
export type { KrpcError, KrpcMessage, KrpcQuery, KrpcResponse } from "./krpc.ts";
export {
  decodeKrpc,
  encodeError,
  encodeKrpc,
  encodeQuery,
  encodeResponse,
  KRPC_ERROR,
  KRPC_METHODS,
} from "./krpc.ts";
export type { Magnet } from "./magnet.ts";
export { formatMagnet, parseMagnet } from "./magnet.ts";
export type { Hash } from "./merkle.ts";
export { fileTree, merkleRoot, padHash } from "./merkle.ts";
export type { Metainfo, MetainfoOptions } from "./metainfo.ts";
export { infoHashes, parseMetainfo } from "./metainfo.ts";
export type { Handshake, MessageName, PeerMessage, PeerOptions } from "./peer-wire.ts";
export {
  clientOf,
  decodeHandshake,
  decodeMessage,
  encodeHandshake,
  encodeMessage,
  MESSAGE,
  messageName,
  PeerWireDecoder,
} from "./peer-wire.ts";
export {
  dhtRecord,
  peerRecord,
  trackerRequestRecord,
  trackerResponseRecord,
  utpRecord,
} from "./record.ts";
export type { TorrentFile } from "./torrent-file.ts";
export type {
  AnnounceRequest,
  ScrapeEntry,
  TrackerEvent,
  TrackerRequest,
  TrackerResponse,
} from "./udp-tracker.ts";
export {
  decodeTrackerRequest,
  decodeTrackerResponse,
  encodeTrackerRequest,
  encodeTrackerResponse,
  PROTOCOL_ID,
} from "./udp-tracker.ts";
export type { UtpExtension, UtpPacket, UtpType } from "./utp.ts";
export { decodeUtp, encodeUtp, UTP_TYPES } from "./utp.ts";
