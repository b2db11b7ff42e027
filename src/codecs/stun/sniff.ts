/** Is it STUN, is it ChannelData? RFC 8489 5, RFC 7983 7. Allocates nothing. */
import { LAST_CHANNEL, MAGIC_COOKIE, MIN_CHANNEL, STUN_HEADER_BYTES } from "./constants.ts";

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** The cookie stands where RFC 8489 5 wants it, behind two zero bits. */
export function hasCookie(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= STUN_HEADER_BYTES &&
    (bytes[start] as number) < 0x40 &&
    ((u16(bytes, start + 4) << 16) | u16(bytes, start + 6)) >>> 0 === MAGIC_COOKIE
  );
}

/** Message types of RFC 3489 11.1. */
function isClassicType(type: number): boolean {
  return (
    type === 0x0001 ||
    type === 0x0101 ||
    type === 0x0111 ||
    type === 0x0002 ||
    type === 0x0102 ||
    type === 0x0112
  );
}

/**
 * Plausibly one STUN message that fills the datagram: by the cookie, or without it (RFC 3489) by
 * type, length and a chain of attributes that ends where the message does.
 */
export function looksLikeStun(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < STUN_HEADER_BYTES || (bytes[start] as number) >= 0x40) return false;
  const length = u16(bytes, start + 2);
  if (hasCookie(bytes, start, end)) return length + STUN_HEADER_BYTES <= end - start;
  if (length % 4 !== 0 || length + STUN_HEADER_BYTES !== end - start) return false;
  if (!isClassicType(u16(bytes, start))) return false;
  let at = start + STUN_HEADER_BYTES;
  while (at < end) {
    if (end - at < 4) return false;
    const size = u16(bytes, at + 2);
    at += 4 + size + (-size & 3);
  }
  return at === end;
}

/** Plausibly ChannelData that fills the datagram, padded or not. Weak: ask only where TURN was seen. */
export function looksLikeChannelData(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 4) return false;
  const channel = u16(bytes, start);
  if (channel < MIN_CHANNEL || channel > LAST_CHANNEL) return false;
  const length = u16(bytes, start + 2);
  const extra = end - start - 4 - length;
  return extra >= 0 && extra <= (-length & 3);
}

/**
 * Bytes of the item that begins at `start` of a stream, its padding included (RFC 8656 12.5): 0
 * when more bytes are needed to tell, -1 when no item begins here.
 */
export function framedBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end === start) return 0;
  const first = bytes[start] as number;
  if (first >= 0x80) return -1;
  if (first >= 0x40 && first > LAST_CHANNEL >> 8) return -1;
  if (end - start < 4) return 0;
  const length = u16(bytes, start + 2);
  if (first >= 0x40) return 4 + length + (-length & 3);
  return length % 4 === 0 ? STUN_HEADER_BYTES + length : -1;
}
