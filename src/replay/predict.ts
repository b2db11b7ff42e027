/** Every strategy from every placement, for the pages of a workload: what each would have cost, and how sure that is. */
import { MILLISECOND } from "../engines/host.ts";
import type { Causes } from "../engines/replay/play/causes.ts";
import { causesOf } from "../engines/replay/play/causes.ts";
import type { PlayedPage } from "../engines/replay/play/page.ts";
import { playedPage } from "../engines/replay/play/page.ts";
import type { HostTime } from "../engines/replay/play/site.ts";
import type { Workload, WorkloadPage } from "../engines/replay/workload.ts";
import type { Modern, Placement, Played, Setting } from "./play.ts";
import { play } from "./play.ts";
import type { CacheSite, PathSpec } from "./scene.ts";
import type { StrategyName } from "./strategies.ts";
import { formulaMs, STRATEGIES, strategyOf } from "./strategies.ts";

export type DnsState = "none" | "cold" | "warm" | "negative";

export interface PredictOptions {
  readonly path: PathSpec;
  /** How far each value of the path may be off, as a fraction. */
  readonly doubt: { readonly rtt: number; readonly rate: number };
  readonly m: number;
  readonly sites: Setting["sites"];
  readonly cold: Setting["cold"];
  readonly upstreamWarm: boolean;
  readonly hostTime: HostTime;
  readonly strategies: readonly StrategyName[];
  readonly placements: readonly Placement[];
  /** At most so many pages are predicted. */
  readonly pages: number;
}

export interface Prediction {
  readonly page: number;
  readonly strategy: StrategyName | Modern;
  readonly placement: Placement;
  readonly dns: DnsState;
  /** A model of a protocol that is not spoken here. */
  readonly modelled?: true;
  readonly timeMs: number;
  readonly errorMs: number;
  readonly bytes: number;
  readonly connections: number;
  readonly rtts: number;
  readonly formulaMs: number | null;
  readonly retransmissions: number;
  readonly drops: number;
  /** Requests that servers had to answer, and octets of their bodies. */
  readonly serverRequests: number;
  readonly serverBytes: number;
  /** Less than the page took in the capture. */
  readonly savedMs: number;
  readonly causes: Causes;
  /** Why formula and simulation differ. */
  readonly why: string;
  readonly run: Played;
}

const MODERN: readonly Modern[] = ["http2", "http3", "http3-0rtt"];

function isModern(name: StrategyName | Modern): name is Modern {
  return (MODERN as readonly string[]).includes(name);
}

const SEEDS = [1, 2, 3];
/** Time of hosts that is another in the runs that tell how sure a prediction is. */
const HOST_DOUBT = 1.6;
/** What the simulation was found to be off by against real networks, where nothing is lost. */
const MODEL_DOUBT = 0.014;
const MOST_BYTES = 1e9;
const NEARLY_FULL = 0.93;
/** How far the queue may be off. */
const QUEUE_DOUBT = [0.95, 1.05];
const LEAST_DOUBT_MS = 1;
/** A cold cache's upstream window may be fresh, or wide open: so many round trips more or less. */
const UPSTREAM_DOUBT = 1.3;

export interface Predicted {
  readonly predictions: readonly Prediction[];
  /** What could not be played, and why. */
  readonly failures: readonly string[];
}

/** `told` before each, of so many in all. */
export function predict(
  workload: Workload,
  options: PredictOptions,
  told: (done: number, all: number) => void = () => {},
): Predicted {
  const out: Prediction[] = [];
  const failures: string[] = [];
  const pages = workload.pages.filter(
    ({ revalidates, objects }) => revalidates === null && objects.length > 0,
  );
  if (pages.length > options.pages)
    failures.push(
      `only the first ${options.pages} of ${pages.length} pages are predicted (--pages)`,
    );
  const chosen = pages.slice(0, options.pages);
  const all = chosen.reduce(
    (sum, page) => sum + [...combinations(workload, page, options)].length,
    0,
  );
  let done = 0;
  for (const page of chosen) {
    const bytes = page.objects.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
    if (bytes > MOST_BYTES) {
      failures.push(`page ${page.id} has ${bytes} bytes: more than 1 GB are not played`);
      continue;
    }
    const played = playedPage(workload, page);
    const faults: Fault[] = [];
    for (const [strategy, placement, dns] of combinations(workload, page, options)) {
      told(done++, all);
      const prediction = one(workload, page, played, strategy, placement, dns, options);
      const { fault } = prediction.run;
      if (fault === undefined) out.push(prediction);
      else faults.push({ strategy, placement, fault });
    }
    if (faults.length > 0) failures.push(failureOf(page, faults));
  }
  return { predictions: out, failures };
}

interface Fault {
  readonly strategy: string;
  readonly placement: string;
  readonly fault: string;
}

/** One line for all that did not come to an end, with the first reason. */
function failureOf(page: WorkloadPage, faults: readonly Fault[]): string {
  const { strategy, placement, fault } = faults[0] as Fault;
  const more = faults.length > 1 ? ` and ${faults.length - 1} more` : "";
  return `page ${page.id} did not load: ${strategy}, ${placement}${more}: ${fault}`;
}

function* combinations(
  workload: Workload,
  page: WorkloadPage,
  { strategies, placements }: PredictOptions,
): Generator<readonly [StrategyName | Modern, Placement, DnsState]> {
  const named = workload.dns.some((lookup) => lookup.page === page.id);
  for (const placement of placements) {
    for (const strategy of strategies) {
      if (strategy === "pipelined-warm" && placement !== "none") continue;
      if (!named || placement !== "none" || strategy === "pipelined-warm") {
        yield [strategy, placement, named ? "warm" : "none"];
      } else
        for (const dns of ["cold", "warm", "negative"] as const) yield [strategy, placement, dns];
    }
  }
  // Who asks for some of them asks for those.
  if (strategies.length < STRATEGIES.length || !placements.includes("none")) return;
  for (const modern of MODERN) yield [modern, "none", named ? "warm" : "none"];
}

function one(
  workload: Workload,
  page: WorkloadPage,
  played: PlayedPage,
  strategy: StrategyName | Modern,
  placement: Placement,
  dns: DnsState,
  options: PredictOptions,
): Prediction {
  const setting = settingOf(workload, page, strategy, placement, dns, options);
  const base = play(played, setting);
  const slow = play(played, { ...setting, hostTime: scaled(options.hostTime, HOST_DOUBT) });
  const lossy = base.drops > 0 || options.path.lossRate > 0;
  const runs = lossy
    ? [base, slow, ...SEEDS.slice(1).map((seed) => play(played, shifted(setting, seed)))]
    : [base];
  const run = median(runs);
  // A queue that is nearly full, or overflows: a packet more or less may decide.
  const edge = base.highestQueue >= NEARLY_FULL * options.path.queueBytes;
  const others = edge ? QUEUE_DOUBT.map((by) => play(played, withQueue(setting, by))) : [];
  const times = [...runs, ...others].map(({ timeMs }) => timeMs);
  const spread = Math.max(...times.map((time) => Math.abs(time - run.timeMs)));
  const rest = options.path.rttMs - siteRtt(placement, options);
  const rtts = trips(run, options.path);
  const errorMs =
    LEAST_DOUBT_MS +
    MODEL_DOUBT * run.timeMs +
    spread +
    Math.abs(slow.timeMs - base.timeMs) / (lossy ? 2 : 1) +
    options.doubt.rtt * rtts * options.path.rttMs +
    options.doubt.rate * serial(run, options.path) +
    (placement.endsWith("-cold") ? UPSTREAM_DOUBT * rest : 0);
  const causes = causesOf({
    visited: run.visited,
    start: run.startNanos,
    think: (visited) => thinkOf(played, visited),
    bytesPerSecond: (options.path.rateMbps * 1e6) / 8,
    resentAt: run.resentAt,
  });
  const formula = formulaOf(strategy, placement, page, run, options);
  return {
    page: page.id,
    strategy,
    placement,
    dns,
    ...(isModern(strategy) ? { modelled: true } : {}),
    timeMs: rounded(run.timeMs),
    errorMs: rounded(errorMs),
    bytes: run.bytes,
    connections: run.connections,
    rtts: rounded(rtts),
    formulaMs: formula === null ? null : rounded(formula),
    retransmissions: run.retransmissions,
    drops: run.drops,
    serverRequests: run.serverRequests,
    serverBytes: run.serverBytes,
    savedMs: rounded(page.timeMs - run.timeMs),
    causes,
    why: explain(run, causes, formula, options.path),
    run,
  };
}

function settingOf(
  workload: Workload,
  page: WorkloadPage,
  strategy: StrategyName | Modern,
  placement: Placement,
  dns: DnsState,
  options: PredictOptions,
): Setting {
  const nearest = workload.link.rttMs;
  const farther = new Map(
    workload.servers.flatMap(({ id, rttMs }) =>
      rttMs === null || nearest === null || rttMs <= nearest
        ? []
        : [[id, options.path.rttMs + rttMs - nearest] as const],
    ),
  );
  const lookups = new Map<string, number>();
  for (const { name, timeMs, page: of } of workload.dns) {
    if (of === page.id && timeMs !== null) {
      const key = name.replace(/\.$/, "").toLowerCase();
      lookups.set(key, Math.max(lookups.get(key) ?? 0, timeMs));
    }
  }
  const times = dns === "cold" ? 1 : dns === "negative" ? 2 : 0;
  return {
    strategy: strategyOf(isModern(strategy) ? "pipelined" : strategy, options.m),
    modern: isModern(strategy) ? strategy : undefined,
    warm: strategy === "pipelined-warm",
    placement,
    sites: options.sites,
    path: options.path,
    farther,
    lookup: (name) => Math.round((lookups.get(name) ?? 0) * times * MILLISECOND),
    hostTime: options.hostTime,
    cold: options.cold,
    upstreamWarm: options.upstreamWarm,
    startedMs: Math.floor(workload.source.startedMs + page.startMs),
    seed: 1,
  };
}

function scaled({ exchange, accept }: HostTime, by: number): HostTime {
  return { exchange: Math.round(exchange * by), accept: Math.round(accept * by) };
}

/** Another draw of chance: of losses, and of where the ticks of kernels fall. */
function shifted(setting: Setting, seed: number): Setting {
  return { ...setting, seed, hostTime: scaled(setting.hostTime, 1 + 0.13 * (seed - 1)) };
}

function withQueue(setting: Setting, by: number): Setting {
  const { path } = setting;
  return { ...setting, path: { ...path, queueBytes: Math.round(path.queueBytes * by) } };
}

function median(runs: readonly Played[]): Played {
  const sorted = [...runs].sort((a, b) => a.timeMs - b.timeMs);
  return sorted[(sorted.length - 1) >> 1] as Played;
}

function thinkOf(page: PlayedPage, { object, statusCode }: Played["visited"][number]): number {
  const recorded = page.recorded.get(
    `${object.origin.host}:${object.origin.port} ${object.target}`,
  );
  return (statusCode === 304 ? recorded?.thinkUnchanged : recorded?.think) ?? 0;
}

function siteRtt(placement: Placement, { path, sites }: PredictOptions): number {
  const kind = placement.split("-")[0] as CacheSite["kind"] | "none" | "browser";
  if (kind === "forward" || kind === "cdn") return Math.min(sites[kind].rttMs, path.rttMs);
  return path.rttMs;
}

function serial(run: Played, { rateMbps }: PathSpec): number {
  return Number.isFinite(rateMbps) ? (run.bytes * 8) / (rateMbps * 1000) : 0;
}

/** Round trips that the page waited for, apart from what its bytes need. */
function trips(run: Played, path: PathSpec): number {
  if (path.rttMs <= 0) return 0;
  return Math.max(0, (run.timeMs - serial(run, path)) / path.rttMs);
}

function formulaOf(
  strategy: StrategyName | Modern,
  placement: Placement,
  page: WorkloadPage,
  run: Played,
  { m, path }: PredictOptions,
): number | null {
  // The course has no closed form for caches on the way.
  if (placement !== "none" || isModern(strategy)) return null;
  const bytes = page.objects.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
  const objects = run.visited.length;
  return formulaMs(strategy, m, objects, bytes, path.rttMs, path.rateMbps);
}

const SEGMENT_BYTES = 1448;
const INITIAL_SEGMENTS = 10;

/** The greatest reasons, in one sentence. */
function explain(run: Played, causes: Causes, formula: number | null, path: PathSpec): string {
  const parts: string[] = [];
  const largest = run.visited.reduce(
    (most, { timing }) => Math.max(most, timing?.bodyBytes ?? 0),
    0,
  );
  const segments = Math.ceil(largest / SEGMENT_BYTES);
  const rounds = path.rttMs > 0 ? causes.slowStart / path.rttMs : 0;
  if (rounds >= 0.3) {
    const what = segments > INITIAL_SEGMENTS ? `up to ${segments} segments > IW10` : "windows";
    parts.push(`${what}: ${rounds.toFixed(1)} RTT more`);
  }
  if (causes.think >= 1) parts.push(`thinking ${causes.think.toFixed(0)} ms`);
  if (causes.loss >= 1) {
    parts.push(`${run.drops} dropped: ${causes.loss.toFixed(0)} ms until they came`);
  }
  if (causes.lookup >= 1) parts.push(`names ${causes.lookup.toFixed(0)} ms`);
  const chained = run.visited.filter(({ object }) => object.parent !== undefined).length;
  if (formula !== null && chained > 0 && run.timeMs > formula) {
    parts.push(`${chained} objects known only after others`);
  }
  return parts.join("; ");
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
