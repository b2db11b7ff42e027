/** What tshark says of traces of the simulated TCP: no retransmission where nothing was lost, else each of them. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { downloads } from "../support/downloads.ts";

const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
if (!hasTshark) process.stderr.write("simulated TCP: tshark is not installed: skipped\n");

/** Frames of the server's that match each filter. */
function counted(capture: Uint8Array, filters: readonly string[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), "netkit-tcp-trace-"));
  try {
    const file = join(folder, "x.pcapng");
    writeFileSync(file, capture);
    return filters.map((filter) => {
      const { stdout, stderr } = spawnSync("tshark", ["-r", file, "-Y", filter], {
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
      });
      if (stdout === "" && /error|invalid/i.test(stderr)) throw new Error(stderr);
      return stdout.split("\n").filter((line) => line !== "").length;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Within 3 ms, or a round trip, tshark takes what was sent again for what was overtaken.
const AGAIN = "ip.src == 10.0.0.1 && (tcp.analysis.retransmission || tcp.analysis.out_of_order)";
const WRONG = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0";
const DROPPED = 'ip.src == 10.0.0.1 && frame.comment contains "dropped"';

describe.skipIf(!hasTshark)("traces of the simulated TCP in tshark", () => {
  it.each([
    ["nothing lost", 3, 400_000, 1e9, 0],
    ["a full queue", 4, 600_000, 60_000, 0],
    ["loss by chance", 2, 300_000, 1e9, 0.02],
  ] as const)(
    "%s: as many retransmissions as were made, nothing malformed",
    (_, n, bytes, queue, loss) => {
      const { capture, resent } = downloads(n, bytes, queue, loss);
      const [again, wrong, dropped] = counted(capture, [AGAIN, WRONG, DROPPED]);
      expect(wrong).toBe(0);
      expect(again).toBe(resent);
      if (queue === 1e9 && loss === 0) expect([resent, dropped]).toEqual([0, 0]);
      else expect(dropped).toBeGreaterThan(0);
    },
  );
});
