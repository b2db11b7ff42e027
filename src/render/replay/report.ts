/** The comparison as one page of HTML that needs nothing else: tables, charts, waterfalls. */
import { basename } from "node:path";
import type { WorkloadPage } from "../../engines/replay/workload.ts";
import type { Replayed } from "../../replay/main.ts";
import type { Assumed } from "../../replay/options.ts";
import type { Prediction } from "../../replay/predict.ts";
import { label, placementChart, strategyChart, sweepChart, waterfall } from "./charts.ts";
import { number } from "./comparison.ts";

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em}table{border-collapse:collapse;margin:1em 0}
td,th{padding:.25em .7em;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}
tr.best{background:#e8f6ee}svg{max-width:100%;height:auto}summary{cursor:pointer;margin:.4em 0}.note{color:#666}`;

export function renderReport(replayed: Replayed, path: string): string {
  const file = basename(path);
  const { workload, assumed, predictions, sweeps } = replayed;
  const link = assumed?.link;
  const pages = workload.pages.filter(({ id }) => predictions.some(({ page }) => page === id));
  const notes = [...workload.notes.map(({ message }) => message), ...(assumed?.notes ?? [])];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(file)}: what other ways of fetching would have cost</title><style>${STYLE}</style></head><body>
<h1>${escaped(file)}</h1>
${link === undefined ? "" : `<p>${linkText(link)}</p>`}
${pages.map((page) => section(page, predictions, replayed)).join("\n")}
${sweeps
  .filter(({ quantity }) => quantity === "cache")
  .map((sweep) => `<h2>A shared cache over its size</h2>${sweepChart(sweep, 0)}`)
  .join("\n")}
${notes.map((note) => `<p class="note">${escaped(note)}</p>`).join("\n")}
</body></html>
`;
}

function linkText(link: Assumed["link"]): string {
  const rate = link.rateMbps === null ? "no rate told" : `${number(link.rateMbps)} Mbit/s`;
  const queue = link.queueBytes === null ? "" : `, queue ${link.queueBytes} B`;
  return `Link: RTT ${number(link.rttMs)} ms, ${rate}${queue}, loss ${number(link.lossRate * 100)} %.`;
}

function section(page: WorkloadPage, all: readonly Prediction[], { sweeps }: Replayed): string {
  const rows = all.filter((one) => one.page === page.id);
  const none = rows.filter(({ placement }) => placement === "none");
  const best = Math.min(...none.map(({ timeMs }) => timeMs));
  const bytes = page.objects.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  const table = none
    .map(
      (one) =>
        `<tr${one.timeMs === best ? ' class="best"' : ""}><td>${escaped(label(one))}</td><td>${number(one.timeMs)} ± ${number(one.errorMs)}</td><td>${one.formulaMs === null ? "" : number(one.formulaMs)}</td><td>${number(one.rtts)}</td><td>${one.connections}</td><td>${one.bytes}</td><td>${one.retransmissions}</td><td>${escaped(one.why)}</td></tr>`,
    )
    .join("");
  const falls = none
    .map(
      (one, i) =>
        `<details${i === 0 ? " open" : ""}><summary>${escaped(one.strategy)}: ${number(one.timeMs)} ms</summary>${waterfall(one)}</details>`,
    )
    .join("");
  const swept = sweeps
    .filter(({ quantity }) => quantity !== "cache")
    .map((sweep) => `<h3>By ${sweep.quantity}</h3>${sweepChart(sweep, page.id)}`)
    .join("");
  return `<h2>Page ${page.id}: ${escaped(page.objects[0]?.url ?? "")}</h2>
<p>${page.objects.length} objects, ${bytes} bytes; in the capture ${escaped(page.strategy)}, ${number(page.timeMs)} ms.</p>
<table><tr><th>strategy</th><th>time, ms</th><th>formula</th><th>RTTs</th><th>connections</th><th>bytes</th><th>resent</th><th>why they differ</th></tr>${table}</table>
<h3>Where the time goes</h3>${none.length === 0 ? "" : strategyChart(none)}
${rows.length > none.length ? `<h3>With a cache</h3>${placementChart(rows)}` : ""}
${swept}
<h3>Waterfalls</h3>${falls}`;
}

function escaped(text: string): string {
  return text.replace(
    /[&<>"'\u0000-\u001f\u007f-\u009f]/g,
    (c) => `&#${c === "\u0000" ? 65533 : c.charCodeAt(0)};`,
  );
}
