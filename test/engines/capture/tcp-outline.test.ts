import { describe, expect, it } from "vitest";
import { Packet } from "../../../src/codecs/link/packet.ts";
import { mightBeSip } from "../../../src/codecs/sip/sniff.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";
import { TcpOutline } from "../../../src/engines/capture/tcp-outline.ts";

function segment(flags: number, sequence: number, length: number): Packet {
  const packet = new Packet();
  packet.flags = flags;
  packet.sequence = sequence;
  packet.start = 0;
  packet.end = length;
  packet.missing = 0;
  return packet;
}
const SYN = 2;
const RST = 4;
const ACK = 16;

describe("the outline of a connection that another worker decodes", () => {
  it("RFC 9293 3.4.1: a SYN with the number of the first is a retransmission, another a new connection", () => {
    const outline = new TcpOutline();
    outline.segment(segment(SYN, 100, 0), 0);
    expect([outline.isReuse(0, 100), outline.isReuse(0, 101)]).toEqual([false, true]);
  });

  it("begun in mid-stream: a SYN opens another once octets or an end were seen", () => {
    const quiet = new TcpOutline();
    quiet.segment(segment(ACK, 5, 0), 0);
    expect(quiet.isReuse(0, 9)).toBe(false);
    quiet.segment(segment(ACK, 5, 1), 1);
    expect([quiet.isReuse(0, 9), quiet.isReuse(1, 9)]).toEqual([false, false]);
    quiet.segment(segment(ACK, 6, 20), 1);
    expect(quiet.isReuse(1, 9)).toBe(true);
    const reset = new TcpOutline();
    reset.segment(segment(RST, 5, 0), 1);
    expect(reset.isReuse(0, 9)).toBe(true);
  });

  it.each([
    ["INVITE sip:bob@example.com SIP/2.0\r\n", true],
    ["\r\nSIP/2.0 200 OK\r\n", true],
    ["INVI", true],
    ["INVITE si", true],
    ["GET /index.html HTTP/1.1\r\n", false],
    ["HTTP/1.1 200 OK\r\n", false],
    ["plain words that go on and on", false],
    ["\u0016\u0003\u0001", false],
  ])("a first word tells SIP from all else: %j", (text, expected) => {
    const bytes = latin1Bytes(text);
    expect(mightBeSip(bytes, 0, bytes.length)).toBe(expected);
  });
});
