import { describe, expect, it } from "vitest";
import { renderReport } from "../../../src/render/replay/report.ts";
import { assume } from "../../../src/replay/options.ts";
import { predict } from "../../../src/replay/predict.ts";
import { sweep } from "../../../src/replay/what-if.ts";
import { FLAGS, pageWorkload } from "../../engines/replay/page.ts";

describe("the report of a replay", () => {
  const workload = pageWorkload();
  const [first] = workload.pages;
  if (first === undefined) throw new Error("a workload without a page");
  const hostile = `http://www.example.test/</title><script src="http://evil.test/x.js"></script>`;
  const objects = first.objects.map((one) => (one.id === 0 ? { ...one, url: hostile } : one));
  const changed = { ...workload, pages: [{ ...first, objects }] };
  const assumed = assume(changed, { ...FLAGS, placement: ["none", "cdn-warm"] }, "x");
  const { predictions } = predict(changed, assumed.options);
  const sweeps = ["cache", "m=1,6"].map((text) => sweep(text, changed, assumed.options));
  const html = renderReport(
    { workload: changed, assumed, predictions, sweeps, dns: [] },
    "/tmp/a<b>.pcap",
  );

  it("has a chart for each comparison and a waterfall for each strategy", () => {
    expect(html.match(/<svg/g)?.length).toBe(13);
    expect(html.match(/<details/g)?.length).toBe(9);
    expect(html).toContain("concurrent-persistent");
  });

  it("asks for nothing from anywhere, and shows what a capture says as text", () => {
    expect(html).not.toContain("<script");
    expect(html).not.toMatch(/(?:src|href)\s*=\s*["'](?!#)/);
    expect(html).not.toContain("@import");
    expect(html).toContain("a&#60;b&#62;.pcap");
    expect(html).toContain("&#60;script");
  });
});
