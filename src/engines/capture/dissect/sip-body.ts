/** The session description in the body of a SIP message, alone or in a multipart. RFC 3261 7.4, RFC 2046 5.1, RFC 5621. */
import { latin1 } from "../../../codecs/reader.ts";
import type { SipReading } from "../../../codecs/sip/decode.ts";
import { fieldValue } from "../../../codecs/sip/message.ts";

/** Parts that are looked at. */
const MAX_PARTS = 32;

export function sdpBody(reading: SipReading): Uint8Array | undefined {
  const { message, parts } = reading;
  const { body } = message;
  if (body.length === 0) return undefined;
  const type = parts.contentType?.toLowerCase();
  if (type === "application/sdp") return body;
  if (type?.startsWith("multipart/") !== true) return undefined;
  const value = fieldValue(message.fields, "content-type") ?? "";
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))/i.exec(value);
  return boundary === null ? undefined : sdpPart(body, (boundary[1] ?? boundary[2]) as string);
}

function sdpPart(body: Uint8Array, boundary: string): Uint8Array | undefined {
  const text = latin1(body, 0, body.length);
  const mark = `--${boundary}`;
  let from = text.indexOf(mark);
  for (let n = 0; n < MAX_PARTS && from >= 0; n++) {
    const to = text.indexOf(mark, from + mark.length);
    if (to < 0) return undefined;
    const headEnd = text.indexOf("\r\n\r\n", from);
    if (headEnd >= 0 && headEnd < to) {
      const head = text.slice(from, headEnd);
      if (/\n(?:content-type|c)[ \t]*:[ \t]*application\/sdp/i.test(head)) {
        const end = text.slice(to - 2, to) === "\r\n" ? to - 2 : to;
        return body.subarray(headEnd + 4, Math.max(headEnd + 4, end));
      }
    }
    from = to;
  }
  return undefined;
}
