/** STUN messages and ChannelData to bytes. RFC 8489 5, RFC 8656 12.4. */
import { EncodeError } from "../errors.ts";
import { fromHex, Writer } from "../writer.ts";
import { encodeValue } from "./attribute.ts";
import { FINGERPRINT, MAGIC_COOKIE, MIN_CHANNEL, STUN_HEADER_BYTES } from "./constants.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { ChannelData, StunAttribute, StunItem, StunMessage } from "./message.ts";

const ZEROS = new Uint8Array(3);

/** @throws EncodeError if a field does not fit its place on the wire. */
export function encodeStun(item: StunItem): Uint8Array {
  return item.kind === "channel_data" ? encodeChannelData(item) : encodeMessage(item);
}

function encodeMessage(message: StunMessage): Uint8Array {
  const { type, transactionId } = message;
  if (type < 0 || type > 0x3fff) {
    throw new EncodeError("stun.header.type", "RFC 8489 5", "a message type has 14 bits");
  }
  const identifier = identifierBytes(transactionId);
  const out = new Writer(256);
  out.u16(type);
  out.u16(0);
  out.bytes(identifier);
  for (const attribute of message.attributes) encodeAttribute(out, attribute, identifier);
  const length = out.at - STUN_HEADER_BYTES;
  if (length > 0xffff) {
    throw new EncodeError("stun.message.length", "RFC 8489 5", `${length} bytes are too many`);
  }
  out.patchU16(2, length);
  return out.finish();
}

/** The message with a FINGERPRINT appended, or its last one corrected. RFC 8489 14.7. */
export function withFingerprint(message: StunMessage): StunMessage {
  const others = message.attributes.filter((a) => a.type !== FINGERPRINT);
  const attribute = (number: number): StunAttribute => ({
    type: FINGERPRINT,
    form: "u32",
    number,
  });
  const bytes = encodeMessage({ ...message, attributes: [...others, attribute(0)] });
  const number = fingerprintOf(bytes, bytes.length - 8);
  return { ...message, attributes: [...others, attribute(number)] };
}

/** Bytes 4..20 of the message: the cookie and 96 bits, or the 128 bits of RFC 3489. */
function identifierBytes(transactionId: string): Uint8Array {
  const bytes = fromHex(transactionId);
  if (bytes?.length === 16) return bytes;
  if (bytes?.length !== 12) {
    throw new EncodeError("stun.transaction-id", "RFC 8489 5", "24 or 32 hex digits are needed");
  }
  const all = new Writer(16);
  all.u32(MAGIC_COOKIE);
  all.bytes(bytes);
  return all.finish();
}

function encodeAttribute(out: Writer, attribute: StunAttribute, identifier: Uint8Array): void {
  out.u16(attribute.type);
  out.u16(0);
  const start = out.at;
  encodeValue(out, attribute, identifier);
  const length = out.at - start;
  if (length > 0xffff) {
    throw new EncodeError("stun.attribute.length", "RFC 8489 14", `${length} bytes are too many`);
  }
  out.patchU16(start - 2, length);
  const fill = -length & 3;
  const padding = attribute.padding ?? ZEROS.subarray(0, fill);
  if (padding.length !== fill) {
    throw new EncodeError("stun.attribute.padding", "RFC 8489 14", `${fill} bytes fill the word`);
  }
  out.bytes(padding);
}

function encodeChannelData({ channel, data, padding }: ChannelData): Uint8Array {
  if (channel < MIN_CHANNEL || channel > 0x7fff || data.length > 0xffff) {
    throw new EncodeError(
      "stun.channel.range",
      "RFC 8656 12.4",
      "the channel or length is out of range",
    );
  }
  const out = new Writer(8 + data.length);
  out.u16(channel);
  out.u16(data.length);
  out.bytes(data);
  if (padding !== undefined) out.bytes(padding);
  return out.finish();
}
