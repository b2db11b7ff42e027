/** Which of the stored responses of a URI a request may have. RFC 9111 4.1. */
import type { Field } from "../../../codecs/http/message.ts";
import { field, joinedField, listMembers } from "../fields.ts";
import { weights } from "../weights.ts";
import type { Selecting, StoredResponse } from "./entry.ts";

/** Lower-case names that Vary lists; `*` where one of them is that. */
export function varyNames(fields: readonly Field[]): readonly string[] | "*" {
  const names = listMembers(joinedField(fields, "vary")).map((name) => name.toLowerCase());
  return names.includes("*") ? "*" : [...new Set(names)].sort();
}

export function selectingOf(names: readonly string[], request: readonly Field[]): Selecting {
  return names.map((name) => [name, normalised(name, joinedField(request, name)) ?? null]);
}

export function matches(stored: StoredResponse, request: readonly Field[]): boolean {
  return stored.selecting.every(([name, value]) => {
    const asked = joinedField(request, name);
    if ((normalised(name, asked) ?? null) === value) return true;
    return name === "accept-language" && negotiated(stored, asked);
  });
}

/** Whether it matches field by field, and not only by negotiation. */
export function matchesExactly(stored: StoredResponse, request: readonly Field[]): boolean {
  return stored.selecting.every(
    ([name, value]) => (normalised(name, joinedField(request, name)) ?? null) === value,
  );
}

const WEIGHTED: readonly string[] = [
  "accept",
  "accept-language",
  "accept-encoding",
  "accept-charset",
];

/** White space, and with weighted lists order and case, mean nothing. RFC 9111 4.1, RFC 9110 12.5 */
function normalised(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const members = listMembers(value);
  if (!WEIGHTED.includes(name)) return members.join(",");
  const weighed = weights(value);
  return weighed
    .map(({ range, quality }) => `${range};q=${quality}`)
    .sort()
    .join(",");
}

/**
 * A response in a language that the request likes as much as any: negotiation could not give a
 * better one (RFC 9110 12.5.4, RFC 4647 3.3.1).
 */
function negotiated(stored: StoredResponse, asked: string | undefined): boolean {
  const language = field(stored.fields, "content-language")?.trim().toLowerCase();
  if (asked === undefined || language === undefined || language.includes(",")) return false;
  const ranges = weights(asked);
  const best = Math.max(0, ...ranges.map(({ quality }) => quality));
  return ranges.some(
    ({ range, quality }) =>
      quality === best && quality > 0 && (language === range || language.startsWith(`${range}-`)),
  );
}
