/** A response that came whole goes into the store. RFC 9111 3.3, 3.4. */
import { without } from "../fields.ts";
import type { ResponseHead } from "../head.ts";
import type { Control } from "./directives.ts";
import type { StoredResponse } from "./entry.ts";
import { isComplete } from "./entry.ts";
import { joined } from "./memory-store.ts";
import { combine, partOf, strongValidator } from "./partial.ts";
import type { Asked } from "./storable.ts";
import { storedFields } from "./storable.ts";
import type { Store } from "./store.ts";
import { readAll } from "./stored-body.ts";
import { selectingOf, varyNames } from "./vary.ts";

/** What will be stored once the body is whole; undefined where it cannot be told apart or put together. */
export function draftOf(
  request: Asked,
  head: ResponseHead,
  control: Control,
  shared: boolean,
  times: { readonly requestMs: number; readonly responseMs: number },
): StoredResponse | undefined {
  const { fields } = head;
  const names = varyNames(fields);
  if (names === "*") return undefined;
  const part = head.statusCode === 206 ? partOf(fields) : undefined;
  if (head.statusCode === 206 && part === undefined) return undefined;
  const kept = storedFields(fields, control.directives, shared);
  return {
    key: request.key,
    statusCode: part === undefined ? head.statusCode : 200,
    reasonPhrase: part === undefined ? (head.reasonPhrase ?? "") : "OK",
    fields: part === undefined ? kept : without(kept, "content-range"),
    selecting: selectingOf(names, request.fields),
    ...times,
    range: part?.range,
    size: part?.size ?? 0,
    invalid: false,
  };
}

/** The body is whole. */
export function keep(store: Store, draft: StoredResponse, pieces: readonly Uint8Array[]): void {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const alike = store.find(draft.key).filter((one) => sameSelecting(one, draft));
  if (draft.range === undefined) {
    store.put({ ...draft, size: bytes }, pieces, alike);
    return;
  }
  if (bytes !== draft.range.last - draft.range.first + 1) return;
  keepPart(store, draft, joined(pieces), alike);
}

/** RFC 9111 3.4: beside what is there, where both are parts of one representation. */
function keepPart(
  store: Store,
  draft: StoredResponse,
  body: Uint8Array,
  alike: readonly StoredResponse[],
): void {
  const validator = strongValidator(draft);
  const part = draft.range as { first: number; last: number };
  const old = alike.find((one) => validator !== undefined && strongValidator(one) === validator);
  // The whole is stored already: the part adds nothing.
  if (old !== undefined && isComplete(old)) return;
  const { range } = old ?? {};
  const reader = old === undefined ? undefined : store.open(old);
  if (old === undefined || range === undefined || reader === undefined || old.size !== draft.size) {
    store.put(draft, [body], alike);
    return;
  }
  readAll(reader, range.last - range.first + 1, (before) => {
    const all =
      before === undefined ? undefined : combine({ range, body: before }, { range: part, body });
    const whole = all !== undefined && all.body.length === draft.size;
    store.put(
      { ...draft, range: whole ? undefined : (all?.range ?? part) },
      [all?.body ?? body],
      alike,
    );
  });
}

function sameSelecting(a: StoredResponse, b: StoredResponse): boolean {
  if (a.selecting.length !== b.selecting.length) return false;
  return a.selecting.every(([name, value], i) => {
    const [otherName, other] = b.selecting[i] as readonly [string, string | null];
    return name === otherName && value === other;
  });
}
