/** STUN and TURN: RFC 3489, 8489, 8656. */
export {
  ATTRIBUTES,
  MAGIC_COOKIE,
  MAX_CHANNEL,
  METHODS,
  MIN_CHANNEL,
  STUN_HEADER_BYTES,
} from "./constants.ts";
export { decodeStun } from "./decode.ts";
export { encodeStun, withFingerprint } from "./encode.ts";
export { crc32, fingerprintOf } from "./fingerprint.ts";
export type {
  AttributeValue,
  ChannelData,
  StunAttribute,
  StunClass,
  StunItem,
  StunMessage,
} from "./message.ts";
export { classOf, methodName, methodOf, typeOf } from "./message.ts";
export { stunRecord } from "./record.ts";
export { framedBytes, hasCookie, looksLikeChannelData, looksLikeStun } from "./sniff.ts";
export { MAX_STUN_ITEM_BYTES, StunStreamDecoder } from "./stream.ts";
