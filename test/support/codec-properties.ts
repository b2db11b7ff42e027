/** The five properties that every codec keeps, and rows of examples run both ways. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { DecodeOptions, Issue } from "../../src/codecs/errors.ts";
import { DecodeError } from "../../src/codecs/errors.ts";

export interface CodecUnderTest<Message> {
  readonly decode: (bytes: Uint8Array, options?: DecodeOptions) => Message;
  readonly encode: (message: Message) => Uint8Array;
  /** Messages that strict decoding takes back unchanged. */
  readonly messages: fc.Arbitrary<Message>;
  /** False where a prefix of a message may be a message (no own length, no end mark). */
  readonly cutsAreRefused?: boolean;
  /** Runs of each property. */
  readonly runs?: number;
}

/** Registers the properties as tests. Chunking is a property of stream decoders: see `itIgnoresChunking`. */
export function itKeepsCodecProperties<Message>(codec: CodecUnderTest<Message>): void {
  const options = { numRuns: codec.runs ?? 300 };

  it("decode(encode(x)) is x", () => {
    fc.assert(
      fc.property(codec.messages, (message) => {
        expect(codec.decode(codec.encode(message))).toEqual(message);
      }),
      options,
    );
  });

  it("any bytes give a message or a DecodeError with an offset inside them", () => {
    fc.assert(
      fc.property(anyOrMutated(codec), (bytes) => {
        assertDeclared(bytes, () => codec.decode(bytes));
        assertDeclared(bytes, () => codec.decode(bytes, { tolerate: () => {} }));
      }),
      { numRuns: options.numRuns * 4 },
    );
  });

  it("what strict takes, tolerant takes alike with no issue", () => {
    fc.assert(
      fc.property(anyOrMutated(codec), (bytes) => {
        let strict: Message;
        try {
          strict = codec.decode(bytes);
        } catch {
          return;
        }
        const issues: Issue[] = [];
        const tolerant = codec.decode(bytes, { tolerate: (issue) => issues.push(issue) });
        expect(tolerant).toEqual(strict);
        expect(issues).toEqual([]);
      }),
      options,
    );
  });

  if (codec.cutsAreRefused !== false) {
    it("each cut of a valid message is refused", () => {
      fc.assert(
        fc.property(codec.messages, (message) => {
          const bytes = codec.encode(message);
          const step = Math.max(1, Math.floor(bytes.length / 64));
          for (let n = 0; n < bytes.length; n += step) {
            expect(() => codec.decode(bytes.slice(0, n)), `cut at ${n}`).toThrow(DecodeError);
          }
        }),
        { numRuns: Math.ceil(options.numRuns / 6) },
      );
    });
  }
}

/** Random bytes, and valid messages with a few bytes changed, cut or repeated. */
function anyOrMutated<Message>(codec: CodecUnderTest<Message>): fc.Arbitrary<Uint8Array> {
  const mutated = fc
    .tuple(
      codec.messages,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
      fc.option(fc.nat(), { freq: 4 }),
    )
    .map(([message, edits, cut]) => {
      const bytes = codec.encode(message).slice();
      for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return cut === null ? bytes : bytes.slice(0, cut % (bytes.length + 1));
    });
  return fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated);
}

function assertDeclared(bytes: Uint8Array, decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    expect(error.code).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    expect(error.spec).not.toBe("");
  }
}

/** A stream decoder gives the same items however its bytes are cut. `run` returns them, and the error's code if any. */
export function itIgnoresChunking(
  streams: fc.Arbitrary<Uint8Array>,
  run: (chunks: readonly Uint8Array[]) => unknown,
  runs = 200,
): void {
  it("the items do not depend on how the bytes are cut", () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(), { maxLength: 12 }), (bytes, cuts) => {
        const points = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
        const chunks: Uint8Array[] = [];
        let from = 0;
        for (const point of [...points, bytes.length]) {
          chunks.push(bytes.slice(from, point));
          from = point;
        }
        expect(run(chunks)).toEqual(run([bytes]));
        const single = Array.from(bytes, (b) => Uint8Array.of(b));
        expect(run(single)).toEqual(run([bytes]));
      }),
      { numRuns: runs },
    );
  });
}
