/** STUN messages from bytes. RFC 8489 5, 14; RFC 3489 11; ChannelData RFC 8656 12.4. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { hex, view } from "../reader.ts";
import { decodeValue } from "./attribute.ts";
import {
  FINGERPRINT,
  MAGIC_COOKIE,
  MAX_ATTRIBUTES,
  MAX_CHANNEL,
  MIN_CHANNEL,
  STUN_HEADER_BYTES,
} from "./constants.ts";
import { fingerprintOf } from "./fingerprint.ts";
import type { ChannelData, StunAttribute, StunItem, StunMessage } from "./message.ts";

const SPEC = "RFC 8489 5";

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return ((u16(bytes, at) << 16) | u16(bytes, at + 2)) >>> 0;
}

/**
 * A message or ChannelData: the whole of `bytes` is one item. Shares memory with the input.
 * @throws DecodeError if it is cut, longer than it says, or malformed.
 */
export function decodeStun(bytes: Uint8Array, options: DecodeOptions = {}): StunItem {
  if (bytes.length < 4) {
    throw new DecodeError("stun.header.truncated", bytes.length, SPEC, "the header is cut");
  }
  const type = u16(bytes, 0);
  if (type >= 0x4000) return decodeChannelData(bytes, type, options);
  if (bytes.length < STUN_HEADER_BYTES) {
    throw new DecodeError("stun.header.truncated", bytes.length, SPEC, "the header is cut");
  }
  const cookie = u32(bytes, 4) === MAGIC_COOKIE;
  const length = u16(bytes, 2);
  if (length > bytes.length - STUN_HEADER_BYTES) {
    throw new DecodeError("stun.message.truncated", 2, SPEC, `${length} bytes are announced`);
  }
  if (length % 4 !== 0) {
    deviate(options, "stun.message.length", 2, SPEC, `a length of ${length} is no number of words`);
  }
  const end = STUN_HEADER_BYTES + length;
  if (bytes.length > end) {
    const message = `${bytes.length - end} bytes follow the message`;
    deviate(options, "stun.message.trailing", end, SPEC, message);
  }
  return {
    kind: "message",
    type,
    transactionId: hex(bytes, cookie ? 8 : 4, STUN_HEADER_BYTES),
    attributes: attributes(bytes, end, cookie, options),
  } satisfies StunMessage;
}

function attributes(
  bytes: Uint8Array,
  end: number,
  cookie: boolean,
  options: DecodeOptions,
): StunAttribute[] {
  const found: StunAttribute[] = [];
  let at = STUN_HEADER_BYTES;
  while (at < end && found.length < MAX_ATTRIBUTES) {
    if (end - at < 4) {
      deviate(options, "stun.attribute.truncated", at, "RFC 8489 14", "an attribute header is cut");
      break;
    }
    const type = u16(bytes, at);
    const length = u16(bytes, at + 2);
    if (length > end - at - 4) {
      const message = `attribute 0x${type.toString(16)} has ${length} bytes, ${end - at - 4} are left`;
      deviate(options, "stun.attribute.truncated", at + 2, "RFC 8489 14", message);
      break;
    }
    const start = at + 4;
    const value = decodeValue(bytes, start, start + length, type, cookie, options);
    if (type === FINGERPRINT && value.form === "u32") checkAt(bytes, at, value.number, options);
    const next = start + length + (-length & 3);
    const padding = paddingOf(bytes, start + length, next, end, options);
    found.push(padding === undefined ? { type, ...value } : { type, ...value, padding });
    at = next;
  }
  return found;
}

function checkAt(bytes: Uint8Array, at: number, found: number, options: DecodeOptions): void {
  if (fingerprintOf(bytes, at) === found) return;
  deviate(options, "stun.fingerprint.mismatch", at, "RFC 8489 14.7", "the CRC is another");
}

/** The fill bytes when they are not all zero. */
function paddingOf(
  bytes: Uint8Array,
  start: number,
  next: number,
  end: number,
  options: DecodeOptions,
): Uint8Array | undefined {
  if (next > end) {
    deviate(options, "stun.attribute.padding", start, "RFC 8489 14", "the padding is cut");
    return undefined;
  }
  for (let i = start; i < next; i++) if (bytes[i] !== 0) return view(bytes, start, next);
  return undefined;
}

function decodeChannelData(
  bytes: Uint8Array,
  channel: number,
  options: DecodeOptions,
): ChannelData {
  const spec = "RFC 8656 12.4";
  if (channel >= 0x8000) {
    throw new DecodeError("stun.header.type", 0, SPEC, "neither a message nor ChannelData");
  }
  if (channel < MIN_CHANNEL || channel > MAX_CHANNEL) {
    const message = `channel 0x${channel.toString(16)} is above 0x4fff`;
    deviate(options, "stun.channel.number", 0, "RFC 8656 12", message);
  }
  const length = u16(bytes, 2);
  const extra = bytes.length - 4 - length;
  if (extra < 0) {
    throw new DecodeError("stun.channel.truncated", 2, spec, `${length} bytes are announced`);
  }
  const end = 4 + length;
  if (extra > (-length & 3)) {
    deviate(options, "stun.channel.trailing", end, spec, `${extra} bytes follow the data`);
  }
  return {
    kind: "channel_data",
    channel,
    data: view(bytes, 4, end),
    ...(extra === 0 ? {} : { padding: view(bytes, end, bytes.length) }),
  };
}
