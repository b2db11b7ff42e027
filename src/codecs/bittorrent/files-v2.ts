/** The file tree and piece layers of a v2 info dictionary. BEP 52. */
import { compare } from "../bencode/decode.ts";
import type { BencodeDict, BencodeNode } from "../bencode/node.ts";
import { get, getBytes, getInteger } from "../bencode/node.ts";
import type { DecodeOptions } from "../errors.ts";
import { deviate } from "../errors.ts";
import { hex } from "../reader.ts";
import { attributesOf } from "./files-v1.ts";
import type { Hash } from "./merkle.ts";
import { merkleRoot, padHash } from "./merkle.ts";
import { MAX_PATH_ELEMENTS, safePath, UniquePaths } from "./paths.ts";
import { refuse } from "./refuse.ts";
import type { TorrentFile } from "./torrent-file.ts";

const HASH_BYTES = 32;
/** Largest file: pieces of the largest length up to the limit of their number. */
const MAX_FILE_BYTES = 2 ** 44;

export function filesV2(info: BencodeNode, name: string): TorrentFile[] {
  const tree = get(info, "file tree");
  if (tree?.kind !== "dict" || tree.entries.length === 0)
    refuse("file-tree", tree ?? info, "BEP 52", "there is no file tree");
  const found: { path: Uint8Array[]; node: BencodeDict }[] = [];
  walk(tree, [], found);
  const unique = new UniquePaths();
  const [only] = found;
  // BEP 52: a single file that bears the torrent's name stands alone.
  const nameBytes = getBytes(info, "name.utf-8") ?? getBytes(info, "name") ?? new Uint8Array(0);
  const alone =
    found.length === 1 &&
    only?.path.length === 1 &&
    compare(only.path[0] as Uint8Array, nameBytes) === 0;
  return found.map(({ path, node }) =>
    fileOf(node, alone ? [name] : unique.unique([name, ...safePath(path)]), name),
  );
}

function walk(
  tree: BencodeDict,
  path: Uint8Array[],
  found: { path: Uint8Array[]; node: BencodeDict }[],
): void {
  if (path.length > MAX_PATH_ELEMENTS)
    refuse("file-tree.depth", tree, "BEP 52", "a path that is too deep");
  let last: Uint8Array | undefined;
  for (const { key, value } of tree.entries) {
    // The tree's order is the order of the pieces.
    if (last !== undefined && compare(last, key) >= 0)
      refuse("file-tree.order", tree, "BEP 52", "names in the file tree are not sorted");
    last = key;
    if (value.kind !== "dict")
      refuse("file-tree.entry", value, "BEP 52", "an entry of the file tree is no dictionary");
    if (key.length === 0) {
      if (path.length === 0 || tree.entries.length !== 1)
        refuse("file-tree.entry", value, "BEP 52", "a file with an empty name");
      found.push({ path, node: value });
    } else {
      walk(value, [...path, key], found);
    }
  }
}

function fileOf(node: BencodeDict, path: string[], name: string): TorrentFile {
  const { pad, executable, hidden, link } = attributesOf(node);
  if (pad) refuse("file.pad", node, "BEP 52", "a pad in v2");
  const length = getInteger(node, "length");
  if (length === undefined || length < 0 || length > MAX_FILE_BYTES) {
    if (!link || length !== undefined)
      refuse("file.length", node, "BEP 52", "a file without length, or an impossible one");
  }
  const size = length ?? 0;
  const root = getBytes(node, "pieces root");
  const zero = root?.every((octet) => octet === 0) === true;
  if (size > 0 && (root?.length !== HASH_BYTES || zero))
    refuse("file.root", node, "BEP 52", "a file without pieces root");
  const target = get(node, "symlink path");
  const symlink =
    target?.kind === "list"
      ? [
          name,
          ...safePath(target.items.flatMap((item) => (item.kind === "string" ? [item.bytes] : []))),
        ]
      : undefined;
  return {
    path,
    length: size,
    pad: false,
    executable,
    hidden,
    ...(symlink === undefined ? {} : { symlink }),
    ...(size > 0 ? { piecesRoot: hex(root as Uint8Array) } : {}),
  };
}

/** Piece layers by root: of the right size, known to a file, and with `sha256` leading to their root. */
export function checkLayers(
  root: BencodeNode,
  files: readonly TorrentFile[],
  pieceLength: number,
  options: DecodeOptions & { readonly sha256?: Hash },
): Map<string, Uint8Array> {
  const layers = new Map<string, Uint8Array>();
  const dict = get(root, "piece layers");
  if (dict === undefined) return layers;
  if (dict.kind !== "dict")
    refuse("piece-layers", dict, "BEP 52", "the piece layers are no dictionary");
  const large = new Map(
    files.filter((f) => f.length > pieceLength).map((f) => [f.piecesRoot as string, f]),
  );
  const { sha256 } = options;
  const pad = sha256 === undefined ? undefined : padHash(pieceLength, sha256);
  for (const { key, value } of dict.entries) {
    const file = large.get(hex(key));
    if (key.length !== HASH_BYTES) {
      refuse("piece-layers.form", value, "BEP 52", "a piece layer whose name is no hash");
    }
    if (value.kind !== "string") {
      refuse("piece-layers.form", value, "BEP 52", "a piece layer that is no string");
    }
    if (file === undefined) {
      deviate(
        options,
        "torrent.piece-layers.root",
        value.start,
        "BEP 52",
        "a piece layer of no file",
      );
      continue;
    }
    const count = Math.ceil(file.length / pieceLength);
    if (value.bytes.length !== count * HASH_BYTES) {
      const message = `a piece layer of ${value.bytes.length} octets for ${count} pieces`;
      refuse("piece-layers.size", value, "BEP 52", message);
    }
    if (sha256 !== undefined && pad !== undefined) {
      const root = merkleRoot(hashesOf(value.bytes), pad, sha256);
      if (compare(root, key) !== 0) {
        const message = "a piece layer that does not lead to its root";
        deviate(options, "torrent.piece-layers.hash", value.start, "BEP 52", message);
        continue;
      }
    }
    layers.set(hex(key), value.bytes);
  }
  return layers;
}

function hashesOf(layer: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < layer.length; at += HASH_BYTES) {
    hashes.push(layer.subarray(at, at + HASH_BYTES));
  }
  return hashes;
}
