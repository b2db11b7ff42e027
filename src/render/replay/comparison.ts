/** The comparison for people: what was inferred, a row for each strategy, and a table of the placements. */
import type { ChalkInstance } from "chalk";
import type { Causes } from "../../engines/replay/play/causes.ts";
import { CAUSES } from "../../engines/replay/play/causes.ts";
import type { WorkloadPage } from "../../engines/replay/workload.ts";
import type { Replayed } from "../../replay/main.ts";
import type { Assumed } from "../../replay/options.ts";
import { PLACEMENTS } from "../../replay/play.ts";
import type { Prediction } from "../../replay/predict.ts";
import { STRATEGIES } from "../../replay/strategies.ts";
import { safe } from "../safe.ts";
import { aligned } from "../table.ts";

export const CAUSE_NAMES: Readonly<Record<keyof Causes, string>> = {
  lookup: "names",
  handshake: "handshake",
  request: "round trip",
  think: "think",
  headOfLine: "waiting in line",
  serialisation: "bytes",
  slowStart: "slow start",
  loss: "loss",
};

export function renderReplay(replayed: Replayed, paint: ChalkInstance): string {
  const { workload, predictions } = replayed;
  const lines = replayed.assumed === undefined ? [] : linkLines(replayed.assumed, paint);
  for (const page of workload.pages) {
    const rows = predictions.filter((one) => one.page === page.id);
    if (rows.length === 0) continue;
    lines.push("", paint.bold(pageLine(page)));
    lines.push(...strategyTable(rows, paint));
    const empty = replayed.assumed?.options.cold === "everything";
    lines.push(...placementTable(rows, empty ? COLD_EMPTY : COLD_DOCUMENTS, paint));
  }
  if (replayed.dns.length > 0) lines.push("", ...dnsTable(replayed, paint));
  const notes = [
    ...workload.notes.map(({ message }) => message),
    ...(replayed.assumed?.notes ?? []),
  ];
  if (notes.length > 0) lines.push("", ...notes.map((note) => paint.dim(`note: ${safe(note)}`)));
  return `${lines.join("\n")}\n`;
}

function linkLines({ link }: Assumed, paint: ChalkInstance): string[] {
  const rate = link.rateMbps === null ? "unlimited" : `${number(link.rateMbps)} Mbit/s`;
  const queue = link.queueBytes === null ? "" : `, queue ${link.queueBytes} B`;
  const sure = ["rttMs", "rateMbps"]
    .map((key) => {
      const one = link.confidence[key];
      return `${key === "rttMs" ? "RTT" : "rate"} ${one?.certainty ?? "none"} (${one?.from ?? ""})`;
    })
    .join(", ");
  return [
    `${paint.bold("link")} RTT ${number(link.rttMs)} ms, ${rate}${queue}, loss ${number(link.lossRate * 100)} %`,
    paint.dim(`how sure: ${safe(sure)}`),
  ];
}

function dnsTable({ dns, workload }: Replayed, paint: ChalkInstance): string[] {
  const cells = dns.map((one) => [
    one.cache === "none" ? "none" : one.cache === "host" ? "on each host" : "shared",
    one.cache === "none" ? "-" : one.negative ? "yes" : "no",
    `${(one.hitRatio * 100).toFixed(1)} %`,
    String(one.upstream),
    ms(one.savedMs),
  ]);
  const heads = [
    `${workload.dns.length} questions, cache`,
    "negative",
    "hits",
    "upstream",
    "saved",
  ];
  const [head = "", ...body] = aligned(heads, cells, true);
  return [paint.bold(head), ...body];
}

function pageLine(page: WorkloadPage): string {
  const bytes = page.objects.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  const first = page.objects[0]?.url ?? "";
  return safe(
    `page ${page.id}: ${first}, ${page.objects.length} objects, ${bytes} bytes; captured: ${page.strategy}, ${ms(page.timeMs)}`,
  );
}

function strategyTable(rows: readonly Prediction[], paint: ChalkInstance): string[] {
  const none = rows.filter(({ placement }) => placement === "none");
  if (none.length === 0) return [];
  const best = Math.min(...none.map(({ timeMs }) => timeMs));
  const named = none.some(({ dns }) => dns !== "none");
  const cells = none.map((one) => [
    `${named ? `${one.strategy} (names ${one.dns})` : one.strategy}${one.modelled === true ? " (modelled)" : ""}`,
    `${ms(one.timeMs)} ±${number(one.errorMs)}`,
    one.formulaMs === null ? "-" : ms(one.formulaMs),
    number(one.rtts),
    String(one.connections),
    String(one.bytes),
    String(one.retransmissions),
    `${one.savedMs >= 0 ? "" : "+"}${number(-one.savedMs)} ms`.replace(/^\+-/, "-"),
  ]);
  const heads = ["strategy", "time", "formula", "RTTs", "conns", "bytes", "resent", "to capture"];
  const [head = "", ...body] = aligned(heads, cells, true);
  const painted = body.map((line, i) => (none[i]?.timeMs === best ? paint.green(line) : line));
  const fastest = none.find(({ timeMs }) => timeMs === best) as Prediction;
  const split = CAUSES.filter((cause) => fastest.causes[cause] >= 0.05)
    .map((cause) => `${CAUSE_NAMES[cause]} ${number(fastest.causes[cause])}`)
    .join(", ");
  const why = none
    .filter((one) => one.why !== "")
    .map((one) => paint.dim(`  ${one.strategy}${named ? ` (${one.dns})` : ""}: ${one.why}`));
  return [
    paint.bold(head),
    ...painted,
    `time of ${fastest.strategy} in ms: ${split}`,
    paint.dim("formula and simulation:"),
    ...why,
  ];
}

function placementTable(rows: readonly Prediction[], said: string, paint: ChalkInstance): string[] {
  const placements = PLACEMENTS.filter((name) => rows.some(({ placement }) => placement === name));
  if (placements.length < 2) return [];
  const strategies = STRATEGIES.filter(
    (name) => name !== "pipelined-warm" && rows.some(({ strategy }) => strategy === name),
  );
  const cells = placements.map((placement) => [
    placement,
    ...strategies.map((strategy) => {
      const one = rows.find(
        (row) =>
          row.placement === placement &&
          row.strategy === strategy &&
          row.dns !== "cold" &&
          row.dns !== "negative",
      );
      return one === undefined ? "-" : `${number(one.timeMs)} ±${number(one.errorMs)}`;
    }),
    String(rows.find((row) => row.placement === placement)?.serverRequests ?? 0),
  ]);
  const [head = "", ...body] = aligned(["cache, ms", ...strategies, "to origin"], cells, true);
  const cold = placements.some((name) => name.endsWith("-cold"));
  return ["", paint.bold(head), ...body, ...(cold ? [paint.dim(said)] : [])];
}

const COLD_DOCUMENTS =
  "cold: the cache lacks the documents and has the rest (--cold empty: it has nothing)";
const COLD_EMPTY = "cold: nothing is stored";

function ms(value: number): string {
  return `${number(value)} ms`;
}

/** Three digits that count. */
export function number(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size === 0 ? "0" : value.toFixed(2);
}
