import { expect, it } from "vitest";
import type { Issue } from "../../../src/codecs/errors.ts";
import { DecodeError, EncodeError } from "../../../src/codecs/errors.ts";
import type { TelephoneEvent } from "../../../src/codecs/rtp/telephone-event.ts";
import {
  decodeTelephoneEvents,
  dtmfKey,
  encodeTelephoneEvents,
} from "../../../src/codecs/rtp/telephone-event.ts";
import { fromHex } from "../../../src/codecs/writer.ts";

const bytes = (hex: string) => fromHex(hex) as Uint8Array;

it.each([
  [
    "RFC 4733 2.3: key 1 goes on",
    [{ event: 1, end: false, volume: 10, duration: 160 }],
    "010a00a0",
  ],
  [
    "RFC 4733 2.3: # has ended",
    [{ event: 11, end: true, volume: 63, duration: 65535 }],
    "0bbfffff",
  ],
  [
    "RFC 4733 2.5.1.5: two in one payload",
    [
      { event: 1, end: true, volume: 1, duration: 1 },
      { event: 2, end: true, volume: 1, duration: 2 },
    ],
    "01810001 02810002",
  ],
] as [string, TelephoneEvent[], string][])("%s", (_name, events, hex) => {
  expect(decodeTelephoneEvents(bytes(hex))).toEqual(events);
  expect(encodeTelephoneEvents(events)).toEqual(bytes(hex));
});

it("RFC 4733 2.3: refuses a cut payload and a set R bit", () => {
  expect(() => decodeTelephoneEvents(bytes(""))).toThrow(DecodeError);
  expect(() => decodeTelephoneEvents(bytes("010a00"))).toThrow(DecodeError);
  expect(() => decodeTelephoneEvents(bytes("014a00a0"))).toThrow(DecodeError);
  const issues: Issue[] = [];
  decodeTelephoneEvents(bytes("014a00a0"), { tolerate: (issue) => issues.push(issue) });
  expect(issues[0]).toMatchObject({ code: "rtp.telephone-event.reserved", offset: 1 });
});

it("RFC 4733 3.2: keys of the DTMF events", () => {
  expect([0, 9, 10, 11, 15, 16].map(dtmfKey)).toEqual(["0", "9", "*", "#", "D", undefined]);
  const event = { event: 0, end: true, volume: 64, duration: 1 };
  expect(() => encodeTelephoneEvents([event])).toThrow(EncodeError);
});
