/**
 * The body of an RTP record, from wire bytes to JSON bytes without an object between: the bulk path
 * of the analyser. RFC 3550 5.1.
 */
import type { JsonWriter } from "../json-writer.ts";
import { Fixed } from "../json-writer.ts";
import { rtpHeaderBytes, rtpPaddingBytes } from "./sniff.ts";

const SSRC = new Fixed(',"ssrc":');
const SEQ = new Fixed(',"seq":');
const TIMESTAMP = new Fixed(',"timestamp":');
const PT = new Fixed(',"pt":');
const MARKER_SET = new Fixed(',"marker":true,"payloadBytes":');
const MARKER_CLEAR = new Fixed(',"marker":false,"payloadBytes":');
/** More than the longest body: the keys and six numbers. */
const BODY_BYTES = 160;

/**
 * Appends `,"ssrc":…,"payloadBytes":…` for the packet in `bytes[start, end)`. Returns false, and
 * writes nothing, when its header is cut or no RTP. A wrong padding count is taken as no padding.
 */
export function writeRtpBody(
  out: JsonWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  const header = rtpHeaderBytes(bytes, start, end);
  if (header < 0) return false;
  const padding = rtpPaddingBytes(bytes, start, end, header);
  out.room(BODY_BYTES);
  out.put(SSRC);
  out.uint(
    (bytes[start + 8] as number) * 0x1000000 +
      (((bytes[start + 9] as number) << 16) |
        ((bytes[start + 10] as number) << 8) |
        (bytes[start + 11] as number)),
  );
  out.put(SEQ);
  out.uint(((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number));
  out.put(TIMESTAMP);
  out.uint(
    (bytes[start + 4] as number) * 0x1000000 +
      (((bytes[start + 5] as number) << 16) |
        ((bytes[start + 6] as number) << 8) |
        (bytes[start + 7] as number)),
  );
  const second = bytes[start + 1] as number;
  out.put(PT);
  out.uint(second & 0x7f);
  out.put(second >= 0x80 ? MARKER_SET : MARKER_CLEAR);
  out.uint(end - start - header - (padding > 0 ? padding : 0));
  return true;
}
