/** Bencoded values with the places where they stood, so that exact bytes can be hashed. BEP 3. */
import { strictUtf8 } from "../reader.ts";

interface Span {
  /** Index of the first octet and of the one after the last, in the bytes given to `decode`. */
  readonly start: number;
  readonly end: number;
}

export interface BencodeInteger extends Span {
  readonly kind: "integer";
  /** A number where it is exact (up to 2^53 - 1), else a bigint. */
  readonly value: number | bigint;
}

export interface BencodeString extends Span {
  readonly kind: "string";
  /** Shares memory with the input. */
  readonly bytes: Uint8Array;
}

export interface BencodeList extends Span {
  readonly kind: "list";
  readonly items: readonly BencodeNode[];
}

export interface BencodeEntry {
  readonly key: Uint8Array;
  readonly value: BencodeNode;
}

export interface BencodeDict extends Span {
  readonly kind: "dict";
  /** In the order of the input; of equal keys the first counts. */
  readonly entries: readonly BencodeEntry[];
}

export type BencodeNode = BencodeInteger | BencodeString | BencodeList | BencodeDict;

function keyIs(key: Uint8Array, name: string): boolean {
  if (key.length !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (key[i] !== name.charCodeAt(i)) return false;
  return true;
}

/** The value of an ASCII key; undefined when the node is no dict or has no such key. */
export function get(node: BencodeNode | undefined, name: string): BencodeNode | undefined {
  if (node?.kind !== "dict") return undefined;
  for (const entry of node.entries) if (keyIs(entry.key, name)) return entry.value;
  return undefined;
}

export function getBytes(node: BencodeNode | undefined, name: string): Uint8Array | undefined {
  const value = get(node, name);
  return value?.kind === "string" ? value.bytes : undefined;
}

/** Undefined too where the string is not UTF-8. */
export function getText(node: BencodeNode | undefined, name: string): string | undefined {
  const bytes = getBytes(node, name);
  return bytes === undefined ? undefined : strictUtf8(bytes, 0, bytes.length);
}

/** Integers that a double holds exactly. */
export function getInteger(node: BencodeNode | undefined, name: string): number | undefined {
  const value = get(node, name);
  return value?.kind === "integer" && typeof value.value === "number" ? value.value : undefined;
}

export function getList(
  node: BencodeNode | undefined,
  name: string,
): readonly BencodeNode[] | undefined {
  const value = get(node, name);
  return value?.kind === "list" ? value.items : undefined;
}
