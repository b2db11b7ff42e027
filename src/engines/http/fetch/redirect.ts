/** Where a redirect leads, and what is asked there. RFC 9110 15.4, 10.2.2. */

import { parseUri } from "../../../codecs/http/uri.ts";
import type { IncomingHead } from "../client-connection.ts";
import { field, without } from "../fields.ts";
import type { FetchRequest } from "./fetcher.ts";
import type { Origin } from "./origin.ts";
import { hostField, originKey, originOf, targetOf } from "./origin.ts";

export type Redirect =
  | { readonly kind: "none" }
  | { readonly kind: "to"; readonly request: FetchRequest; readonly url: string }
  | { readonly kind: "refused"; readonly why: string };

const NONE: Redirect = { kind: "none" };

export function urlOf(origin: Origin, target: string): string {
  return `${origin.scheme}://${hostField(origin)}${target}`;
}

/** `trusted`: credentials go wherever the redirect leads. */
export function redirected(request: FetchRequest, head: IncomingHead, trusted: boolean): Redirect {
  const { statusCode, fields } = head;
  if (![301, 302, 303, 307, 308].includes(statusCode)) return NONE;
  const location = field(fields, "location");
  if (location === undefined) return NONE;
  const base = urlOf(request.origin, request.target);
  // Octets above ASCII are UTF-8 in practice, and are sent on percent-encoded.
  const text = Buffer.from(location, "latin1").toString("utf8");
  if (!URL.canParse(text, base)) return { kind: "refused", why: `redirected to no URL: ${text}` };
  const { href } = new URL(text, base);
  const uri = parseUri(href);
  const origin = uri === undefined ? undefined : originOf(uri);
  if (uri === undefined || origin === undefined) {
    return { kind: "refused", why: `redirected to ${href}, which is not http or https` };
  }
  const target = targetOf(uri);
  return {
    kind: "to",
    url: urlOf(origin, target),
    request: readdressed(changedMethod(request, statusCode), origin, target, trusted),
  };
}

/** RFC 9110 15.4.2 to 15.4.4: POST becomes GET, as user agents do it; 303 makes GET of all but HEAD. */
function changedMethod(request: FetchRequest, statusCode: number): FetchRequest {
  const { method } = request;
  const toGet =
    statusCode === 303
      ? method !== "GET" && method !== "HEAD"
      : (statusCode === 301 || statusCode === 302) && method === "POST";
  if (!toGet) return request;
  const fields = request.fields.filter(({ name }) => !/^(content-|transfer-encoding$)/i.test(name));
  return { ...request, method: "GET", body: undefined, continueTime: undefined, fields };
}

function readdressed(
  request: FetchRequest,
  origin: Origin,
  target: string,
  trusted: boolean,
): FetchRequest {
  if (originKey(origin) === originKey(request.origin)) return { ...request, target };
  // RFC 9110 15.4 asks to drop what was meant for the first server alone.
  const kept = trusted
    ? without(request.fields, "host")
    : without(request.fields, "host", "authorization", "cookie", "proxy-authorization");
  return {
    ...request,
    origin,
    target,
    fields: [{ name: "Host", value: hostField(origin) }, ...kept],
  };
}
