/** Where the names of a message stand, so that later ones point to them. RFC 1035 4.1.4. */
import type { Writer } from "../writer.ts";
import { MAX_LABEL_BYTES, MAX_NAME_BYTES, nameLabels } from "./name.ts";
import type { NameWriter } from "./rdata.ts";

/** Pointers have 14 bits. */
const POINTER_LIMIT = 0x4000;
/** Below the limit there is room for half as many suffixes: a label takes two octets or more. */
const SLOTS = POINTER_LIMIT;
/** Slots tried for a suffix. One that finds none is written again: names made to collide cost no more. */
const MAX_TRIES = 16;
const MAX_LABELS = 128;
const DOT = 0x2e;
const BACKSLASH = 0x5c;
/** Ends keys of names that have escapes: no name in presentation form has it. */
const ESCAPED = "\u0100";

/** Remembers where each suffix was written, with the case of its octets. */
export class Names {
  private compress = true;
  /** Messages begun: slots of earlier ones are free. */
  private message = 0;
  private readonly messages = new Int32Array(SLOTS);
  private readonly hashes = new Int32Array(SLOTS);
  private readonly places = new Int32Array(SLOTS);
  /** The suffix of a slot: characters `[starts, ends)` of its text. */
  private readonly texts: string[] = new Array(SLOTS).fill("");
  private readonly starts = new Uint8Array(SLOTS);
  private readonly ends = new Uint8Array(SLOTS);
  /** Labels of the name being written, the last one first. */
  private readonly labelStarts = new Uint8Array(MAX_LABELS);
  private readonly labelHashes = new Int32Array(MAX_LABELS);
  /** The name before: owners of an rrset are equal. */
  private last = "";
  private lastPlace = POINTER_LIMIT;
  private readonly escaped = new Map<string, number>();

  begin(compress: boolean): void {
    this.compress = compress;
    this.message = (this.message + 1) | 0;
    this.lastPlace = POINTER_LIMIT;
    if (this.escaped.size > 0) this.escaped.clear();
  }

  readonly write: NameWriter = (writer, name, mayCompress) => {
    const compressed = mayCompress && this.compress;
    if (compressed && name === this.last && this.lastPlace < POINTER_LIMIT)
      writer.u16(0xc000 | this.lastPlace);
    else if (!this.writePlain(writer, name, compressed))
      this.writeEscaped(writer, name, compressed);
  };

  /** False, and nothing written: the name has escapes, or is none. */
  private writePlain(writer: Writer, name: string, compressed: boolean): boolean {
    let end = name.length;
    if (end > MAX_NAME_BYTES - 1) return false;
    if (end > 0 && name.charCodeAt(end - 1) === DOT) end--;
    if (end > MAX_NAME_BYTES - 2) return false;
    if (end === 0) {
      if (name === "") return false;
      writer.u8(0);
      return true;
    }
    const { at } = writer;
    const bytes = writer.memory(end + 2);
    const { labelStarts, labelHashes } = this;
    let labels = 0;
    let labelEnd = end;
    let hash = 0;
    // Backwards, so that the hash is that of each suffix where its first label begins.
    for (let i = end - 1; i >= 0; i--) {
      const c = name.charCodeAt(i);
      if (c === DOT) {
        const length = labelEnd - i - 1;
        if (length === 0 || length > MAX_LABEL_BYTES) return false;
        bytes[at + i + 1] = length;
        labelStarts[labels] = i + 1;
        labelHashes[labels++] = hash;
        labelEnd = i;
      } else if (c === BACKSLASH || c > 0xff) return false;
      else bytes[at + i + 1] = c;
      hash = Math.imul(hash, 0x01000193) ^ c;
    }
    if (labelEnd === 0 || labelEnd > MAX_LABEL_BYTES) return false;
    bytes[at] = labelEnd;
    labelStarts[labels] = 0;
    labelHashes[labels++] = hash;
    if (this.compress) {
      for (let label = labels - 1; label >= 0; label--) {
        const from = labelStarts[label] as number;
        const place = this.find(name, from, end, labelHashes[label] as number, at + from);
        if (from === 0) {
          this.last = name;
          this.lastPlace = place < 0 ? at : place;
        }
        if (place >= 0 && compressed) {
          writer.at = at + from;
          writer.u16(0xc000 | place);
          return true;
        }
      }
    }
    bytes[at + end + 1] = 0;
    writer.at = at + end + 2;
    return true;
  }

  /** Where the suffix stands already; below 0: nowhere, and it is remembered as standing `at`. */
  private find(name: string, from: number, end: number, hash: number, at: number): number {
    const { messages, hashes, message } = this;
    let slot = (hash ^ (hash >>> 14)) & (SLOTS - 1);
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (messages[slot] !== message) {
        if (at < POINTER_LIMIT) {
          messages[slot] = message;
          hashes[slot] = hash;
          this.places[slot] = at;
          this.texts[slot] = name;
          this.starts[slot] = from;
          this.ends[slot] = end;
        }
        return -1;
      }
      if (hashes[slot] === hash && this.equals(slot, name, from, end))
        return this.places[slot] as number;
      slot = (slot + 1) & (SLOTS - 1);
    }
    return -1;
  }

  private equals(slot: number, name: string, from: number, end: number): boolean {
    const start = this.starts[slot] as number;
    if ((this.ends[slot] as number) - start !== end - from) return false;
    const text = this.texts[slot] as string;
    if (text === name && start === from) return true;
    for (let i = from, n = start; i < end; i++, n++)
      if (name.charCodeAt(i) !== text.charCodeAt(n)) return false;
    return true;
  }

  /** Names with escapes, and those that are none: `nameLabels` tells what is wrong. */
  private writeEscaped(writer: Writer, name: string, compressed: boolean): void {
    const { escaped } = this;
    const labels = nameLabels(name);
    let suffixes = ESCAPED;
    const keys: string[] = new Array(labels.length);
    for (let i = labels.length - 1; i >= 0; i--) {
      const label = labels[i] as Uint8Array;
      suffixes = `${String.fromCharCode(label.length, ...label)}${suffixes}`;
      keys[i] = suffixes;
    }
    for (const [i, label] of labels.entries()) {
      const key = keys[i] as string;
      const place = escaped.get(key);
      if (place !== undefined && compressed) {
        writer.u16(0xc000 | place);
        return;
      }
      if (place === undefined && writer.at < POINTER_LIMIT) escaped.set(key, writer.at);
      writer.u8(label.length);
      writer.bytes(label);
    }
    writer.u8(0);
  }
}
