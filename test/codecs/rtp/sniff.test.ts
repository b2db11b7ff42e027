import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRtcp } from "../../../src/codecs/rtp/rtcp-encode.ts";
import { encodeRtp } from "../../../src/codecs/rtp/rtp.ts";
import { looksLikeRtcp, looksLikeRtp } from "../../../src/codecs/rtp/sniff.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import { rtcpCompounds, rtpPackets } from "../../support/arbitraries/rtp.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;

describe("telling RTP and RTCP", () => {
  it("RFC 5761 4: packets with types outside 64..95 look like RTP, inside a larger buffer too", () => {
    fc.assert(
      fc.property(rtpPackets, (packet) => {
        const wire = encodeRtp(packet);
        const shifted = new Uint8Array(wire.length + 7);
        shifted.set(wire, 5);
        const expected = packet.payloadType < 64 || packet.payloadType > 95;
        expect(looksLikeRtp(shifted, 5, 5 + wire.length)).toBe(expected);
      }),
    );
  });

  it("RFC 3550 A.2: a compound is a chain that ends where the datagram ends", () => {
    fc.assert(
      fc.property(rtcpCompounds, (packets) => {
        const wire = encodeRtcp(packets);
        expect(looksLikeRtcp(wire, 0, wire.length)).toBe(true);
        expect(looksLikeRtcp(wire, 0, wire.length - 1)).toBe(false);
        expect(looksLikeRtp(wire, 0, wire.length)).toBe(false);
      }),
    );
  });

  it.each(["", "80", "00010000", "80000000", "80c9ffff"])("%s is neither", (hex) => {
    const wire = bytes(hex);
    expect(looksLikeRtp(wire, 0, wire.length)).toBe(false);
    expect(looksLikeRtcp(wire, 0, wire.length)).toBe(false);
  });
});
