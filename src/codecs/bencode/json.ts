/** Decoded values as JSON shows them. */
import { hex, strictUtf8 } from "../reader.ts";
import type { BencodeNode } from "./node.ts";

export type BencodeJson =
  | number
  | string
  | { readonly hex: string }
  | readonly BencodeJson[]
  | { readonly [key: string]: BencodeJson };

/** UTF-8 strings as text, others as `{hex}`; integers beyond 2^53 - 1 as decimal strings; keys that are not UTF-8 as `hex:...`. */
export function toJson(node: BencodeNode): BencodeJson {
  switch (node.kind) {
    case "integer":
      return typeof node.value === "bigint" ? String(node.value) : node.value;
    case "string":
      return stringJson(node.bytes);
    case "list":
      return node.items.map(toJson);
    case "dict": {
      // Without a prototype, `__proto__` is a key like any other.
      const object = Object.create(null) as Record<string, BencodeJson>;
      for (const { key, value } of node.entries) {
        const name = strictUtf8(key, 0, key.length) ?? `hex:${hex(key)}`;
        if (!(name in object)) object[name] = toJson(value);
      }
      return object;
    }
  }
}

/** Text where it is readable UTF-8, `{hex}` where it is not. */
export function stringJson(bytes: Uint8Array): string | { readonly hex: string } {
  return strictUtf8(bytes, 0, bytes.length) ?? { hex: hex(bytes) };
}

/** All byte strings in the order of the wire, keys among them, as text or hex. */
export function stringsOf(node: BencodeNode): string[] {
  const out: string[] = [];
  collect(node, out);
  return out;
}

function collect(node: BencodeNode, out: string[]): void {
  if (node.kind === "string") out.push(text(node.bytes));
  else if (node.kind === "list") for (const item of node.items) collect(item, out);
  else if (node.kind === "dict") {
    for (const { key, value } of node.entries) {
      out.push(text(key));
      collect(value, out);
    }
  }
}

function text(bytes: Uint8Array): string {
  return strictUtf8(bytes, 0, bytes.length) ?? hex(bytes);
}
