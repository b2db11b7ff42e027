/** RTP packets. RFC 3550 5.1; header extensions RFC 8285. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate, EncodeError } from "../errors.ts";
import { view } from "../reader.ts";
import { Writer } from "../writer.ts";

/** The header extension of RFC 3550 5.3.1; `data` is a whole number of 32-bit words. */
export interface RtpExtension {
  /** The 16 bits "defined by profile": 0xbede and 0x1000..0x100f are RFC 8285. */
  readonly profile: number;
  readonly data: Uint8Array;
}

export interface RtpPacket {
  readonly marker: boolean;
  /** 0..127. */
  readonly payloadType: number;
  readonly sequenceNumber: number;
  /** In units of the payload type's clock rate. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly csrcs: readonly number[];
  readonly extension?: RtpExtension;
  /** Without the padding. Shares memory with the input. */
  readonly payload: Uint8Array;
  /** The padding with its last octet, which counts them all; present when the P bit is set. */
  readonly padding?: Uint8Array;
}

/** One element of an RFC 8285 header extension. */
export interface RtpExtensionElement {
  readonly id: number;
  readonly data: Uint8Array;
}

/** Octets of the header without CSRCs. RFC 3550 5.1. */
export const RTP_HEADER_BYTES = 12;
/** The CC field has four bits. RFC 3550 5.1. */
export const MAX_CSRCS = 15;

const SPEC = "RFC 3550 5.1";

function u32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

function truncated(offset: number, spec: string, message: string): DecodeError {
  return new DecodeError("rtp.header.truncated", offset, spec, message);
}

/** @throws DecodeError if the header is cut, the version is not 2, or the padding count is absurd. */
export function decodeRtp(bytes: Uint8Array, options: DecodeOptions = {}): RtpPacket {
  const end = bytes.length;
  if (end < RTP_HEADER_BYTES) throw truncated(end, SPEC, `12 bytes are needed, ${end} are here`);
  const first = bytes[0] as number;
  if (first >> 6 !== 2) {
    throw new DecodeError("rtp.header.version", 0, SPEC, `version ${first >> 6} is not 2`);
  }
  const second = bytes[1] as number;
  const csrcs: number[] = [];
  let at = RTP_HEADER_BYTES;
  for (let i = first & MAX_CSRCS; i > 0; i--) {
    if (end - at < 4) throw truncated(at, SPEC, "the CSRC list is cut");
    csrcs.push(u32(bytes, at));
    at += 4;
  }
  let extension: RtpExtension | undefined;
  if ((first & 0x10) !== 0) {
    if (end - at < 4) throw truncated(at, "RFC 3550 5.3.1", "the extension header is cut");
    const length = (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) * 4;
    if (end - at - 4 < length) throw truncated(at, "RFC 3550 5.3.1", "the extension is cut");
    extension = {
      profile: ((bytes[at] as number) << 8) | (bytes[at + 1] as number),
      data: view(bytes, at + 4, at + 4 + length),
    };
    at += 4 + length;
  }
  const padding = (first & 0x20) !== 0 ? paddingLength(bytes, at, options) : 0;
  return {
    marker: second >= 0x80,
    payloadType: second & 0x7f,
    sequenceNumber: ((bytes[2] as number) << 8) | (bytes[3] as number),
    timestamp: u32(bytes, 4),
    ssrc: u32(bytes, 8),
    csrcs,
    ...(extension === undefined ? {} : { extension }),
    payload: view(bytes, at, end - padding),
    ...(padding === 0 ? {} : { padding: view(bytes, end - padding, end) }),
  };
}

function paddingLength(bytes: Uint8Array, at: number, options: DecodeOptions): number {
  const end = bytes.length;
  const count = end > at ? (bytes[end - 1] as number) : 0;
  if (count !== 0 && count <= end - at) return count;
  const offset = Math.max(at, end - 1);
  deviate(options, "rtp.padding.count", offset, SPEC, `${count} of ${end - at} octets are padding`);
  return 0;
}

/** @throws EncodeError if a field does not fit its place on the wire. */
export function encodeRtp(packet: RtpPacket): Uint8Array {
  const { csrcs, extension, padding, payload } = packet;
  check(packet);
  const out = new Writer(64 + payload.length);
  out.u8(
    0x80 | (padding === undefined ? 0 : 0x20) | (extension === undefined ? 0 : 0x10) | csrcs.length,
  );
  out.u8((packet.marker ? 0x80 : 0) | packet.payloadType);
  out.u16(packet.sequenceNumber);
  out.u32(packet.timestamp);
  out.u32(packet.ssrc);
  for (const csrc of csrcs) out.u32(csrc);
  if (extension !== undefined) {
    out.u16(extension.profile);
    out.u16(extension.data.length / 4);
    out.bytes(extension.data);
  }
  out.bytes(payload);
  if (padding !== undefined) out.bytes(padding);
  return out.finish();
}

function check(packet: RtpPacket): void {
  const { csrcs, extension, padding } = packet;
  if (csrcs.length > MAX_CSRCS) {
    throw new EncodeError("rtp.csrc.count", SPEC, "more than 15 CSRCs");
  }
  if (packet.payloadType < 0 || packet.payloadType > 127) {
    throw new EncodeError("rtp.payload-type.range", SPEC, "the payload type has seven bits");
  }
  if (
    extension !== undefined &&
    (extension.data.length % 4 !== 0 || extension.data.length > 0xffff * 4)
  ) {
    throw new EncodeError("rtp.extension.length", "RFC 3550 5.3.1", "not a number of words");
  }
  if (
    padding !== undefined &&
    (padding.length === 0 || padding.length > 255 || padding[padding.length - 1] !== padding.length)
  ) {
    throw new EncodeError("rtp.padding.count", SPEC, "the last octet does not count the padding");
  }
}

/**
 * The elements of an RFC 8285 header extension, in order; undefined when the profile is another.
 * Stops at an element that runs past the data.
 */
export function extensionElements(extension: RtpExtension): RtpExtensionElement[] | undefined {
  const { data, profile } = extension;
  const oneByte = profile === 0xbede; // RFC 8285 4.2
  if (!oneByte && profile >> 4 !== 0x100) return undefined; // RFC 8285 4.3
  const elements: RtpExtensionElement[] = [];
  let at = 0;
  while (at < data.length) {
    const head = data[at++] as number;
    if (head === 0) continue; // Padding.
    const id = oneByte ? head >> 4 : head;
    // RFC 8285 4.2: identifier 15 ends the processing of a one-byte extension.
    if (oneByte ? id === 15 : at >= data.length) break;
    const length = oneByte ? (head & 15) + 1 : (data[at++] as number);
    if (length > data.length - at) break;
    elements.push({ id, data: view(data, at, at + length) });
    at += length;
  }
  return elements;
}
