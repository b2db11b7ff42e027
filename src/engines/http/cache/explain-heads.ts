/** What a cache makes of one request and its response, with nothing sent: stored or not, used or not. */
import { httpDate } from "../date.ts";
import { field, without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { CacheRules, Decision } from "./decide.ts";
import { decide } from "./decide.ts";
import { controlOf } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";
import type { Reason } from "./explain.ts";
import { cacheDate } from "./freshness.ts";
import { sameOriginKey } from "./key.ts";
import type { Asked } from "./storable.ts";
import { storable, storedFields } from "./storable.ts";
import { selectingOf, varyNames } from "./vary.ts";

export interface HeadsExplained {
  readonly storing: Reason;
  /** Undefined: it is not stored. */
  readonly stored: StoredResponse | undefined;
  /** What becomes of the next request. */
  readonly decision: Decision | undefined;
}

/** `afterMs`: how long after the response `next` comes. The response comes when its Date says, else at `nowMs`. */
export function explainHeads(
  request: Asked,
  response: ResponseHead,
  next: Asked,
  rules: CacheRules,
  nowMs: number,
  afterMs: number,
): HeadsExplained {
  const cameMs = cacheDate(field(response.fields, "date"), nowMs) ?? nowMs;
  const dated = [...response.fields];
  if (field(dated, "date") === undefined) dated.push({ name: "Date", value: httpDate(cameMs) });
  const { statusCode } = response;
  const times = { requestMs: cameMs, responseMs: cameMs };
  const control = controlOf(dated, rules.targets);
  const { store, reason } = storable(
    request,
    { statusCode, fields: dated, ...times },
    control,
    rules.shared,
    (reference) => sameOriginKey(request.key, reference) === request.key,
  );
  const names = varyNames(dated);
  const stored: StoredResponse | undefined =
    !store || names === "*"
      ? undefined
      : {
          key: request.key,
          statusCode,
          reasonPhrase: response.reasonPhrase ?? "",
          fields: without(storedFields(dated, control.directives, rules.shared), "content-range"),
          selecting: selectingOf(names, request.fields),
          ...times,
          range: undefined,
          size: Number(field(dated, "content-length") ?? 0),
          invalid: false,
        };
  const kept = stored !== undefined && stored.key === next.key ? [stored] : [];
  const decision = stored === undefined ? undefined : decide(kept, next, rules, cameMs + afterMs);
  return { storing: reason, stored, decision };
}
