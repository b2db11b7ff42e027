/** Conditional requests. RFC 9110 13; entity tags 8.8.3. */
import type { Field } from "../../codecs/http/message.ts";
import { parseHttpDate } from "./date.ts";
import { field, joinedField, listMembers } from "./fields.ts";
import { isSafe } from "./head.ts";

/** What there is to compare with. */
export interface Validators {
  /** As in the field: `"x"` or `W/"x"`. Undefined: the representation has none. */
  readonly etag?: string | undefined;
  readonly lastModifiedMs?: number | undefined;
}

const TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

export function isEntityTag(text: string): boolean {
  return TAG.test(text);
}

/** RFC 9110 8.8.3.2: both strong, and alike. */
export function strongMatch(a: string, b: string): boolean {
  return a === b && !a.startsWith("W/");
}

export function weakMatch(a: string, b: string): boolean {
  return a.replace(/^W\//, "") === b.replace(/^W\//, "");
}

/**
 * RFC 9110 13.2.2: what a request's preconditions ask for, where the answer would else be 2xx.
 * `exists`: whether there is a current representation.
 */
export function precondition(
  method: string,
  fields: readonly Field[],
  current: Validators,
  exists: boolean,
  nowMs: number,
): "go on" | 304 | 412 {
  const ifMatch = joinedField(fields, "if-match");
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current, exists, strongMatch)) return 412;
  } else {
    const since = dateOf(fields, "if-unmodified-since", nowMs);
    const { lastModifiedMs } = current;
    if (
      since !== undefined &&
      lastModifiedMs !== undefined &&
      seconds(lastModifiedMs) > seconds(since)
    ) {
      return 412;
    }
  }
  const ifNoneMatch = joinedField(fields, "if-none-match");
  if (ifNoneMatch !== undefined) {
    if (!matches(ifNoneMatch, current, exists, weakMatch)) return "go on";
    return isSafe(method) ? 304 : 412;
  }
  if (method === "GET" || method === "HEAD") {
    const since = dateOf(fields, "if-modified-since", nowMs);
    const { lastModifiedMs } = current;
    if (
      since !== undefined &&
      lastModifiedMs !== undefined &&
      seconds(lastModifiedMs) <= seconds(since)
    ) {
      return 304;
    }
  }
  return "go on";
}

/** RFC 9110 13.1.5: whether a range may be answered with a part. */
export function rangeStillHolds(
  fields: readonly Field[],
  current: Validators,
  nowMs: number,
): boolean {
  const value = field(fields, "if-range");
  if (value === undefined) return true;
  if (isEntityTag(value)) return current.etag !== undefined && strongMatch(value, current.etag);
  const date = parseHttpDate(value, nowMs);
  const { lastModifiedMs } = current;
  // A date is a strong validator only once the second it names is over (8.8.2.2).
  return (
    date !== undefined && lastModifiedMs !== undefined && seconds(date) === seconds(lastModifiedMs)
  );
}

function matches(
  value: string,
  current: Validators,
  exists: boolean,
  same: (a: string, b: string) => boolean,
): boolean {
  if (value.trim() === "*") return exists;
  const { etag } = current;
  return etag !== undefined && listMembers(value).some((tag) => same(tag, etag));
}

function dateOf(fields: readonly Field[], name: string, nowMs: number): number | undefined {
  const value = field(fields, name);
  return value === undefined ? undefined : parseHttpDate(value, nowMs);
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
