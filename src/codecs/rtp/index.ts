/** RTP and RTCP: RFC 3550, 3611, 4585, 4733, 8285. */
export { writeRtpBody } from "./ndjson.ts";
export { rtcpRecord, rtpRecord } from "./record.ts";
export type {
  ApplicationDefined,
  Bye,
  ExtendedReport,
  Feedback,
  ReceiverReport,
  ReportBlock,
  RtcpPacket,
  SdesChunk,
  SdesItem,
  SenderReport,
  SourceDescription,
  UnknownRtcp,
  XrBlock,
} from "./rtcp.ts";
export { decodeRtcp, MAX_RTCP_PACKETS, RTCP_TYPES } from "./rtcp.ts";
export { encodeRtcp } from "./rtcp-encode.ts";
export type { RtpExtension, RtpExtensionElement, RtpPacket } from "./rtp.ts";
export { decodeRtp, encodeRtp, extensionElements, MAX_CSRCS, RTP_HEADER_BYTES } from "./rtp.ts";
export {
  isRtcpType,
  looksLikeRtcp,
  looksLikeRtp,
  rtpHeaderBytes,
  rtpPaddingBytes,
} from "./sniff.ts";
export type { TelephoneEvent } from "./telephone-event.ts";
export { decodeTelephoneEvents, dtmfKey, encodeTelephoneEvents } from "./telephone-event.ts";
