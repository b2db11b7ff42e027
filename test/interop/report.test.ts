/** The report of a replay in a browser, without a network. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const browser = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);
if (browser === undefined) process.stderr.write("report: chromium is not installed: skipped\n");
const folder = mkdtempSync(join(tmpdir(), "netkit-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function headless(...args: string[]) {
  return spawnSync(
    browser as string,
    [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--host-resolver-rules=MAP * ~NOTFOUND",
      `--user-data-dir=${join(folder, "profile")}`,
      ...args,
    ],
    { encoding: "utf8", timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
  );
}

describe.skipIf(browser === undefined)("a report in Chromium", () => {
  it("opens offline and draws charts and waterfalls", () => {
    const report = join(folder, "report.html");
    const made = spawnSync(
      "node",
      ["bin/run.js", "replay", "fixtures/captures/page.pcap", "--html", report],
      { encoding: "utf8" },
    );
    expect(made.status).toBe(0);
    const url = `file://${report}`;
    const { stdout } = headless("--dump-dom", url);
    expect(stdout).toContain("page.pcap");
    expect(stdout.match(/<svg /g)?.length).toBe(11);
    expect(stdout.match(/<path |<rect /g)?.length).toBeGreaterThan(300);
    const picture = join(folder, "report.png");
    headless(`--screenshot=${picture}`, "--window-size=1000,2400", url);
    // A blank page of that size is smaller by far.
    expect(statSync(picture).size).toBeGreaterThan(50_000);
  });
});
