import { describe, expect, it } from "vitest";
import {
  trackerRequestRecord,
  trackerResponseRecord,
} from "../../../src/codecs/bittorrent/record.ts";
import type {
  TrackerRequest,
  TrackerResponse,
} from "../../../src/codecs/bittorrent/udp-tracker.ts";
import { rtcpRecord } from "../../../src/codecs/rtp/record.ts";
import type { RtcpPacket } from "../../../src/codecs/rtp/rtcp.ts";
import { PROTOCOL_KEYS } from "../../../src/engines/capture/schema.ts";

const none = new Uint8Array(0);
const HASH = "aa".repeat(20);

/** The keys of the record that the schema, and so --fields and --filter, do not know. */
function unknownKeys(protocol: string, record: object): string[] {
  const known = PROTOCOL_KEYS[protocol] ?? {};
  return Object.keys(record).filter((key) => !(key in known));
}

describe("the schema of records", () => {
  const packets: RtcpPacket[] = [
    {
      kind: "sr",
      ssrc: 1,
      ntpSeconds: 1,
      ntpFraction: 1,
      rtpTimestamp: 1,
      packetCount: 1,
      octetCount: 1,
      reports: [],
      extension: none,
    },
    { kind: "rr", ssrc: 1, reports: [], extension: none },
    { kind: "sdes", chunks: [{ ssrc: 1, items: [] }] },
    { kind: "bye", sources: [1], reason: "bye" },
    { kind: "app", subtype: 1, ssrc: 1, name: "test", data: none },
    { kind: "psfb", format: 1, senderSsrc: 1, mediaSsrc: 2, fci: none },
    { kind: "xr", reserved: 0, ssrc: 1, blocks: [] },
    { kind: "unknown", packetType: 210, count: 1, data: none },
  ];

  it.each(packets)("RFC 3550 6: names every key of RTCP $kind", (packet) => {
    expect(unknownKeys("rtcp", rtcpRecord(packet))).toEqual([]);
  });

  const requests: TrackerRequest[] = [
    { action: "connect", transactionId: 1 },
    {
      action: "announce",
      connectionId: "00",
      transactionId: 1,
      infoHash: HASH,
      peerId: HASH,
      downloaded: 0n,
      left: 0n,
      uploaded: 0n,
      event: "none",
      ip: 0,
      key: 0,
      numWant: -1,
      port: 1,
      options: "00",
    },
    { action: "scrape", connectionId: "00", transactionId: 1, infoHashes: [HASH] },
  ];
  const responses: TrackerResponse[] = [
    { action: "connect", transactionId: 1, connectionId: "00" },
    { action: "announce", transactionId: 1, interval: 1, leechers: 1, seeders: 1, peers: [] },
    { action: "scrape", transactionId: 1, entries: [] },
    { action: "error", transactionId: 1, message: "no" },
  ];

  it.each(requests)("BEP 15: names every key of a tracker $action request", (request) => {
    expect(unknownKeys("bt-tracker", trackerRequestRecord(request))).toEqual([]);
  });

  it.each(responses)("BEP 15: names every key of a tracker $action response", (response) => {
    expect(unknownKeys("bt-tracker", trackerResponseRecord(response))).toEqual([]);
  });

  it("BEP 29, BEP 15: names what links answers, and the payload of uTP", () => {
    expect(unknownKeys("bt-tracker", { requestFrame: 1, latency: 0.1 })).toEqual([]);
    expect(unknownKeys("bt-utp", { payloadBytes: 1 })).toEqual([]);
  });
});
