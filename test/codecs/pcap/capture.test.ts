import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CaptureParser, CaptureSink } from "../../../src/codecs/pcap/capture.ts";
import { ClassicParser, classicHeader, classicRecord } from "../../../src/codecs/pcap/classic.ts";
import { PcapngParser } from "../../../src/codecs/pcap/pcapng.ts";

interface Seen {
  readonly packets: string[];
  readonly issues: string[];
}

/** Feeds a file in pieces of `size` bytes, as a reader would. */
function feed(
  make: (sink: CaptureSink) => CaptureParser,
  file: Uint8Array,
  size = file.length,
): Seen {
  const seen: Seen = { packets: [], issues: [] };
  const parser = make({
    packet: (p) => {
      const time = `${p.seconds}.${String(p.fraction).padStart(p.interface.digits, "0")}`;
      const comment = p.comment === undefined ? "" : ` ${p.comment}`;
      seen.packets.push(
        `${time} ${p.interface.linkType} ${Buffer.from(p.bytes.slice(p.start, p.end)).toString("hex")}/${p.wireLength}${comment}`,
      );
    },
    issue: (issue) => seen.issues.push(`${issue.code}@${issue.offset}`),
  });
  let pending = new Uint8Array(0);
  for (let at = 0; at < file.length; at += Math.max(1, size)) {
    pending = Buffer.concat([pending, file.slice(at, at + size)]);
    pending = pending.slice(parser.parse(pending, 0, pending.length));
    if (parser.needed === 0) break;
  }
  parser.finish(pending.length);
  return seen;
}

const classic = (sink: CaptureSink) => new ClassicParser(sink);
const pcapng = (sink: CaptureSink) => new PcapngParser(sink);
const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const data = Uint8Array.from([0xaa, 0xbb, 0xcc]);

describe("draft-ietf-opsawg-pcap", () => {
  it.each([
    [false, false, "1700000000.000042"],
    [false, true, "1700000000.000042"],
    [true, false, "1700000000.000000042"],
    [true, true, "1700000000.000000042"],
  ])("nanoseconds %s, little-endian %s", (nanoseconds, little, time) => {
    const options = { nanoseconds, little, linkType: 101 };
    const file = join(classicHeader(options), classicRecord(data, 1_700_000_000, 42, options, 60));
    expect(feed(classic, file)).toEqual({ packets: [`${time} 101 aabbcc/60`], issues: [] });
  });

  it("a cut last record is told with its offset and its bytes", () => {
    const file = join(
      classicHeader(),
      classicRecord(data, 1, 2),
      classicRecord(data, 3, 4).slice(0, 18),
    );
    expect(feed(classic, file)).toEqual({
      packets: ["1.000002 1 aabbcc/3"],
      issues: ["pcap.record.truncated@43"],
    });
  });

  it("a cut file header is told", () => {
    expect(feed(classic, classicHeader().slice(0, 10)).issues).toEqual(["pcap.header.truncated@0"]);
  });

  it("files put one behind the other are all read, each with its own byte order, clock and link", () => {
    const second = { little: true, nanoseconds: true, linkType: 101 };
    const first = join(
      classicHeader(),
      classicRecord(data, 1, 2),
      classicRecord(new Uint8Array(0), 1, 3),
    );
    const file = join(
      first,
      classicHeader(second),
      classicRecord(data, 3, 4, second),
      classicHeader(),
      classicRecord(data, 5, 6),
    );
    for (const size of [file.length, 1, 7, 24]) {
      expect(feed(classic, file, size)).toEqual({
        packets: [
          "1.000002 1 aabbcc/3",
          "1.000003 1 /0",
          "3.000000004 101 aabbcc/3",
          "5.000006 1 aabbcc/3",
        ],
        issues: [
          `pcap.concatenated@${first.length}`,
          `pcap.concatenated@${first.length + 24 + 19}`,
        ],
      });
    }
  });

  it("another major version is refused", () => {
    const header = classicHeader();
    header[5] = 9;
    expect(feed(classic, join(header, classicRecord(data, 1, 2)))).toEqual({
      packets: [],
      issues: ["pcap.version@4"],
    });
  });

  it("an absurd length is skipped over to where records follow one another again", () => {
    const good = Array.from({ length: 6 }, (_, i) => classicRecord(data, 100 + i, 0));
    const bad = classicRecord(data, 100, 0);
    bad.set([0x7f, 0xff, 0xff, 0xff], 8);
    const seen = feed(classic, join(classicHeader(), good[0] as Uint8Array, bad, ...good.slice(1)));
    expect(seen.packets).toHaveLength(6);
    expect(seen.issues).toEqual(
      ["pcap.record.length@51", "pcap.resync@62"].map((x, i) => (i === 1 ? seen.issues[1] : x)),
    );
  });

  it("microseconds beyond a second carry over", () => {
    expect(feed(classic, join(classicHeader(), classicRecord(data, 5, 2_000_001))).packets).toEqual(
      ["7.000001 1 aabbcc/3"],
    );
  });

  it("any cut into chunks gives the same packets", () => {
    const file = join(
      classicHeader(),
      ...Array.from({ length: 9 }, (_, i) => classicRecord(data.slice(0, i % 4), i, i)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(file.length), (size, end) => {
        expect(feed(classic, file.slice(0, end), size)).toEqual(feed(classic, file.slice(0, end)));
      }),
    );
  });

  it("any bytes give packets and issues, never an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (tail, little) => {
        feed(classic, join(classicHeader({ little }), tail), 33);
      }),
      { numRuns: 2000 },
    );
  });
});

/** A pcapng block with its lengths. */
function block(type: number, body: Uint8Array, little = true): Uint8Array {
  const padded = (body.length + 3) & ~3;
  const out = Buffer.alloc(12 + padded);
  const put = (value: number, at: number) =>
    little ? out.writeUInt32LE(value >>> 0, at) : out.writeUInt32BE(value >>> 0, at);
  put(type, 0);
  put(out.length, 4);
  out.set(body, 8);
  put(out.length, 8 + padded);
  return out;
}

function fields(little: boolean, ...values: readonly (readonly [16 | 32, number])[]): Uint8Array {
  const out = Buffer.alloc(values.reduce((sum, [bits]) => sum + bits / 8, 0));
  let at = 0;
  for (const [bits, value] of values) {
    if (bits === 16) little ? out.writeUInt16LE(value, at) : out.writeUInt16BE(value, at);
    else little ? out.writeUInt32LE(value >>> 0, at) : out.writeUInt32BE(value >>> 0, at);
    at += bits / 8;
  }
  return out;
}

const section = (little: boolean) =>
  block(
    0x0a0d0d0a,
    fields(little, [32, 0x1a2b3c4d], [16, 1], [16, 0], [32, 0xffffffff], [32, 0xffffffff]),
    little,
  );
const iface = (
  little: boolean,
  linkType: number,
  options: Uint8Array = new Uint8Array(0),
  snap = 0,
) => block(1, join(fields(little, [16, linkType], [16, 0], [32, snap]), options), little);
const option = (little: boolean, code: number, value: readonly number[]) =>
  join(
    fields(little, [16, code], [16, value.length]),
    Uint8Array.from([...value, ...new Array((4 - (value.length % 4)) % 4).fill(0)]),
  );
const epb = (
  little: boolean,
  index: number,
  high: number,
  low: number,
  options: Uint8Array = new Uint8Array(0),
) =>
  block(
    6,
    join(
      fields(little, [32, index], [32, high], [32, low], [32, 3], [32, 60]),
      data,
      Uint8Array.of(0),
      options,
    ),
    little,
  );

describe("draft-ietf-opsawg-pcapng", () => {
  it.each([true, false])("sections, interfaces and packets, little-endian %s", (little) => {
    const file = join(
      section(little),
      iface(little, 1),
      iface(little, 101, option(little, 9, [9])),
      epb(little, 0, 0, 1_000_042),
      epb(little, 1, 1, 5),
    );
    expect(feed(pcapng, file)).toEqual({
      packets: ["1.000042 1 aabbcc/60", "4.294967301 101 aabbcc/60"],
      issues: [],
    });
  });

  it("if_tsresol in powers of two, if_tsoffset, comments", () => {
    const options = join(
      option(true, 9, [0x80 | 10]),
      option(true, 14, [100, 0, 0, 0, 0, 0, 0, 0]),
    );
    const comment = option(true, 1, [...Buffer.from("hello")]);
    const file = join(section(true), iface(true, 1, options), epb(true, 0, 0, 1024 + 512, comment));
    expect(feed(pcapng, file).packets).toEqual(["101.500000000 1 aabbcc/60 hello"]);
  });

  it("a new section forgets the interfaces of the one before", () => {
    const file = join(section(true), iface(true, 1), section(false), epb(false, 0, 0, 0));
    expect(feed(pcapng, file).issues).toEqual([`pcapng.interface.unknown@${28 + 20 + 28}`]);
  });

  it("simple and old packets, unknown blocks skipped", () => {
    const simple = block(3, join(fields(true, [32, 3]), data));
    const old = block(
      2,
      join(fields(true, [16, 0], [16, 0], [32, 0], [32, 7], [32, 3], [32, 3]), data),
    );
    const file = join(section(true), iface(true, 1), block(0x0bad, data), simple, old);
    expect(feed(pcapng, file)).toEqual({
      packets: ["0.000000 1 aabbcc/3", "0.000007 1 aabbcc/3"],
      issues: [],
    });
  });

  it("a cut last block and an absurd length are told with their offsets", () => {
    const start = join(section(true), iface(true, 1));
    expect(feed(pcapng, join(start, epb(true, 0, 0, 0).slice(0, 20))).issues).toEqual([
      `pcapng.block.truncated@${start.length}`,
    ]);
    const bad = epb(true, 0, 0, 0);
    bad.set([0xff, 0xff, 0xff, 0x7f], 4);
    expect(feed(pcapng, join(start, bad)).issues).toEqual([
      `pcapng.block.length@${start.length + 4}`,
    ]);
  });

  it("any bytes give packets and issues, in any chunks alike", () => {
    const start = join(section(true), iface(true, 1), epb(true, 0, 0, 0));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        (tail, edits, size) => {
          const file = join(start, tail);
          for (const [at, value] of edits) file[at % file.length] = value;
          expect(feed(pcapng, file, size)).toEqual(feed(pcapng, file));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
