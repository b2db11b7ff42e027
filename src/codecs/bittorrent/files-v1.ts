/** The files of a v1 info dictionary. BEP 3, 47. */
import type { BencodeNode } from "../bencode/node.ts";
import { get, getInteger, getList } from "../bencode/node.ts";
import { latin1 } from "../reader.ts";
import { MAX_PATH_ELEMENTS, safePath, UniquePaths } from "./paths.ts";
import { refuse } from "./refuse.ts";
import type { TorrentFile } from "./torrent-file.ts";

/** Files of one torrent: a limit of our own; real ones have some hundred thousand at most. */
const MAX_FILES = 2_000_000;

export interface Attributes {
  readonly pad: boolean;
  readonly executable: boolean;
  readonly hidden: boolean;
  readonly link: boolean;
}

export function attributesOf(file: BencodeNode): Attributes {
  const node = get(file, "attr");
  const text = node?.kind === "string" ? latin1(node.bytes, 0, node.bytes.length) : "";
  return {
    pad: text.includes("p"),
    executable: text.includes("x"),
    hidden: text.includes("h"),
    link: text.includes("l"),
  };
}

/** Octets of a list of path elements; undefined when an item is no string. */
export function pathBytes(items: readonly BencodeNode[]): Uint8Array[] | undefined {
  const out: Uint8Array[] = [];
  for (const item of items) {
    if (item.kind !== "string") return undefined;
    out.push(item.bytes);
  }
  return out;
}

export function filesV1(info: BencodeNode, name: string): TorrentFile[] {
  const list = get(info, "files");
  if (list === undefined) return [single(info, name)];
  if (list.kind !== "list" || list.items.length === 0)
    refuse("files", list, "BEP 3", "there are no files");
  if (list.items.length > MAX_FILES)
    refuse("files.count", list, "BEP 3", `more than ${MAX_FILES} files`);
  const unique = new UniquePaths();
  return list.items.map((item) => one(item, name, unique));
}

function lengthOf(file: BencodeNode, link: boolean): number {
  const length = getInteger(file, "length");
  if (link) return 0;
  if (length === undefined || length < 0)
    refuse(
      "file.length",
      get(file, "length") ?? file,
      "BEP 3",
      "a file without length, or a negative one",
    );
  return length;
}

function single(info: BencodeNode, name: string): TorrentFile {
  const { pad, executable, hidden } = attributesOf(info);
  return { path: [name], length: lengthOf(info, false), pad, executable, hidden };
}

function one(file: BencodeNode, name: string, unique: UniquePaths): TorrentFile {
  const { pad, executable, hidden, link } = attributesOf(file);
  const length = lengthOf(file, link);
  const items = getList(file, "path.utf-8") ?? getList(file, "path");
  if (items === undefined) {
    if (pad) return { path: [".pad", String(length)], length, pad, executable, hidden };
    refuse("file.path", file, "BEP 3", "a file without path");
  }
  const path = pathBytes(items);
  if (path === undefined || path.length > MAX_PATH_ELEMENTS)
    refuse("file.path", file, "BEP 3", "a path that is no list of strings, or too deep");
  const place = [name, ...safePath(path)];
  const symlink = link ? symlinkOf(file, name) : undefined;
  return {
    path: pad ? place : unique.unique(place),
    length,
    pad,
    executable,
    hidden,
    ...(symlink === undefined ? {} : { symlink }),
  };
}

/** BEP 47: a path inside the torrent. */
function symlinkOf(file: BencodeNode, name: string): string[] {
  const items = getList(file, "symlink path");
  const path = items === undefined ? undefined : pathBytes(items);
  if (path === undefined) refuse("file.symlink", file, "BEP 47", "a link that leads nowhere");
  return [name, ...safePath(path)];
}
