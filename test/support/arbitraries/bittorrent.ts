/** BitTorrent messages that strict decoding takes back unchanged. */
import fc from "fast-check";
import type { Bencodable } from "../../../src/codecs/bencode/index.ts";
import type {
  PeerMessage,
  TrackerRequest,
  TrackerResponse,
  UtpPacket,
} from "../../../src/codecs/bittorrent/index.ts";
import { formatIpv4 } from "../../../src/codecs/ip-text.ts";
import { hex } from "../../../src/codecs/reader.ts";

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 20 });
const some = fc.uint8Array({ minLength: 1, maxLength: 20 });
const id = (n: number) => fc.uint8Array({ minLength: n, maxLength: n }).map((b) => hex(b));
const of = (msg: string, fields: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ msg: fc.constant(msg), ...fields }) as unknown as fc.Arbitrary<PeerMessage>;
const block = { index: u32, begin: u32, length: fc.integer({ min: 1, max: 131_072 }) };
const range = { piecesRoot: id(32), baseLayer: u32, index: u32, length: u32, proofLayers: u32 };

export const peerMessage: fc.Arbitrary<PeerMessage> = fc.oneof(
  of("keep_alive"),
  ...["choke", "unchoke", "interested", "not_interested", "have_all", "have_none"].map((msg) =>
    of(msg),
  ),
  ...["have", "suggest", "allowed_fast"].map((msg) => of(msg, { index: u32 })),
  ...["request", "cancel", "reject"].map((msg) => of(msg, block)),
  of("bitfield", { bits: some }),
  of("piece", { index: u32, begin: u32, block: some }),
  of("port", { port: u16 }),
  of("extended", { id: fc.nat(255), payload: bytes }),
  of("hash_request", range),
  of("hash_reject", range),
  of("hashes", { ...range, hashes: fc.nat(3).map((n) => new Uint8Array(n * 32)) }),
  of("unknown", { type: fc.constantFrom(10, 19, 200), payload: bytes }),
);

export const utpPacket: fc.Arbitrary<UtpPacket> = fc.record({
  type: fc.constantFrom("data", "fin", "state", "reset"),
  connectionId: u16,
  timestamp: u32,
  timestampDifference: u32,
  window: u32,
  seq: u16,
  ack: u16,
  extensions: fc.array(fc.constantFrom({ type: 1, data: "01000000" }, { type: 2, data: "0102" }), {
    maxLength: 3,
  }),
  payload: bytes,
});

export const trackerRequest: fc.Arbitrary<TrackerRequest> = fc.oneof(
  fc.record({ action: fc.constant("connect" as const), transactionId: u32 }),
  fc.record({
    action: fc.constant("scrape" as const),
    connectionId: id(8),
    transactionId: u32,
    infoHashes: fc.array(id(20), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    action: fc.constant("announce" as const),
    connectionId: id(8),
    transactionId: u32,
    infoHash: id(20),
    peerId: id(20),
    downloaded: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    left: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    uploaded: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    event: fc.constantFrom("none", "completed", "started", "stopped"),
    ip: u32,
    key: u32,
    numWant: fc.integer({ min: -1, max: 1000 }),
    port: u16,
  }),
);

export const trackerResponse: fc.Arbitrary<TrackerResponse> = fc.oneof(
  fc.record({ action: fc.constant("connect" as const), transactionId: u32, connectionId: id(8) }),
  fc.record({
    action: fc.constant("announce" as const),
    transactionId: u32,
    interval: u32,
    leechers: u32,
    seeders: u32,
    peers: fc.array(
      fc.record({
        address: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((b) => formatIpv4(b)),
        port: u16,
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    action: fc.constant("scrape" as const),
    transactionId: u32,
    entries: fc.array(fc.record({ seeders: u32, completed: u32, leechers: u32 }), { maxLength: 3 }),
  }),
  fc.record({
    action: fc.constant("error" as const),
    transactionId: u32,
    message: fc.string({ maxLength: 9 }),
  }),
);

export const { value: bencodable } = fc.letrec<{ value: Bencodable }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
    bytes,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie("value"), { maxKeys: 4 }),
  ),
}));
