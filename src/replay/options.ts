/** What a replay assumes: what the capture told, what the flags say instead, and defaults for the rest. */
import { MILLISECOND } from "../engines/host.ts";
import type { HostTime } from "../engines/replay/play/site.ts";
import type { Confidence, Workload } from "../engines/replay/workload.ts";
import { CommandError, EXIT } from "../failure.ts";
import type { LinkText } from "./link-flags.ts";
import { parseLink, queueBytes } from "./link-flags.ts";
import type { Placement, Setting } from "./play.ts";
import { PLACEMENTS } from "./play.ts";
import type { PredictOptions } from "./predict.ts";
import type { PathSpec } from "./scene.ts";
import type { StrategyName } from "./strategies.ts";
import { STRATEGIES } from "./strategies.ts";

export interface ReplayFlags {
  readonly link?: string | undefined;
  readonly forward?: string | undefined;
  readonly edge?: string | undefined;
  readonly reverse?: string | undefined;
  readonly bottleneck: string;
  readonly upstream: string;
  readonly cold: string;
  readonly connections: number;
  readonly pages: number;
  readonly strategy?: readonly string[] | undefined;
  readonly placement?: readonly string[] | undefined;
}

/** What hosts took for themselves on real networks, measured by test/interop/linux-tcp. */
export const HOST_TIME: HostTime = {
  exchange: 0.3 * MILLISECOND,
  accept: 0.45 * MILLISECOND,
};

const FORWARD = "rtt=2ms,rate=100Mbit";
const REVERSE = "rtt=0.1ms";
const EDGE_SHARE = 0.2;
const DOUBT = { high: 0.003, medium: 0.02, low: 0.1, none: 0.5 } as const;

export interface Assumed {
  readonly options: PredictOptions;
  /** As JSON tells the link. */
  readonly link: {
    readonly rttMs: number;
    readonly rateMbps: number | null;
    readonly lossRate: number;
    readonly queueBytes: number | null;
    readonly confidence: Readonly<Record<string, Confidence>>;
  };
  /** What was assumed since nothing told it. */
  readonly notes: readonly string[];
}

export function assume(workload: Workload, flags: ReplayFlags, file: string): Assumed {
  const given: LinkText =
    flags.link === undefined ? {} : parseLink("link", flags.link, ["rtt", "rate", "queue", "loss"]);
  const { link } = workload;
  const notes: string[] = [];
  const rttMs = given.rttMs ?? link.rttMs;
  if (rttMs === null) {
    throw new CommandError(
      `${file}: it does not tell the round-trip time; say it with --link rtt=...`,
      EXIT.input,
    );
  }
  const rateMbps = given.rateMbps ?? link.rateMbps ?? Number.POSITIVE_INFINITY;
  if (given.rateMbps === undefined && link.rateMbps === null)
    notes.push(
      "the capture does not tell the rate of the link: none limits the times (--link rate=)",
    );
  const lossRate = given.lossRate ?? link.lossRate ?? 0;
  const queue =
    given.queue === undefined && link.queueBytes !== null && given.rateMbps === undefined
      ? link.queueBytes
      : Math.max(
          queueBytes(given.queue, rttMs, rateMbps),
          given.queue === undefined ? (link.queueAtLeastBytes ?? 0) : 0,
        );
  if (given.queue === undefined && link.queueBytes === null && Number.isFinite(rateMbps))
    notes.push(
      `the queue never overflowed in the capture: ${Math.round(queue)} bytes assumed (--link queue=)`,
    );
  const path: PathSpec = { rttMs, rateMbps, queueBytes: queue, lossRate };
  const { confidence } = link;
  const options: PredictOptions = {
    path,
    doubt: {
      rtt: given.rttMs === undefined ? DOUBT[confidence.rttMs.certainty] : 0,
      rate:
        given.rateMbps === undefined && link.rateMbps !== null
          ? DOUBT[confidence.rateMbps.certainty]
          : 0,
    },
    m: flags.connections,
    pages: flags.pages,
    sites: sitesOf(flags, rttMs),
    cold: flags.cold === "empty" ? "everything" : "documents",
    upstreamWarm: flags.upstream === "warm",
    hostTime: HOST_TIME,
    strategies: chosen("strategy", flags.strategy, STRATEGIES),
    placements: chosen("placement", flags.placement, PLACEMENTS),
  };
  return {
    options,
    link: {
      rttMs,
      rateMbps: Number.isFinite(rateMbps) ? rateMbps : null,
      lossRate,
      queueBytes: Number.isFinite(queue) ? Math.round(queue) : null,
      confidence: {
        rttMs: given.rttMs === undefined ? confidence.rttMs : SAID,
        rateMbps: given.rateMbps === undefined ? confidence.rateMbps : SAID,
        lossRate: given.lossRate === undefined ? confidence.lossRate : SAID,
        queueBytes: given.queue === undefined ? confidence.queueBytes : SAID,
      },
    },
    notes,
  };
}

const SAID: Confidence = { certainty: "high", samples: 0, from: "--link" };

function sitesOf(flags: ReplayFlags, rttMs: number): Setting["sites"] {
  const forward = parseLink("forward", flags.forward ?? FORWARD, ["rtt", "rate"]);
  const edge = parseLink("edge", flags.edge ?? `rtt=${(rttMs * EDGE_SHARE).toFixed(3)}ms`, ["rtt"]);
  const reverse = parseLink("reverse", flags.reverse ?? REVERSE, ["rtt"]);
  const near = (flag: string, text: LinkText, otherwise: number) => {
    const own = text.rttMs ?? otherwise;
    if (own > rttMs)
      throw new CommandError(
        `--${flag} rtt=${own}ms is longer than the whole path of ${rttMs.toFixed(1)} ms`,
      );
    return own;
  };
  return {
    forward: {
      kind: "forward",
      rttMs: flags.forward === undefined ? Math.min(2, rttMs) : near("forward", forward, 2),
      rateMbps: forward.rateMbps ?? 100,
      bottleneck: flags.bottleneck === "client" ? "client" : "behind",
    },
    cdn: {
      kind: "cdn",
      rttMs: near("edge", edge, rttMs * EDGE_SHARE),
      rateMbps: Number.POSITIVE_INFINITY,
      bottleneck: "client",
    },
    reverse: {
      kind: "reverse",
      rttMs: flags.reverse === undefined ? Math.min(0.1, rttMs) : near("reverse", reverse, 0.1),
      rateMbps: Number.POSITIVE_INFINITY,
      bottleneck: "client",
    },
  };
}

function chosen<T extends StrategyName | Placement>(
  flag: string,
  given: readonly string[] | undefined,
  all: readonly T[],
): readonly T[] {
  if (given === undefined || given.length === 0) return all;
  const names = given.flatMap((one) => one.split(","));
  for (const name of names) {
    if (!(all as readonly string[]).includes(name))
      throw new CommandError(`--${flag} ${name}: one of ${all.join(", ")}`);
  }
  return all.filter((name) => names.includes(name));
}
