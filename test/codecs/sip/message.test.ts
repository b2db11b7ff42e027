import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SipMessage } from "../../../src/codecs/sip/index.ts";
import {
  decode,
  encode,
  formatAddress,
  formatUri,
  formatVia,
  parseAddress,
  parseUri,
  parseVias,
  SipStreamDecoder,
} from "../../../src/codecs/sip/index.ts";
import { concat } from "../../../src/codecs/writer.ts";
import { sipMessage } from "../../support/arbitraries/text.ts";
import { itIgnoresChunking, itKeepsCodecProperties } from "../../support/codec-properties.ts";

describe("SIP messages", () => {
  itKeepsCodecProperties<SipMessage>({
    decode,
    encode,
    messages: sipMessage,
    cutsAreRefused: false,
  });

  itIgnoresChunking(
    fc.array(sipMessage, { maxLength: 3 }).map((list) => concat(list.map(encode))),
    (chunks) => {
      const decoder = new SipStreamDecoder();
      const out: unknown[] = [];
      for (const chunk of chunks) {
        decoder.push(chunk);
        for (let item = decoder.next(); item !== undefined; item = decoder.next())
          out.push(encode(item.message));
      }
      decoder.end();
      return out;
    },
    60,
  );
});

describe("RFC 3261 19.1 and 25.1: the parts of fields", () => {
  it.each([
    "sip:alice:secret@example.com:5060;transport=udp;lr?subject=hi&x=y",
    "sips:%61@[2001:db8::1]:5061",
    "sip:example.com",
    "tel:+358-555-1234567;postd=pp22",
  ])("%s comes back", (text) => {
    expect(formatUri(parseUri(text))).toBe(text);
  });

  it.each(['"A. G. Bell" <sip:agb@bell-telephone.com>;tag=a48s', "<sip:a@b>;q=0.7;expires=60"])(
    "%s comes back",
    (text) => {
      expect(formatAddress(parseAddress(text))).toBe(text);
    },
  );

  it("blanks around the slashes and semicolons of Via mean nothing", () => {
    const [via] = parseVias(
      "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
    );
    expect(formatVia(via as never)).toBe(
      "SIP/2.0/UDP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7c6a8dlze.1",
    );
  });
});
