/** Whether a response may be stored, and what of it. RFC 9111 3. */
import type { Field } from "../../../codecs/http/message.ts";
import { endToEnd, field, without } from "../fields.ts";
import type { Control, Directives } from "./directives.ts";
import { fieldNames, parseDirectives, unqualified } from "./directives.ts";
import type { Reason } from "./explain.ts";
import { reason } from "./explain.ts";
import { isHeuristicallyCacheable, lifetimeOf } from "./freshness.ts";
import { varyNames } from "./vary.ts";

export interface Asked {
  readonly method: string;
  /** The URI asked for. */
  readonly key: string;
  readonly fields: readonly Field[];
}

export interface Answered {
  readonly statusCode: number;
  readonly fields: readonly Field[];
  readonly requestMs: number;
  readonly responseMs: number;
}

export interface Storing {
  readonly store: boolean;
  readonly reason: Reason;
}

/** Final status codes whose caching this cache knows: those of RFC 9110. RFC 9111 5.2.2.3 */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403,
  404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501,
  502, 503, 504, 505,
]);

export function understands(statusCode: number): boolean {
  return UNDERSTOOD.has(statusCode);
}

/** RFC 9111 3, rule by rule. `sameUri`: whether Content-Location is the URI asked for. */
export function storable(
  request: Asked,
  response: Answered,
  control: Control,
  shared: boolean,
  sameUri: (reference: string) => boolean,
): Storing {
  const no = (spec: string, text: string): Storing => ({
    store: false,
    reason: reason(spec, text),
  });
  const { directives, source } = control;
  const { statusCode, fields } = response;
  const lifetime = lifetimeOf(response, control, shared);
  if (request.method === "POST") {
    const location = field(fields, "content-location");
    const named = location !== undefined && sameUri(location);
    if (!named || !lifetime.explicit || statusCode !== 200) {
      return no(
        "RFC 9110 9.3.3",
        "a POST without Content-Location of its URI and explicit freshness",
      );
    }
  } else if (request.method !== "GET") {
    return no("RFC 9111 3", `responses to ${request.method} are not stored`);
  }
  if (statusCode < 200 || statusCode === 304) return no("RFC 9111 3", "not a final response");
  if (directives.has("must-understand") && !understands(statusCode)) {
    return no("RFC 9111 5.2.2.3", `must-understand, and ${statusCode} is not understood`);
  }
  if (directives.has("no-store") && !directives.has("must-understand")) {
    return no("RFC 9111 5.2.2.5", `${source}: no-store`);
  }
  if (parseDirectives(field(request.fields, "cache-control")).has("no-store")) {
    return no("RFC 9111 5.2.1.5", "the request says no-store");
  }
  if (shared && unqualified(directives, "private")) {
    return no("RFC 9111 5.2.2.7", `${source}: private, and this cache is shared`);
  }
  if (shared && field(request.fields, "authorization") !== undefined && !allowsShared(directives)) {
    return no("RFC 9111 3.5", "the request has Authorization, and the response does not allow it");
  }
  if (varyNames(fields) === "*") return no("RFC 9111 4.1", "Vary: * matches no request");
  const named =
    lifetime.explicit || directives.has("public") || (!shared && directives.has("private"));
  if (!named && !isHeuristicallyCacheable(statusCode)) {
    return no("RFC 9111 3", `${statusCode} without explicit freshness`);
  }
  const validator =
    field(fields, "etag") !== undefined || field(fields, "last-modified") !== undefined;
  if (lifetime.seconds <= 0 && !validator) {
    return no("RFC 9111 3", `neither fresh (${lifetime.from}) nor to be validated`);
  }
  return { store: true, reason: reason(lifetime.spec, `stored: ${lifetime.from}`) };
}

function allowsShared(directives: Directives): boolean {
  return ["must-revalidate", "public", "s-maxage"].some((name) => directives.has(name));
}

const OF_THE_HOP: readonly string[] = [
  "proxy-authentication-info",
  "content-length",
  "cache-status",
];

/** RFC 9111 3.1, 5.2.2.7: what is kept of the fields. */
export function storedFields(
  fields: readonly Field[],
  directives: Directives,
  shared: boolean,
): Field[] {
  const kept = without(endToEnd(fields), ...OF_THE_HOP);
  const secret = shared ? (fieldNames(directives, "private") ?? []) : [];
  return secret.length === 0 ? kept : without(kept, ...secret);
}

/** RFC 9111 3.2: the stored fields with those of a 304 or of a response to HEAD in their place. */
export function updatedFields(
  stored: readonly Field[],
  news: readonly Field[],
  directives: Directives,
  shared: boolean,
): Field[] {
  // A private cache may keep a body that it decoded or cut: what tells so is not updated.
  const processed = shared
    ? ["content-range"]
    : ["content-range", "content-encoding", "content-type"];
  const changed = without(storedFields(news, directives, shared), ...processed);
  const names = new Set(changed.map(({ name }) => name.toLowerCase()));
  return [...without(stored, ...names), ...changed];
}
