/** All captures decoded and held against the reference reading; what is left out stands in docs/tshark-differences.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { CaptureRecord } from "../../src/engines/capture/record.ts";
import { ObjectOutput } from "../../src/engines/capture/record.ts";
import { decodeCaptures } from "../../src/net/capture/decode.ts";
import type { Difference, Score } from "./support/compare.ts";
import { compareCapture } from "./support/compare.ts";
import { hasCorpus, truthCaptures } from "./support/corpus.ts";

/** Rows `| capture | frames | protocol | what | reason |`; frames as `1,4-9` or `*`. */
function excluded(): (
  capture: string,
) => (frame: number, protocol: string, what: string) => boolean {
  const rows = readFileSync("docs/tshark-differences.md", "utf8")
    .split("\n")
    .filter(
      (line) => line.startsWith("| ") && !line.startsWith("| capture") && !line.startsWith("|-"),
    )
    .map(
      (line) =>
        line
          .split("|")
          .map((cell) => cell.trim().replaceAll("`", ""))
          .slice(1, 5) as [string, string, string, string],
    );
  const inFrames = (frames: string, frame: number) =>
    frames === "*" ||
    frames.split(",").some((part) => {
      const [from, to = from] = part.trim().split("-");
      return frame >= Number(from) && frame <= Number(to);
    });
  return (capture) => {
    const mine = rows.filter(([file]) => file === capture);
    return (frame, protocol, what) =>
      mine.some(
        ([, frames, p, w]) =>
          p === protocol &&
          w
            .split(",")
            .map((x) => x.trim())
            .includes(what) &&
          inFrames(frames, frame),
      );
  };
}

describe.skipIf(!hasCorpus)("captures of others", () => {
  const scores = new Map<string, Score>();
  const all: (Difference & { capture: string })[] = [];
  const skip = hasCorpus ? excluded() : () => () => false;

  for (const capture of hasCorpus ? truthCaptures() : []) {
    it(`${capture.name} is decoded without a crash, every byte accounted for`, async () => {
      const records: CaptureRecord[] = [];
      let totals: Awaited<ReturnType<typeof decodeCaptures>>["totals"];
      try {
        ({ totals } = await decodeCaptures(
          [capture.path],
          new ObjectOutput((record) => records.push(record)),
        ));
      } catch (error) {
        // Only a file that is no capture may be refused, by name.
        expect((error as Error).name).toBe("CaptureError");
        return;
      }
      expect(totals.decodedBytes + totals.unknownBytes + totals.truncatedBytes).toBe(
        totals.payloadBytes,
      );
      for (const part of [totals.decodedBytes, totals.unknownBytes, totals.truncatedBytes]) {
        expect(part).toBeGreaterThanOrEqual(0);
      }
      if (capture.folder === "malformed") return;
      for (const difference of compareCapture(
        records,
        capture.messages,
        skip(capture.name),
        scores,
      )) {
        all.push({ capture: capture.name, ...difference });
      }
    });
  }

  it("finds >= 99.5 % of the messages, >= 99.5 % precise, and agrees on >= 99.5 % of the fields, per protocol", () => {
    for (const [protocol, s] of scores) {
      const row = {
        recall: s.matched / Math.max(1, s.truth),
        precision: s.matched / Math.max(1, s.ours),
        fields: s.fieldsEqual / Math.max(1, s.fields),
      };
      for (const [figure, value] of Object.entries(row)) {
        expect.soft(value, `${protocol} ${figure}`).toBeGreaterThanOrEqual(0.995);
      }
    }
  });

  afterAll(() => {
    const percent = (a: number, b: number) => `${((100 * a) / Math.max(1, b)).toFixed(2)} %`;
    const lines = [...scores].map(
      ([protocol, s]) =>
        `${protocol.padEnd(11)} messages ${String(s.truth).padStart(6)}  found ${percent(s.matched, s.truth).padStart(8)}  precise ${percent(s.matched, s.ours).padStart(8)}  fields ${percent(s.fieldsEqual, s.fields).padStart(8)} of ${s.fields}`,
    );
    process.stdout.write(`${lines.join("\n")}\n`);
    const report = process.env["NETKIT_DIFFERENCES"];
    if (report !== undefined) {
      writeFileSync(report, all.map((d) => JSON.stringify(d)).join("\n"));
    }
  });
});
