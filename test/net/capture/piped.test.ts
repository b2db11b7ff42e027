import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CapturedPacket, CaptureSink } from "../../../src/codecs/pcap/capture.ts";
import { ClassicParser, classicHeader, classicRecord } from "../../../src/codecs/pcap/classic.ts";
import { readPiped } from "../../../src/net/capture/piped.ts";

const packet = fc.record({
  bytes: fc.uint8Array({ maxLength: 200 }),
  seconds: fc.integer({ min: 0, max: 0xffffffff }),
  fraction: fc.integer({ min: 0, max: 999_999 }),
  more: fc.nat(2000),
});

function collector(): { sink: CaptureSink; found: string[] } {
  const found: string[] = [];
  const sink = {
    packet: (p: CapturedPacket) => {
      const bytes = Buffer.from(p.bytes.subarray(p.start, p.end)).toString("hex");
      found.push(`${p.seconds}.${p.fraction} ${p.wireLength} ${p.interface.linkType} ${bytes}`);
    },
    issue: (issue: { code: string }) => found.push(issue.code),
    flush: () => {},
  } as unknown as CaptureSink;
  return { sink, found };
}

describe("classic captures from a pipe and from a file", () => {
  it("give the same packets, however the bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(packet, { maxLength: 12 }),
        fc.boolean(),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (packets, little, cuts) => {
          const options = { little };
          const file = Buffer.concat([
            classicHeader(options),
            ...packets.map((p) =>
              classicRecord(p.bytes, p.seconds, p.fraction, options, p.bytes.length + p.more),
            ),
          ]);
          const whole = collector();
          const parser = new ClassicParser(whole.sink);
          parser.parse(new Uint8Array(file), 0, file.length);
          const piped = collector();
          const points = [...new Set([24, ...cuts.map((c) => 24 + (c % (file.length - 23)))])].sort(
            (a, b) => a - b,
          );
          const pieces = points.map(
            (from, i) => new Uint8Array(file.subarray(from, points[i + 1] ?? file.length)),
          );
          async function* chunks() {
            yield* pieces;
          }
          await readPiped(
            "-",
            new Uint8Array(file.subarray(0, 24)),
            chunks(),
            piped.sink,
            () => false,
          );
          expect(piped.found).toEqual(whole.found);
        },
      ),
      { numRuns: 150 },
    );
  });
});
