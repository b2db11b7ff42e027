import { describe, expect, it } from "vitest";
import type { DecodeError, Issue } from "../../../src/codecs/errors.ts";
import { EncodeError } from "../../../src/codecs/errors.ts";
import { rtpRecord } from "../../../src/codecs/rtp/record.ts";
import type { RtpPacket } from "../../../src/codecs/rtp/rtp.ts";
import { decodeRtp, encodeRtp, extensionElements } from "../../../src/codecs/rtp/rtp.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import { rtpPackets } from "../../support/arbitraries/rtp.ts";
import { itKeepsCodecProperties } from "../../support/codec-properties.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const base = {
  marker: false,
  payloadType: 0,
  sequenceNumber: 1,
  timestamp: 160,
  ssrc: 0xdeadbeef,
  csrcs: [],
};

const rows: [string, RtpPacket, string][] = [
  [
    "RFC 3550 5.1: the fixed header",
    { ...base, payload: bytes("aabb") },
    "80 00 0001 000000a0 deadbeef aabb",
  ],
  [
    "RFC 3550 5.1: marker, payload type 127, highest numbers",
    {
      ...base,
      marker: true,
      payloadType: 127,
      sequenceNumber: 65535,
      timestamp: 0xffffffff,
      payload: bytes(""),
    },
    "80 ff ffff ffffffff deadbeef",
  ],
  [
    "RFC 3550 5.1: two contributing sources",
    { ...base, csrcs: [1, 0xffffffff], payload: bytes("01") },
    "82 00 0001 000000a0 deadbeef 00000001 ffffffff 01",
  ],
  [
    "RFC 3550 5.3.1: a header extension, its bytes kept",
    { ...base, extension: { profile: 0xbede, data: bytes("10ff0000") }, payload: bytes("01") },
    "90 00 0001 000000a0 deadbeef bede 0001 10ff0000 01",
  ],
  [
    "RFC 3550 5.1: padding counts itself and is no payload",
    { ...base, payload: bytes("aa"), padding: bytes("000003") },
    "a0 00 0001 000000a0 deadbeef aa 000003",
  ],
];

function fault(hex: string): DecodeError {
  try {
    decodeRtp(bytes(hex));
  } catch (error) {
    return error as DecodeError;
  }
  throw new Error("nothing was thrown");
}

describe("RTP packets", () => {
  it.each(rows)("%s", (_name, packet, hex) => {
    expect(decodeRtp(bytes(hex))).toEqual(packet);
    expect(encodeRtp(packet)).toEqual(bytes(hex));
  });

  it.each([
    ["the header is cut", "80 00 0001", "rtp.header.truncated", 4],
    ["version 1", "40 00 0001 000000a0 deadbeef", "rtp.header.version", 0],
    ["the CSRC list is cut", "82 00 0001 000000a0 deadbeef 00000001", "rtp.header.truncated", 16],
    ["the extension is cut", "90 00 0001 000000a0 deadbeef bede0001", "rtp.header.truncated", 12],
    ["padding of 0", "a0 00 0001 000000a0 deadbeef 0000", "rtp.padding.count", 13],
    ["more padding than payload", "a0 00 0001 000000a0 deadbeef 0004", "rtp.padding.count", 13],
    ["padding without an octet", "a0 00 0001 000000a0 deadbeef", "rtp.padding.count", 12],
  ])("RFC 3550 5.1: refuses: %s", (_name, hex, code, offset) => {
    expect(fault(hex)).toMatchObject({ code, offset });
  });

  it("RFC 3550 5.1: a wrong padding count is survived as payload when tolerant", () => {
    const issues: Issue[] = [];
    const packet = decodeRtp(bytes("a0 00 0001 000000a0 deadbeef 0004"), {
      tolerate: (issue) => issues.push(issue),
    });
    expect(packet.payload).toEqual(bytes("0004"));
    expect(issues.map((issue) => issue.code)).toEqual(["rtp.padding.count"]);
  });

  it("refuses to encode what does not fit", () => {
    const payload = bytes("");
    const wrong: RtpPacket[] = [
      { ...base, payload, csrcs: new Array<number>(16).fill(1) },
      { ...base, payload, payloadType: 128 },
      { ...base, payload, extension: { profile: 1, data: bytes("01") } },
      { ...base, payload, padding: bytes("0001") },
    ];
    for (const packet of wrong) expect(() => encodeRtp(packet)).toThrow(EncodeError);
  });

  it("the record counts the payload without padding, sources and extension", () => {
    expect(rtpRecord(decodeRtp(bytes("a0 80 0001 000000a0 deadbeef aabb 000003")))).toEqual({
      ssrc: 0xdeadbeef,
      seq: 1,
      timestamp: 160,
      pt: 0,
      marker: true,
      payloadBytes: 2,
    });
  });

  itKeepsCodecProperties({
    decode: decodeRtp,
    encode: encodeRtp,
    messages: rtpPackets,
    cutsAreRefused: false,
  });
});

describe("RTP header extensions", () => {
  const elements = (profile: number, hex: string) =>
    extensionElements({ profile, data: bytes(hex) })?.map(({ id, data }) => [id, [...data]]);

  it.each([
    [
      "RFC 8285 4.2: one-byte elements with padding between",
      0xbede,
      "10ff00 31 aabb 0000",
      [
        [1, [255]],
        [3, [0xaa, 0xbb]],
      ],
    ],
    ["RFC 8285 4.2: identifier 15 ends them", 0xbede, "10ff f0 20", [[1, [255]]]],
    [
      "RFC 8285 4.3: two-byte elements, one of them empty",
      0x1000,
      "0100 0502 aabb 0000",
      [
        [1, []],
        [5, [0xaa, 0xbb]],
      ],
    ],
    ["an element past the end is left out", 0xbede, "10ff 3f 00", [[1, [255]]]],
  ] as [string, number, string, unknown][])("%s", (_name, profile, hex, expected) => {
    expect(elements(profile, hex)).toEqual(expected);
  });

  it("RFC 8285 4: another profile has no elements", () => {
    expect(elements(0x1234, "10ff0000")).toBeUndefined();
  });
});
