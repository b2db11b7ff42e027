/** Whether caches may keep a response of a capture, and how long. RFC 9111 3, 4.2. */
import { controlOf } from "../http/cache/directives.ts";
import { lifetimeOf } from "../http/cache/freshness.ts";
import { storable } from "../http/cache/storable.ts";
import { field } from "../http/fields.ts";
import type { Exchange } from "./exchanges.ts";
import type { Cacheability } from "./workload.ts";

/** `atMs`: when it came, milliseconds since 1970. */
export function cacheabilityOf(exchange: Exchange, url: string, atMs: number): Cacheability {
  const asked = { method: exchange.method, key: url, fields: exchange.fields };
  const answered = {
    statusCode: exchange.status,
    fields: exchange.responseFields,
    requestMs: atMs,
    responseMs: atMs,
  };
  const control = controlOf(exchange.responseFields, []);
  const sameUri = (reference: string): boolean =>
    URL.canParse(reference, url) && new URL(reference, url).href === url;
  const lifetime = lifetimeOf(answered, control, false);
  return {
    storable: storable(asked, answered, control, false, sameUri).store,
    shared: storable(asked, answered, control, true, sameUri).store,
    freshSeconds: lifetime.seconds,
    heuristic: !lifetime.explicit,
    etag: field(exchange.responseFields, "etag") ?? null,
    lastModified: field(exchange.responseFields, "last-modified") ?? null,
  };
}
