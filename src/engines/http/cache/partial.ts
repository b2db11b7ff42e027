/** Parts of a representation, completed and combined. RFC 9111 3.3, 3.4; RFC 9110 15.3.7.3. */
import type { Field } from "../../../codecs/http/message.ts";
import { field } from "../fields.ts";
import type { ByteRange } from "../ranges.ts";
import { parseContentRange } from "../ranges.ts";
import type { StoredResponse } from "./entry.ts";
import { cacheDate, dateOf } from "./freshness.ts";

/** RFC 9110 8.8.2.2: a date is a strong validator only when it is that much older than the response. */
const STRONG_AFTER_MS = 60_000;

/** The strong validator of a response, as If-Range takes it. */
export function strongValidator(response: {
  readonly fields: readonly Field[];
  readonly requestMs: number;
  readonly responseMs: number;
}): string | undefined {
  const etag = field(response.fields, "etag");
  if (etag !== undefined) return etag.startsWith("W/") ? undefined : etag;
  const text = field(response.fields, "last-modified");
  const last = cacheDate(text, response.responseMs);
  return last !== undefined && dateOf(response) - last >= STRONG_AFTER_MS ? text : undefined;
}

/** The range and size of a 206 with one part; undefined for many, or without a size. */
export function partOf(fields: readonly Field[]): { range: ByteRange; size: number } | undefined {
  const found = parseContentRange(field(fields, "content-range") ?? "");
  return found?.size === undefined ? undefined : { range: found.range, size: found.size };
}

/** The one range that is missing of a stored part; undefined where more are. */
export function missingOf(
  stored: StoredResponse,
): { text: string; at: "before" | "behind" } | undefined {
  const { range, size } = stored;
  if (range === undefined) return undefined;
  if (range.first === 0) return { text: `bytes=${range.last + 1}-`, at: "behind" };
  if (range.last === size - 1) return { text: `bytes=0-${range.first - 1}`, at: "before" };
  return undefined;
}

/** Octets of two parts that touch or overlap, as one; undefined where there is a gap. */
export function combine(
  a: { range: ByteRange; body: Uint8Array },
  b: { range: ByteRange; body: Uint8Array },
): { range: ByteRange; body: Uint8Array } | undefined {
  const [low, high] = a.range.first <= b.range.first ? [a, b] : [b, a];
  if (high.range.first > low.range.last + 1) return undefined;
  if (high.range.last <= low.range.last) return low;
  const range = { first: low.range.first, last: high.range.last };
  const body = new Uint8Array(range.last - range.first + 1);
  body.set(low.body);
  body.set(high.body, high.range.first - low.range.first);
  return { range, body };
}
