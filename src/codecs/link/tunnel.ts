/** Headers that carry packets inside packets: MPLS (RFC 3032), GRE (RFC 2784, 2890, 2637), GTP-U, Teredo. */
import { ETHERTYPE, NEXT } from "./constants.ts";
import type { Payload } from "./frame.ts";

const result: Payload = { type: 0, at: 0 };

function payload(type: number, at: number): Payload {
  result.type = type;
  result.at = at;
  return result;
}

/** RFC 3032 2.1: labels up to the one with the bottom bit; what follows is told by its first nibble. */
export function mplsPayload(bytes: Uint8Array, at: number, end: number): Payload {
  for (;;) {
    if (at + 4 > end) return payload(NEXT.MALFORMED, at);
    const bottom = ((bytes[at + 2] as number) & 1) !== 0;
    at += 4;
    if (bottom) break;
  }
  if (at >= end) return payload(NEXT.NONE, at);
  const nibble = (bytes[at] as number) >> 4;
  if (nibble === 4 || nibble === 6) return payload(NEXT.IP, at);
  // RFC 4385 3: a pseudowire control word begins with a zero nibble; Ethernet follows (RFC 4448).
  return payload(NEXT.ETHERNET, nibble === 0 ? at + 4 : at);
}

export function grePayload(bytes: Uint8Array, at: number, end: number): Payload {
  if (at + 4 > end) return payload(NEXT.MALFORMED, at);
  const flags = bytes[at] as number;
  const version = (bytes[at + 1] as number) & 0x07;
  const type = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  let next = at + 4;
  const sequenced = (flags & 0x10) !== 0;
  if (version === 1) {
    next += 4; // RFC 2637 4.1: the key field is payload length and call id.
    if (sequenced) next += 4;
    if (((bytes[at + 1] as number) & 0x80) !== 0) next += 4;
  } else {
    if ((flags & 0xc0) !== 0) next += 4; // Checksum, or RFC 1701 routing offset.
    if ((flags & 0x20) !== 0) next += 4;
    if (sequenced) next += 4;
  }
  if (next > end) return payload(NEXT.MALFORMED, at);
  if (type === ETHERTYPE.ERSPAN) return payload(NEXT.ETHERNET, sequenced ? next + 8 : next);
  if (type === ETHERTYPE.ERSPAN_III) {
    if (next + 12 > end) return payload(NEXT.MALFORMED, at);
    const platform = ((bytes[next + 11] as number) & 1) !== 0;
    return payload(NEXT.ETHERNET, next + (platform ? 20 : 12));
  }
  return payload(type, next);
}

/** Index of the user's IP packet in a GTP-U G-PDU (3GPP TS 29.281 5.1), or -1 when it is none. */
export function gtpPayload(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 8) return -1;
  const flags = bytes[start] as number;
  if ((flags & 0xf0) !== 0x30 || bytes[start + 1] !== 255) return -1;
  let at = start + 8;
  if ((flags & 0x07) !== 0) {
    at += 4;
    if ((flags & 0x04) !== 0) {
      let next = bytes[at - 1] as number;
      while (next !== 0) {
        if (at >= end) return -1;
        const length = (bytes[at] as number) * 4;
        if (length === 0 || at + length > end) return -1;
        at += length;
        next = bytes[at - 1] as number;
      }
    }
  }
  return isIp(bytes, at, end) ? at : -1;
}

/** Index of the IPv6 packet in a Teredo datagram (RFC 4380 5.1.1), or -1. */
export function teredoPayload(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (at + 4 <= end && bytes[at] === 0 && bytes[at + 1] === 1) {
    at += 13 + (bytes[at + 2] as number) + (bytes[at + 3] as number);
  }
  if (at + 8 <= end && bytes[at] === 0 && bytes[at + 1] === 0) at += 8;
  return isIp(bytes, at, end) && (bytes[at] as number) >> 4 === 6 ? at : -1;
}

/** Whether the bytes begin like an IP packet that fits. */
function isIp(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 20) return false;
  const version = (bytes[at] as number) >> 4;
  if (version === 4) return ((bytes[at] as number) & 0x0f) >= 5;
  return version === 6 && end - at >= 40;
}
