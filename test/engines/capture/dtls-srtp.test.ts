import { describe, expect, it } from "vitest";
import { ethernetFrame, udpPacket } from "../../../src/codecs/link/build.ts";
import type { CapturedPacket } from "../../../src/codecs/pcap/capture.ts";
import { offersSrtp } from "../../../src/codecs/tls/dtls-hello.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import { Analyser } from "../../../src/engines/capture/analyser.ts";
import type { CaptureRecord } from "../../../src/engines/capture/record.ts";
import { ObjectOutput } from "../../../src/engines/capture/record.ts";

const bytes = (text: string) => fromHex(text.replaceAll(" ", "")) as Uint8Array;

/** A client hello of DTLS 1.2 with the extensions given. */
function hello(extensions: string): Uint8Array {
  const exts = bytes(extensions);
  const body = `fefd ${"00".repeat(32)} 00 00 0002c02b 0100 ${exts.length.toString(16).padStart(4, "0")} ${extensions}`;
  const length = bytes(body).length;
  const n = (value: number, octets: number) => value.toString(16).padStart(octets * 2, "0");
  return bytes(
    `16 fefd 0000 000000000000 ${n(length + 12, 2)} 01 ${n(length, 3)} 0000 000000 ${n(length, 3)} ${body}`,
  );
}

const USE_SRTP = "000e 0005 0002 0001 00";
const OTHER = "0017 0000";

function records(payloads: readonly Uint8Array[]): CaptureRecord[] {
  const found: CaptureRecord[] = [];
  const analyser = new Analyser(new ObjectOutput((record) => found.push(record)));
  payloads.forEach((payload, i) => {
    const ends = { src: "192.0.2.1", dst: "192.0.2.2", sport: 50_000, dport: 3478, id: i };
    const packet = ethernetFrame(udpPacket(ends, payload));
    analyser.add({
      seconds: i,
      fraction: 0,
      bytes: packet,
      start: 0,
      end: packet.length,
      wireLength: packet.length,
      interface: { linkType: 1, digits: 6 },
    } as unknown as CapturedPacket);
  });
  analyser.end();
  return found;
}

const RTP = bytes(`806f 0001 00000001 cafebabe ${"5a".repeat(20)}`);
const SRTCP = bytes(`81c9 0007 cafebabe ${"a7".repeat(60)}`);

describe("RFC 5764: keys for SRTP by DTLS", () => {
  it("RFC 5764 4.1: use_srtp is found behind other extensions, and nowhere else", () => {
    const with_ = hello(`${OTHER} ${USE_SRTP}`);
    const without = hello(OTHER);
    expect(offersSrtp(with_, 0, with_.length)).toBe(true);
    expect(offersSrtp(without, 0, without.length)).toBe(false);
    for (let end = 0; end < with_.length - 5; end++) expect(offersSrtp(with_, 0, end)).toBe(false);
  });

  it("RFC 5764 5.1.2: media and control share the ports of the handshake", () => {
    const protocols = records([hello(USE_SRTP), RTP, SRTCP]).map((r) => r.protocol);
    expect(protocols).toEqual(["dtls", "rtp", "srtcp"]);
  });

  it("without use_srtp, what looks like RTP stays unnamed", () => {
    const protocols = records([hello(OTHER), RTP]).map((r) => r.protocol);
    expect(protocols).toEqual(["dtls", "unknown"]);
  });
});
