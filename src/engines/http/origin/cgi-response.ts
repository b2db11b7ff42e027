/** What a CGI script wrote, as a response. RFC 3875 6. */
import type { Field } from "../../../codecs/http/message.ts";
import { latin1 } from "../../../codecs/reader.ts";
import type { ResponseHead } from "../head.ts";

const MAX_HEAD_BYTES = 16_384;
/** RFC 9110 5.5: what no value may hold. */
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export type CgiHead =
  | { readonly head: ResponseHead; readonly bodyAt: number }
  /** RFC 3875 6.2.2: another resource of this server answers. */
  | { readonly local: string; readonly bodyAt: number }
  | "more"
  | "malformed";

/** The head at the start of `bytes`: field lines that end with LF or CRLF, up to an empty one. */
export function cgiHead(bytes: Uint8Array): CgiHead {
  const fields: Field[] = [];
  let statusCode: number | undefined;
  let reasonPhrase: string | undefined;
  let location: string | undefined;
  let at = 0;
  for (;;) {
    const lf = bytes.indexOf(0x0a, at);
    if (lf < 0) return bytes.length > MAX_HEAD_BYTES ? "malformed" : "more";
    const end = bytes[lf - 1] === 0x0d ? lf - 1 : lf;
    const line = latin1(bytes, at, Math.max(at, end));
    at = lf + 1;
    if (line === "") break;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).trim();
    if (colon <= 0 || !TOKEN.test(name) || CONTROL.test(value)) return "malformed";
    switch (name.toLowerCase()) {
      case "status": {
        // RFC 3875 6.3.3: a script gives the final response; a 1xx would leave the client waiting.
        const match = /^([2-5][0-9]{2})(?: (.*))?$/.exec(value);
        if (match === null) return "malformed";
        statusCode = Number(match[1]);
        reasonPhrase = match[2];
        break;
      }
      case "location":
        location = value;
        break;
      // The server frames the body and keeps the connection.
      case "connection":
      case "transfer-encoding":
      case "content-length":
        break;
      default:
        fields.push({ name, value });
    }
  }
  if (location !== undefined) {
    if (statusCode === undefined && location.startsWith("/"))
      return { local: location, bodyAt: at };
    fields.push({ name: "Location", value: location });
    statusCode ??= 302;
  }
  if (fields.length === 0 && statusCode === undefined) return "malformed";
  return {
    head: {
      statusCode: statusCode ?? 200,
      ...(reasonPhrase === undefined ? {} : { reasonPhrase }),
      fields,
    },
    bodyAt: at,
  };
}
