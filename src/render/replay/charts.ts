/** Charts of a comparison as SVG, drawn by ECharts without a browser. */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import type { EChartsCoreOption } from "echarts/core";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { CAUSES } from "../../engines/replay/play/causes.ts";
import type { Visited } from "../../engines/replay/play/visit.ts";
import { POLICIES } from "../../engines/replay/policies.ts";
import { PLACEMENTS } from "../../replay/play.ts";
import type { Prediction } from "../../replay/predict.ts";
import { STRATEGIES } from "../../replay/strategies.ts";
import type { Sweep } from "../../replay/what-if.ts";
import { CAUSE_NAMES } from "./comparison.ts";

echarts.use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 960;
const ROW = 26;
const MARGIN = 110;
const COLOURS = [
  "#7a869a",
  "#5470c6",
  "#73c0de",
  "#fac858",
  "#ee6666",
  "#91cc75",
  "#3ba272",
  "#9a60b4",
];

const LEGEND = { top: 0, itemGap: 24 };

function svg(height: number, option: EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({ animation: false, textStyle: { fontFamily: "sans-serif" }, ...option });
  const text = chart.renderToSVGString();
  chart.dispose();
  return text;
}

/** Where the time of each strategy went, and the formula beside it. */
export function strategyChart(rows: readonly Prediction[]): string {
  const shown = [...rows].reverse();
  return svg(MARGIN + ROW * 2 * rows.length, {
    color: COLOURS,
    legend: LEGEND,
    grid: { left: 190, right: 30, top: 50, bottom: 30 },
    xAxis: { type: "value", name: "ms", axisLabel: { formatter: "{value}" } },
    yAxis: { type: "category", data: shown.map(label) },
    series: [
      ...CAUSES.map((cause) => ({
        type: "bar",
        stack: "simulated",
        name: CAUSE_NAMES[cause],
        data: shown.map(({ causes }) => rounded(causes[cause])),
      })),
      {
        type: "bar",
        name: "the course's formula",
        itemStyle: { color: "#fff", borderColor: "#444", borderType: "dashed" },
        data: shown.map(({ formulaMs }) => formulaMs ?? 0),
      },
    ],
  });
}

/** A bar for each strategy at each place of a cache. */
export function placementChart(rows: readonly Prediction[]): string {
  const placements = PLACEMENTS.filter((name) => rows.some((row) => row.placement === name));
  const strategies = STRATEGIES.filter(
    (name) => name !== "pipelined-warm" && rows.some((row) => row.strategy === name),
  );
  return svg(420, {
    color: COLOURS.slice(1),
    legend: LEGEND,
    grid: { left: 70, right: 20, top: 50, bottom: 90 },
    xAxis: { type: "category", data: [...placements], axisLabel: { rotate: 35 } },
    yAxis: { type: "log", name: "ms", min: 1 },
    series: strategies.map((strategy) => ({
      type: "bar",
      name: strategy,
      data: placements.map((placement) => {
        const one = rows.find((row) => row.strategy === strategy && row.placement === placement);
        return one === undefined ? null : Math.max(1, rounded(one.timeMs));
      }),
    })),
  });
}

/** Every object of a run: waiting, connecting, asking, receiving. */
export function waterfall(prediction: Prediction): string {
  const { run } = prediction;
  const objects = [...run.visited].reverse();
  const parts = objects.map((one) => phases(one, run.startNanos));
  const names = ["", "wait", "connect", "request", "receive"] as const;
  const colours = ["transparent", "#d5d9e0", "#fac858", "#73c0de", "#3ba272"];
  return svg(MARGIN + 18 * objects.length, {
    legend: { ...LEGEND, data: names.slice(1) },
    grid: { left: 260, right: 30, top: 40, bottom: 30 },
    xAxis: { type: "value", name: "ms" },
    yAxis: {
      type: "category",
      data: objects.map(({ object }) => short(object.target)),
      axisLabel: { fontSize: 11 },
    },
    series: names.map((name, i) => ({
      type: "bar",
      stack: "time",
      name,
      itemStyle: { color: colours[i] },
      barWidth: 12,
      data: parts.map((part) => part[i]),
    })),
  });
}

/** Times at which each phase of an object ends, as lengths. */
function phases({ known, timing }: Visited, start: number): number[] {
  const at = (nanos: number | undefined) =>
    nanos === undefined ? undefined : (nanos - start) / 1e6;
  const begin = Math.max(0, at(known) ?? 0);
  const from = at(timing?.connect?.from) ?? at(timing?.sent) ?? begin;
  const open = at(timing?.connect?.to) ?? from;
  const head = at(timing?.head) ?? open;
  const end = at(timing?.end) ?? head;
  const edges = [0, begin, from, open, head, end];
  return edges.slice(1).map((edge, i) => rounded(Math.max(0, edge - (edges[i] as number))));
}

export function sweepChart(sweep: Sweep, page: number): string {
  const cache = sweep.quantity === "cache";
  const categories = cache
    ? sweep.steps.map(({ bytes }) => String(bytes))
    : sweep.steps.map(({ value }) => value);
  const series = cache
    ? POLICIES.map((policy) => ({
        type: "line",
        name: policy,
        data: sweep.steps.map(({ policies }) => {
          const { hits, requests } = policies[policy];
          return requests === 0 ? 0 : rounded((100 * hits) / requests);
        }),
      }))
    : STRATEGIES.map((strategy) => ({
        type: "line",
        name: strategy,
        data: sweep.steps.map(
          ({ predictions }) =>
            predictions.find((p) => p.page === page && p.strategy === strategy)?.timeMs ?? null,
        ),
      }));
  return svg(360, {
    color: COLOURS.slice(1),
    legend: LEGEND,
    grid: { left: 70, right: 20, top: 50, bottom: 40 },
    xAxis: { type: "category", name: sweep.quantity, data: categories },
    yAxis: { type: "value", name: cache ? "hits, %" : "ms" },
    series,
  });
}

export function label({ strategy, dns, modelled }: Prediction): string {
  const name = modelled === true ? `${strategy} (modelled)` : strategy;
  return dns === "none" ? name : `${name}, names ${dns}`;
}

function short(target: string): string {
  return target.length <= 38 ? target : `…${target.slice(-37)}`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
