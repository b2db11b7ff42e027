import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readMessage } from "../../../src/codecs/dns/decode.ts";
import {
  decode,
  encode,
  FrameDecoder,
  formatRdata,
  frame,
  record,
} from "../../../src/codecs/dns/index.ts";
import { DnsNdjson } from "../../../src/codecs/dns/ndjson.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import { JsonWriter } from "../../../src/codecs/json-writer.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import { dnsMessage } from "../../support/arbitraries/dns.ts";
import { itIgnoresChunking, itKeepsCodecProperties } from "../../support/codec-properties.ts";

describe("DNS messages", () => {
  itKeepsCodecProperties({ decode, encode, messages: dnsMessage });

  it("RFC 1035 4.1.4: names are compressed, and compressed names come back with their case", () => {
    const message = decode(
      encode({
        ...QUERY,
        questions: [
          { name: "Example.COM.", type: 1, class: 1 },
          { name: "a.Example.COM.", type: 1, class: 1 },
        ],
      }),
    );
    expect(message.questions.map((q) => q.name)).toEqual(["Example.COM.", "a.Example.COM."]);
    expect(encode(message)).toHaveLength(12 + 13 + 4 + 2 + 2 + 4);
  });

  it("the NDJSON of a message is what JSON.stringify makes of its record, for any bytes", () => {
    const json = new JsonWriter();
    const ndjson = new DnsNdjson(json);
    const mutated = fc
      .tuple(dnsMessage, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([message, edits]) => {
        const bytes = encode(message);
        for (const [at, value] of edits) bytes[at % bytes.length] = value;
        return bytes;
      });
    fc.assert(
      fc.property(mutated, (bytes) => {
        json.at = 0;
        ndjson.write(bytes, 0, bytes.length);
        const { message, counts, malformed, issues } = readMessage(bytes);
        expect(`{${json.text(1)}}`).toBe(JSON.stringify(record(message, counts)));
        expect(ndjson.malformed).toBe(malformed);
        expect(ndjson.issues).toEqual(issues);
      }),
      { numRuns: 1500 },
    );
  });

  it("RFC 6891 6.1.3: EDNS extends the rcode", () => {
    const bytes = encode({
      ...QUERY,
      qr: 1,
      rcode: 16,
      edns: { udpSize: 1232, version: 0, do: true, options: [] },
    });
    expect(decode(bytes)).toMatchObject({ rcode: 16, edns: { udpSize: 1232, do: true } });
    expect(record(decode(bytes))).toMatchObject({ rcode: 16, arcount: 1, additional: [] });
  });
});

const QUERY = {
  id: 1,
  qr: 0 as const,
  opcode: 0,
  rcode: 0,
  aa: false,
  tc: false,
  rd: true,
  ra: false,
  ad: false,
  cd: false,
  questions: [],
  answers: [],
  authority: [],
  additional: [],
};

describe("presentation form of rdata", () => {
  it.each([
    [1, { address: "192.0.2.1" }, "192.0.2.1"],
    [28, { address: "2001:db8::1" }, "2001:db8::1"],
    [15, { preference: 10, host: "mx.example." }, "10 mx.example."],
    [16, { strings: ['a "b"', "\u0000\u00ff"] }, '"a \\"b\\"" "\\000\\255"'],
    [257, { flags: 0, tag: "issue", value: "ca.example" }, '0 issue "ca.example"'],
    [
      64,
      {
        priority: 1,
        target: ".",
        params: [
          { key: 1, value: "026832" },
          { key: 3, value: "01bb" },
        ],
      },
      "1 . alpn=h2 port=443",
    ],
    [47, { next: "b.example.", types: [1, 28, 46, 1234] }, "b.example. A AAAA RRSIG TYPE1234"],
    [999, { opaque: "0102ff" }, "\\# 3 0102ff"],
    [
      50,
      {
        hashAlgorithm: 1,
        flags: 0,
        iterations: 0,
        salt: "",
        next: "2T7B4G4VSA5SMI47K61MV5BV1A22BOJR",
        types: [1],
      },
      "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A",
    ],
    [
      46,
      {
        typeCovered: 1,
        algorithm: 13,
        labels: 2,
        originalTtl: 60,
        expiration: 1767225600,
        inception: 0,
        keyTag: 1,
        signer: "a.",
        signature: "AQID",
      },
      "A 13 2 60 20260101000000 19700101000000 1 a. AQID",
    ],
  ])("type %i", (type, rdata, text) => {
    expect(formatRdata(type, rdata as never)).toBe(text);
  });
});

describe("RFC 1035 4.2.2: messages on streams", () => {
  itIgnoresChunking(
    fc
      .array(fc.uint8Array({ minLength: 12, maxLength: 40 }), { maxLength: 4 })
      .map((list) => Uint8Array.from(list.flatMap((b) => [...frame(b)]))),
    (chunks) => {
      const decoder = new FrameDecoder();
      const out: string[] = [];
      for (const chunk of chunks) {
        decoder.push(chunk);
        for (let item = decoder.next(); item !== undefined; item = decoder.next())
          out.push(Buffer.from(item).toString("hex"));
      }
      decoder.end();
      return out;
    },
  );

  it("a length that no message has is refused", () => {
    const decoder = new FrameDecoder();
    decoder.push(fromHex("000b00") as Uint8Array);
    expect(() => decoder.next()).toThrow(DecodeError);
  });
});
