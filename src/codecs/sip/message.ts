/** SIP messages as plain data, and what is asked of their fields. RFC 3261 7. */
import { COMPACT } from "./constants.ts";

/** One header field line, unfolded. */
export interface SipField {
  /** As sent: case and compact form kept. */
  readonly name: string;
  readonly value: string;
}

interface Message {
  /** `SIP/2.0`. */
  readonly version: string;
  readonly fields: readonly SipField[];
  readonly body: Uint8Array;
}

export interface SipRequest extends Message {
  readonly kind: "request";
  readonly method: string;
  readonly requestUri: string;
}

export interface SipResponse extends Message {
  readonly kind: "response";
  readonly statusCode: number;
  readonly reasonPhrase: string;
}

export type SipMessage = SipRequest | SipResponse;

const known = new Map<string, string>();
const MAX_KNOWN = 512;

/** Lower-case full name of a field, whatever its form. RFC 3261 7.3.1, 7.3.3. */
export function canonicalName(name: string): string {
  let canonical = known.get(name);
  if (canonical === undefined) {
    const lower = name.toLowerCase();
    canonical = lower.length === 1 ? (COMPACT[lower] ?? lower) : lower;
    if (known.size < MAX_KNOWN && name.length < 64) known.set(name, canonical);
  }
  return canonical;
}

/** Value of the first field of this lower-case full name. */
export function fieldValue(fields: readonly SipField[], name: string): string | undefined {
  for (const field of fields) if (canonicalName(field.name) === name) return field.value;
  return undefined;
}

/** Values of all fields of this name, in order. */
export function fieldValues(fields: readonly SipField[], name: string): string[] {
  const values: string[] = [];
  for (const field of fields) if (canonicalName(field.name) === name) values.push(field.value);
  return values;
}
