import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { replay } from "../../src/dns/recursor/replay.ts";
import { CORPUS } from "./support/corpus.ts";

const CAPTURE = `${CORPUS}/captures/dns/lab-dns-dev.pcap`;

describe.skipIf(!existsSync(CAPTURE))("netkit dns recursor --replay", () => {
  it("our resolver in the place of a captured one gives its clients the same answers", async () => {
    const report = await replay(
      CAPTURE,
      { minimise: "off", validate: false, localZones: false },
      false,
    );
    process.stdout.write(
      `replay: ${report.sameAnswers} of ${report.clientQuestions} answers the same, ${report.upstream} questions to servers (captured ${report.capturedUpstream})\n`,
    );
    expect(report.clientQuestions).toBeGreaterThan(6000);
    // What the captured resolver never answered cannot be the same.
    const answered = report.otherAnswers.filter(({ was }) => was !== undefined);
    expect(answered).toEqual([]);
    expect(report.upstream).toBeLessThanOrEqual(report.capturedUpstream);
  });
});
