import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecodeError, Issue } from "../../../src/codecs/errors.ts";
import { EncodeError } from "../../../src/codecs/errors.ts";
import { decodeStun } from "../../../src/codecs/stun/decode.ts";
import { encodeStun, withFingerprint } from "../../../src/codecs/stun/encode.ts";
import { crc32 } from "../../../src/codecs/stun/fingerprint.ts";
import type { StunItem, StunMessage } from "../../../src/codecs/stun/message.ts";
import { classOf, methodName, methodOf, typeOf } from "../../../src/codecs/stun/message.ts";
import { stunRecord } from "../../../src/codecs/stun/record.ts";
import { fromHex, utf8Bytes } from "../../../src/codecs/writer.ts";
import { stunItems, stunMessages } from "../../support/arbitraries/stun.ts";
import { itKeepsCodecProperties } from "../../support/codec-properties.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;
const ID = "b7e7a701bc34d686fa87dfae";

/** RFC 5769 2.2, as printed there. */
const RESPONSE = `0101003c 2112a442 ${ID}
  8022000b 74657374 20766563 746f7220 00200008 0001a147 e112a643
  00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7 80280004 c07d4c96`;

const rows: [string, StunItem, string][] = [
  [
    "RFC 8489 5: a binding request without attributes",
    { kind: "message", type: 1, transactionId: ID, attributes: [] },
    `00010000 2112a442 ${ID}`,
  ],
  [
    "RFC 3489 11.1: an identifier of 128 bits",
    {
      kind: "message",
      type: 0x101,
      transactionId: "00112233445566778899aabbccddeeff",
      attributes: [{ type: 1, form: "address", address: "192.0.2.1", port: 32853 }],
    },
    "0101000c 00112233445566778899aabbccddeeff 00010008 00018055 c0000201",
  ],
  [
    "RFC 8489 14.2: XOR-MAPPED-ADDRESS of IPv6 takes the identifier too",
    {
      kind: "message",
      type: 0x101,
      transactionId: ID,
      attributes: [
        {
          type: 0x20,
          form: "xor-address",
          address: "2001:db8:1234:5678:11:2233:4455:6677",
          port: 32853,
        },
      ],
    },
    `01010018 2112a442 ${ID} 00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9`,
  ],
  [
    "RFC 8489 14.8: ERROR-CODE 438",
    {
      kind: "message",
      type: 0x113,
      transactionId: ID,
      attributes: [{ type: 9, form: "error", code: 438, reason: "Stale" }],
    },
    `01130010 2112a442 ${ID} 00090009 00000426 5374616c65 000000`,
  ],
  [
    "RFC 8656 12.4: ChannelData",
    { kind: "channel_data", channel: 0x4001, data: bytes("aabbcc") },
    "40010003 aabbcc",
  ],
  [
    "RFC 8656 12.5: ChannelData padded to a word",
    { kind: "channel_data", channel: 0x4001, data: bytes("aabbcc"), padding: bytes("00") },
    "40010003 aabbcc 00",
  ],
];

function fault(hex: string): DecodeError {
  try {
    decodeStun(bytes(hex));
  } catch (error) {
    return error as DecodeError;
  }
  throw new Error("nothing was thrown");
}

describe("STUN messages", () => {
  it.each(rows)("%s", (_name, item, hex) => {
    expect(decodeStun(bytes(hex))).toEqual(item);
    expect(encodeStun(item)).toEqual(bytes(hex));
  });

  it("RFC 5769 2.2: the sample IPv4 response, its padding of spaces kept", () => {
    const message = decodeStun(bytes(RESPONSE)) as StunMessage;
    expect(stunRecord(message)).toEqual({
      kind: "message",
      type: 0x101,
      method: "binding",
      class: "success",
      txid: ID,
      attributes: [0x8022, 0x20, 8, 0x8028],
      values: [
        { type: 0x8022, name: "SOFTWARE", text: "test vector" },
        { type: 0x20, name: "XOR-MAPPED-ADDRESS", address: "192.0.2.1", port: 32853 },
        { type: 8, name: "MESSAGE-INTEGRITY", hex: "2b91f599fd9e90c38c7489f92af9ba53f06be7d7" },
        { type: 0x8028, name: "FINGERPRINT", number: 0xc07d4c96 },
      ],
    });
    expect(encodeStun(message)).toEqual(bytes(RESPONSE));
    expect(withFingerprint(message)).toEqual(message);
  });

  it.each([
    ["a cut header", "0001 0000 2112a442", "stun.header.truncated", 8],
    [
      "an announced body that is not there",
      `00010008 2112a442 ${ID} 00060000`,
      "stun.message.truncated",
      2,
    ],
    [
      "a length that is no number of words",
      `00010003 2112a442 ${ID} 000000`,
      "stun.message.length",
      2,
    ],
    ["bytes behind the message", `00010000 2112a442 ${ID} 00`, "stun.message.trailing", 20],
    [
      "an attribute longer than the message",
      `00010004 2112a442 ${ID} 0006ffff`,
      "stun.attribute.truncated",
      22,
    ],
    [
      "an address of an unknown family",
      `0001000c 2112a442 ${ID} 00010008 00030000 00000000`,
      "stun.attribute.value",
      24,
    ],
    [
      "a text that is not UTF-8",
      `00010008 2112a442 ${ID} 00060001 ff000000`,
      "stun.attribute.value",
      24,
    ],
    [
      "a wrong fingerprint",
      `00010008 2112a442 ${ID} 80280004 00000000`,
      "stun.fingerprint.mismatch",
      20,
    ],
    ["channel 0x5000", "50000000", "stun.channel.number", 0],
    ["cut ChannelData", "40000002 aa", "stun.channel.truncated", 2],
    ["ChannelData with a word too many", "40000000 00000000", "stun.channel.trailing", 4],
    ["a first byte of RTP", "80000000", "stun.header.type", 0],
  ])("RFC 8489 5: refuses %s", (_name, hex, code, offset) => {
    expect(fault(hex)).toMatchObject({ code, offset });
  });

  it("what does not fit its form is kept as bytes when tolerant", () => {
    const issues: Issue[] = [];
    const wire = bytes(`00010008 2112a442 ${ID} 00060001 ff000000`);
    const message = decodeStun(wire, { tolerate: (issue) => issues.push(issue) });
    expect(issues).toHaveLength(1);
    expect(encodeStun(message)).toEqual(wire);
  });

  it("refuses to encode what does not fit", () => {
    const wrong: StunItem[] = [
      { kind: "message", type: 0x4000, transactionId: ID, attributes: [] },
      { kind: "message", type: 1, transactionId: "00", attributes: [] },
      {
        kind: "message",
        type: 1,
        transactionId: ID,
        attributes: [{ type: 1, form: "address", address: "x", port: 1 }],
      },
      {
        kind: "message",
        type: 1,
        transactionId: ID,
        attributes: [{ type: 9, form: "error", code: 800, reason: "" }],
      },
      { kind: "channel_data", channel: 1, data: bytes("") },
    ];
    for (const item of wrong) expect(() => encodeStun(item)).toThrow(EncodeError);
  });

  it("RFC 8489 5: class and method share the type", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x3fff }), (type) => {
        expect(typeOf(methodOf(type), classOf(type))).toBe(type);
      }),
    );
    expect([0x0001, 0x0011, 0x0101, 0x0111].map(classOf)).toEqual([
      "request",
      "indication",
      "success",
      "error",
    ]);
    expect([1, 3, 9, 0xfff].map(methodName)).toEqual([
      "binding",
      "allocate",
      "channel_bind",
      "0xfff",
    ]);
  });

  it("RFC 8489 14.7: the CRC is that of ISO 3309", () => {
    expect(crc32(utf8Bytes("123456789"), 0, 9)).toBe(0xcbf43926);
  });

  it("ChannelData of a record", () => {
    expect(stunRecord(decodeStun(bytes("40010003 aabbcc")))).toEqual({
      kind: "channel_data",
      channel: 0x4001,
      length: 3,
    });
  });

  itKeepsCodecProperties({ decode: decodeStun, encode: encodeStun, messages: stunMessages });
  describe("with ChannelData", () => {
    itKeepsCodecProperties({
      decode: decodeStun,
      encode: encodeStun,
      messages: stunItems,
      cutsAreRefused: false,
    });
  });
});
