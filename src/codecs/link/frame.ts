/** Link-layer framings other than Ethernet: where the payload starts and what it is. */
import { ETHERTYPE, LINK, NEXT } from "./constants.ts";

export interface Payload {
  /** An ethertype, or a pseudo-type of NEXT. */
  type: number;
  /** Absolute index of its first byte. */
  at: number;
}

const result: Payload = { type: 0, at: 0 };

function payload(type: number, at: number): Payload {
  result.type = type;
  result.at = at;
  return result;
}

function be16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function le16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

/** The returned object is reused by the next call. */
export function linkPayload(
  linkType: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Payload {
  const length = end - start;
  switch (linkType) {
    case LINK.ETHERNET:
      return payload(NEXT.ETHERNET, start);
    case LINK.RAW:
    case LINK.RAW_BSD:
    case LINK.RAW_OPENBSD:
    case LINK.IPV4:
    case LINK.IPV6:
      return payload(NEXT.IP, start);
    case LINK.NULL:
    case LINK.LOOP:
      return length < 4 ? payload(NEXT.MALFORMED, start) : loopback(bytes, start);
    case LINK.PPP:
      return payload(NEXT.PPP, start);
    case LINK.PPP_HDLC:
      // RFC 1547 4.3.1 (Cisco: 0x0f or 0x8f, then an ethertype) or RFC 1662.
      return bytes[start] === 0x0f || bytes[start] === 0x8f
        ? hdlc(bytes, start, end)
        : payload(NEXT.PPP, start);
    case LINK.C_HDLC:
      return hdlc(bytes, start, end);
    case LINK.PPPOE:
      return payload(ETHERTYPE.PPPOE_SESSION, start);
    case LINK.LINUX_SLL:
      return length < 16
        ? payload(NEXT.MALFORMED, start)
        : payload(be16(bytes, start + 14), start + 16);
    case LINK.LINUX_SLL2:
      return length < 20 ? payload(NEXT.MALFORMED, start) : payload(be16(bytes, start), start + 20);
    case LINK.IEEE802_11:
      return ieee80211(bytes, start, end, false);
    case LINK.RADIOTAP:
      return radiotap(bytes, start, end);
    case LINK.PPI:
      return ppi(bytes, start, end);
    default:
      return payload(NEXT.NONE, start);
  }
}

/** BSD loopback: the address family in the byte order of the host that captured, or in network order. */
function loopback(bytes: Uint8Array, start: number): Payload {
  const little = le16(bytes, start) | (le16(bytes, start + 2) << 16);
  const family = little >>> 16 === 0 ? little : be16(bytes, start + 2) | (be16(bytes, start) << 16);
  // AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS.
  if (family === 2 || family === 10 || family === 24 || family === 28 || family === 30) {
    return payload(NEXT.IP, start + 4);
  }
  return payload(NEXT.NONE, start);
}

function hdlc(bytes: Uint8Array, start: number, end: number): Payload {
  return end - start < 4
    ? payload(NEXT.MALFORMED, start)
    : payload(be16(bytes, start + 2), start + 4);
}

function ppi(bytes: Uint8Array, start: number, end: number): Payload {
  if (end - start < 8) return payload(NEXT.MALFORMED, start);
  const header = le16(bytes, start + 2);
  const linkType = le16(bytes, start + 4);
  if (header < 8 || start + header > end || linkType === LINK.PPI) {
    return payload(NEXT.MALFORMED, start);
  }
  return linkPayload(linkType, bytes, start + header, end);
}

/** radiotap.org: the flags field tells of padding between the 802.11 header and its payload. */
function radiotap(bytes: Uint8Array, start: number, end: number): Payload {
  if (end - start < 8) return payload(NEXT.MALFORMED, start);
  const header = le16(bytes, start + 2);
  if (header < 8 || start + header > end) return payload(NEXT.MALFORMED, start);
  const present = bytes[start + 4] as number;
  let at = start + 8;
  for (let word = start + 7; ((bytes[word] as number) & 0x80) !== 0 && at + 4 <= start + header; ) {
    word += 4;
    at += 4;
  }
  if ((present & 0x01) !== 0) at = start + (((at - start + 7) >> 3) << 3) + 8; // TSFT, 8 bytes aligned.
  const flags = (present & 0x02) !== 0 && at < start + header ? (bytes[at] as number) : 0;
  const fcs = (flags & 0x10) !== 0 ? 4 : 0;
  return ieee80211(
    bytes,
    start + header,
    Math.max(start + header, end - fcs),
    (flags & 0x20) !== 0,
  );
}

/** IEEE 802.11 9.2.4: data frames that are not encrypted. */
function ieee80211(bytes: Uint8Array, start: number, end: number, padded: boolean): Payload {
  if (end - start < 24) return payload(NEXT.NONE, start);
  const control = bytes[start] as number;
  const flags = bytes[start + 1] as number;
  const subtype = control >> 4;
  const isData = (control & 0x0c) === 0x08 && (subtype & 0x4) === 0;
  const isProtected = (flags & 0x40) !== 0;
  if (!isData || isProtected) return payload(NEXT.NONE, start);
  let header = (flags & 0x03) === 0x03 ? 30 : 24;
  if ((subtype & 0x8) !== 0) {
    header += 2;
    if ((flags & 0x80) !== 0) header += 4; // HT control.
  }
  if (padded) header = (header + 3) & ~3;
  const at = start + header;
  if (at + 8 > end) return payload(NEXT.MALFORMED, start);
  if (bytes[at] === 0xaa && bytes[at + 1] === 0xaa) return payload(be16(bytes, at + 6), at + 8);
  return payload(NEXT.NONE, start);
}
