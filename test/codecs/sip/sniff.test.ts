import { describe, expect, it } from "vitest";
import { mightBeSip } from "../../../src/codecs/sip/sniff.ts";
import { latin1Bytes } from "../../../src/codecs/writer.ts";

describe("a first look for SIP", () => {
  it.each([
    ["INVITE sip:bob@example.com SIP/2.0\r\n", true],
    ["\r\nSIP/2.0 200 OK\r\n", true],
    ["INVI", true],
    ["INVITE si", true],
    ["GET /index.html HTTP/1.1\r\n", false],
    ["HTTP/1.1 200 OK\r\n", false],
    ["plain words that go on and on", false],
    ["\u0016\u0003\u0001", false],
  ])("a first word tells SIP from all else: %j", (text, expected) => {
    const bytes = latin1Bytes(text);
    expect(mightBeSip(bytes, 0, bytes.length)).toBe(expected);
  });
});
