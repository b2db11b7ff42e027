/** Field lines of a message, looked up and changed. RFC 9110 5, 7.6.1. */
import type { Field } from "../../codecs/http/message.ts";

/** Value of the first field with this name (lower case), or undefined. */
export function field(fields: readonly Field[], name: string): string | undefined {
  for (const one of fields) if (sameName(one.name, name)) return one.value;
  return undefined;
}

/** All values of a field, joined as one list. RFC 9110 5.3 */
export function joinedField(fields: readonly Field[], name: string): string | undefined {
  let joined: string | undefined;
  for (const one of fields) {
    if (!sameName(one.name, name)) continue;
    joined = joined === undefined ? one.value : `${joined}, ${one.value}`;
  }
  return joined;
}

export function allOf(fields: readonly Field[], name: string): string[] {
  return fields.filter((one) => sameName(one.name, name)).map((one) => one.value);
}

/** Members of a comma-separated list, quoted strings kept whole, empty ones left out. RFC 9110 5.6.1 */
export function listMembers(value: string | undefined): string[] {
  if (value === undefined) return [];
  const members: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i <= value.length; i++) {
    const c = value[i];
    if (quoted && c === "\\") i++;
    else if (c === '"') quoted = !quoted;
    else if (i === value.length || (c === "," && !quoted)) {
      const member = value.slice(from, i).trim();
      if (member !== "") members.push(member);
      from = i + 1;
    }
  }
  return members;
}

export function without(fields: readonly Field[], ...names: readonly string[]): Field[] {
  return fields.filter((one) => !names.includes(one.name.toLowerCase()));
}

/** The fields with this one in place of all of its name. */
export function withField(fields: readonly Field[], name: string, value: string): Field[] {
  return [...without(fields, name.toLowerCase()), { name, value }];
}

/** RFC 9110 7.6.1: what is for this connection alone, with those that Connection names. */
const HOP_BY_HOP: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** What may be sent on to the next hop. */
export function endToEnd(fields: readonly Field[]): Field[] {
  const named = listMembers(joinedField(fields, "connection")).map((name) => name.toLowerCase());
  return without(fields, ...HOP_BY_HOP, ...named);
}

/**
 * RFC 9110 6.5.1: what says how a message is framed, where it goes, who asks, whether it is kept or what
 * its content is comes too late behind the content; a reader that took it from there could be misled.
 */
const NOT_BEHIND =
  /^(?:transfer-encoding|content-.*|host|trailer|te|connection|keep-alive|upgrade|via|forwarded|x-forwarded-.*|authorization|(?:proxy|www)-.*|cookie|set-cookie|cache-control|cdn-cache-control|surrogate-.*|pragma|expires|age|date|vary|warning|location|retry-after|max-forwards|expect|range|if-.*)$/i;

/** Trailer fields that may be sent on. */
export function passedTrailers(fields: readonly Field[]): Field[] {
  return fields.filter(({ name }) => !NOT_BEHIND.test(name));
}

/** RFC 9110 10.1.4: whether the sender of a request takes trailer fields. */
export function takesTrailers(fields: readonly Field[]): boolean {
  return listMembers(joinedField(fields, "te")).some((one) => /^trailers$/i.test(one));
}

/** `name` is lower case. */
export function sameName(text: string, name: string): boolean {
  return text.length === name.length && (text === name || text.toLowerCase() === name);
}
