import fc from "fast-check";
import { expect, it } from "vitest";
import { JsonWriter } from "../../../src/codecs/json-writer.ts";
import { writeRtpBody } from "../../../src/codecs/rtp/ndjson.ts";
import { rtpRecord } from "../../../src/codecs/rtp/record.ts";
import { decodeRtp, encodeRtp } from "../../../src/codecs/rtp/rtp.ts";
import { rtpPackets } from "../../support/arbitraries/rtp.ts";

it("RFC 3550 5.1: the bytes written are the JSON of the record", () => {
  const out = new JsonWriter(16);
  fc.assert(
    fc.property(rtpPackets, (packet) => {
      const wire = encodeRtp(packet);
      out.at = 0;
      expect(writeRtpBody(out, wire, 0, wire.length)).toBe(true);
      const text = new TextDecoder().decode(out.written());
      expect(text).toBe(`,${JSON.stringify(rtpRecord(decodeRtp(wire))).slice(1, -1)}`);
    }),
  );
});

it("writes nothing for what is no RTP header", () => {
  const out = new JsonWriter();
  expect(writeRtpBody(out, new Uint8Array(11), 0, 11)).toBe(false);
  expect(out.at).toBe(0);
});
