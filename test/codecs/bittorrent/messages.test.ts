import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BencodeNode } from "../../../src/codecs/bencode/index.ts";
import { decode, encode, get, plain } from "../../../src/codecs/bencode/index.ts";
import {
  decodeKrpc,
  decodeMessage,
  decodeTrackerRequest,
  decodeTrackerResponse,
  decodeUtp,
  encodeKrpc,
  encodeMessage,
  encodeQuery,
  encodeTrackerRequest,
  encodeTrackerResponse,
  encodeUtp,
  fileTree,
  formatMagnet,
  infoHashes,
  parseAnnounce,
  parseMagnet,
  parseMetainfo,
} from "../../../src/codecs/bittorrent/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import {
  bencodable,
  peerMessage,
  trackerRequest,
  trackerResponse,
  utpPacket,
} from "../../support/arbitraries/bittorrent.ts";
import { itKeepsCodecProperties } from "../../support/codec-properties.ts";

describe("BEP 3: bencode", () => {
  itKeepsCodecProperties<BencodeNode>({
    decode,
    encode: (node) => encode(plain(node)),
    messages: bencodable.map((value) => decode(encode(value))),
  });

  it("`__proto__` is a key like any other, and integer-like keys keep their order", () => {
    const bytes = Buffer.from("d2:10i1e1:2i2e9:__proto__i3ee");
    expect(Buffer.from(encode(plain(decode(bytes))))).toEqual(bytes);
    expect(get(decode(bytes), "__proto__")).toMatchObject({ value: 3 });
  });
});

describe("BEP 3, 6, 10, 52: peer messages", () => {
  itKeepsCodecProperties({ decode: decodeMessage, encode: encodeMessage, messages: peerMessage });

  it("a bitfield and an index must fit the torrent", () => {
    const have = encodeMessage({ msg: "have", index: 1000 });
    expect(() => decodeMessage(have, { pieceCount: 1000 })).toThrow(DecodeError);
    const bits = encodeMessage({ msg: "bitfield", bits: Uint8Array.of(0xff, 0xff) });
    expect(() => decodeMessage(bits, { pieceCount: 9 })).toThrow(DecodeError);
    expect(decodeMessage(bits, { pieceCount: 16 })).toMatchObject({ msg: "bitfield" });
  });
});

describe("BEP 29: uTP", () => {
  itKeepsCodecProperties({
    decode: decodeUtp,
    encode: encodeUtp,
    messages: utpPacket,
    cutsAreRefused: false,
  });
});

describe("BEP 15: UDP trackers", () => {
  describe("requests", () => {
    itKeepsCodecProperties({
      decode: decodeTrackerRequest,
      encode: encodeTrackerRequest,
      messages: trackerRequest,
      cutsAreRefused: false,
    });
  });
  describe("responses", () => {
    itKeepsCodecProperties({
      decode: decodeTrackerResponse,
      encode: encodeTrackerResponse,
      messages: trackerResponse,
      cutsAreRefused: false,
    });
  });
});

describe("BEP 5: KRPC", () => {
  it("a query comes back, and what BEP 5 asks for is missed", () => {
    const id = new Uint8Array(20).fill(97);
    const bytes = encodeQuery(Uint8Array.of(1, 2), "find_node", id, { target: id });
    const message = decodeKrpc(bytes);
    expect(message).toMatchObject({ y: "q", method: "find_node", id: "61".repeat(20) });
    expect(encodeKrpc(message)).toEqual(bytes);
    expect(() => decodeKrpc(encode({ y: "q", q: "ping", a: { id } }))).toThrow(/transaction/);
    expect(() =>
      decodeKrpc(encode({ t: "a", y: "q", q: "ping", a: { id: id.subarray(1) } })),
    ).toThrow(/20 octets/);
    expect(() => decodeKrpc(encode({ t: "a", y: "z" }))).toThrow(DecodeError);
  });
});

const sha1 = (bytes: Uint8Array) => new Uint8Array(createHash("sha1").update(bytes).digest());
const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

describe("torrent files", () => {
  it("BEP 3: the info hash is over the exact bytes, even where their order is wrong", () => {
    const info = "d4:name1:a6:lengthi5e12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaae";
    const bytes = Buffer.from(`d8:announce9:http://t/4:info${info}e`);
    expect(() => parseMetainfo(bytes)).toThrow(DecodeError);
    const metainfo = parseMetainfo(bytes, { tolerate: () => {} });
    expect(infoHashes(metainfo, { sha1, sha256 })).toEqual({
      infohash: createHash("sha1").update(info).digest("hex"),
    });
    expect(metainfo).toMatchObject({
      name: "a",
      length: 5,
      pieceCount: 1,
      trackers: [["http://t/"]],
    });
  });

  it("BEP 52: a v2 torrent with its piece layer", () => {
    const contents = new Uint8Array(100_000).map((_, i) => i & 255);
    const { root, layer } = fileTree(contents, 16_384, sha256);
    const torrent = (last: number) =>
      encode({
        info: {
          "meta version": 2,
          name: "f",
          "piece length": 16_384,
          "file tree": { f: { "": { length: contents.length, "pieces root": root } } },
        },
        "piece layers": new Map([
          [
            root,
            Uint8Array.from([
              ...layer.slice(0, -1).flatMap((h) => [...h]),
              ...(layer.at(-1) as Uint8Array).map((b, i) => (i === 0 ? b ^ last : b)),
            ]),
          ],
        ]),
      });
    expect(parseMetainfo(torrent(0), { sha256 })).toMatchObject({
      v1: false,
      v2: true,
      pieceCount: 7,
    });
    expect(() => parseMetainfo(torrent(1), { sha256 })).toThrow(/root/);
  });

  it.each([
    ["../../etc/passwd", ["..", "..", "etc", "passwd"], "t/etc/passwd"],
    ["escape and direction marks", ["a\u001b[31m\u202egpj.exe"], "t/a[31mgpj.exe"],
    ["a device of Windows", ["CON"], "t/_CON"],
    ["nothing left", ["//", ".."], "t/_"],
  ])("hostile names are made safe: %s", (_about, path, expected) => {
    const bytes = encode({
      info: {
        name: "t",
        "piece length": 16_384,
        pieces: new Uint8Array(20),
        files: [{ length: 1, path }],
      },
    });
    expect(parseMetainfo(bytes).files[0]?.path.join("/")).toBe(expected);
  });
});

describe("BEP 9, 53: magnets", () => {
  it("comes back, and ranges take no memory", () => {
    const magnet = parseMagnet(
      `magnet:?xt=urn:btih:${"ab".repeat(20)}&dn=a%20b&tr=http%3A%2F%2Ft&so=0,2,4-4294967295`,
    );
    expect(magnet).toMatchObject({
      infoHash: "ab".repeat(20),
      name: "a b",
      selectOnly: [
        [0, 0],
        [2, 2],
        [4, 4_294_967_295],
      ],
    });
    expect(parseMagnet(formatMagnet(magnet))).toEqual(magnet);
    expect(() => parseMagnet("magnet:?dn=x")).toThrow(DecodeError);
  });

  it("any text gives a magnet or a DecodeError", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseMagnet(`magnet:?${text}`);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
});

describe("BEP 3, 48: HTTP announces", () => {
  it("octets of the info hash are unescaped", () => {
    const announce = parseAnnounce(
      `/announce?info_hash=${"%ff".repeat(20)}&port=6881&left=5&event=started&compact=1`,
    );
    expect(announce).toMatchObject({
      infoHashes: ["ff".repeat(20)],
      port: 6881,
      left: 5,
      event: "started",
      compact: true,
      scrape: false,
    });
    expect(parseAnnounce("/index.html?a=b")).toBeUndefined();
  });
});
