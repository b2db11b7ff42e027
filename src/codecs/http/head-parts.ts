/** Where the parts of a head lie in its bytes; strings are made when they are asked for. */
import { latin1 } from "../reader.ts";
import { HTAB, SP } from "./constants.ts";
import { BY_LENGTH, FIELD } from "./field-ids.ts";
import type { Field } from "./message.ts";
import { equalsIgnoreCase, internedText } from "./names.ts";

/** Numbers kept per field: name start and end, value start and end, id with flags. */
const STRIDE = 5;
/** Set beside the id when the value holds line ends or bare CRs that its text must not have. */
export const MENDED = 0x100;

export class HeadParts {
  kind: "request" | "response" = "request";
  bytes: Uint8Array = new Uint8Array(0);
  /** Index of the first byte of the head, and the one after its blank line. */
  start = 0;
  end = 0;
  /** Field lines. */
  count = 0;
  method = "";
  targetStart = 0;
  targetEnd = 0;
  version = "";
  /** Digits of the version; 0 and 9 for a request line without one. */
  major = 1;
  minor = 1;
  statusCode = 0;
  reasonStart = 0;
  reasonEnd = 0;
  private words: DataView = new DataView(new ArrayBuffer(0));
  private wordsBytes: Uint8Array | undefined;
  /** Texts of the names that are at hand, others empty. */
  private readonly names: string[] = [];
  private spans = new Int32Array(STRIDE * 32);

  /** A head of `bytes[start, end)`, of which nothing is known yet. */
  place(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.count = 0;
  }

  setVersion(major: number, minor: number, text: string): void {
    this.major = major;
    this.minor = minor;
    this.version = text;
  }

  /** `bytes`, to be read four at a time. */
  wordsOf(): DataView {
    const { bytes } = this;
    if (bytes !== this.wordsBytes) {
      this.wordsBytes = bytes;
      this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.words;
  }

  get target(): string {
    return latin1(this.bytes, this.targetStart, this.targetEnd);
  }

  get reasonPhrase(): string {
    return latin1(this.bytes, this.reasonStart, this.reasonEnd);
  }

  /** Which field the one at `index` is: one of `FIELD`. */
  id(index: number): number {
    return (this.spans[index * STRIDE + 4] as number) & 0xff;
  }

  nameStart(index: number): number {
    return this.spans[index * STRIDE] as number;
  }

  nameEnd(index: number): number {
    return this.spans[index * STRIDE + 1] as number;
  }

  valueStart(index: number): number {
    return this.spans[index * STRIDE + 2] as number;
  }

  valueEnd(index: number): number {
    return this.spans[index * STRIDE + 3] as number;
  }

  /** Whether the text of the value is not just its bytes: see `value`. */
  mended(index: number): boolean {
    return ((this.spans[index * STRIDE + 4] as number) & MENDED) !== 0;
  }

  name(index: number): string {
    const known = this.names[index] as string;
    if (known !== "") return known;
    return internedText(this.bytes, this.nameStart(index), this.nameEnd(index));
  }

  /** The value; an obs-fold and a bare CR in it are a space (RFC 9112 5.2 and 2.2). */
  value(index: number): string {
    const text = latin1(this.bytes, this.valueStart(index), this.valueEnd(index));
    if (!this.mended(index)) return text;
    return text.replaceAll("\r", " ").split("\n").map(trimBlanks).join(" ");
  }

  /** Index of the first field with this id, or -1. */
  find(id: number): number {
    for (let i = 0; i < this.count; i++) if (this.id(i) === id) return i;
    return -1;
  }

  fields(): Field[] {
    // One text for all, of which the values are slices: a call for each would cost three times as much.
    const { start, count } = this;
    const text = latin1(this.bytes, start, this.end);
    const fields: Field[] = new Array<Field>(count);
    for (let i = 0; i < count; i++) {
      const value = this.mended(i)
        ? this.value(i)
        : text.slice(this.valueStart(i) - start, this.valueEnd(i) - start);
      fields[i] = { name: this.name(i), value };
    }
    return fields;
  }

  /** Adds a field whose name may be any. Returns its id. */
  add(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    flags: number,
  ): number {
    const known = BY_LENGTH[nameEnd - nameStart];
    const id =
      known !== undefined && equalsIgnoreCase(this.bytes, nameStart, nameEnd, known[0])
        ? known[1]
        : FIELD.OTHER;
    this.note(nameStart, nameEnd, valueStart, valueEnd, id | flags, "");
    return id;
  }

  /** The value of the last field goes on up to `end`, over a line end. */
  fold(end: number): void {
    const at = (this.count - 1) * STRIDE;
    this.spans[at + 3] = end;
    this.spans[at + 4] = (this.spans[at + 4] as number) | MENDED;
  }

  /** `name`: its text where it is at hand already. */
  note(
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    id: number,
    name: string,
  ): void {
    const at = this.count * STRIDE;
    if (at >= this.spans.length) {
      const larger = new Int32Array(this.spans.length * 2);
      larger.set(this.spans);
      this.spans = larger;
    }
    const { spans } = this;
    spans[at] = nameStart;
    spans[at + 1] = nameEnd;
    spans[at + 2] = valueStart;
    spans[at + 3] = valueEnd;
    spans[at + 4] = id;
    this.names[this.count++] = name;
  }
}

function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

export function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
