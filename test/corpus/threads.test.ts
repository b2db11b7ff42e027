/** `--threads` gives the bytes of one thread, in the same order. */
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { NdjsonOutput } from "../../src/engines/capture/ndjson-output.ts";
import { decodeCaptures } from "../../src/net/capture/decode.ts";
import { decodeParallel } from "../../src/net/capture/parallel.ts";
import { hasCorpus, truthCaptures } from "./support/corpus.ts";

const WORKER = pathToFileURL("bundle/capture-worker.js");

describe.skipIf(!hasCorpus)("two threads", () => {
  const plain = hasCorpus
    ? truthCaptures().filter(({ name }) => !/\.(gz|zst|lz4)$/.test(name))
    : [];
  for (const { name, path } of plain) {
    it(`${name} gives the same bytes`, async () => {
      let single = "";
      const output = new NdjsonOutput((json) => {
        single += new TextDecoder().decode(json.written());
        json.at = 0;
      });
      let failed = false;
      try {
        await decodeCaptures([path], output);
      } catch (error) {
        expect((error as Error).name).toBe("CaptureError");
        failed = true;
      }
      let double = "";
      const write = (bytes: Uint8Array) => {
        double += new TextDecoder().decode(bytes);
      };
      const run = decodeParallel(path, WORKER, write, { threads: 2 });
      if (failed) await expect(run).rejects.toThrow();
      else {
        await run;
        expect(double).toBe(single);
      }
    });
  }
});
