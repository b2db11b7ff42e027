import { deflateRawSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gunzip } from "../../../src/net/capture/gzip.ts";

interface Result {
  readonly bytes: string;
  readonly issues: string[];
  readonly error?: string;
}

async function inflate(file: Uint8Array, size = file.length): Promise<Result> {
  const parts: Uint8Array[] = [];
  const issues: string[] = [];
  async function* chunks() {
    for (let at = 0; at < file.length; at += size) yield new Uint8Array(file.slice(at, at + size));
  }
  let error: string | undefined;
  try {
    for await (const part of gunzip(chunks(), (i) => issues.push(`${i.code}@${i.offset}`))) {
      parts.push(part);
    }
  } catch (thrown) {
    error = (thrown as Error).message;
  }
  const bytes = Buffer.concat(parts).toString("latin1");
  return error === undefined ? { bytes, issues } : { bytes, issues, error };
}

const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const text = (value: string) => Buffer.from(value, "latin1");
const one = gzipSync(text("one "));
const two = gzipSync(text("two"));

describe("RFC 1952", () => {
  it("2.2: members one behind the other are one stream, however it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 100 }),
        async (members, size) => {
          const file = join(...members.map((bytes) => gzipSync(bytes)));
          const bytes = Buffer.concat(members).toString("latin1");
          expect(await inflate(file, size)).toEqual({ bytes, issues: [] });
        },
      ),
      { numRuns: 40 },
    );
  });

  it("2.3: extra field, name, comment and header check are passed over", async () => {
    const head = [
      0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3, 0x61, 0, 0x62, 0x63, 0, 9, 9,
    ];
    const tail = two.subarray(-8);
    const file = join(Uint8Array.from(head), deflateRawSync(text("two")), tail);
    for (const size of [1, 5, file.length]) {
      expect(await inflate(file, size)).toEqual({ bytes: "two", issues: [] });
    }
  });

  it.each([
    ["bytes that are no member", text("garbage"), "one ", ["gzip.trailing@0"]],
    ["one byte", text("g"), "one ", ["gzip.trailing@0"]],
    ["zeros", new Uint8Array(40), "one ", []],
    ["zeros, then a member", join(new Uint8Array(3), two), "one two", []],
  ])("2.2: %s after the last member", async (_, rest, bytes, issues) => {
    for (const size of [1, 7, 1000]) {
      expect(await inflate(join(one, rest), size)).toEqual({
        bytes,
        issues: issues.map((issue) => issue.replace("@0", `@${one.length}`)),
      });
    }
  });

  it("2.3.1: a wrong check, a wrong length and a cut are errors, told behind what was inflated", async () => {
    const spoilt = (at: number) => {
      const file = join(two);
      file[file.length + at] = (file[file.length + at] as number) ^ 1;
      return file;
    };
    expect(await inflate(spoilt(-8))).toMatchObject({
      bytes: "two",
      error: "incorrect data check",
    });
    expect(await inflate(spoilt(-4))).toMatchObject({
      bytes: "two",
      error: "incorrect length check",
    });
    const cut = join(one, two.subarray(0, -3));
    expect(await inflate(cut)).toMatchObject({ bytes: "one two", error: "unexpected end of file" });
  });
});
