/** The response that a stored one gives to a request: 200, 206, 304 or 416. RFC 9111 4, RFC 9110 13, 14. */
import type { Field } from "../../../codecs/http/message.ts";
import { precondition, rangeStillHolds } from "../conditions.ts";
import { allOf, field, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import { isBodiless } from "../head.ts";
import type { ByteRange } from "../ranges.ts";
import { contentRange, parseRanges } from "../ranges.ts";
import type { CacheRules } from "./decide.ts";
import { ruling } from "./decide.ts";
import { fieldNames } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";
import { isComplete } from "./entry.ts";
import { cacheDate, currentAge, dateOf } from "./freshness.ts";
import type { Asked } from "./storable.ts";

export interface StoredAnswer {
  readonly head: ResponseHead;
  /** Octets of the stored body to send; undefined: none. */
  readonly part: { readonly at: number; readonly length: number } | undefined;
}

/** RFC 9110 15.4.5: what a 304 tells; the rest is with whoever asked. */
const IN_304: readonly string[] = [
  "cache-control",
  "cdn-cache-control",
  "content-location",
  "date",
  "etag",
  "expires",
  "last-modified",
  "vary",
];

/** Undefined: what is stored of the body does not cover what is asked for. */
export function answerOf(
  stored: StoredResponse,
  request: Asked,
  rules: CacheRules,
  nowMs: number,
  validated: boolean,
): StoredAnswer | undefined {
  const fields = fieldsOf(stored, rules, nowMs, validated);
  const ok = stored.statusCode >= 200 && stored.statusCode < 300;
  if (ok && isNotModified(stored, request, nowMs)) {
    const told = fields.filter(({ name }) => [...IN_304, "age"].includes(name.toLowerCase()));
    return { head: { statusCode: 304, fields: told }, part: undefined };
  }
  const { statusCode, reasonPhrase, size } = stored;
  const whole: StoredAnswer = {
    head: { statusCode, reasonPhrase, fields: withLength(fields, size, statusCode) },
    part: bodyless(request, statusCode) ? undefined : { at: 0, length: size },
  };
  if (request.method !== "GET") return whole;
  const wanted = rangesOf(stored, request, nowMs);
  if (wanted === undefined || wanted.length > 1) return isComplete(stored) ? whole : undefined;
  const [range] = wanted;
  if (range === undefined) {
    const told = [
      ...without(fields, "content-type"),
      { name: "Content-Range", value: `bytes */${size}` },
    ];
    return { head: { statusCode: 416, fields: withLength(told, 0, 416) }, part: undefined };
  }
  const have = stored.range ?? { first: 0, last: size - 1 };
  if (range.first < have.first || range.last > have.last) return undefined;
  const length = range.last - range.first + 1;
  const told = [...fields, { name: "Content-Range", value: contentRange(range, size) }];
  return {
    head: { statusCode: 206, fields: withLength(told, length, 206) },
    part: { at: range.first - have.first, length },
  };
}

function bodyless(request: Asked, statusCode: number): boolean {
  return isBodiless(request.method, statusCode);
}

function withLength(fields: readonly Field[], size: number, statusCode: number): Field[] {
  if (statusCode === 204) return [...fields];
  return [...fields, { name: "Content-Length", value: String(size) }];
}

function fieldsOf(
  stored: StoredResponse,
  rules: CacheRules,
  nowMs: number,
  validated: boolean,
): Field[] {
  const { directives } = ruling(stored, rules).control;
  // RFC 9111 5.2.2.4: those that no-cache names are not used without validation.
  const named = validated ? [] : (fieldNames(directives, "no-cache") ?? []);
  const age = String(Math.floor(currentAge(stored, nowMs)));
  return [...without(stored.fields, "age", ...named), { name: "Age", value: age }];
}

/** RFC 9111 4.3.2. */
function isNotModified(stored: StoredResponse, request: Asked, nowMs: number): boolean {
  const conditions = ["if-none-match", "if-modified-since"];
  if (conditions.every((name) => field(request.fields, name) === undefined)) return false;
  const etag = field(stored.fields, "etag");
  const last = cacheDate(field(stored.fields, "last-modified"), stored.responseMs);
  // Without Last-Modified the date of the response stands in for it.
  const validators = { etag, lastModifiedMs: last ?? dateOf(stored) };
  return precondition(request.method, request.fields, validators, true, nowMs) === 304;
}

/** The ranges asked for; undefined: the whole. RFC 9110 14.2 */
function rangesOf(stored: StoredResponse, request: Asked, nowMs: number): ByteRange[] | undefined {
  if (stored.statusCode !== 200) return undefined;
  const [value, ...more] = allOf(request.fields, "range");
  if (value === undefined || more.length > 0) return undefined;
  const etag = field(stored.fields, "etag");
  const lastModifiedMs = cacheDate(field(stored.fields, "last-modified"), stored.responseMs);
  if (!rangeStillHolds(request.fields, { etag, lastModifiedMs }, nowMs)) return undefined;
  return parseRanges(value, stored.size);
}
