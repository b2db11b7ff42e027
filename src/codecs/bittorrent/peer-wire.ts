/** The peer wire protocol: handshake and length-prefixed messages. BEP 3, 5, 6, 10, 52. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate, EncodeError } from "../errors.ts";
import { Reader } from "../reader.ts";
import type { StreamDecoder } from "../stream.ts";
import { fromHex, Writer } from "../writer.ts";

export const PROTOCOL_STRING = "BitTorrent protocol";
export const HANDSHAKE_BYTES = 68;
/** Of one message, its length prefix not counted: libtorrent's receive buffer. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;
/** Largest block that peers ask for; BEP 3 speaks of 2^14, clients take up to 2^17. */
export const MAX_REQUEST_BYTES = 131_072;

/** Message types. BEP 3; 9: BEP 5; 13 to 17: BEP 6; 20: BEP 10; 21 to 23: BEP 52. */
export const MESSAGE = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  not_interested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 13,
  have_all: 14,
  have_none: 15,
  reject: 16,
  allowed_fast: 17,
  extended: 20,
  hash_request: 21,
  hashes: 22,
  hash_reject: 23,
} as const;

export type MessageName = keyof typeof MESSAGE;
const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGE).map(([name, id]) => [id, name as MessageName]),
);

/** Name of a message type; undefined for one that no BEP gives. */
export function messageName(id: number): MessageName | undefined {
  return NAMES.get(id);
}

type Signal = "choke" | "unchoke" | "interested" | "not_interested" | "have_all" | "have_none";
type Indexed = "have" | "suggest" | "allowed_fast";
type Ranged = "request" | "cancel" | "reject";
type HashRanged = "hash_request" | "hash_reject";

export interface Handshake {
  readonly msg: "handshake";
  /** Eight octets in hex: BEP 4 lists the bits. */
  readonly reserved: string;
  /** 20 octets in hex: the first 20 of a v2 hash (BEP 52). */
  readonly infoHash: string;
  /** 20 octets in hex. */
  readonly peerId: string;
}

interface HashRange {
  readonly piecesRoot: string;
  readonly baseLayer: number;
  readonly index: number;
  readonly length: number;
  readonly proofLayers: number;
}

export type PeerMessage =
  | { readonly msg: "keep_alive" }
  | { readonly msg: Signal }
  | { readonly msg: Indexed; readonly index: number }
  | { readonly msg: "bitfield"; readonly bits: Uint8Array }
  | {
      readonly msg: Ranged;
      readonly index: number;
      readonly begin: number;
      readonly length: number;
    }
  | {
      readonly msg: "piece";
      readonly index: number;
      readonly begin: number;
      readonly block: Uint8Array;
    }
  | { readonly msg: "port"; readonly port: number }
  | { readonly msg: "extended"; readonly id: number; readonly payload: Uint8Array }
  | ({ readonly msg: HashRanged } & HashRange)
  | ({ readonly msg: "hashes"; readonly hashes: Uint8Array } & HashRange)
  | { readonly msg: "unknown"; readonly type: number; readonly payload: Uint8Array };

export interface PeerOptions extends DecodeOptions {
  /** Pieces of the torrent, where known: indices and bitfields are then checked. */
  readonly pieceCount?: number;
}

/** @throws DecodeError when the bytes are no handshake, or fewer than 68 */
export function decodeHandshake(bytes: Uint8Array): Handshake {
  const reader = new Reader(bytes, "bittorrent.handshake.truncated", "BEP 3");
  const length = reader.u8();
  for (let i = 0; i < PROTOCOL_STRING.length; i++) {
    if (length !== PROTOCOL_STRING.length || reader.u8() !== PROTOCOL_STRING.charCodeAt(i)) {
      throw new DecodeError("bittorrent.handshake.protocol", 0, "BEP 3", "no BitTorrent handshake");
    }
  }
  const handshake = {
    msg: "handshake",
    reserved: reader.hex(8),
    infoHash: reader.hex(20),
    peerId: reader.hex(20),
  } as const;
  if (reader.remaining > 0) {
    throw new DecodeError(
      "bittorrent.handshake.trailing",
      reader.offset,
      "BEP 3",
      "octets follow the handshake",
    );
  }
  return handshake;
}

function octets(name: string, text: string, count: number): Uint8Array {
  const bytes = fromHex(text);
  if (bytes?.length !== count)
    throw new EncodeError("bittorrent.field", "BEP 3", `${name} is not ${count} octets in hex`);
  return bytes;
}

/** @throws EncodeError */
export function encodeHandshake(handshake: Handshake): Uint8Array {
  const writer = new Writer(HANDSHAKE_BYTES);
  writer.u8(PROTOCOL_STRING.length);
  writer.latin1(PROTOCOL_STRING);
  writer.bytes(octets("reserved", handshake.reserved, 8));
  writer.bytes(octets("infoHash", handshake.infoHash, 20));
  writer.bytes(octets("peerId", handshake.peerId, 20));
  return writer.finish();
}

const HASH_RANGE_BYTES = 48;

/** Lengths of the types that have a fixed one, the type's octet counted. */
const FIXED_BYTES: Readonly<Partial<Record<MessageName, number>>> = {
  choke: 1,
  unchoke: 1,
  interested: 1,
  not_interested: 1,
  have: 5,
  request: 13,
  cancel: 13,
  port: 3,
  suggest: 5,
  have_all: 1,
  have_none: 1,
  reject: 13,
  allowed_fast: 5,
  hash_request: 1 + HASH_RANGE_BYTES,
  hash_reject: 1 + HASH_RANGE_BYTES,
};

/** Whether a length can be that of a message of this type. */
export function lengthFits(type: number, length: number): boolean {
  const name = NAMES.get(type);
  if (name === undefined) return length <= MAX_MESSAGE_BYTES;
  const fixed = FIXED_BYTES[name];
  if (fixed !== undefined) return length === fixed;
  if (name === "piece") return length > 9 && length <= MAX_MESSAGE_BYTES;
  if (name === "bitfield") return length > 1 && length <= MAX_MESSAGE_BYTES;
  if (name === "extended") return length >= 2 && length <= MAX_MESSAGE_BYTES;
  return (
    length >= 1 + HASH_RANGE_BYTES &&
    (length - 1 - HASH_RANGE_BYTES) % 32 === 0 &&
    length <= MAX_MESSAGE_BYTES
  );
}

/**
 * One message with its length prefix. Blocks and payloads share memory with the input.
 * @throws DecodeError
 */
export function decodeMessage(bytes: Uint8Array, options: PeerOptions = {}): PeerMessage {
  const reader = new Reader(bytes, "bittorrent.message.truncated", "BEP 3");
  const length = reader.u32();
  if (length > MAX_MESSAGE_BYTES) {
    throw new DecodeError(
      "bittorrent.message.too-long",
      0,
      "BEP 3",
      `a message of ${length} octets`,
    );
  }
  reader.need(length);
  if (length < reader.remaining) {
    throw new DecodeError(
      "bittorrent.message.trailing",
      4 + length,
      "BEP 3",
      "octets follow the message",
    );
  }
  if (length === 0) return { msg: "keep_alive" };
  const type = reader.u8();
  const name = NAMES.get(type);
  if (name === undefined) return { msg: "unknown", type, payload: reader.take(reader.remaining) };
  if (!lengthFits(type, length)) {
    throw new DecodeError(
      "bittorrent.message.length",
      0,
      SPECS[name] ?? "BEP 3",
      `${name} has ${length} octets`,
    );
  }
  return body(name, reader, options);
}

const SPECS: Readonly<Partial<Record<MessageName, string>>> = {
  port: "BEP 5",
  suggest: "BEP 6",
  have_all: "BEP 6",
  have_none: "BEP 6",
  reject: "BEP 6",
  allowed_fast: "BEP 6",
  extended: "BEP 10",
  hash_request: "BEP 52",
  hashes: "BEP 52",
  hash_reject: "BEP 52",
};

function body(name: MessageName, reader: Reader, options: PeerOptions): PeerMessage {
  switch (name) {
    case "have":
    case "suggest":
    case "allowed_fast":
      return { msg: name, index: pieceIndex(reader, options) };
    case "bitfield":
      return { msg: name, bits: bitfield(reader, options) };
    case "request":
    case "cancel":
    case "reject": {
      const index = pieceIndex(reader, options);
      const begin = reader.u32();
      const length = reader.u32();
      if (length === 0 || length > MAX_REQUEST_BYTES) {
        deviate(options, "bittorrent.request.length", 13, "BEP 3", `a block of ${length} octets`);
      }
      return { msg: name, index, begin, length };
    }
    case "piece":
      return {
        msg: name,
        index: pieceIndex(reader, options),
        begin: reader.u32(),
        block: reader.take(reader.remaining),
      };
    case "port":
      return { msg: name, port: reader.u16() };
    case "extended":
      return { msg: name, id: reader.u8(), payload: reader.take(reader.remaining) };
    case "hash_request":
    case "hash_reject":
      return { msg: name, ...hashRange(reader) };
    case "hashes":
      return { msg: name, ...hashRange(reader), hashes: reader.take(reader.remaining) };
    default:
      return { msg: name };
  }
}

function pieceIndex(reader: Reader, options: PeerOptions): number {
  const index = reader.u32();
  if (options.pieceCount !== undefined && index >= options.pieceCount) {
    throw new DecodeError(
      "bittorrent.piece.index",
      reader.offset - 4,
      "BEP 3",
      `piece ${index} of ${options.pieceCount}`,
    );
  }
  return index;
}

/** BEP 3: one bit a piece, the spare bits at the end zero. */
function bitfield(reader: Reader, options: PeerOptions): Uint8Array {
  const bits = reader.take(reader.remaining);
  const { pieceCount } = options;
  if (pieceCount === undefined) return bits;
  if (bits.length !== Math.ceil(pieceCount / 8)) {
    throw new DecodeError(
      "bittorrent.bitfield.length",
      5,
      "BEP 3",
      `${bits.length} octets for ${pieceCount} pieces`,
    );
  }
  if (
    pieceCount % 8 !== 0 &&
    ((bits[bits.length - 1] as number) & (0xff >> (pieceCount % 8))) !== 0
  ) {
    deviate(
      options,
      "bittorrent.bitfield.spare",
      5 + bits.length - 1,
      "BEP 3",
      "spare bits are set",
    );
  }
  return bits;
}

function hashRange(reader: Reader): HashRange {
  return {
    piecesRoot: reader.hex(32),
    baseLayer: reader.u32(),
    index: reader.u32(),
    length: reader.u32(),
    proofLayers: reader.u32(),
  };
}

function u32(writer: Writer, name: string, value: number, most = 0xffffffff): void {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new EncodeError("bittorrent.field", "BEP 3", `${name} is no integer from 0 to ${most}`);
  }
  writer.u32(value);
}

/** A message with its length prefix. @throws EncodeError */
export function encodeMessage(message: PeerMessage): Uint8Array {
  const writer = new Writer(32);
  writer.u32(0);
  if (message.msg === "keep_alive") return writer.finish();
  writer.u8(message.msg === "unknown" ? message.type : MESSAGE[message.msg]);
  writeBody(writer, message);
  if (writer.at - 4 > MAX_MESSAGE_BYTES)
    throw new EncodeError("bittorrent.message.too-long", "BEP 3", "the message is too long");
  writer.patchU32(0, writer.at - 4);
  return writer.finish();
}

function writeBody(writer: Writer, message: Exclude<PeerMessage, { msg: "keep_alive" }>): void {
  switch (message.msg) {
    case "have":
    case "suggest":
    case "allowed_fast":
      return u32(writer, "index", message.index);
    case "bitfield":
      return writer.bytes(message.bits);
    case "request":
    case "cancel":
    case "reject":
      u32(writer, "index", message.index);
      u32(writer, "begin", message.begin);
      return u32(writer, "length", message.length);
    case "piece":
      u32(writer, "index", message.index);
      u32(writer, "begin", message.begin);
      return writer.bytes(message.block);
    case "port":
      if (message.port > 65_535)
        throw new EncodeError("bittorrent.field", "BEP 5", "port is above 65535");
      return writer.u16(message.port);
    case "extended":
      writer.u8(message.id);
      return writer.bytes(message.payload);
    case "hash_request":
    case "hash_reject":
    case "hashes":
      writer.bytes(octets("piecesRoot", message.piecesRoot, 32));
      u32(writer, "baseLayer", message.baseLayer);
      u32(writer, "index", message.index);
      u32(writer, "length", message.length);
      u32(writer, "proofLayers", message.proofLayers);
      if (message.msg === "hashes") writer.bytes(message.hashes);
      return;
    case "unknown":
      return writer.bytes(message.payload);
  }
}

/** One direction of a connection: the handshake, then messages. */
export class PeerWireDecoder implements StreamDecoder<Handshake | PeerMessage> {
  private kept: Uint8Array = new Uint8Array(0);
  private at = 0;
  private passed = 0;
  private greeted = false;
  private readonly options: PeerOptions;

  constructor(options: PeerOptions = {}) {
    this.options = options;
  }

  push(chunk: Uint8Array): void {
    const rest = this.kept.length - this.at;
    const joined = new Uint8Array(rest + chunk.length);
    joined.set(this.kept.subarray(this.at));
    joined.set(chunk, rest);
    this.passed += this.at;
    this.at = 0;
    this.kept = joined;
  }

  /** @throws DecodeError with the offset in the stream */
  next(): Handshake | PeerMessage | undefined {
    const { kept, at } = this;
    const left = kept.length - at;
    let length = HANDSHAKE_BYTES;
    if (this.greeted) {
      if (left < 4) return undefined;
      length =
        4 +
        (((kept[at] as number) << 24) >>> 0) +
        (((kept[at + 1] as number) << 16) |
          ((kept[at + 2] as number) << 8) |
          (kept[at + 3] as number));
      if (length - 4 > MAX_MESSAGE_BYTES) {
        throw new DecodeError(
          "bittorrent.message.too-long",
          this.passed + at,
          "BEP 3",
          `a message of ${length - 4} octets`,
        );
      }
    } else if (left > 0 && kept[at] !== PROTOCOL_STRING.length) {
      throw new DecodeError(
        "bittorrent.handshake.protocol",
        this.passed,
        "BEP 3",
        "no BitTorrent handshake",
      );
    }
    if (left < length) return undefined;
    const bytes = kept.subarray(at, at + length);
    try {
      const item = this.greeted ? decodeMessage(bytes, this.options) : decodeHandshake(bytes);
      this.greeted = true;
      this.at = at + length;
      return item;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw new DecodeError(error.code, this.passed + at + error.offset, error.spec, error.message);
    }
  }

  /** @throws DecodeError when a message is cut */
  end(): void {
    if (this.at === this.kept.length) return;
    throw new DecodeError(
      "bittorrent.message.truncated",
      this.passed + this.at,
      "BEP 3",
      "the stream ends inside a message",
    );
  }
}

/** The client that a peer id names, by the Azureus convention of BEP 20: `qB4500`. Undefined where it follows none. */
export function clientOf(peerId: Uint8Array): string | undefined {
  const text = String.fromCharCode(...peerId.subarray(0, 8));
  return /^-[A-Za-z~]{2}[0-9A-Za-z.]{4}-$/.test(text) ? text.slice(1, 7) : undefined;
}
