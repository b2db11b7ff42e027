import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../../src/codecs/errors.ts";
import { encodeStun } from "../../../src/codecs/stun/encode.ts";
import type { StunItem } from "../../../src/codecs/stun/message.ts";
import {
  framedBytes,
  looksLikeChannelData,
  looksLikeStun,
} from "../../../src/codecs/stun/sniff.ts";
import { StunStreamDecoder } from "../../../src/codecs/stun/stream.ts";
import { concat, fromHex } from "../../../src/codecs/writer.ts";
import { stunItems } from "../../support/arbitraries/stun.ts";
import { itIgnoresChunking } from "../../support/codec-properties.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;

function run(chunks: readonly Uint8Array[]): unknown {
  const decoder = new StunStreamDecoder();
  const items: StunItem[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let item = decoder.next(); item !== undefined; item = decoder.next()) items.push(item);
    }
    decoder.end();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { items, code: error.code, offset: error.offset };
  }
  return { items };
}

/** On a stream ChannelData is always padded. */
function padded(item: StunItem): StunItem {
  if (item.kind === "message") return item;
  const fill = -item.data.length & 3;
  const { padding: _padding, ...rest } = item;
  return fill === 0 ? rest : { ...rest, padding: new Uint8Array(fill) };
}

const items = fc.array(stunItems.map(padded), { maxLength: 5 });

describe("STUN over TCP", () => {
  it("RFC 8656 12.5: messages and padded ChannelData follow each other", () => {
    fc.assert(
      fc.property(items, (list) => {
        expect(run([concat(list.map(encodeStun))])).toEqual({ items: list });
      }),
    );
  });

  itIgnoresChunking(
    fc
      .tuple(items, fc.uint8Array({ maxLength: 8 }))
      .map(([list, junk]) => concat([...list.map(encodeStun), junk])),
    run,
  );

  it("an item that is cut is told at the end", () => {
    expect(run([bytes("40000004 aabb")])).toEqual({
      items: [],
      code: "stun.stream.truncated",
      offset: 6,
    });
    expect(run([bytes("80")])).toEqual({ items: [], code: "stun.stream.framing", offset: 0 });
  });
});

describe("telling STUN", () => {
  it.each([
    ["RFC 8489 5: by the cookie", "00010000 2112a442 000000000000000000000000", true],
    [
      "RFC 3489: by a chain of attributes",
      "00010008 000000000000000000000000 00000000 00030004 00000000",
      true,
    ],
    [
      "RFC 3489: a chain that does not end",
      "00010008 000000000000000000000000 00000000 00030008 00000000",
      false,
    ],
    ["RFC 3489: an unknown type", "00050000 000000000000000000000000 00000000", false],
    ["announces more than is here", "00010004 2112a442 000000000000000000000000", false],
    ["a first byte of RTP", "80010000 2112a442 000000000000000000000000", false],
    ["a cut header", "00010000 2112a442", false],
  ])("%s", (_name, hex, expected) => {
    const wire = bytes(hex);
    expect(looksLikeStun(wire, 0, wire.length)).toBe(expected);
  });

  it("RFC 8656 12.4: ChannelData by number and length", () => {
    const looks = (hex: string) => looksLikeChannelData(bytes(hex), 0, bytes(hex).length);
    expect(
      ["40000001aa", "40000001aa000000", "4000000100", "40000002aa", "80000001aa", "4000"].map(
        looks,
      ),
    ).toEqual([true, true, true, false, false, false]);
  });

  it("framing tells when more bytes are needed", () => {
    const framed = (hex: string) => framedBytes(bytes(hex), 0, bytes(hex).length);
    expect(["", "40", "40000001", "00010008", "00010007", "80000000", "80"].map(framed)).toEqual([
      0, 0, 8, 28, -1, -1, -1,
    ]);
  });
});
