/** pcapng: draft-ietf-opsawg-pcapng. All sections, interfaces, both byte orders; unknown blocks are skipped. */
import { utf8, view } from "../reader.ts";
import type { CapturedPacket, CaptureInterface, CaptureParser, CaptureSink } from "./capture.ts";
import { MAX_RECORD_BYTES } from "./capture.ts";
import type { Resolution } from "./resolution.ts";
import { epochFraction, resolutionOf } from "./resolution.ts";

const SPEC = "draft-ietf-opsawg-pcapng 3";
const BLOCK = {
  SECTION: 0x0a0d0d0a,
  INTERFACE: 1,
  OLD_PACKET: 2,
  SIMPLE_PACKET: 3,
  NAMES: 4,
  STATISTICS: 5,
  ENHANCED_PACKET: 6,
  SECRETS: 10,
} as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Interfaces of one section that are kept: a file may declare one per block. */
const MAX_INTERFACES = 65_536;
/** Options read of one block. */
const MAX_OPTIONS = 4096;

type Description = { -readonly [K in keyof CaptureInterface]: CaptureInterface[K] } & {
  resolution: Resolution;
};

export function isPcapng(bytes: Uint8Array, at = 0): boolean {
  return (
    bytes[at] === 0x0a && bytes[at + 1] === 0x0d && bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a
  );
}

export class PcapngParser implements CaptureParser {
  readonly format = "pcapng";
  detail = "";
  needed = 12;
  private readonly sink: CaptureSink;
  private readonly packet: CapturedPacket;
  private little = false;
  private sections = 0;
  private interfaces: Description[] = [];
  private offset = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private data: DataView = new DataView(new ArrayBuffer(0));
  private readonly time = { seconds: 0, fraction: 0 };

  constructor(sink: CaptureSink) {
    this.sink = sink;
    this.packet = {
      interface: { linkType: -1, snapLength: 0, digits: 6 },
      bytes: this.bytes,
      start: 0,
      end: 0,
      wireLength: 0,
      seconds: 0,
      fraction: 0,
      comment: undefined,
    };
  }

  parse(bytes: Uint8Array, start: number, end: number): number {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.packet.bytes = bytes;
    }
    let at = start;
    while (this.needed > 0 && at + 12 <= end) {
      const length = this.blockLength(at);
      if (length < 0) {
        this.needed = 0;
        return end - start;
      }
      if (at + length > end) {
        this.needed = length;
        return at - start;
      }
      this.block(at, length);
      at += length;
      this.offset += length;
    }
    this.needed = this.needed === 0 ? 0 : 12;
    return at - start;
  }

  finish(left: number): void {
    if (left > 0 && this.needed > 0) {
      this.report(
        "pcapng.block.truncated",
        this.offset,
        `the last block is cut: ${left} bytes of ${this.needed} are there`,
      );
    }
  }

  /** Total length of the block at `at`, padded; -1 when it cannot be true. Sets the byte order of a new section. */
  private blockLength(at: number): number {
    const { data } = this;
    if (data.getUint32(at) === BLOCK.SECTION) {
      if (data.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) this.little = true;
      else if (data.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) this.little = false;
      else {
        this.report(
          "pcapng.section.magic",
          this.offset + 8,
          "the section header's byte-order magic is not 1a2b3c4d",
        );
        return -1;
      }
    } else if (this.sections === 0) {
      this.report(
        "pcapng.section.missing",
        this.offset,
        "the file does not begin with a section header",
      );
      return -1;
    }
    const length = data.getUint32(at + 4, this.little);
    if (length < 12 || length > MAX_RECORD_BYTES) {
      this.report(
        "pcapng.block.length",
        this.offset + 4,
        `a block claims ${length} bytes; the rest is left out`,
      );
      return -1;
    }
    return (length + 3) & ~3;
  }

  private block(at: number, length: number): void {
    const { data, little } = this;
    const type = data.getUint32(at, little);
    const end = at + length - 4;
    if (data.getUint32(end, little) !== data.getUint32(at + 4, little)) {
      this.report(
        "pcapng.block.trailer",
        this.offset + length - 4,
        "the length at the block's end differs from that at its beginning",
      );
    }
    switch (data.getUint32(at) === BLOCK.SECTION ? BLOCK.SECTION : type) {
      case BLOCK.SECTION:
        return this.section(at, end);
      case BLOCK.INTERFACE:
        return this.interfaceBlock(at, end);
      case BLOCK.ENHANCED_PACKET:
        return this.enhancedPacket(at, end);
      case BLOCK.SIMPLE_PACKET:
        return this.simplePacket(at, end);
      case BLOCK.OLD_PACKET:
        return this.oldPacket(at, end);
      case BLOCK.STATISTICS:
        return this.statistics(at, end);
      case BLOCK.NAMES:
        return this.names(at, end);
      case BLOCK.SECRETS:
        return this.secrets(at, end);
      default:
        return;
    }
  }

  private section(at: number, end: number): void {
    const { data, little } = this;
    this.sections++;
    this.interfaces = [];
    if (end - at < 24) return this.short("section header");
    const major = data.getUint16(at + 12, little);
    const minor = data.getUint16(at + 14, little);
    this.detail = `version ${major}.${minor}, ${little ? "little-endian" : "big-endian"}, ${this.sections} section${this.sections === 1 ? "" : "s"}`;
    if (major !== 1) {
      this.report(
        "pcapng.version",
        this.offset + 12,
        `version ${major}.${minor}; only 1.x is known`,
      );
    }
    this.options(at + 24, end, (code, from, to) => {
      if (code === 1) this.sink.note?.("comment", utf8(this.bytes, from, to));
      else if (code === 2) this.sink.note?.("hardware", utf8(this.bytes, from, to));
      else if (code === 3) this.sink.note?.("os", utf8(this.bytes, from, to));
      else if (code === 4) this.sink.note?.("application", utf8(this.bytes, from, to));
    });
  }

  private interfaceBlock(at: number, end: number): void {
    const { data, little, bytes } = this;
    if (end - at < 16) return this.short("interface description");
    if (this.interfaces.length >= MAX_INTERFACES) return;
    const description: Description = {
      linkType: data.getUint16(at + 8, little),
      snapLength: data.getUint32(at + 12, little),
      digits: 6,
      resolution: resolutionOf(6, 0),
    };
    let resolution = 6;
    let offsetSeconds = 0;
    this.options(at + 16, end, (code, from, to) => {
      if (code === 2) description.name = utf8(bytes, from, to);
      else if (code === 3) description.description = utf8(bytes, from, to);
      else if (code === 9 && to > from) resolution = bytes[from] as number;
      else if (code === 11 && to > from + 1) description.filter = utf8(bytes, from + 1, to);
      else if (code === 12) description.os = utf8(bytes, from, to);
      else if (code === 14 && to - from === 8) {
        offsetSeconds = Number(data.getBigInt64(from, little));
      }
    });
    description.resolution = resolutionOf(resolution, offsetSeconds);
    description.digits = description.resolution.digits;
    this.interfaces.push(description);
    this.sink.interface?.(description);
  }

  private enhancedPacket(at: number, end: number): void {
    const { data, little } = this;
    if (end - at < 28) return this.short("enhanced packet");
    const high = data.getUint32(at + 12, little);
    const low = data.getUint32(at + 16, little);
    const captured = data.getUint32(at + 20, little);
    this.deliver(
      data.getUint32(at + 8, little),
      high,
      low,
      captured,
      data.getUint32(at + 24, little),
      at + 28,
      end,
    );
  }

  /** The obsolete block of drafts before 2012: 16-bit interface and drop count. */
  private oldPacket(at: number, end: number): void {
    const { data, little } = this;
    if (end - at < 28) return this.short("packet");
    const high = data.getUint32(at + 12, little);
    const low = data.getUint32(at + 16, little);
    const captured = data.getUint32(at + 20, little);
    this.deliver(
      data.getUint16(at + 8, little),
      high,
      low,
      captured,
      data.getUint32(at + 24, little),
      at + 28,
      end,
    );
  }

  /** No time and no interface: the first one, cut at its snap length. */
  private simplePacket(at: number, end: number): void {
    const { data, little } = this;
    if (end - at < 12) return this.short("simple packet");
    const wire = data.getUint32(at + 8, little);
    const snap = this.interfaces[0]?.snapLength ?? 0;
    const room = end - at - 12;
    let captured = snap > 0 && wire > snap ? snap : wire;
    if (captured > room) captured = room;
    this.deliver(0, 0, 0, captured, wire, at + 12, end, true);
  }

  private deliver(
    index: number,
    high: number,
    low: number,
    captured: number,
    wire: number,
    start: number,
    end: number,
    untimed = false,
  ): void {
    const description = this.interfaces[index];
    const { packet } = this;
    if (description === undefined) {
      this.report(
        "pcapng.interface.unknown",
        this.offset,
        `a packet of interface ${index}, which the section does not describe`,
      );
      return;
    }
    if (start + captured > end) {
      this.report(
        "pcapng.packet.length",
        this.offset,
        `a packet claims ${captured} bytes in a block that holds ${end - start}`,
      );
      captured = end - start;
    }
    if (untimed) {
      this.time.seconds = 0;
      this.time.fraction = 0;
    } else {
      epochFraction(description.resolution, high, low, this.time);
    }
    packet.interface = description;
    packet.start = start;
    packet.end = start + captured;
    packet.wireLength = wire < captured ? captured : wire;
    packet.seconds = this.time.seconds;
    packet.fraction = this.time.fraction;
    packet.comment = undefined;
    const options = start + ((captured + 3) & ~3);
    if (options + 4 <= end) {
      this.options(options, end, (code, from, to) => {
        if (code === 1) packet.comment = utf8(this.bytes, from, to);
      });
    }
    this.sink.packet(packet);
  }

  private statistics(at: number, end: number): void {
    const { data, little } = this;
    if (end - at < 20) return this.short("interface statistics");
    const description = this.interfaces[data.getUint32(at + 8, little)];
    if (description === undefined) return;
    this.options(at + 20, end, (code, from, to) => {
      if (to - from !== 8) return;
      if (code === 4) description.received = Number(data.getBigUint64(from, little));
      if (code === 5) description.dropped = Number(data.getBigUint64(from, little));
    });
  }

  private names(at: number, end: number): void {
    const { data, little, bytes } = this;
    let record = at + 8;
    for (let n = 0; n < MAX_OPTIONS && record + 4 <= end; n++) {
      const type = data.getUint16(record, little);
      const length = data.getUint16(record + 2, little);
      if (type === 0 || record + 4 + length > end) return;
      this.sink.note?.("name", view(bytes, record + 4, record + 4 + length));
      record += 4 + ((length + 3) & ~3);
    }
  }

  /** TLS key logs and the like; kept by who wants them. */
  private secrets(at: number, end: number): void {
    const { data, little, bytes } = this;
    if (end - at < 16) return this.short("decryption secrets");
    const length = data.getUint32(at + 12, little);
    if (at + 16 + length > end) return this.short("decryption secrets");
    this.sink.note?.("secrets", view(bytes, at + 16, at + 16 + length));
  }

  private options(
    at: number,
    end: number,
    each: (code: number, from: number, to: number) => void,
  ): void {
    const { data, little } = this;
    for (let n = 0; n < MAX_OPTIONS && at + 4 <= end; n++) {
      const code = data.getUint16(at, little);
      const length = data.getUint16(at + 2, little);
      if (code === 0) return;
      if (at + 4 + length > end) {
        this.report(
          "pcapng.option.length",
          this.offset,
          `option ${code} claims ${length} bytes past the end of its block`,
        );
        return;
      }
      each(code, at + 4, at + 4 + length);
      at += 4 + ((length + 3) & ~3);
    }
  }

  private short(what: string): void {
    this.report(
      "pcapng.block.short",
      this.offset,
      `the ${what} block is shorter than its fixed fields`,
    );
  }

  private report(code: string, offset: number, message: string): void {
    this.sink.issue({ code, offset, spec: SPEC, message });
  }
}
