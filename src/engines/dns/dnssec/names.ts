/**
 * Names as keys: presentation form in lower case, absolute. RFC 4343 (case), RFC 4034 6.1 (order).
 * Dots inside labels are written `\.`, so a dot separates unless a backslash escapes it.
 */
import { nameLabels } from "../../../codecs/dns/index.ts";

/** The form under which a name is looked up. Other octets than ASCII letters are `\DDD` already. */
export function keyOf(name: string): string {
  return name.toLowerCase();
}

/** Index of the first dot that separates labels; the name always has its last dot. */
function firstDot(name: string): number {
  const dot = name.indexOf(".");
  if (dot <= 0 || name.charCodeAt(dot - 1) !== 0x5c) return dot;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x2e) return i;
  }
  return name.length - 1;
}

/** The name without its first label; the root is its own parent. */
export function parentOf(name: string): string {
  const rest = name.slice(firstDot(name) + 1);
  return rest === "" ? "." : rest;
}

export function firstLabel(name: string): string {
  return name === "." ? "" : name.slice(0, firstDot(name));
}

/** Labels without the root's. */
export function labelCount(name: string): number {
  if (name === ".") return 0;
  if (!name.includes("\\")) {
    let count = 0;
    for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) count++;
    return count;
  }
  let count = 0;
  for (let rest = name; rest !== "."; rest = parentOf(rest)) count++;
  return count;
}

/** Whether `name` is `ancestor` or lies below it. Both are keys. */
export function isWithin(name: string, ancestor: string): boolean {
  if (ancestor === ".") return true;
  if (name.length <= ancestor.length) return name === ancestor;
  const at = name.length - ancestor.length;
  if (name.charCodeAt(at - 1) !== 0x2e || !name.endsWith(ancestor)) return false;
  let backslashes = 0;
  for (let i = at - 2; i >= 0 && name.charCodeAt(i) === 0x5c; i--) backslashes++;
  return backslashes % 2 === 0;
}

export function isBelow(name: string, ancestor: string): boolean {
  return name !== ancestor && isWithin(name, ancestor);
}

/** The last `count` labels. */
export function suffix(name: string, count: number): string {
  let rest = name;
  for (let drop = labelCount(name) - count; drop > 0; drop--) rest = parentOf(rest);
  return rest;
}

/** A label put before a name. */
export function under(label: string, name: string): string {
  return name === "." ? `${label}.` : `${label}.${name}`;
}

export function wildcardOf(encloser: string): string {
  return under("*", encloser);
}

/** The deepest name that both are or lie below. */
export function sharedAncestor(a: string, b: string): string {
  let rest = a;
  while (!isWithin(b, rest)) rest = parentOf(rest);
  return rest;
}

/** Canonical order: by labels from the right, as octets, absent before present. RFC 4034 6.1. */
export function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  const left = nameLabels(a);
  const right = nameLabels(b);
  for (let i = 1; i <= Math.min(left.length, right.length); i++) {
    const order = compareOctets(
      left[left.length - i] as Uint8Array,
      right[right.length - i] as Uint8Array,
    );
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

export function compareOctets(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = (a[i] as number) - (b[i] as number);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
