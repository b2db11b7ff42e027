/** What is fuzzed: each codec, strict and tolerant, and the analyser over whole packets. */
import {
  decode as decodeBencode,
  encode as encodeBencode,
} from "../../src/codecs/bencode/index.ts";
import {
  decodeHandshake,
  decodeKrpc,
  decodeMessage,
  decodeTrackerRequest,
  decodeTrackerResponse,
  decodeUtp,
  encodeMessage,
  encodeQuery,
  encodeTrackerRequest,
  encodeTrackerResponse,
  encodeUtp,
  parseMetainfo,
} from "../../src/codecs/bittorrent/index.ts";
import { decode as decodeDns } from "../../src/codecs/dns/index.ts";
import { decode as decodeHttp } from "../../src/codecs/http/index.ts";
import { ethernetFrame, tcpPacket, udpPacket } from "../../src/codecs/link/build.ts";
import type { CapturedPacket } from "../../src/codecs/pcap/capture.ts";
import { decodeRtcp, decodeRtp } from "../../src/codecs/rtp/index.ts";
import { decode as decodeSdp } from "../../src/codecs/sdp/index.ts";
import { decode as decodeSip } from "../../src/codecs/sip/index.ts";
import { decodeStun } from "../../src/codecs/stun/index.ts";
import { fromHex, latin1Bytes } from "../../src/codecs/writer.ts";
import { Analyser } from "../../src/engines/capture/analyser.ts";
import { NdjsonOutput } from "../../src/engines/capture/ndjson-output.ts";
import { SUITES } from "../../src/engines/conformance/codec/suite.ts";

export interface Target {
  readonly seeds: readonly Uint8Array[];
  /** Throws nothing but DecodeError. */
  run(bytes: Uint8Array): void;
}

type Decode = (bytes: Uint8Array, options?: { tolerate?: () => void }) => unknown;

/** Tolerant first: it goes further. */
function both(decode: Decode): (bytes: Uint8Array) => void {
  return (bytes) => {
    decode(bytes, { tolerate: () => {} });
    decode(bytes);
  };
}

const suite = (name: string) =>
  (SUITES[name] ?? []).map((vector) => vector.bytes).filter((bytes) => bytes.length < 4096);
const hexBytes = (digits: string) => fromHex(digits) as Uint8Array;
const id = new Uint8Array(20).fill(97);
const SDP = latin1Bytes(
  "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
);
const TORRENT = encodeBencode({
  announce: "http://t/",
  info: {
    name: "a",
    "piece length": 16_384,
    pieces: new Uint8Array(20),
    files: [{ length: 5, path: ["b", "c"] }],
  },
});
const PEER = [
  encodeMessage({ msg: "request", index: 1, begin: 0, length: 16_384 }),
  encodeMessage({ msg: "piece", index: 1, begin: 0, block: new Uint8Array(64) }),
  encodeMessage({
    msg: "extended",
    id: 0,
    payload: encodeBencode({ m: { ut_pex: 1, ut_metadata: 2 }, metadata_size: 100 }),
  }),
  encodeMessage({ msg: "bitfield", bits: new Uint8Array(8).fill(255) }),
];
const HANDSHAKE = hexBytes(
  `13426974546f7272656e742070726f746f636f6c${"00".repeat(8)}${"61".repeat(20)}${"62".repeat(20)}`,
);
const UTP = encodeUtp({
  type: "data",
  connectionId: 1,
  timestamp: 2,
  timestampDifference: 3,
  window: 4,
  seq: 5,
  ack: 6,
  extensions: [{ type: 1, data: "01000000" }],
  payload: HANDSHAKE,
});
const STUN = hexBytes(
  "000100302112a442000102030405060708090a0b000600046162636400200008000100005e12a443802a00080102030405060708802200046e657400802800040badcafe",
);
const RTP = hexBytes("80e0000100000002000000034142434445");
const RTCP = hexBytes(
  "80c800060000000100000002000000030000000400000005000000068 1ca00020000000101026162".replace(
    / /g,
    "",
  ),
);
const KRPC = encodeQuery(Uint8Array.of(97, 97), "get_peers", id, { info_hash: id });
const TRACKER = [
  encodeTrackerRequest({ action: "connect", transactionId: 7 }),
  encodeTrackerRequest({
    action: "scrape",
    connectionId: "0000000000000001",
    transactionId: 7,
    infoHashes: ["61".repeat(20)],
  }),
];

const ANSWERS = [
  encodeTrackerResponse({ action: "connect", transactionId: 7, connectionId: "0000000000000001" }),
  encodeTrackerResponse({
    action: "announce",
    transactionId: 7,
    interval: 1800,
    leechers: 1,
    seeders: 2,
    peers: [{ address: "192.0.2.1", port: 6881 }],
  }),
];

export const TARGETS: Readonly<Record<string, () => Target>> = {
  dns: () => ({ seeds: suite("dns"), run: both(decodeDns as Decode) }),
  http: () => ({ seeds: suite("http"), run: both(decodeHttp as Decode) }),
  sip: () => ({ seeds: suite("sip"), run: both(decodeSip as Decode) }),
  sdp: () => ({ seeds: [SDP], run: both(decodeSdp as Decode) }),
  stun: () => ({ seeds: [STUN], run: both(decodeStun as Decode) }),
  rtp: () => ({ seeds: [RTP], run: both(decodeRtp as Decode) }),
  rtcp: () => ({ seeds: [RTCP], run: both(decodeRtcp as Decode) }),
  bencode: () => ({ seeds: suite("bencode"), run: both(decodeBencode as Decode) }),
  torrent: () => ({ seeds: [TORRENT], run: both(parseMetainfo as Decode) }),
  peer: () => ({ seeds: PEER, run: both(decodeMessage as Decode) }),
  handshake: () => ({ seeds: [HANDSHAKE], run: both(decodeHandshake as Decode) }),
  utp: () => ({ seeds: [UTP], run: both(decodeUtp as Decode) }),
  krpc: () => ({ seeds: [KRPC], run: both(decodeKrpc as Decode) }),
  "tracker-request": () => ({ seeds: TRACKER, run: both(decodeTrackerRequest as Decode) }),
  "tracker-response": () => ({ seeds: ANSWERS, run: both(decodeTrackerResponse as Decode) }),
  analyser: analyserTarget,
};

/** Packets of random bytes in random flows: the analyser never fails, and accounts for every byte. */
function analyserTarget(): Target {
  const addresses = { src: "192.0.2.1", dst: "192.0.2.2" };
  const payloads = [
    ...suite("dns"),
    ...suite("http"),
    ...suite("sip"),
    ...PEER,
    HANDSHAKE,
    UTP,
    STUN,
    KRPC,
    ...TRACKER,
  ];
  const ports = [53, 80, 5060, 6881, 40_000];
  const seeds = payloads.flatMap((payload, i) => {
    const sport = ports[i % ports.length] as number;
    return [
      ethernetFrame(udpPacket({ ...addresses, sport, dport: 50_000 }, payload)),
      ethernetFrame(
        tcpPacket({ ...addresses, sport, dport: 50_000, seq: 1 + i * 7, flags: 0x18 }, payload),
      ),
    ];
  });
  let analyser: Analyser | undefined;
  let count = 0;
  return {
    seeds,
    run: (bytes) => {
      if (analyser === undefined || count++ % 5000 === 0) {
        if (analyser !== undefined) finish(analyser);
        analyser = new Analyser(new NdjsonOutput((json) => void (json.at = 0)), {
          heuristics: new Set(["rtp"]),
        });
      }
      const packet: CapturedPacket = {
        seconds: Math.floor(count / 1000),
        fraction: (count % 1000) * 1000,
        bytes,
        start: 0,
        end: bytes.length,
        wireLength: bytes.length,
        interface: { linkType: 1, digits: 6 },
      } as unknown as CapturedPacket;
      analyser.add(packet);
    },
  };
}

function finish(analyser: Analyser): void {
  analyser.end();
  const { totals } = analyser;
  const sum = totals.decodedBytes + totals.unknownBytes + totals.truncatedBytes;
  if (sum !== totals.payloadBytes)
    throw new Error(`${totals.payloadBytes} bytes of payload, ${sum} accounted for`);
}

export function fuzzTarget(name: string): Target {
  const make = TARGETS[name];
  if (make === undefined)
    throw new Error(`no codec ${name}: one of ${Object.keys(TARGETS).join(", ")}`);
  return make();
}
