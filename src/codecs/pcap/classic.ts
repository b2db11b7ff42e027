/**
 * Classic pcap: draft-ietf-opsawg-pcap. Microseconds and nanoseconds, both byte orders.
 *
 * A record header that cannot be true is not trusted: the parser looks ahead for the next place
 * where several records follow one another, names both offsets, and goes on there.
 */
import { Writer } from "../writer.ts";
import type { CapturedPacket, CaptureInterface, CaptureParser, CaptureSink } from "./capture.ts";
import { MAX_RECORD_BYTES } from "./capture.ts";

const SPEC = "draft-ietf-opsawg-pcap 5";
export const FILE_HEADER = 24;
/** Records that must follow one another for a resynchronisation to be believed. */
const RESYNC_CHAIN = 4;
/** Bytes searched for such a place. */
const MAX_RESYNC_BYTES = 4 * 1024 * 1024;
/** Seconds that a resynchronised record may lie away from the last good one. */
const RESYNC_SECONDS = 86_400;

interface Variant {
  readonly little: boolean;
  readonly digits: 6 | 9;
  /** 16; 24 in the "modified" format (magic a1b2cd34). */
  readonly recordHeader: number;
}

/** The variant that the first four bytes tell, or undefined when this is no classic pcap. */
export function classicVariant(bytes: Uint8Array, at = 0): Variant | undefined {
  const magic = u32(bytes, at, false);
  switch (magic) {
    case 0xa1b2c3d4:
      return { little: false, digits: 6, recordHeader: 16 };
    case 0xd4c3b2a1:
      return { little: true, digits: 6, recordHeader: 16 };
    case 0xa1b23c4d:
      return { little: false, digits: 9, recordHeader: 16 };
    case 0x4d3cb2a1:
      return { little: true, digits: 9, recordHeader: 16 };
    case 0xa1b2cd34:
      return { little: false, digits: 6, recordHeader: 24 };
    case 0x34cdb2a1:
      return { little: true, digits: 6, recordHeader: 24 };
    default:
      return undefined;
  }
}

export class ClassicParser implements CaptureParser {
  readonly format = "pcap";
  detail = "";
  needed = FILE_HEADER;
  private readonly sink: CaptureSink;
  private readonly packet: CapturedPacket;
  private variant: Variant | undefined = undefined;
  private minor = 4;
  /** Offset in the file of the first byte not yet taken. */
  private offset = 0;
  private limit = MAX_RECORD_BYTES;
  private lastSeconds = -1;
  private resyncFrom = -1;
  /** `records` stopped at the header of another file. */
  private another = false;

  constructor(sink: CaptureSink) {
    this.sink = sink;
    const nothing: CaptureInterface = { linkType: -1, snapLength: 0, digits: 6 };
    this.packet = {
      interface: nothing,
      bytes: new Uint8Array(0),
      start: 0,
      end: 0,
      wireLength: 0,
      seconds: 0,
      fraction: 0,
      comment: undefined,
    };
  }

  parse(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.variant === undefined) {
      if (end - at < FILE_HEADER) return 0;
      this.header(bytes, at);
      at += FILE_HEADER;
      this.offset = FILE_HEADER;
    }
    if (this.needed === 0) return end - start;
    for (;;) {
      const from = at;
      at = this.records(bytes, at, end);
      this.offset += at - from;
      if (!this.another) return at - start;
      this.another = false;
      this.report("pcap.concatenated", this.offset, "another capture file begins; it is read on");
      this.header(bytes, at);
      at += FILE_HEADER;
      this.offset += FILE_HEADER;
    }
  }

  finish(left: number): void {
    if (this.needed === 0) return;
    if (this.variant === undefined) {
      this.report(
        "pcap.header.truncated",
        this.offset,
        `the file header has ${left} of ${FILE_HEADER} bytes`,
      );
    } else if (left > 0) {
      this.report(
        "pcap.record.truncated",
        this.offset,
        `the last record is cut: ${left} of ${Math.max(this.needed, this.variant.recordHeader)} bytes are there`,
      );
    }
  }

  private header(bytes: Uint8Array, at: number): void {
    const variant = classicVariant(bytes, at) as Variant;
    this.variant = variant;
    this.packet.bytes = bytes;
    const { little } = variant;
    const major = u16(bytes, at + 4, little);
    this.minor = u16(bytes, at + 6, little);
    const snapLength = u32(bytes, at + 16, little);
    // The upper bits tell of a frame check sequence, not of the link.
    const linkType = u32(bytes, at + 20, little) & 0xffff;
    const order = little ? "little-endian" : "big-endian";
    this.detail = `version ${major}.${this.minor}, ${order}, ${variant.digits === 9 ? "nanoseconds" : "microseconds"}`;
    if (major !== 2) {
      this.report("pcap.version", 4, `version ${major}.${this.minor}; only 2.x is known`);
      this.needed = 0;
      return;
    }
    const description: CaptureInterface = { linkType, snapLength, digits: variant.digits };
    this.packet.interface = description;
    this.sink.interface?.(description);
    this.limit = Math.min(MAX_RECORD_BYTES, Math.max(snapLength, 262_144));
    this.needed = variant.recordHeader;
  }

  private records(bytes: Uint8Array, start: number, end: number): number {
    const { little, recordHeader, digits } = this.variant as Variant;
    const { packet, sink, limit } = this;
    const unit = digits === 9 ? 1e9 : 1e6;
    let at = start;
    packet.bytes = bytes;
    while (at + recordHeader <= end) {
      let captured = u32(bytes, at + 8, little);
      let wire = u32(bytes, at + 12, little);
      if (this.minor < 3 || (this.minor === 3 && captured > wire)) {
        // Files before 2.3 have the two lengths the other way round.
        const swap = captured;
        captured = wire;
        wire = swap;
      }
      if (captured > limit) {
        at = this.resync(bytes, at, end, start);
        if (this.needed === 0) return end;
        if (this.resyncFrom >= 0) return at;
        continue;
      }
      // Of an empty record the time may be the magic: files put one behind the other.
      if (captured === 0 && wire === 0 && beginsFile(bytes, at)) {
        this.another = at + FILE_HEADER <= end;
        this.needed = FILE_HEADER;
        return at;
      }
      const body = at + recordHeader;
      if (body + captured > end) {
        this.needed = recordHeader + captured;
        return at;
      }
      let seconds = u32(bytes, at, little);
      let fraction = u32(bytes, at + 4, little);
      if (fraction >= unit) {
        seconds += Math.floor(fraction / unit);
        fraction %= unit;
      }
      packet.start = body;
      packet.end = body + captured;
      packet.wireLength = wire < captured ? captured : wire;
      packet.seconds = seconds;
      packet.fraction = fraction;
      this.lastSeconds = seconds;
      if (wire < captured) {
        this.report(
          "pcap.record.lengths",
          this.offset + at - start,
          `${captured} bytes captured of a packet of ${wire}`,
        );
      }
      sink.packet(packet);
      at = body + captured;
    }
    this.needed = recordHeader;
    return at;
  }

  /** Returns the index at which to go on; sets `resyncFrom` when more bytes are needed to tell. */
  private resync(bytes: Uint8Array, at: number, end: number, start: number): number {
    const { recordHeader } = this.variant as Variant;
    const offset = this.offset + at - start;
    if (this.resyncFrom < 0) {
      this.resyncFrom = offset;
      const claimed = u32(bytes, at + 8, (this.variant as Variant).little);
      this.report(
        "pcap.record.length",
        offset + 8,
        `a record claims ${claimed} bytes; looking for the next one`,
      );
    }
    const farthest = Math.min(end - recordHeader, at + MAX_RESYNC_BYTES);
    for (let candidate = at + 1; candidate <= farthest; candidate++) {
      if (this.chain(bytes, candidate, end)) {
        this.report(
          "pcap.resync",
          this.offset + candidate - start,
          `records go on after ${candidate - at} bytes that are none`,
        );
        this.resyncFrom = -1;
        return candidate;
      }
    }
    if (end - at >= MAX_RESYNC_BYTES + 1024 * 1024) {
      this.report(
        "pcap.lost",
        offset,
        `no record within ${MAX_RESYNC_BYTES} bytes; the rest is left out`,
      );
      this.needed = 0;
      return end;
    }
    this.needed = end - at + 1024 * 1024;
    return at;
  }

  /** Whether plausible records follow one another from here. */
  private chain(bytes: Uint8Array, from: number, end: number): boolean {
    const { little, recordHeader, digits } = this.variant as Variant;
    let at = from;
    for (let n = 0; n < RESYNC_CHAIN; n++) {
      if (at === end && n > 1) return true;
      if (at + recordHeader > end) return false;
      const seconds = u32(bytes, at, little);
      const fraction = u32(bytes, at + 4, little);
      const captured = u32(bytes, at + 8, little);
      const wire = u32(bytes, at + 12, little);
      if (captured > this.limit || wire < captured || wire > MAX_RECORD_BYTES || captured === 0)
        return false;
      if (fraction >= (digits === 9 ? 1e9 : 1e6)) return false;
      if (this.lastSeconds >= 0 && Math.abs(seconds - this.lastSeconds) > RESYNC_SECONDS)
        return false;
      at += recordHeader + captured;
    }
    return true;
  }

  private report(code: string, offset: number, message: string): void {
    this.sink.issue({ code, offset, spec: SPEC, message });
  }
}

/** The magic, and a version that is known. */
function beginsFile(bytes: Uint8Array, at: number): boolean {
  const variant = classicVariant(bytes, at);
  return variant !== undefined && u16(bytes, at + 4, variant.little) === 2;
}

function u16(bytes: Uint8Array, at: number, little: boolean): number {
  const a = bytes[at] as number;
  const b = bytes[at + 1] as number;
  return little ? (b << 8) | a : (a << 8) | b;
}

function u32(bytes: Uint8Array, at: number, little: boolean): number {
  const a = bytes[at] as number;
  const b = bytes[at + 1] as number;
  const c = bytes[at + 2] as number;
  const d = bytes[at + 3] as number;
  return (
    (little ? (d << 24) | (c << 16) | (b << 8) | a : (a << 24) | (b << 16) | (c << 8) | d) >>> 0
  );
}

export interface ClassicWriteOptions {
  readonly linkType?: number;
  readonly nanoseconds?: boolean;
  readonly little?: boolean;
  readonly snapLength?: number;
}

/** The 24 bytes that begin a classic file. */
export function classicHeader(options: ClassicWriteOptions = {}): Uint8Array {
  const order = options.little === true;
  const bytes = new Uint8Array(FILE_HEADER);
  const data = new DataView(bytes.buffer);
  data.setUint32(0, options.nanoseconds === true ? 0xa1b23c4d : 0xa1b2c3d4, order);
  data.setUint16(4, 2, order);
  data.setUint16(6, 4, order);
  data.setUint32(16, options.snapLength ?? 262_144, order);
  data.setUint32(20, options.linkType ?? 1, order);
  return bytes;
}

/** One record. `fraction` in the unit of the header. */
export function classicRecord(
  packet: Uint8Array,
  seconds: number,
  fraction: number,
  options: ClassicWriteOptions = {},
  wireLength: number = packet.length,
): Uint8Array {
  const writer = new Writer(16 + packet.length);
  const header = new Uint8Array(16);
  const data = new DataView(header.buffer);
  const order = options.little === true;
  data.setUint32(0, seconds, order);
  data.setUint32(4, fraction, order);
  data.setUint32(8, packet.length, order);
  data.setUint32(12, wireLength, order);
  writer.bytes(header);
  writer.bytes(packet);
  return writer.finish();
}
