import { describe, expect, it } from "vitest";
import { ethernetFrame, tcpPacket, udpPacket } from "../../../src/codecs/link/build.ts";
import type { CapturedPacket } from "../../../src/codecs/pcap/capture.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";
import { Analyser } from "../../../src/engines/capture/analyser.ts";
import type { CaptureRecord } from "../../../src/engines/capture/record.ts";
import { ObjectOutput } from "../../../src/engines/capture/record.ts";

const ends = { src: "192.0.2.1", dst: "192.0.2.2", sport: 50_000, dport: 80 };
const frames = (segments: readonly (readonly [seq: number, text: string])[]) =>
  segments.map(([seq, text]) =>
    ethernetFrame(tcpPacket({ ...ends, seq, ack: 1, flags: 0x18 }, latin1Bytes(text))),
  );

function records(packets: readonly Uint8Array[]): CaptureRecord[] {
  const found: CaptureRecord[] = [];
  const analyser = new Analyser(new ObjectOutput((record) => found.push(record)));
  // A reader's one buffer: each packet overwrites the one before, and `slice` of a Buffer copies nothing.
  const buffer = Buffer.alloc(4096);
  packets.forEach((packet, i) => {
    buffer.fill(0x2a).set(packet);
    analyser.add({
      seconds: i,
      fraction: 0,
      bytes: buffer,
      start: 0,
      end: packet.length,
      wireLength: packet.length,
      interface: { linkType: 1, digits: 6 },
    } as unknown as CapturedPacket);
  });
  analyser.end();
  return found;
}

describe("packets of a reader that uses its buffer again", () => {
  it("segments that wait behind a hole keep their bytes", () => {
    const syn = ethernetFrame(tcpPacket({ ...ends, seq: 99, flags: 2 }, new Uint8Array(0)));
    const late = frames([
      [106, "a HTTP/1.1\r\nHost: "],
      [124, "example.com\r\n\r\n"],
      [100, "GET /x"],
    ]);
    expect(records([syn, ...late]).map((r) => [r.protocol, r.body["uri"], r.body["host"]])).toEqual(
      [["http", "/xa", "example.com"]],
    );
  });

  it("a head cut in two keeps its first part", () => {
    const syn = ethernetFrame(tcpPacket({ ...ends, seq: 99, flags: 2 }, new Uint8Array(0)));
    const parts = frames([
      [100, "GET /y HTTP/1.1\r\nHo"],
      [119, "st: example.org\r\n\r\n"],
    ]);
    expect(records([syn, ...parts]).map((r) => r.body["host"])).toEqual(["example.org"]);
  });

  it("RFC 9112 2.2: after a hole at the very beginning the next response is found", () => {
    const back = { src: ends.dst, dst: ends.src, sport: 80, dport: 50_000 };
    const from = (seq: number, flags: number, text: string) =>
      ethernetFrame(tcpPacket({ ...back, seq, ack: 100, flags }, latin1Bytes(text)));
    const packets = [
      ethernetFrame(tcpPacket({ ...ends, seq: 99, flags: 2 }, new Uint8Array(0))),
      from(499, 0x12, ""),
      ...frames([[100, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"]]),
      from(600, 0x18, "the middle of a lost body"),
      from(625, 0x18, "HTTP/1.1 204 No Content\r\n\r\n"),
    ];
    expect(
      records(packets)
        .filter((r) => r.protocol === "http")
        .map((r) => r.body["status"] ?? r.body["uri"]),
    ).toEqual(["/1", 204]);
  });

  it("datagrams of flows that share one object have their own addresses", () => {
    const query = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]);
    const from = (n: number) =>
      ethernetFrame(
        udpPacket(
          { src: `192.0.2.${n}`, dst: `198.51.100.${n}`, sport: 4000 + n, dport: 53 },
          query,
        ),
      );
    expect(records([from(1), from(2), from(3), from(1)]).map((r) => [r.src, r.dst])).toEqual(
      [1, 2, 3, 1].map((n) => [`192.0.2.${n}`, `198.51.100.${n}`]),
    );
  });
});
