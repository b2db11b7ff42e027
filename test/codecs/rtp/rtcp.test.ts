import { describe, expect, it } from "vitest";
import type { DecodeError, Issue } from "../../../src/codecs/errors.ts";
import { rtcpRecord } from "../../../src/codecs/rtp/record.ts";
import type { RtcpPacket } from "../../../src/codecs/rtp/rtcp.ts";
import { decodeRtcp } from "../../../src/codecs/rtp/rtcp.ts";
import { encodeRtcp } from "../../../src/codecs/rtp/rtcp-encode.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import { rtcpCompounds } from "../../support/arbitraries/rtp.ts";
import { itKeepsCodecProperties } from "../../support/codec-properties.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const none = bytes("");

const rows: [string, RtcpPacket[], string][] = [
  [
    "RFC 3550 6.4.1, 6.5: a sender report with one block, and a CNAME",
    [
      {
        kind: "sr",
        ssrc: 1,
        ntpSeconds: 2,
        ntpFraction: 3,
        rtpTimestamp: 4,
        packetCount: 5,
        octetCount: 6,
        reports: [
          {
            ssrc: 7,
            fractionLost: 128,
            cumulativeLost: -1,
            highestSequence: 8,
            jitter: 9,
            lastSr: 10,
            delaySinceLastSr: 11,
          },
        ],
        extension: none,
      },
      { kind: "sdes", chunks: [{ ssrc: 1, items: [{ type: 1, value: "a@b" }] }] },
    ],
    `81c8000c 00000001 00000002 00000003 00000004 00000005 00000006
     00000007 80ffffff 00000008 00000009 0000000a 0000000b
     81ca0003 00000001 0103614062 000000`,
  ],
  [
    "RFC 3550 6.4.2: an empty receiver report",
    [{ kind: "rr", ssrc: 1, reports: [], extension: none }],
    "80c90001 00000001",
  ],
  [
    "RFC 3550 6.6: BYE with a reason",
    [{ kind: "bye", sources: [1], reason: "bye" }],
    "81cb0002 00000001 03627965",
  ],
  ["RFC 3550 6.6: BYE without a source", [{ kind: "bye", sources: [] }], "80cb0000"],
  [
    "RFC 3550 6.7: APP",
    [{ kind: "app", subtype: 3, ssrc: 1, name: "test", data: bytes("01020304") }],
    "83cc0003 00000001 74657374 01020304",
  ],
  [
    "RFC 4585 6.1: a generic NACK",
    [{ kind: "rtpfb", format: 1, senderSsrc: 1, mediaSsrc: 2, fci: bytes("00050000") }],
    "81cd0003 00000001 00000002 00050000",
  ],
  [
    "RFC 4585 6.3: PLI",
    [{ kind: "psfb", format: 1, senderSsrc: 1, mediaSsrc: 2, fci: none }],
    "81ce0002 00000001 00000002",
  ],
  [
    "RFC 3611 3: an extended report",
    [
      {
        kind: "xr",
        reserved: 0,
        ssrc: 1,
        blocks: [{ type: 4, typeSpecific: 0, data: bytes("0000000000000001") }],
      },
    ],
    "80cf0004 00000001 04000002 0000000000000001",
  ],
  [
    "an unknown type is kept",
    [{ kind: "unknown", packetType: 209, count: 2, data: bytes("01020304") }],
    "82d10001 01020304",
  ],
  [
    "RFC 3550 6.4.1: padding of the last packet",
    [{ kind: "bye", sources: [1], padding: bytes("00000004") }],
    "a1cb0002 00000001 00000004",
  ],
];

function fault(hex: string): DecodeError {
  try {
    decodeRtcp(bytes(hex));
  } catch (error) {
    return error as DecodeError;
  }
  throw new Error("nothing was thrown");
}

describe("RTCP compounds", () => {
  it.each(rows)("%s", (_name, packets, hex) => {
    expect(decodeRtcp(bytes(hex))).toEqual(packets);
    expect(encodeRtcp(packets)).toEqual(bytes(hex));
  });

  it.each([
    ["an empty datagram", "", "rtcp.header.truncated", 0],
    ["version 0", "00c90001 00000001", "rtcp.header.version", 0],
    ["a length past the end", "80c90002 00000001", "rtcp.packet.truncated", 2],
    ["a cut second packet", "80c90001 00000001 80ca", "rtcp.header.truncated", 8],
    ["fewer blocks than counted", "81c90001 00000001", "rtcp.packet.short", 8],
    ["padding of 3", "a1cb0002 00000001 00000003", "rtcp.padding.count", 11],
    ["octets behind a reason", "81cb0003 00000001 03627965 00000000", "rtcp.packet.trailing", 12],
    ["an SDES chunk without an end", "81ca0002 00000001 0102 6162", "rtcp.packet.short", 12],
    ["SDES padding that is not null", "81ca0002 00000001 00010000", "rtcp.padding.nonzero", 9],
  ])("RFC 3550 6: refuses %s", (_name, hex, code, offset) => {
    expect(fault(hex)).toMatchObject({ code, offset });
  });

  it("each deviation is reported once when tolerant", () => {
    const issues: Issue[] = [];
    decodeRtcp(bytes("a1cb0002 00000001 00000003"), { tolerate: (issue) => issues.push(issue) });
    expect(issues.map((issue) => issue.code)).toContain("rtcp.padding.count");
  });

  it("a record names type, source and the report's fields", () => {
    const [sr, sdes] = decodeRtcp(bytes((rows[0] as [string, RtcpPacket[], string])[2]));
    expect(rtcpRecord(sr as RtcpPacket)).toMatchObject({ pt: 200, ssrc: 1, packetCount: 5 });
    expect(rtcpRecord(sdes as RtcpPacket)).toEqual({
      pt: 202,
      ssrc: 1,
      chunks: [{ ssrc: 1, items: [{ type: 1, value: "a@b" }] }],
    });
    for (const [, packets] of rows) {
      for (const packet of packets) expect(Object.keys(rtcpRecord(packet))[0]).toBe("pt");
    }
  });

  itKeepsCodecProperties({
    decode: decodeRtcp,
    encode: encodeRtcp,
    messages: rtcpCompounds,
    cutsAreRefused: false,
  });
});
