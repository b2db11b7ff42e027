/** Age and freshness of a stored response. RFC 9111 4.2. */
import type { Field } from "../../../codecs/http/message.ts";
import { parseHttpDate } from "../date.ts";
import { allOf, field } from "../fields.ts";
import type { Control } from "./directives.ts";
import { deltaSeconds, secondsOf } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";

export interface Lifetime {
  readonly seconds: number;
  /** What it follows from, and the section that says so. */
  readonly from: string;
  readonly spec: string;
  readonly explicit: boolean;
}

/** RFC 9111 4.2.2: a tenth of the time since the last change, and no more than a day. */
const HEURISTIC_PART = 0.1;
const HEURISTIC_MOST = 86_400;
/** RFC 9110 15.1 */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

export function isHeuristicallyCacheable(statusCode: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(statusCode);
}

/** An HTTP-date, read as RFC 9111 4.2 asks of caches: whatever its case. */
export function cacheDate(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const exact = parseHttpDate(text, nowMs);
  if (exact !== undefined) return exact;
  const cased = text
    .replace(/[A-Za-z]+/g, (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .replace(/Gmt$/, "GMT");
  return parseHttpDate(cased, nowMs);
}

/** RFC 9111 5.1: the first member counts; what is no number of seconds is ignored. */
export function ageField(fields: readonly Field[]): number {
  const first = field(fields, "age")?.split(",")[0]?.trim();
  return first === undefined ? 0 : (deltaSeconds(first) ?? 0);
}

/** Read once: a response is not changed, but replaced. */
const dates = new WeakMap<object, number>();

type Timed = Pick<StoredResponse, "fields" | "requestMs" | "responseMs">;

/** When the origin made it; where it does not say so, when it came. RFC 9110 6.6.1 */
export function dateOf(response: Timed): number {
  const known = dates.get(response);
  if (known !== undefined) return known;
  const { responseMs } = response;
  const date = cacheDate(field(response.fields, "date"), responseMs) ?? responseMs;
  dates.set(response, date);
  return date;
}

/** `current_age` of RFC 9111 4.2.3, in seconds. */
export function currentAge(response: Timed, nowMs: number): number {
  const { requestMs, responseMs } = response;
  const apparent = Math.max(0, (responseMs - dateOf(response)) / 1000);
  const corrected = ageField(response.fields) + Math.max(0, responseMs - requestMs) / 1000;
  const resident = Math.max(0, nowMs - responseMs) / 1000;
  return Math.max(apparent, corrected) + resident;
}

/** RFC 9111 4.2.1, 4.2.2. */
export function lifetimeOf(
  response: Timed & Pick<StoredResponse, "statusCode">,
  control: Control,
  shared: boolean,
): Lifetime {
  const { directives, source, targeted } = control;
  if (shared) {
    const found = fromDirective(control, "s-maxage");
    if (found !== undefined) return found;
  }
  const found = fromDirective(control, "max-age");
  if (found !== undefined) return found;
  const expires = allOf(response.fields, "expires");
  if (!targeted && expires.length > 0) return fromExpires(response, expires);
  const last = cacheDate(field(response.fields, "last-modified"), response.responseMs);
  const allowed = isHeuristicallyCacheable(response.statusCode) || directives.has("public");
  if (last !== undefined && allowed) {
    const since = Math.max(0, (dateOf(response) - last) / 1000);
    const seconds = Math.min(Math.floor(since * HEURISTIC_PART), HEURISTIC_MOST);
    const from = "a tenth of the time since Last-Modified";
    return { seconds, from, spec: "RFC 9111 4.2.2", explicit: false };
  }
  const from = `${source} tells no freshness`;
  return { seconds: 0, from, spec: "RFC 9111 4.2.2", explicit: false };
}

function fromDirective(control: Control, name: string): Lifetime | undefined {
  const value = secondsOf(control.directives, name);
  if (value === undefined) return undefined;
  const spec = control.targeted ? "RFC 9213 2.2" : "RFC 9111 4.2.1";
  const readable = value !== "invalid";
  const from = `${control.source}: ${name}${readable ? "" : " that cannot be read"}`;
  return { seconds: readable ? value : 0, from, spec, explicit: true };
}

function fromExpires(response: Timed, values: readonly string[]): Lifetime {
  const spec = "RFC 9111 5.3";
  const [value] = values;
  // RFC 9111 4.2.1: of several the first, or none: the caution costs one validation.
  if (values.some((other) => other !== value)) {
    return { seconds: 0, from: "Expires, twice and not alike", spec, explicit: true };
  }
  const expires = cacheDate(value, response.responseMs);
  if (expires === undefined) {
    return { seconds: 0, from: "Expires that is no date", spec, explicit: true };
  }
  const seconds = Math.max(0, (expires - dateOf(response)) / 1000);
  return { seconds, from: "Expires", spec, explicit: true };
}
