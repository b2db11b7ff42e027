import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { captureFacts } from "../../../src/net/capture/facts.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-facts-"));
afterAll(() => rmSync(folder, { recursive: true }));

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => {
    bytes.writeUInt32LE(value, i * 4);
  });
  return bytes;
}

function block(type: number, ...body: number[]): Buffer {
  const length = body.length * 4 + 12;
  return Buffer.concat([words(type, length), words(...body), words(length)]);
}

const SECTION = block(0x0a0d0d0a, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff);
const INTERFACE = block(1, 1, 0);
const SIMPLE = block(3, 4, 0);
/** At 1 ms after 1 s. */
const ENHANCED = block(6, 0, 0, 1_001_000, 4, 4, 0);

async function factsOf(...blocks: Buffer[]) {
  const path = join(folder, "x.pcapng");
  writeFileSync(path, Buffer.concat([SECTION, INTERFACE, ...blocks]));
  return captureFacts(path);
}

describe("draft-ietf-opsawg-pcapng 4.4: simple packets have no time", () => {
  it("so the span is that of the others", async () => {
    expect(await factsOf(SIMPLE, ENHANCED, SIMPLE)).toMatchObject({
      packets: 3,
      untimed: 2,
      outOfOrder: 0,
      first: "1970-01-01T00:00:01.001000Z",
      last: "1970-01-01T00:00:01.001000Z",
      durationSeconds: 0,
    });
  });

  it("and a capture of nothing else has none", async () => {
    const facts = await factsOf(SIMPLE, SIMPLE);
    expect(facts).toMatchObject({ packets: 2, untimed: 2 });
    expect(facts).not.toHaveProperty("first");
    expect(facts).not.toHaveProperty("durationSeconds");
  });

  it("nothing is said of it where all have one", async () => {
    expect(await factsOf(ENHANCED)).not.toHaveProperty("untimed");
  });
});
