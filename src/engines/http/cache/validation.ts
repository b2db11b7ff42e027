/** Validation of what is stored: the question, and what a 304 is about. RFC 9111 4.3. */
import type { Field } from "../../../codecs/http/message.ts";
import { strongMatch, weakMatch } from "../conditions.ts";
import { field, joinedField, listMembers, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { StoredResponse } from "./entry.ts";
import { isComplete } from "./entry.ts";

export const CONDITIONS: readonly string[] = ["if-none-match", "if-modified-since", "if-range"];

/** RFC 9111 4.3.1: the request with the validators of what is stored; undefined where there are none. */
export function conditional(
  request: readonly Field[],
  chosen: StoredResponse | undefined,
  stored: readonly StoredResponse[],
): Field[] | undefined {
  const complete = stored.filter(isComplete);
  const tags = new Set<string>();
  for (const one of chosen === undefined ? complete : [chosen, ...complete]) {
    const etag = field(one.fields, "etag");
    if (etag !== undefined) tags.add(etag);
  }
  for (const tag of listMembers(joinedField(request, "if-none-match"))) {
    if (tag !== "*") tags.add(tag);
  }
  const last = chosen === undefined ? undefined : field(chosen.fields, "last-modified");
  if (tags.size === 0 && last === undefined) return undefined;
  const fields = without(request, ...CONDITIONS);
  if (tags.size > 0) fields.push({ name: "If-None-Match", value: [...tags].join(", ") });
  if (last !== undefined) fields.push({ name: "If-Modified-Since", value: last });
  return fields;
}

/** RFC 9111 4.3.4: which of the stored responses a 304 is about. */
export function selectedBy(
  head: ResponseHead,
  stored: readonly StoredResponse[],
  chosen: StoredResponse | undefined,
): readonly StoredResponse[] {
  const etag = field(head.fields, "etag");
  if (etag !== undefined) {
    const same = etag.startsWith("W/") ? weakMatch : strongMatch;
    return stored.filter((one) => same(field(one.fields, "etag") ?? "", etag));
  }
  const last = field(head.fields, "last-modified");
  if (last !== undefined) {
    const fit = stored.filter((one) => field(one.fields, "last-modified") === last);
    if (fit.length > 0) return fit;
  }
  // Without a validator it can be told only of one; RFC 9110 15.4.5 asks origins to send theirs.
  const tags = new Set(stored.map((one) => field(one.fields, "etag")));
  return tags.size === 1 || stored.length === 1 ? stored.filter((one) => one === chosen) : [];
}
