/** Padding of answers. RFC 7830, RFC 8467. */
import { describe, expect, it } from "vitest";
import { decode, encode, TYPE } from "../../../src/codecs/dns/index.ts";
import { clientQuery } from "../../../src/engines/dns/client/query.ts";
import { padAnswer, wantsPadding } from "../../../src/engines/dns/padding.ts";
import { parseTsigKey, signTsig } from "../../../src/engines/dns/tsig.ts";
import { Xoshiro } from "../../../src/net/random.ts";

const random = new Xoshiro(1);
const query = (options: object) => clientQuery("www.z.", TYPE.A, options, random);
const answerOf = (octets: number) =>
  encode({
    ...query({ nsid: true }),
    qr: 1,
    answers: [
      { name: "www.z.", type: 65_280, class: 1, ttl: 5, rdata: { opaque: "00".repeat(octets) } },
    ],
  });

describe("padding", () => {
  it("RFC 7830 4: a question asks for it with the option, of any length", () => {
    for (const cookie of [true, false])
      for (const padding of [true, false])
        expect(wantsPadding(encode(query({ cookie, padding })))).toBe(padding);
    expect(wantsPadding(encode(query({ edns: false })))).toBe(false);
    expect(wantsPadding(encode(query({ padding: true })).subarray(0, 30))).toBe(false);
  });

  it.each([0, 10, 400, 417, 418, 419, 420, 900, 65_000])(
    "RFC 8467 4.1: an answer with %i octets of data is a whole number of blocks and says the same",
    (octets) => {
      const plain = answerOf(octets);
      const padded = padAnswer(plain);
      expect(padded.length % 468 === 0 || padded.length === 65_535).toBe(true);
      expect(padded.length - plain.length).toBeLessThan(468 + 4);
      const { edns, ...rest } = decode(padded);
      const { edns: before, ...same } = decode(plain);
      expect(rest).toEqual(same);
      expect(edns?.options.slice(0, -1)).toEqual(before?.options);
      expect(edns?.options.at(-1)).toMatchObject({ code: 12, data: expect.stringMatching(/^0*$/) });
    },
  );

  it("an answer that is signed, is full or has no OPT record stays as it is", () => {
    const key = parseTsigKey("k:c2VjcmV0") as NonNullable<ReturnType<typeof parseTsigKey>>;
    const signed = signTsig(answerOf(5), key, 1).bytes;
    const bare = encode({ ...query({ edns: false }), qr: 1 });
    const full = answerOf(65_535 - answerOf(0).length - 2);
    for (const answer of [signed, bare, full]) expect(padAnswer(answer)).toBe(answer);
  });
});
