/** One parser, several sinks: lines made of objects are the bytes that the bulk path writes, addresses and all. */
import { describe, expect, it } from "vitest";
import { NdjsonOutput } from "../../src/engines/capture/ndjson-output.ts";
import { ObjectOutput, recordText } from "../../src/engines/capture/record.ts";
import { decodeCaptures } from "../../src/net/capture/decode.ts";
import { hasCorpus, truthCaptures } from "./support/corpus.ts";

describe.skipIf(!hasCorpus)("objects and bytes", () => {
  for (const { name, path } of hasCorpus ? truthCaptures() : []) {
    it(`${name} gives the same records both ways`, async () => {
      const lines: string[] = [];
      const written: string[] = [];
      try {
        await decodeCaptures([path], new ObjectOutput((record) => lines.push(recordText(record))));
      } catch (error) {
        expect((error as Error).name).toBe("CaptureError");
        return;
      }
      const output = new NdjsonOutput((json) => {
        written.push(new TextDecoder().decode(json.written()).trimEnd());
        json.at = 0;
      });
      await decodeCaptures([path], output);
      expect(written).toEqual(lines);
    });
  }
});
