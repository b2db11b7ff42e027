/** RTCP packets to bytes. RFC 3550 6. */
import { EncodeError } from "../errors.ts";
import { utf8Bytes, Writer } from "../writer.ts";
import type { ReportBlock, RtcpPacket, SdesChunk } from "./rtcp.ts";
import { RTCP_TYPES } from "./rtcp.ts";

/** A compound of the packets in order. @throws EncodeError if a field does not fit. */
export function encodeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  if (packets.length === 0)
    throw misfit("rtcp.compound.empty", "a compound holds one packet or more");
  const out = new Writer(256);
  for (const packet of packets) {
    const start = out.at;
    const padding = packet.padding;
    const type = packet.kind === "unknown" ? packet.packetType : RTCP_TYPES[packet.kind];
    out.u8(0x80 | (padding === undefined ? 0 : 0x20) | countField(packet));
    out.u8(type);
    out.u16(0);
    body(out, packet);
    if (padding !== undefined) {
      if (padding.length % 4 !== 0 || padding.length === 0 || padding.at(-1) !== padding.length) {
        throw misfit("rtcp.padding.count", "the last octet does not count the padding");
      }
      out.bytes(padding);
    }
    const length = out.at - start;
    if (length % 4 !== 0) throw misfit("rtcp.packet.length", "not a number of 32-bit words");
    if (length / 4 - 1 > 0xffff) throw misfit("rtcp.packet.length", "longer than 65536 words");
    out.patchU16(start + 2, length / 4 - 1);
  }
  return out.finish();
}

function misfit(code: string, message: string): EncodeError {
  return new EncodeError(code, "RFC 3550 6", message);
}

function countField(packet: RtcpPacket): number {
  const count = fieldOf(packet);
  if (count < 0 || count > 31) throw misfit("rtcp.count.range", "the count has five bits");
  return count;
}

function fieldOf(packet: RtcpPacket): number {
  switch (packet.kind) {
    case "sr":
    case "rr":
      return packet.reports.length;
    case "sdes":
      return packet.chunks.length;
    case "bye":
      return packet.sources.length;
    case "app":
      return packet.subtype;
    case "rtpfb":
    case "psfb":
      return packet.format;
    case "xr":
      return packet.reserved;
    case "unknown":
      return packet.count;
  }
}

function body(out: Writer, packet: RtcpPacket): void {
  switch (packet.kind) {
    case "sr":
      out.u32(packet.ssrc);
      out.u32(packet.ntpSeconds);
      out.u32(packet.ntpFraction);
      out.u32(packet.rtpTimestamp);
      out.u32(packet.packetCount);
      out.u32(packet.octetCount);
      reports(out, packet.reports);
      out.bytes(packet.extension);
      return;
    case "rr":
      out.u32(packet.ssrc);
      reports(out, packet.reports);
      out.bytes(packet.extension);
      return;
    case "sdes":
      for (const chunk of packet.chunks) sdesChunk(out, chunk);
      return;
    case "bye":
      for (const source of packet.sources) out.u32(source);
      if (packet.reason !== undefined) {
        const at = out.at;
        counted(out, utf8Bytes(packet.reason));
        while ((out.at - at) % 4 !== 0) out.u8(0);
      }
      return;
    case "app":
      out.u32(packet.ssrc);
      if (packet.name.length !== 4) throw misfit("rtcp.app.name", "a name has four characters");
      out.latin1(packet.name);
      out.bytes(packet.data);
      return;
    case "rtpfb":
    case "psfb":
      out.u32(packet.senderSsrc);
      out.u32(packet.mediaSsrc);
      out.bytes(packet.fci);
      return;
    case "xr":
      out.u32(packet.ssrc);
      for (const { type, typeSpecific, data } of packet.blocks) {
        if (data.length % 4 !== 0) throw misfit("rtcp.xr.length", "a block is cut off a word");
        out.u8(type);
        out.u8(typeSpecific);
        out.u16(data.length / 4);
        out.bytes(data);
      }
      return;
    case "unknown":
      out.bytes(packet.data);
      return;
  }
}

function reports(out: Writer, blocks: readonly ReportBlock[]): void {
  for (const block of blocks) {
    if (block.cumulativeLost < -0x800000 || block.cumulativeLost > 0x7fffff) {
      throw misfit("rtcp.report.lost", "the cumulative loss has 24 signed bits");
    }
    out.u32(block.ssrc);
    out.u32((block.fractionLost << 24) | (block.cumulativeLost & 0xffffff));
    out.u32(block.highestSequence);
    out.u32(block.jitter);
    out.u32(block.lastSr);
    out.u32(block.delaySinceLastSr);
  }
}

function sdesChunk(out: Writer, chunk: SdesChunk): void {
  const start = out.at;
  out.u32(chunk.ssrc);
  for (const { type, value } of chunk.items) {
    if (type < 1 || type > 255) throw misfit("rtcp.sdes.type", "an item's type is 1 to 255");
    out.u8(type);
    counted(out, typeof value === "string" ? utf8Bytes(value) : value);
  }
  do out.u8(0);
  while ((out.at - start) % 4 !== 0);
}

function counted(out: Writer, bytes: Uint8Array): void {
  if (bytes.length > 255) throw misfit("rtcp.text.length", "a text has 255 octets at most");
  out.u8(bytes.length);
  out.bytes(bytes);
}
