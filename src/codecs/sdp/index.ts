/** SDP: RFC 8866. */
export { decode } from "./decode.ts";
export { encode } from "./encode.ts";
export type {
  Attribute,
  Bandwidth,
  Connection,
  MediaDescription,
  Origin,
  RtpMap,
  SessionDescription,
  Timing,
} from "./message.ts";
export { rtpMaps } from "./message.ts";
export { record } from "./record.ts";
