/** Torrent files: v1 (BEP 3), v2 (BEP 52) and both in one. Extras of BEP 5, 12, 17, 19, 27, 47. */
import { decode } from "../bencode/decode.ts";
import type { BencodeNode } from "../bencode/node.ts";
import { get, getBytes, getInteger, getList, getText } from "../bencode/node.ts";
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { hex } from "../reader.ts";
import type { Contact } from "./compact.ts";
import { filesV1 } from "./files-v1.ts";
import { checkLayers, filesV2 } from "./files-v2.ts";
import type { Hash } from "./merkle.ts";
import { safeElement } from "./paths.ts";
import { refuse } from "./refuse.ts";
import type { TorrentFile } from "./torrent-file.ts";

/** libtorrent's limit. */
export const MAX_PIECES = 2_097_152;
/** libtorrent's limit. */
const MAX_PIECE_LENGTH = 2 ** 29;

export interface Metainfo {
  /** The exact octets of the info dictionary: what is hashed. Shares memory with the input. */
  readonly info: Uint8Array;
  readonly v1: boolean;
  readonly v2: boolean;
  readonly name: string;
  readonly pieceLength: number;
  readonly pieceCount: number;
  /** Sum over the files, pads included. */
  readonly length: number;
  readonly files: readonly TorrentFile[];
  /** v1: 20 octets a piece. */
  readonly pieces?: Uint8Array;
  /** v2: by pieces root in hex. */
  readonly pieceLayers: ReadonlyMap<string, Uint8Array>;
  readonly private: boolean;
  /** Tiers of announce URLs (BEP 12). */
  readonly trackers: readonly (readonly string[])[];
  readonly webSeeds: readonly string[];
  /** DHT nodes (BEP 5). */
  readonly nodes: readonly Contact[];
  readonly comment?: string;
  readonly createdBy?: string;
  /** Seconds since the epoch. */
  readonly creationDate?: number;
  readonly source?: string;
}

export interface MetainfoOptions extends DecodeOptions {
  /** Where given, piece layers are checked against their roots. */
  readonly sha256?: Hash;
}

/**
 * A torrent file. Departures from canonical bencode are issues; what makes it unusable or dangerous throws.
 * @throws DecodeError
 */
export function parseMetainfo(bytes: Uint8Array, options: MetainfoOptions = {}): Metainfo {
  const departures: Issue[] = [];
  const root = decode(bytes, noting(options, departures));
  if (root.kind !== "dict") refuse("root", root, "BEP 3", "the file is no dictionary");
  const info = get(root, "info");
  if (info?.kind !== "dict") refuse("info", info ?? root, "BEP 3", "there is no info dictionary");
  checkIntegers(info);
  const nameBytes = getBytes(info, "name.utf-8") ?? getBytes(info, "name");
  if (nameBytes === undefined) refuse("name", info, "BEP 3", "there is no name");
  if (isBlank(nameBytes)) refuse("name", info, "BEP 3", "the name is empty");
  const name = safeElement(nameBytes) || "_";
  const v2 = getInteger(info, "meta version") !== undefined || get(info, "file tree") !== undefined;
  if (v2 && getInteger(info, "meta version") !== 2)
    refuse("version", get(info, "meta version") ?? info, "BEP 52", "the meta version is not 2");
  // BEP 52: hashes of both kinds must come from the one canonical form.
  const departure = departures.find(
    (issue) => issue.offset > info.start && issue.offset < info.end,
  );
  if (v2 && departure !== undefined) {
    throw new DecodeError("torrent.canonical", departure.offset, "BEP 52", departure.message);
  }
  const pieces = get(info, "pieces");
  const v1 = !v2 || pieces !== undefined;
  const pieceLength = pieceLengthOf(info, v2);
  const listV1 = v1 ? filesV1(info, name) : undefined;
  const listV2 = v2 ? filesV2(info, name) : undefined;
  if (listV1 !== undefined && listV2 !== undefined) checkSame(info, listV1, listV2, pieceLength);
  const files = listV1 ?? listV2 ?? [];
  const length = files.reduce((sum, file) => sum + file.length, 0);
  if (length === 0 || !Number.isSafeInteger(length))
    refuse("length", info, "BEP 3", "the files are empty, or too large together");
  const pieceCount = countPieces(info, files, length, pieceLength, v1);
  if (v1 && (pieces?.kind !== "string" || pieces.bytes.length !== pieceCount * 20)) {
    refuse(
      "pieces",
      pieces ?? info,
      "BEP 3",
      `pieces are not 20 octets for each of ${pieceCount} pieces`,
    );
  }
  const pieceLayers =
    listV2 === undefined
      ? new Map<string, Uint8Array>()
      : checkLayers(root, listV2, pieceLength, options);
  return {
    info: bytes.subarray(info.start, info.end),
    v1,
    v2,
    name,
    pieceLength,
    pieceCount,
    length,
    files,
    ...(v1 ? { pieces: (pieces as { bytes: Uint8Array }).bytes } : {}),
    pieceLayers,
    private: getInteger(info, "private") === 1,
    ...extras(root, info),
  };
}

function noting(options: MetainfoOptions, departures: Issue[]): DecodeOptions {
  const { tolerate } = options;
  if (tolerate === undefined) return {};
  return {
    tolerate: (issue) => {
      departures.push(issue);
      tolerate(issue);
    },
  };
}

/** Nothing but controls and blanks. */
function isBlank(name: Uint8Array): boolean {
  return name.every((octet) => octet <= 0x20 || octet === 0x7f);
}

/** Integers beyond 64 bits mean nothing here. */
function checkIntegers(node: BencodeNode): void {
  if (
    node.kind === "integer" &&
    typeof node.value === "bigint" &&
    BigInt.asIntN(64, node.value) !== node.value
  ) {
    refuse("integer", node, "BEP 3", "an integer of more than 64 bits");
  }
  if (node.kind === "list") for (const item of node.items) checkIntegers(item);
  if (node.kind === "dict") for (const { value } of node.entries) checkIntegers(value);
}

function pieceLengthOf(info: BencodeNode, v2: boolean): number {
  const length = getInteger(info, "piece length");
  const at = get(info, "piece length") ?? info;
  if (length === undefined || length <= 0 || length > MAX_PIECE_LENGTH)
    refuse("piece-length", at, "BEP 3", "no piece length, or an impossible one");
  if (v2 && (length < 16_384 || (length & (length - 1)) !== 0)) {
    refuse("piece-length", at, "BEP 52", "the piece length is no power of two from 16 KiB on");
  }
  return length;
}

function countPieces(
  info: BencodeNode,
  files: readonly TorrentFile[],
  length: number,
  pieceLength: number,
  v1: boolean,
): number {
  // In v2 each file begins a piece of its own.
  const count = v1
    ? Math.ceil(length / pieceLength)
    : files.reduce((sum, file) => sum + Math.ceil(file.length / pieceLength), 0);
  if (count > MAX_PIECES)
    refuse("pieces.count", info, "BEP 3", `${count} pieces are more than ${MAX_PIECES}`);
  return count;
}

/** A hybrid says the same twice, with pads in v1 up to each file's border. BEP 52 "Upgrade path". */
function checkSame(
  info: BencodeNode,
  v1: readonly TorrentFile[],
  v2: readonly TorrentFile[],
  pieceLength: number,
): void {
  const mismatch = () =>
    refuse("hybrid", info, "BEP 52", "the files of v1 and v2 are not the same");
  const real = v1.filter((file) => !file.pad);
  if (real.length !== v2.length) mismatch();
  let offset = 0;
  for (const file of v1) {
    if (!file.pad && file.length > 0 && offset % pieceLength !== 0) mismatch();
    offset += file.length;
  }
  real.forEach((file, i) => {
    const other = v2[i] as TorrentFile;
    if (file.length !== other.length || file.path.join("/") !== other.path.join("/")) mismatch();
  });
}

function extras(
  root: BencodeNode,
  info: BencodeNode,
): Pick<Metainfo, "trackers" | "webSeeds" | "nodes"> & Partial<Metainfo> {
  const out: Record<string, unknown> = {
    trackers: trackersOf(root),
    webSeeds: webSeedsOf(root),
    nodes: nodesOf(root),
  };
  const put = (name: string, value: unknown) => {
    if (value !== undefined) out[name] = value;
  };
  put("comment", getText(root, "comment.utf-8") ?? getText(root, "comment"));
  put("createdBy", getText(root, "created by"));
  put("creationDate", getInteger(root, "creation date"));
  put("source", getText(info, "source"));
  return out as ReturnType<typeof extras>;
}

function texts(items: readonly BencodeNode[] | undefined): string[] {
  return (items ?? []).flatMap((item) =>
    item.kind === "string" ? [new TextDecoder().decode(item.bytes)] : [],
  );
}

function trackersOf(root: BencodeNode): string[][] {
  const tiers = (getList(root, "announce-list") ?? [])
    .map((tier) => (tier.kind === "list" ? texts(tier.items) : texts([tier])))
    .filter((tier) => tier.length > 0);
  if (tiers.length > 0) return tiers;
  const announce = getText(root, "announce");
  return announce === undefined || announce === "" ? [] : [[announce]];
}

/** BEP 19, and BEP 17 behind it; repeated ones once. */
function webSeedsOf(root: BencodeNode): string[] {
  const found = ["url-list", "httpseeds"].flatMap((name) => {
    const one = getText(root, name);
    return one === undefined ? texts(getList(root, name)) : [one];
  });
  return [...new Set(found.filter((url) => url !== ""))];
}

function nodesOf(root: BencodeNode): Contact[] {
  return (getList(root, "nodes") ?? []).flatMap((item) => {
    if (item.kind !== "list") return [];
    const [address, port] = item.items;
    if (address?.kind !== "string" || port?.kind !== "integer" || typeof port.value !== "number")
      return [];
    return [{ address: new TextDecoder().decode(address.bytes), port: port.value }];
  });
}

/** The torrent's names in the swarm, in hex: SHA-1 for v1, SHA-256 for v2, over the exact octets of `info`. */
export function infoHashes(
  metainfo: Metainfo,
  hashes: { readonly sha1: Hash; readonly sha256: Hash },
): { readonly infohash?: string; readonly infohashV2?: string } {
  return {
    ...(metainfo.v1 ? { infohash: hex(hashes.sha1(metainfo.info)) } : {}),
    ...(metainfo.v2 ? { infohashV2: hex(hashes.sha256(metainfo.info)) } : {}),
  };
}
