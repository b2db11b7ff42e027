/** Where the time of a set of objects went: one line each, phases as bars on a common scale. */
import type { ChalkInstance } from "chalk";
import type { Nanos } from "../../engines/host.ts";
import { blockedTime } from "../../engines/http/fetch/timing.ts";
import type { Fetched, SetResult } from "../../http/fetch/set.ts";
import { safe } from "../safe.ts";
import { connectingText, detour } from "./connecting.ts";

const BARS = { dns: "d", connect: "c", tls: "t", wait: "w", receive: "r" } as const;
type Phase = keyof typeof BARS;

export interface Span {
  readonly phase: Phase;
  readonly from: Nanos;
  readonly to: Nanos;
}

/** The phases of one object, in order; what is not there took no time. */
export function spansOf({ timing }: Fetched): Span[] {
  const { dns, connect, sent, head, end } = timing;
  const spans: Span[] = [];
  if (dns !== undefined) spans.push({ phase: "dns", ...dns });
  if (connect !== undefined) {
    const { from, tls, to } = connect;
    spans.push({ phase: "connect", from, to: tls ?? to });
    if (tls !== undefined) spans.push({ phase: "tls", from: tls, to });
  }
  if (sent !== undefined) spans.push({ phase: "wait", from: sent, to: head ?? end ?? sent });
  if (head !== undefined && end !== undefined)
    spans.push({ phase: "receive", from: head, to: end });
  return spans;
}

export function ms(nanos: Nanos): string {
  const value = nanos / 1e6;
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

export function renderWaterfall(result: SetResult, paint: ChalkInstance, width = 100): string {
  const { objects, started, ended } = result;
  const names = objects.map(({ url }) => shortUrl(url));
  const nameWidth = Math.min(40, Math.max(...names.map((name) => name.length), 6));
  const bar = Math.max(20, width - nameWidth - 34);
  const total = Math.max(1, ended - started);
  const at = (time: Nanos) => Math.round(((time - started) / total) * (bar - 1));
  const lines = objects.map((object, i) => {
    const cells: string[] = new Array<string>(bar).fill(" ");
    const spans = spansOf(object);
    const first = spans[0];
    if (first !== undefined) {
      for (let x = at(object.timing.queued); x < at(first.from); x++) cells[x] = ".";
    }
    for (const { phase, from, to } of spans) {
      for (let x = at(from); x <= at(to) && x < bar; x++) cells[x] = painted(phase, paint);
    }
    const { timing, head, error } = object;
    const status = error === undefined ? String(head?.statusCode ?? "-") : paint.red("ERR");
    const name = (names[i] as string).slice(0, nameWidth).padEnd(nameWidth);
    const size = error === undefined ? bytesText(timing.bodyBytes) : "";
    const took = ms((timing.end ?? ended) - timing.queued);
    const where = timing.connection === 0 ? (timing.cached ?? "-") : `#${timing.connection}`;
    const way = object.hops.map(
      ({ head: { statusCode }, url, why }) => `\n  ${statusCode} ${why}: ${safe(url)}`,
    );
    if (timing.connect !== undefined && detour(timing.connect))
      way.push(`\n  ${connectingText(timing.connect)}`);
    if (timing.cached === "revalidated")
      way.push("\n  304: the stored body is still the right one");
    const row = `${safe(name)} ${status} ${size.padStart(8)} ${took.padStart(9)} ${where.padStart(4)} ${cells.join("")}`;
    const told = `${row.trimEnd()}${way.join("")}`;
    return error === undefined ? told : `${told}\n  ${paint.red(safe(error.message))}`;
  });
  return `${lines.join("\n")}\n${legend(paint)}\n${summary(result)}\n`;
}

function painted(phase: Phase, paint: ChalkInstance): string {
  const letter = BARS[phase];
  if (paint.level === 0) return letter;
  switch (phase) {
    case "dns":
      return paint.bgCyan.black(letter);
    case "connect":
      return paint.bgYellow.black(letter);
    case "tls":
      return paint.bgMagenta.black(letter);
    case "wait":
      return paint.bgGreen.black(letter);
    case "receive":
      return paint.bgBlue.white(letter);
  }
}

function legend(paint: ChalkInstance): string {
  return paint.dim(". queued  d dns  c connect  t tls  w wait  r receive; #: connection");
}

/** Totals, and the course's formula beside what was measured. */
export function summary(result: SetResult): string {
  const { objects, started, ended, rtt, connections, name, formula, roundTrips } = result;
  const bytes = objects.reduce((sum, { timing }) => sum + timing.bodyBytes, 0);
  const failed = objects.filter(({ error }) => error !== undefined).length;
  const blocked = objects.reduce((sum, { timing }) => sum + blockedTime(timing), 0);
  const parts = [
    `${name}: ${count(objects.length, "object")}, ${bytesText(bytes)}`,
    count(connections, "connection"),
    ms(ended - started),
  ];
  if (rtt !== undefined && rtt > 0) {
    parts.push(
      `${((ended - started) / rtt).toFixed(1)} RTT of ${ms(rtt)} (course: ${formula} = ${roundTrips} RTT)`,
    );
  } else {
    parts.push(`course: ${formula} = ${roundTrips} RTT`);
  }
  if (blocked > 0) parts.push(`${ms(blocked)} blocked behind earlier responses`);
  if (failed > 0) parts.push(`${failed} failed`);
  return parts.join(", ");
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function shortUrl(url: string): string {
  return url.replace(/^https?:\/\//, "");
}
