/** Bencode to bytes, always in canonical form: keys sorted by their octets. BEP 3. */
import { EncodeError } from "../errors.ts";
import { latin1 } from "../reader.ts";
import { utf8Bytes, Writer } from "../writer.ts";
import { compare, MAX_DEPTH } from "./decode.ts";
import type { BencodeNode } from "./node.ts";

/** Text is written as UTF-8. A Map may have octets as keys; keys whose value is undefined are left out. */
export type Bencodable =
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Bencodable[]
  | ReadonlyMap<string | Uint8Array, Bencodable>
  | { readonly [key: string]: Bencodable | undefined };

/** @throws EncodeError for a number that is no integer, equal keys, and more than 100 levels */
export function encode(value: Bencodable): Uint8Array {
  const writer = new Writer(256);
  write(writer, value, 0);
  return writer.finish();
}

function write(writer: Writer, value: Bencodable, depth: number): void {
  if (depth > MAX_DEPTH)
    throw new EncodeError("bencode.depth", "BEP 3", `more than ${MAX_DEPTH} levels`);
  if (typeof value === "number" || typeof value === "bigint") {
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      throw new EncodeError("bencode.integer", "BEP 3", `${value} is no exact integer`);
    }
    writer.latin1(`i${value}e`);
  } else if (typeof value === "string") {
    string(writer, utf8Bytes(value));
  } else if (value instanceof Uint8Array) {
    string(writer, value);
  } else if (Array.isArray(value)) {
    writer.u8(0x6c);
    for (const item of value as readonly Bencodable[]) write(writer, item, depth + 1);
    writer.u8(0x65);
  } else {
    dict(writer, value instanceof Map ? [...value.entries()] : Object.entries(value), depth);
  }
}

function string(writer: Writer, bytes: Uint8Array): void {
  writer.latin1(`${bytes.length}:`);
  writer.bytes(bytes);
}

function dict(
  writer: Writer,
  pairs: readonly [string | Uint8Array, Bencodable | undefined][],
  depth: number,
): void {
  const entries = pairs
    .filter((pair): pair is [string | Uint8Array, Bencodable] => pair[1] !== undefined)
    .map(([key, item]) => [typeof key === "string" ? utf8Bytes(key) : key, item] as const)
    .sort((a, b) => compare(a[0], b[0]));
  writer.u8(0x64);
  entries.forEach(([key, item], i) => {
    const before = entries[i - 1];
    if (before !== undefined && compare(before[0], key) === 0) {
      throw new EncodeError(
        "bencode.key-duplicate",
        "BEP 3",
        `the key ${JSON.stringify(latin1(key, 0, key.length))} stands twice`,
      );
    }
    string(writer, key);
    write(writer, item, depth + 1);
  });
  writer.u8(0x65);
}

/** A decoded value as one that `encode` takes; of equal keys the first is kept. */
export function plain(node: BencodeNode): Bencodable {
  switch (node.kind) {
    case "integer":
      return node.value;
    case "string":
      return node.bytes;
    case "list":
      return node.items.map(plain);
    case "dict": {
      const map = new Map<string | Uint8Array, Bencodable>();
      const seen = new Set<string>();
      for (const { key, value } of node.entries) {
        const text = latin1(key, 0, key.length);
        if (!seen.has(text)) map.set(key, plain(value));
        seen.add(text);
      }
      return map;
    }
  }
}
