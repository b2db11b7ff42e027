/** Hash trees of v2 torrents. BEP 52. Hash functions are handed in: a codec has none. */
import { concat } from "../writer.ts";

export type Hash = (bytes: Uint8Array) => Uint8Array;

/** Octets of a leaf. */
export const LEAF_BYTES = 16_384;

/** Root of a layer of hashes, filled up to a power of two with `pad`. */
export function merkleRoot(
  layer: readonly Uint8Array[],
  pad: Uint8Array,
  sha256: Hash,
): Uint8Array {
  let width = 1;
  while (width < layer.length) width *= 2;
  let row = layer.slice();
  let filler = pad;
  while (width > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) {
      next.push(sha256(concat([row[i] as Uint8Array, row[i + 1] ?? filler])));
    }
    filler = sha256(concat([filler, filler]));
    row = next;
    width /= 2;
  }
  return row[0] ?? pad;
}

/** The hash that stands for a piece of nothing: the root of a tree of zero leaves. */
export function padHash(pieceLength: number, sha256: Hash): Uint8Array {
  let hash: Uint8Array = new Uint8Array(32);
  for (let size = LEAF_BYTES; size < pieceLength; size *= 2) hash = sha256(concat([hash, hash]));
  return hash;
}

/** Root and piece layer of a file's contents; the layer is empty for a file of one piece. */
export function fileTree(
  contents: Uint8Array,
  pieceLength: number,
  sha256: Hash,
): { readonly root: Uint8Array; readonly layer: readonly Uint8Array[] } {
  const leaves: Uint8Array[] = [];
  for (let at = 0; at < contents.length; at += LEAF_BYTES)
    leaves.push(sha256(contents.subarray(at, at + LEAF_BYTES)));
  const zero = new Uint8Array(32);
  if (contents.length <= pieceLength) return { root: merkleRoot(leaves, zero, sha256), layer: [] };
  const perPiece = pieceLength / LEAF_BYTES;
  const layer: Uint8Array[] = [];
  for (let i = 0; i < leaves.length; i += perPiece) {
    const slice = leaves.slice(i, i + perPiece);
    // A piece at the end is filled with leaves of zero up to its full size.
    while (slice.length < perPiece) slice.push(zero);
    layer.push(merkleRoot(slice, zero, sha256));
  }
  return { root: merkleRoot(layer, padHash(pieceLength, sha256), sha256), layer };
}
