/** RTCP packets and their compounds. RFC 3550 6; feedback RFC 4585 6.1; extended reports RFC 3611. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate } from "../errors.ts";
import { latin1, Reader, strictUtf8, utf8, view } from "../reader.ts";

/** RFC 3550 6.4.1. */
export interface ReportBlock {
  readonly ssrc: number;
  /** Of 256. */
  readonly fractionLost: number;
  /** Signed 24 bits: duplicates make it negative. */
  readonly cumulativeLost: number;
  readonly highestSequence: number;
  readonly jitter: number;
  readonly lastSr: number;
  /** In 1/65536 seconds. */
  readonly delaySinceLastSr: number;
}

export interface SdesItem {
  /** 1 CNAME, 2 NAME, 3 EMAIL, 4 PHONE, 5 LOC, 6 TOOL, 7 NOTE, 8 PRIV. */
  readonly type: number;
  /** UTF-8 text; the bytes where they are not (PRIV, unknown types). */
  readonly value: string | Uint8Array;
}

export interface SdesChunk {
  readonly ssrc: number;
  readonly items: readonly SdesItem[];
}

export interface XrBlock {
  readonly type: number;
  readonly typeSpecific: number;
  readonly data: Uint8Array;
}

interface Padded {
  /** The padding with its last octet, which counts them all; present when the P bit is set. */
  readonly padding?: Uint8Array;
}

export interface SenderReport extends Padded {
  readonly kind: "sr";
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  readonly reports: readonly ReportBlock[];
  /** Profile-specific extension, most often empty. */
  readonly extension: Uint8Array;
}

export interface ReceiverReport extends Padded {
  readonly kind: "rr";
  readonly ssrc: number;
  readonly reports: readonly ReportBlock[];
  readonly extension: Uint8Array;
}

export interface SourceDescription extends Padded {
  readonly kind: "sdes";
  readonly chunks: readonly SdesChunk[];
}

export interface Bye extends Padded {
  readonly kind: "bye";
  readonly sources: readonly number[];
  readonly reason?: string;
}

export interface ApplicationDefined extends Padded {
  readonly kind: "app";
  readonly subtype: number;
  readonly ssrc: number;
  /** Four ASCII characters. */
  readonly name: string;
  readonly data: Uint8Array;
}

/** RFC 4585 6.1: transport-layer (205) and payload-specific (206) feedback. */
export interface Feedback extends Padded {
  readonly kind: "rtpfb" | "psfb";
  readonly format: number;
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly fci: Uint8Array;
}

/** RFC 3611. */
export interface ExtendedReport extends Padded {
  readonly kind: "xr";
  readonly reserved: number;
  readonly ssrc: number;
  readonly blocks: readonly XrBlock[];
}

export interface UnknownRtcp extends Padded {
  readonly kind: "unknown";
  readonly packetType: number;
  readonly count: number;
  readonly data: Uint8Array;
}

export type RtcpPacket =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | ApplicationDefined
  | Feedback
  | ExtendedReport
  | UnknownRtcp;

export const RTCP_TYPES = {
  sr: 200,
  rr: 201,
  sdes: 202,
  bye: 203,
  app: 204,
  rtpfb: 205,
  psfb: 206,
  xr: 207,
} as const;

/** A datagram of 65,535 octets holds no more packets of 4. */
export const MAX_RTCP_PACKETS = 16384;

/**
 * The packets of one compound in order. RFC 5506 lets any type come first.
 * @throws DecodeError with the offset of the packet that is cut or wrong.
 */
export function decodeRtcp(bytes: Uint8Array, options: DecodeOptions = {}): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  readRtcp(bytes, packets, options);
  return packets;
}

/** As `decodeRtcp`, but what came before a fault is in `packets`. @throws DecodeError */
export function readRtcp(
  bytes: Uint8Array,
  packets: RtcpPacket[],
  options: DecodeOptions = {},
): void {
  let at = 0;
  do {
    const end = packetEnd(bytes, at);
    packets.push(decodePacket(bytes, at, end, options));
    at = end;
  } while (at < bytes.length && packets.length < MAX_RTCP_PACKETS);
}

function packetEnd(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at;
  if (left < 4) {
    throw new DecodeError("rtcp.header.truncated", at, "RFC 3550 6.4.1", `${left} bytes are left`);
  }
  if ((bytes[at] as number) >> 6 !== 2) {
    throw new DecodeError("rtcp.header.version", at, "RFC 3550 6.4.1", "the version is not 2");
  }
  const length = (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) * 4 + 4;
  if (length > left) {
    throw new DecodeError(
      "rtcp.packet.truncated",
      at + 2,
      "RFC 3550 6.4.1",
      `${length} bytes are announced, ${left} are here`,
    );
  }
  return at + length;
}

/** One packet in `bytes[at, end)`; offsets of faults count from the start of the compound. */
function decodePacket(
  bytes: Uint8Array,
  at: number,
  end: number,
  options: DecodeOptions,
): RtcpPacket {
  const first = bytes[at] as number;
  let bodyEnd = end;
  let padded: Padded = {};
  if ((first & 0x20) !== 0) {
    const count = bytes[end - 1] as number;
    if (count === 0 || count > end - at - 4 || count % 4 !== 0) {
      deviate(options, "rtcp.padding.count", end - 1, "RFC 3550 6.4.1", `padding of ${count}`);
    } else {
      bodyEnd = end - count;
      padded = { padding: view(bytes, bodyEnd, end) };
    }
  }
  const r = new Reader(bytes, "rtcp.packet.short", "RFC 3550 6.4", 0, bodyEnd);
  r.at = at + 4;
  const count = first & 31;
  switch (bytes[at + 1] as number) {
    case RTCP_TYPES.sr:
      return { kind: "sr", ...senderReport(r, count), ...padded };
    case RTCP_TYPES.rr:
      return { kind: "rr", ssrc: r.u32(), ...reportBlocks(r, count), ...padded };
    case RTCP_TYPES.sdes:
      return { kind: "sdes", chunks: sdesChunks(r, count, options), ...padded };
    case RTCP_TYPES.bye:
      return { kind: "bye", ...bye(r, count, options), ...padded };
    case RTCP_TYPES.app:
      return { kind: "app", subtype: count, ...app(r), ...padded };
    case RTCP_TYPES.rtpfb:
      return { kind: "rtpfb", format: count, ...feedback(r), ...padded };
    case RTCP_TYPES.psfb:
      return { kind: "psfb", format: count, ...feedback(r), ...padded };
    case RTCP_TYPES.xr:
      return { kind: "xr", reserved: count, ssrc: r.u32(), blocks: xrBlocks(r), ...padded };
    default: {
      const packetType = bytes[at + 1] as number;
      return { kind: "unknown", packetType, count, data: r.take(r.remaining), ...padded };
    }
  }
}

function senderReport(r: Reader, count: number) {
  const head = {
    ssrc: r.u32(),
    ntpSeconds: r.u32(),
    ntpFraction: r.u32(),
    rtpTimestamp: r.u32(),
    packetCount: r.u32(),
    octetCount: r.u32(),
  };
  return { ...head, ...reportBlocks(r, count) };
}

function reportBlocks(r: Reader, count: number) {
  const reports: ReportBlock[] = [];
  for (let i = 0; i < count; i++) {
    r.need(24);
    const ssrc = r.u32();
    const lost = r.u32();
    reports.push({
      ssrc,
      fractionLost: lost >>> 24,
      cumulativeLost: (lost << 8) >> 8,
      highestSequence: r.u32(),
      jitter: r.u32(),
      lastSr: r.u32(),
      delaySinceLastSr: r.u32(),
    });
  }
  return { reports, extension: r.take(r.remaining) };
}

/** RFC 3550 6.5: items up to a null octet, then nulls up to the next word. */
function sdesChunks(r: Reader, count: number, options: DecodeOptions): SdesChunk[] {
  const chunks: SdesChunk[] = [];
  const base = r.at;
  for (let i = 0; i < count; i++) {
    const ssrc = r.u32();
    const items: SdesItem[] = [];
    for (let type = r.u8(); type !== 0; type = r.u8()) {
      const length = r.u8();
      const value = r.take(length);
      const text = type === 8 ? undefined : strictUtf8(value, 0, length);
      items.push({ type, value: text ?? value });
    }
    while ((r.at - base) % 4 !== 0) zero(r, options, "RFC 3550 6.5");
    chunks.push({ ssrc, items });
  }
  rest(r, options, "RFC 3550 6.5");
  return chunks;
}

function zero(r: Reader, options: DecodeOptions, spec: string): void {
  if (r.u8() !== 0) deviate(options, "rtcp.padding.nonzero", r.at - 1, spec, "padding is not null");
}

function rest(r: Reader, options: DecodeOptions, spec: string): void {
  if (r.remaining === 0) return;
  deviate(options, "rtcp.packet.trailing", r.at, spec, `${r.remaining} octets follow the content`);
}

function bye(r: Reader, count: number, options: DecodeOptions) {
  const sources: number[] = [];
  const base = r.at;
  for (let i = 0; i < count; i++) sources.push(r.u32());
  if (r.remaining === 0) return { sources };
  const length = r.u8();
  const at = r.at;
  r.take(length);
  const text = strictUtf8(r.bytes, at, at + length);
  if (text === undefined) {
    deviate(options, "rtcp.bye.not-utf8", at, "RFC 3550 6.6", "the reason is not UTF-8");
  }
  while ((r.at - base) % 4 !== 0) zero(r, options, "RFC 3550 6.6");
  rest(r, options, "RFC 3550 6.6");
  return { sources, reason: text ?? utf8(r.bytes, at, at + length) };
}

function app(r: Reader) {
  const ssrc = r.u32();
  r.need(4);
  const name = latin1(r.bytes, r.at, r.at + 4);
  r.at += 4;
  return { ssrc, name, data: r.take(r.remaining) };
}

function feedback(r: Reader) {
  return { senderSsrc: r.u32(), mediaSsrc: r.u32(), fci: r.take(r.remaining) };
}

function xrBlocks(r: Reader): XrBlock[] {
  const blocks: XrBlock[] = [];
  while (r.remaining > 0) {
    const type = r.u8();
    const typeSpecific = r.u8();
    blocks.push({ type, typeSpecific, data: r.take(r.u16() * 4) });
  }
  return blocks;
}
