/** A stored response. RFC 9111 3. */
import type { Field } from "../../../codecs/http/message.ts";
import type { ByteRange } from "../ranges.ts";

/** A field of the request by which the response was selected; null: it was absent. RFC 9111 4.1 */
export type Selecting = readonly (readonly [name: string, value: string | null])[];

export interface StoredResponse {
  /** The URI: RFC 9111 2. */
  readonly key: string;
  readonly statusCode: number;
  readonly reasonPhrase: string;
  /** End to end; without lengths, which follow from the body. */
  readonly fields: readonly Field[];
  /** As Vary names them, normalised. */
  readonly selecting: Selecting;
  /** When the request was sent and the head of the response came; milliseconds since 1970. */
  readonly requestMs: number;
  readonly responseMs: number;
  /** The part of the representation that is stored, and the size of the whole. */
  readonly range: ByteRange | undefined;
  readonly size: number;
  /** Must be validated before it is used: RFC 9111 4.4 */
  readonly invalid: boolean;
}

/** RFC 9111 3.3: nothing is missing. */
export function isComplete({ range, size }: StoredResponse): boolean {
  return range === undefined || (range.first === 0 && range.last === size - 1);
}

/** Octets that the metadata take, about. */
export function headBytes({ key, fields, selecting }: StoredResponse): number {
  let sum = key.length + 200;
  for (const { name, value } of fields) sum += name.length + value.length + 40;
  for (const [name, value] of selecting) sum += name.length + (value?.length ?? 0) + 40;
  return sum;
}
