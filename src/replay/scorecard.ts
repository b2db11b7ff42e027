/** `netkit http scorecard`: the course's table for any n, F, RTT, B and M: formula, simulation, and their ratio. */
import { MILLISECOND } from "../engines/host.ts";
import type { PlayedPage } from "../engines/replay/play/page.ts";
import { bodyOf } from "../engines/replay/play/page.ts";
import type { HostTime } from "../engines/replay/play/site.ts";
import type { Others } from "./background.ts";
import type { Played, Setting } from "./play.ts";
import { play } from "./play.ts";
import type { PathSpec } from "./scene.ts";
import type { StrategyName } from "./strategies.ts";
import { formulaMs, strategyOf } from "./strategies.ts";

export interface ScorecardOptions {
  readonly objects: number;
  readonly size: number;
  readonly path: PathSpec;
  readonly connections: number;
  /** Long flows of other users over the same bottleneck. */
  readonly background: number;
  readonly headBytes: number;
  readonly hostTime: HostTime;
  readonly strategies: readonly StrategyName[];
  readonly seed: number;
}

export interface ScorecardRow {
  readonly strategy: StrategyName;
  readonly formulaMs: number;
  /** The course's, with the share that M connections get of a link with N others. */
  readonly sharedFormulaMs?: number;
  readonly simulatedMs: number;
  readonly ratio: number;
  readonly drops: number;
  readonly retransmissions: number;
  readonly rtts: number;
  readonly connections: number;
  readonly packets: number;
  readonly others?: Others;
}

const HOST = "scorecard.test";
const REQUEST_FIELDS = [
  { name: "Host", value: HOST },
  { name: "User-Agent", value: "netkit" },
  { name: "Accept", value: "*/*" },
];
/** Draws of chance, where something is lost. */
const SEEDS = 3;

export function scorecard(options: ScorecardOptions): ScorecardRow[] {
  const page = pageOf(options);
  return options.strategies.map((name) => row(name, page, options));
}

function pageOf({ objects, size, headBytes }: ScorecardOptions): PlayedPage {
  const origin = { scheme: "http", host: HOST, port: 80 } as const;
  const recorded = {
    statusCode: 200,
    fields: [
      { name: "Server", value: "netkit" },
      { name: "Content-Type", value: "application/octet-stream" },
    ],
    headBytes,
    body: bodyOf(size),
    think: undefined,
    thinkUnchanged: undefined,
  };
  return {
    id: 0,
    objects: Array.from({ length: objects }, (_, id) => ({
      id,
      method: "GET",
      origin,
      target: `/${id}`,
      fields: REQUEST_FIELDS,
      parent: undefined,
      think: 0,
    })),
    recorded: new Map(
      Array.from({ length: objects }, (_, id) => [`${HOST}:80 /${id}`, recorded] as const),
    ),
    serverOf: new Map([[`${HOST}:80`, 0]]),
  };
}

function row(name: StrategyName, page: PlayedPage, options: ScorecardOptions): ScorecardRow {
  const { path, objects, size, connections: m, background } = options;
  const setting: Setting = {
    strategy: strategyOf(name, m),
    warm: name === "pipelined-warm",
    placement: "none",
    sites: NO_SITES,
    path,
    farther: new Map(),
    lookup: () => 0,
    hostTime: options.hostTime,
    cold: "everything",
    upstreamWarm: false,
    background,
    startedMs: Date.UTC(2026, 0, 1),
    seed: options.seed,
  };
  const first = play(page, setting);
  const runs = [first];
  if (first.drops > 0 || path.lossRate > 0) {
    for (let i = 1; i < SEEDS; i++) runs.push(play(page, another(setting, i)));
  }
  const run = middle(runs);
  const formula = formulaMs(name, m, objects, objects * size, path.rttMs, path.rateMbps);
  const lanes = Math.min(setting.strategy.connections, objects);
  const share = lanes / (lanes + background);
  const own = background === 0 ? run.bytes : objects * (size + options.headBytes);
  const serial = (own * 8) / (path.rateMbps * 1000);
  return {
    strategy: name,
    formulaMs: rounded(formula),
    ...(background === 0
      ? {}
      : {
          sharedFormulaMs: rounded(
            formulaMs(name, m, objects, (objects * size) / share, path.rttMs, path.rateMbps),
          ),
        }),
    simulatedMs: rounded(run.timeMs),
    ratio: rounded(run.timeMs / formula),
    drops: run.drops,
    retransmissions: run.retransmissions,
    rtts: rounded(
      path.rttMs === 0
        ? 0
        : Math.max(0, run.timeMs - (Number.isFinite(serial) ? serial : 0)) / path.rttMs,
    ),
    connections: run.connections,
    packets: run.packets,
    ...(run.others === undefined ? {} : { others: run.others }),
  };
}

/** Another draw: of losses, and of where the ticks of kernels and the work of hosts fall. */
function another(setting: Setting, i: number): Setting {
  const { exchange, accept } = setting.hostTime;
  return {
    ...setting,
    seed: setting.seed + i,
    hostTime: { exchange: exchange + i * 0.05 * MILLISECOND, accept },
  };
}

function middle(runs: readonly Played[]): Played {
  const sorted = [...runs].sort((a, b) => a.timeMs - b.timeMs);
  return sorted[(sorted.length - 1) >> 1] as Played;
}

const AT_CLIENT = { rttMs: 0, rateMbps: Number.POSITIVE_INFINITY, bottleneck: "client" } as const;
const NO_SITES: Setting["sites"] = {
  forward: { kind: "forward", ...AT_CLIENT },
  reverse: { kind: "reverse", ...AT_CLIENT },
  cdn: { kind: "cdn", ...AT_CLIENT },
};

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
