/** Is it RTP, is it RTCP? RFC 3550 A.1, A.2; RFC 5761 4 keeps their type numbers apart. */
import { RTP_HEADER_BYTES } from "./rtp.ts";

/**
 * Length of the RTP header (with CSRCs and extension) of `bytes[start, end)`, or -1 when the bytes
 * cannot be an RTP packet. Allocates nothing.
 */
export function rtpHeaderBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < RTP_HEADER_BYTES) return -1;
  const first = bytes[start] as number;
  if (first >> 6 !== 2) return -1;
  let length = RTP_HEADER_BYTES + (first & 15) * 4;
  if ((first & 0x10) !== 0) {
    if (end - start < length + 4) return -1;
    const at = start + length + 2;
    length += 4 + (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) * 4;
  }
  return end - start < length ? -1 : length;
}

/** Octets of padding that the P bit announces, or -1 when their count is absurd. */
export function rtpPaddingBytes(bytes: Uint8Array, start: number, end: number, header: number) {
  if (((bytes[start] as number) & 0x20) === 0) return 0;
  if (end - start <= header) return -1;
  const count = bytes[end - 1] as number;
  return count === 0 || count > end - start - header ? -1 : count;
}

/** Plausibly RTP: version, lengths and padding fit, and the type is none that RTCP uses. */
export function looksLikeRtp(bytes: Uint8Array, start: number, end: number): boolean {
  const header = rtpHeaderBytes(bytes, start, end);
  if (header < 0) return false;
  const type = (bytes[start + 1] as number) & 0x7f;
  // RFC 5761 4: payload types 64..95 would be taken for RTCP.
  if (type >= 64 && type <= 95) return false;
  return rtpPaddingBytes(bytes, start, end, header) >= 0;
}

/** True for a packet type of RTCP: 192..195 and 200..223. RFC 5761 4, IANA "RTCP Control Packet Types". */
export function isRtcpType(type: number): boolean {
  return (type >= 200 && type <= 223) || (type >= 192 && type <= 195);
}

/** Plausibly a compound RTCP packet: a chain of version 2 packets whose lengths end at `end`. */
export function looksLikeRtcp(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (end - at < 4) return false;
    if ((bytes[at] as number) >> 6 !== 2 || !isRtcpType(bytes[at + 1] as number)) return false;
    at += 4 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) * 4;
  }
  return at === end && at > start;
}
