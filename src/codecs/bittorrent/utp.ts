/** uTP packets. BEP 29. */
import type { DecodeOptions } from "../errors.ts";
import { DecodeError, deviate, EncodeError } from "../errors.ts";
import { Reader } from "../reader.ts";
import { fromHex, Writer } from "../writer.ts";

export const UTP_HEADER_BYTES = 20;
export const UTP_TYPES = ["data", "fin", "state", "reset", "syn"] as const;
export type UtpType = (typeof UTP_TYPES)[number];
export const SELECTIVE_ACK = 1;
/** Extensions of one packet: a limit of our own. */
const MAX_EXTENSIONS = 16;

export interface UtpExtension {
  readonly type: number;
  /** Hex. */
  readonly data: string;
}

export interface UtpPacket {
  readonly type: UtpType;
  readonly connectionId: number;
  /** Microseconds, modulo 2^32. */
  readonly timestamp: number;
  readonly timestampDifference: number;
  /** Octets. */
  readonly window: number;
  readonly seq: number;
  readonly ack: number;
  readonly extensions: readonly UtpExtension[];
  /** Shares memory with the input. */
  readonly payload: Uint8Array;
}

/**
 * Whether a datagram can be uTP: version, type, a first extension that BEP 29 or libtorrent knows, and
 * a chain of extensions that fits. Index of the payload, or -1.
 */
export function utpPayloadAt(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < UTP_HEADER_BYTES) return -1;
  const first = bytes[start] as number;
  if ((first & 15) !== 1 || first >> 4 > 4) return -1;
  let next = bytes[start + 1] as number;
  if (next > 3) return -1;
  let at = start + UTP_HEADER_BYTES;
  for (let n = 0; next !== 0; n++) {
    if (n === MAX_EXTENSIONS || end - at < 2) return -1;
    const type = next;
    next = bytes[at] as number;
    const length = bytes[at + 1] as number;
    if (type === SELECTIVE_ACK && (length === 0 || length % 4 !== 0)) return -1;
    at += 2 + length;
    if (at > end) return -1;
  }
  return at;
}

/** @throws DecodeError */
export function decodeUtp(bytes: Uint8Array, options: DecodeOptions = {}): UtpPacket {
  const reader = new Reader(bytes, "utp.truncated", "BEP 29");
  const first = reader.u8();
  if ((first & 15) !== 1)
    throw new DecodeError("utp.version", 0, "BEP 29", `version ${first & 15}, not 1`);
  const type = UTP_TYPES[first >> 4];
  if (type === undefined) throw new DecodeError("utp.type", 0, "BEP 29", `no type ${first >> 4}`);
  let next = reader.u8();
  const header = {
    type,
    connectionId: reader.u16(),
    timestamp: reader.u32(),
    timestampDifference: reader.u32(),
    window: reader.u32(),
    seq: reader.u16(),
    ack: reader.u16(),
  };
  const extensions: UtpExtension[] = [];
  while (next !== 0) {
    if (extensions.length === MAX_EXTENSIONS) {
      throw new DecodeError(
        "utp.extensions",
        reader.offset,
        "BEP 29",
        `more than ${MAX_EXTENSIONS} extensions`,
      );
    }
    const extension = next;
    next = reader.u8();
    const length = reader.u8();
    if (extension === SELECTIVE_ACK && (length === 0 || length % 4 !== 0)) {
      throw new DecodeError(
        "utp.selective-ack",
        reader.offset - 1,
        "BEP 29",
        `a selective ack of ${length} octets`,
      );
    }
    extensions.push({ type: extension, data: reader.hex(length) });
  }
  if (type === "syn" && reader.remaining > 0) {
    deviate(options, "utp.syn-payload", reader.offset, "BEP 29", "a SYN with payload");
  }
  return { ...header, extensions, payload: reader.take(reader.remaining) };
}

/** @throws EncodeError */
export function encodeUtp(packet: UtpPacket): Uint8Array {
  const writer = new Writer(UTP_HEADER_BYTES + packet.payload.length);
  writer.u8((UTP_TYPES.indexOf(packet.type) << 4) | 1);
  writer.u8(packet.extensions[0]?.type ?? 0);
  writer.u16(packet.connectionId);
  writer.u32(packet.timestamp);
  writer.u32(packet.timestampDifference);
  writer.u32(packet.window);
  writer.u16(packet.seq);
  writer.u16(packet.ack);
  packet.extensions.forEach((extension, i) => {
    const data = fromHex(extension.data);
    if (data === undefined || data.length > 255 || extension.type < 1 || extension.type > 255) {
      throw new EncodeError(
        "utp.extension",
        "BEP 29",
        "an extension is a type from 1 to 255 and up to 255 octets in hex",
      );
    }
    writer.u8(packet.extensions[i + 1]?.type ?? 0);
    writer.u8(data.length);
    writer.bytes(data);
  });
  writer.bytes(packet.payload);
  return writer.finish();
}
