/** Mnemonics that summaries print. */
import { RCODE, TYPE } from "../codecs/dns/constants.ts";

function inverted(table: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(table).map(([name, code]) => [code, name]));
}

export const TYPE_NAMES = inverted(TYPE);
export const RCODE_NAMES = inverted(RCODE);

export function rcodeName(rcode: number): string {
  return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}
