/** RTP and RTCP packets that strict decoding takes back unchanged. */
import fc from "fast-check";
import type { ReportBlock, RtcpPacket } from "../../../src/codecs/rtp/rtcp.ts";
import type { RtpPacket } from "../../../src/codecs/rtp/rtp.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const words = (max: number) =>
  fc.integer({ min: 0, max }).chain((n) => fc.uint8Array({ minLength: n * 4, maxLength: n * 4 }));

function padded(count: number): Uint8Array {
  const padding = new Uint8Array(count);
  padding[count - 1] = count;
  return padding;
}

export const rtpPackets: fc.Arbitrary<RtpPacket> = fc
  .record(
    {
      marker: fc.boolean(),
      payloadType: fc.integer({ min: 0, max: 127 }),
      sequenceNumber: u16,
      timestamp: u32,
      ssrc: u32,
      csrcs: fc.array(u32, { maxLength: 15 }),
      extension: fc.record({ profile: u16, data: words(4) }),
      payload: bytes(40),
      padding: fc.integer({ min: 1, max: 255 }).map(padded),
    },
    {
      requiredKeys: [
        "marker",
        "payloadType",
        "sequenceNumber",
        "timestamp",
        "ssrc",
        "csrcs",
        "payload",
      ],
    },
  )
  .map((packet) => packet as RtpPacket);

const reports: fc.Arbitrary<ReportBlock[]> = fc.array(
  fc.record({
    ssrc: u32,
    fractionLost: fc.integer({ min: 0, max: 255 }),
    cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
    highestSequence: u32,
    jitter: u32,
    lastSr: u32,
    delaySinceLastSr: u32,
  }),
  { maxLength: 4 },
);
const five = fc.integer({ min: 0, max: 31 });
const text = fc.string({ maxLength: 20 });
const feedback = { format: five, senderSsrc: u32, mediaSsrc: u32, fci: words(4) };

const rtcpPacket: fc.Arbitrary<RtcpPacket> = fc.oneof(
  fc.record({
    kind: fc.constant("sr" as const),
    ssrc: u32,
    ntpSeconds: u32,
    ntpFraction: u32,
    rtpTimestamp: u32,
    packetCount: u32,
    octetCount: u32,
    reports,
    extension: words(2),
  }),
  fc.record({ kind: fc.constant("rr" as const), ssrc: u32, reports, extension: words(2) }),
  fc.record({
    kind: fc.constant("sdes" as const),
    chunks: fc.array(
      fc.record({
        ssrc: u32,
        items: fc.array(fc.record({ type: fc.integer({ min: 1, max: 7 }), value: text }), {
          maxLength: 3,
        }),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record(
    { kind: fc.constant("bye" as const), sources: fc.array(u32, { maxLength: 4 }), reason: text },
    { requiredKeys: ["kind", "sources"] },
  ),
  fc.record({
    kind: fc.constant("app" as const),
    subtype: five,
    ssrc: u32,
    name: fc.constantFrom("test", "ABCD"),
    data: words(3),
  }),
  fc.record({ kind: fc.constantFrom("rtpfb" as const, "psfb" as const), ...feedback }),
  fc.record({
    kind: fc.constant("xr" as const),
    reserved: five,
    ssrc: u32,
    blocks: fc.array(
      fc.record({
        type: fc.integer({ min: 0, max: 255 }),
        typeSpecific: fc.integer({ min: 0, max: 255 }),
        data: words(3),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    kind: fc.constant("unknown" as const),
    packetType: fc.integer({ min: 208, max: 223 }),
    count: five,
    data: words(3),
  }),
);

export const rtcpCompounds: fc.Arbitrary<RtcpPacket[]> = fc
  .tuple(fc.array(rtcpPacket, { minLength: 1, maxLength: 4 }), fc.constantFrom(0, 0, 4, 8))
  .map(([packets, padding]) =>
    padding === 0
      ? packets
      : packets.map((p, i) => (i < packets.length - 1 ? p : { ...p, padding: padded(padding) })),
  );
