/** URIs as keys of a cache, and references resolved against them. RFC 9111 2, RFC 3986 5. */
import type { AbsoluteUri } from "../../../codecs/http/uri.ts";
import { parseUri } from "../../../codecs/http/uri.ts";
import type { Origin } from "../fetch/origin.ts";
import { hostField, originKey, originOf, targetOf } from "../fetch/origin.ts";

export function keyOf(origin: Origin, target: string): string {
  return `${origin.scheme}://${hostField(origin)}${target}`;
}

/** The key that a reference in a response names; undefined for another origin, or what is no URI. */
export function sameOriginKey(base: string, reference: string): string | undefined {
  const from = parseUri(base);
  const origin = from === undefined ? undefined : originOf(from);
  if (from === undefined || origin === undefined) return undefined;
  const uri = resolve(from, reference.trim());
  const other = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || other === undefined) return undefined;
  return originKey(other) === originKey(origin) ? keyOf(other, targetOf(uri)) : undefined;
}

/** RFC 3986 5.2.2. */
function resolve(base: AbsoluteUri, reference: string): AbsoluteUri | undefined {
  const absolute = parseUri(reference);
  if (absolute !== undefined) return absolute;
  if (reference.startsWith("//")) return parseUri(`${base.scheme}:${reference}`);
  const [bare = ""] = reference.split("#");
  const mark = bare.indexOf("?");
  const path = mark < 0 ? bare : bare.slice(0, mark);
  const { query: _query, fragment: _fragment, ...rest } = base;
  const query = mark < 0 ? {} : { query: bare.slice(mark + 1) };
  if (path === "") {
    const kept = base.query === undefined ? {} : { query: base.query };
    return { ...rest, ...(mark < 0 ? kept : query) };
  }
  const merged = path.startsWith("/")
    ? path
    : `${base.path.slice(0, base.path.lastIndexOf("/") + 1) || "/"}${path}`;
  return { ...rest, path: withoutDots(merged), ...query };
}

/** RFC 3986 5.2.4. */
export function withoutDots(path: string): string {
  const out: string[] = [];
  const parts = path.split("/").slice(1);
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    if (part === "..") out.pop();
    else if (part !== ".") out.push(part);
    if (last && (part === "." || part === "..")) out.push("");
  }
  return `/${out.join("/")}`;
}
