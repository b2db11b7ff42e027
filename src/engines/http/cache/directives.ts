/** Directives of Cache-Control, and of the fields that stand in for it. RFC 9111 5.2, RFC 9213. */
import type { Field } from "../../../codecs/http/message.ts";
import type { Member } from "../../../codecs/http/structured.ts";
import { parseDictionary } from "../../../codecs/http/structured.ts";
import { joinedField, listMembers } from "../fields.ts";

/** Names in lower case. `true`: without a value; an empty value is one that cannot be read. */
export type Directives = ReadonlyMap<string, string | true>;

/** What rules a response, and by which field. */
export interface Control {
  readonly directives: Directives;
  readonly source: string;
  /** RFC 9213 2.2: with a targeted field Cache-Control and Expires are ignored. */
  readonly targeted: boolean;
}

const DIRECTIVE =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[^"\\]|\\.)*)"))?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
/** Both forms of one directive together mean the stricter one. RFC 9111 4.2.1 */
const WITH_FIELD_NAMES: readonly string[] = ["no-cache", "private"];
/** RFC 9111 1.2.2: what does not fit is as if it never ended. */
const MAX_SECONDS = 2_147_483_648;

export function parseDirectives(value: string | undefined): Directives {
  const found = new Map<string, string | true>();
  for (const member of listMembers(value)) {
    const match = DIRECTIVE.exec(member);
    const name = (match?.[1] ?? NAME.exec(member)?.[0])?.toLowerCase();
    if (name === undefined) continue;
    const argument =
      match === null ? "" : (match[2] ?? match[3]?.replace(/\\(.)/g, "$1") ?? (true as const));
    const before = found.get(name);
    if (before === undefined) found.set(name, argument);
    else if (WITH_FIELD_NAMES.includes(name)) {
      const plain = before === true || argument === true || before === "" || argument === "";
      found.set(name, plain ? true : `${before}, ${argument}`);
    }
  }
  return found;
}

/** RFC 9213 2.2: the first targeted field that is valid and not empty, else Cache-Control. */
export function controlOf(fields: readonly Field[], targets: readonly string[]): Control {
  for (const target of targets) {
    const value = joinedField(fields, target.toLowerCase());
    const members = value === undefined ? undefined : parseDictionary(value);
    if (members !== undefined && members.size > 0) {
      return { directives: fromMembers(members), source: target, targeted: true };
    }
  }
  const directives = parseDirectives(joinedField(fields, "cache-control"));
  return { directives, source: "Cache-Control", targeted: false };
}

const NUMERIC: readonly string[] = [
  "max-age",
  "s-maxage",
  "stale-while-revalidate",
  "stale-if-error",
];

/** RFC 9213 2.1: members of a type that the directive does not have are ignored. */
function fromMembers(members: ReadonlyMap<string, Member>): Directives {
  const found = new Map<string, string | true>();
  for (const [name, { type, value }] of members) {
    if (NUMERIC.includes(name)) {
      if (type === "integer") found.set(name, String(value));
    } else if (type === "boolean") {
      if (value === true) found.set(name, true);
    } else if (type === "string" || type === "token") found.set(name, value as string);
  }
  return found;
}

/** RFC 9111 1.2.2; undefined for what is no number of seconds. */
export function deltaSeconds(text: string): number | undefined {
  return /^[0-9]+$/.test(text) ? Math.min(Number(text), MAX_SECONDS) : undefined;
}

/** Seconds of a directive; `invalid` where it has none that can be read. */
export function secondsOf(directives: Directives, name: string): number | "invalid" | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return value === true ? "invalid" : (deltaSeconds(value) ?? "invalid");
}

/** Field names, lower case, that `no-cache` or `private` are about; empty: about the whole response. */
export function fieldNames(directives: Directives, name: string): string[] | undefined {
  const value = directives.get(name);
  if (value === undefined) return undefined;
  return value === true ? [] : listMembers(value).map((one) => one.toLowerCase());
}

/** Whether the directive stands there for the whole response. */
export function unqualified(directives: Directives, name: string): boolean {
  return fieldNames(directives, name)?.length === 0;
}
