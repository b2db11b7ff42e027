/** The status code that tells a client what its request broke. RFC 9112 3, 6.1; RFC 9110 15.5, 15.6. */
import type { DecodeError } from "../../codecs/errors.ts";

const CODES: Readonly<Record<string, number>> = {
  "http.transfer-encoding.unknown": 501,
  "http.version.unsupported": 505,
  "http.head.too-long": 431,
  "http.field.count": 431,
};

export function statusOfError(error: DecodeError): number {
  return CODES[error.code] ?? 400;
}
