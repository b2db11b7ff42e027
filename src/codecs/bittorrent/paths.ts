/** File names of torrents made safe to write to a disk or a terminal. BEP 3, 47; a torrent's author may be hostile. */
import { strictUtf8, utf8 } from "../reader.ts";

/** Bytes of one element that file systems take. */
const MAX_ELEMENT_BYTES = 240;
/** Elements of one path. */
export const MAX_PATH_ELEMENTS = 256;

/** Separators, controls, ESC, and marks that turn the direction of text around (Unicode TR 36). */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f/\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
/** Device names of Windows. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** Text of a name's octets; what is no UTF-8 is replaced. */
export function nameText(bytes: Uint8Array): string {
  return strictUtf8(bytes, 0, bytes.length) ?? utf8(bytes, 0, bytes.length);
}

/** One element of a path; empty when nothing of it can stand. */
export function safeElement(bytes: Uint8Array): string {
  let text = nameText(bytes).replace(UNSAFE, "");
  // Windows drops these at the end, and `.` and `..` are no names.
  text = text.replace(/[. ]+$/, "");
  if (DEVICE.test(text)) text = `_${text}`;
  return cut(text);
}

/** Shortens a name and keeps its extension. */
function cut(text: string): string {
  if (new TextEncoder().encode(text).length <= MAX_ELEMENT_BYTES) return text;
  const dot = text.lastIndexOf(".");
  const extension = dot > 0 && text.length - dot <= 16 ? text.slice(dot) : "";
  let stem = [...text.slice(0, text.length - extension.length)];
  const room = MAX_ELEMENT_BYTES - new TextEncoder().encode(extension).length;
  let size = 0;
  stem = stem.filter((character) => {
    size += new TextEncoder().encode(character).length;
    return size <= room;
  });
  return stem.join("") + extension;
}

/** Safe elements of a path; `_` where nothing is left. */
export function safePath(elements: readonly Uint8Array[]): string[] {
  const safe = elements.map(safeElement).filter((element) => element !== "");
  return safe.length === 0 ? ["_"] : safe;
}

/** Gives files that would fall on one another (case ignored) names of their own: `bar.1.txt`. */
export class UniquePaths {
  private readonly taken = new Set<string>();

  unique(path: readonly string[]): string[] {
    const last = path.at(-1) as string;
    const folder = path.slice(0, -1);
    const dot = last.lastIndexOf(".");
    const stem = dot > 0 ? last.slice(0, dot) : last;
    const extension = dot > 0 ? last.slice(dot) : "";
    let name = last;
    for (let n = 1; this.taken.has(key(folder, name)); n++) name = `${stem}.${n}${extension}`;
    this.taken.add(key(folder, name));
    return [...folder, name];
  }
}

function key(folder: readonly string[], name: string): string {
  return [...folder, name].join("/").toLowerCase();
}
