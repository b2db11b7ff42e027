/** Names of many messages one after another: what is remembered of one must not show in the next. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { decode, encode, TYPE } from "../../../src/codecs/dns/index.ts";
import { nameText } from "../../../src/codecs/dns/name.ts";

const HEADER = 12;

function ns(owners: readonly string[]): DnsMessage {
  return {
    id: 1,
    qr: 1,
    opcode: 0,
    rcode: 0,
    aa: false,
    tc: false,
    rd: false,
    ra: false,
    ad: false,
    cd: false,
    questions: [],
    answers: owners.map((name, i) => ({
      name,
      type: TYPE.NS,
      class: 1,
      ttl: 60,
      rdata: { host: owners[(i + 1) % owners.length] as string },
    })),
    authority: [],
    additional: [],
  };
}

/** A message with one question of these octets as its name. */
function question(name: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1);
}

const nameOf = (bytes: Uint8Array): string | undefined => decode(bytes).questions[0]?.name;

describe("names of many messages", () => {
  it("come back as they were, compressed and not", () => {
    const label = fc.constantFrom(
      "a",
      "b",
      "A",
      "www",
      "example",
      "a\\.b",
      "\\000",
      "x".repeat(63),
    );
    const name = fc
      .array(label, { maxLength: 3 })
      .map((labels) => (labels.length === 0 ? "." : `${labels.join(".")}.`));
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        (owners, compress) => {
          const message = ns(owners);
          const bytes = encode(message, { compress });
          expect(decode(bytes)).toEqual(message);
          // Read without anything that is remembered.
          expect(nameText(bytes, HEADER, 0)).toBe(owners[0]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("a dot within a label is none between labels", () => {
    const two = question([1, 97, 1, 98, 0]);
    const one = question([3, 97, 0x2e, 98, 0]);
    for (let i = 0; i < 3; i++) {
      expect(nameOf(two)).toBe("a.b.");
      expect(nameOf(one)).toBe("a\\.b.");
    }
  });

  it("a name is not the longer one that begins with it", () => {
    for (let i = 0; i < 3; i++) {
      expect(nameOf(question([1, 97, 1, 98, 1, 99, 0]))).toBe("a.b.c.");
      expect(nameOf(question([1, 97, 0]))).toBe("a.");
    }
  });

  it("RFC 1035 4.1.4: pointers into the middle of a name, and to the root behind it", () => {
    const message = Uint8Array.of(
      ...[0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0],
      ...[1, 97, 1, 98, 0, 0, 1, 0, 1],
      ...[0xc0, 14, 0, 1, 0, 1],
      ...[1, 99, 0xc0, 14, 0, 1, 0, 1],
      ...[1, 99, 0xc0, 16, 0, 1, 0, 1],
    );
    const names = decode(message).questions.map(({ name }) => name);
    expect(names).toEqual(["a.b.", "b.", "c.b.", "c."]);
  });

  it("no pointer leads behind the first 16384 octets", () => {
    const owners = Array.from({ length: 1200 }, (_, i) => `host-${i}.example.`);
    const message = ns([...owners, ...owners]);
    const bytes = encode(message);
    expect(bytes.length).toBeGreaterThan(2 * 0x4000);
    expect(decode(bytes)).toEqual(message);
  });
});
