/** Records of RTP and RTCP packets: the body keys that the analyser prints. RFC 3550. */
import { hex } from "../reader.ts";
import type { ReportBlock, RtcpPacket, SdesChunk } from "./rtcp.ts";
import { RTCP_TYPES } from "./rtcp.ts";
import type { RtpPacket } from "./rtp.ts";

export function rtpRecord(packet: RtpPacket): Record<string, unknown> {
  return {
    ssrc: packet.ssrc,
    seq: packet.sequenceNumber,
    timestamp: packet.timestamp,
    pt: packet.payloadType,
    marker: packet.marker,
    payloadBytes: packet.payload.length,
  };
}

/** One packet of a compound. */
export function rtcpRecord(packet: RtcpPacket): Record<string, unknown> {
  switch (packet.kind) {
    case "sr":
      return {
        pt: RTCP_TYPES.sr,
        ssrc: packet.ssrc,
        ntpSeconds: packet.ntpSeconds,
        ntpFraction: packet.ntpFraction,
        rtpTimestamp: packet.rtpTimestamp,
        packetCount: packet.packetCount,
        octetCount: packet.octetCount,
        reports: packet.reports.map(report),
      };
    case "rr":
      return { pt: RTCP_TYPES.rr, ssrc: packet.ssrc, reports: packet.reports.map(report) };
    case "sdes": {
      const ssrc = packet.chunks[0]?.ssrc;
      const head = ssrc === undefined ? {} : { ssrc };
      return { pt: RTCP_TYPES.sdes, ...head, chunks: packet.chunks.map(chunk) };
    }
    case "bye": {
      const ssrc = packet.sources[0];
      return {
        pt: RTCP_TYPES.bye,
        ...(ssrc === undefined ? {} : { ssrc }),
        sources: packet.sources,
        ...(packet.reason === undefined ? {} : { reason: packet.reason }),
      };
    }
    case "app":
      return {
        pt: RTCP_TYPES.app,
        ssrc: packet.ssrc,
        subtype: packet.subtype,
        name: packet.name,
        data: hex(packet.data),
      };
    case "rtpfb":
    case "psfb":
      return {
        pt: RTCP_TYPES[packet.kind],
        ssrc: packet.senderSsrc,
        format: packet.format,
        mediaSsrc: packet.mediaSsrc,
        fci: hex(packet.fci),
      };
    case "xr":
      return {
        pt: RTCP_TYPES.xr,
        ssrc: packet.ssrc,
        blocks: packet.blocks.map((b) => ({
          type: b.type,
          typeSpecific: b.typeSpecific,
          data: hex(b.data),
        })),
      };
    case "unknown":
      return { pt: packet.packetType, count: packet.count, data: hex(packet.data) };
  }
}

function report(block: ReportBlock) {
  return {
    ssrc: block.ssrc,
    fractionLost: block.fractionLost,
    cumulativeLost: block.cumulativeLost,
    highestSequence: block.highestSequence,
    jitter: block.jitter,
    lastSr: block.lastSr,
    delaySinceLastSr: block.delaySinceLastSr,
  };
}

function chunk({ ssrc, items }: SdesChunk) {
  return {
    ssrc,
    items: items.map(({ type, value }) =>
      typeof value === "string" ? { type, value } : { type, hex: hex(value) },
    ),
  };
}
