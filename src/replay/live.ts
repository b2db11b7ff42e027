/** `netkit replay --live`: the strategies for real on this machine, through a path in user space. */
import type { Endpoint } from "../engines/host.ts";
import { MILLISECOND, SECOND } from "../engines/host.ts";
import { Fetcher } from "../engines/http/fetch/fetcher.ts";
import { HttpServer } from "../engines/http/server.ts";
import type { PlayedPage } from "../engines/replay/play/page.ts";
import { playedPage } from "../engines/replay/play/page.ts";
import { PathRelay } from "../engines/replay/play/path-relay.ts";
import { RecordedSite } from "../engines/replay/play/site.ts";
import { PageVisit } from "../engines/replay/play/visit.ts";
import type { Workload } from "../engines/replay/workload.ts";
import { LiveHost } from "../net/live/host.ts";
import type { Prediction, PredictOptions } from "./predict.ts";
import type { StrategyName } from "./strategies.ts";
import { STRATEGIES, strategyOf } from "./strategies.ts";

export interface LiveRun {
  readonly page: number;
  readonly strategy: StrategyName;
  readonly liveMs: number;
  readonly simulatedMs: number;
}

/** What would take longer is not run. */
const LONGEST_MS = 60_000;
const LOOPBACK = "127.0.0.1";

/** Runs what was predicted without a cache. `told` before each. */
export async function liveRuns(
  workload: Workload,
  options: PredictOptions,
  predictions: readonly Prediction[],
  told: (what: string) => void,
): Promise<LiveRun[]> {
  const runs: LiveRun[] = [];
  for (const page of workload.pages) {
    const played = playedPage(workload, page);
    if (played.objects.some(({ origin }) => origin.scheme === "https")) continue;
    for (const strategy of STRATEGIES) {
      const one = predictions.find(
        (p) =>
          p.page === page.id &&
          p.strategy === strategy &&
          p.placement === "none" &&
          p.dns !== "cold" &&
          p.dns !== "negative",
      );
      if (one === undefined || one.timeMs > LONGEST_MS) continue;
      told(`page ${page.id}, ${strategy}, about ${(one.timeMs / 1000).toFixed(1)} s`);
      const liveMs = await liveTime(played, strategy, options);
      runs.push({ page: page.id, strategy, liveMs, simulatedMs: one.timeMs });
    }
  }
  return runs;
}

async function liveTime(
  page: PlayedPage,
  strategy: StrategyName,
  { m, path }: PredictOptions,
): Promise<number> {
  const host = new LiveHost();
  try {
    const origin = await startOrigin(host, page);
    const relay = await startRelay(host, origin, path.rttMs, path.rateMbps);
    const fetcher = new Fetcher(host, {
      strategy: strategyOf(strategy, m),
      via: relay,
      lookup: (_name, done) => done(null, { addresses: [LOOPBACK] }),
    });
    const visit = () =>
      new Promise<PageVisit>((resolve) => {
        const one: PageVisit = new PageVisit(host.clock, fetcher, page.objects, [], () =>
          resolve(one),
        );
        one.start();
      });
    const first = await visit();
    const counted = strategy === "pipelined-warm" ? await visit() : first;
    fetcher.close();
    return timeOf(counted);
  } finally {
    host.stop();
  }
}

function startOrigin(host: LiveHost, page: PlayedPage): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    const site = new RecordedSite(
      host.clock,
      (exchange) => {
        const name = (exchange.field("host") ?? "").toLowerCase().replace(/:\d+$/, "");
        const { target } = exchange.request;
        const key = [...page.serverOf.keys()].find((one) => one.startsWith(`${name}:`));
        return key === undefined ? undefined : page.recorded.get(`${key} ${target}`);
      },
      { exchange: 0, accept: 0 },
    );
    const server = new HttpServer((exchange) => site.handle(exchange), {
      listen: [{ addr: LOOPBACK, port: 0 }],
      limits: { pipelined: 1_000_000 },
      onListening: ([at]) => resolve(at as Endpoint),
      onListenError: reject,
    });
    server.start(host);
  });
}

function startRelay(
  host: LiveHost,
  target: Endpoint,
  rttMs: number,
  rateMbps: number,
): Promise<Endpoint> {
  return new Promise((resolve) => {
    new PathRelay({
      listen: { addr: LOOPBACK, port: 0 },
      target,
      rtt: Math.round(rttMs * MILLISECOND),
      rate: (rateMbps * 1e6) / 8,
      onListening: resolve,
    }).start(host);
  });
}

/** From the first connection, or the first request where they were open, to the last octet. */
function timeOf(visit: PageVisit): number {
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  for (const { timing, known } of visit.visited) {
    start = Math.min(start, timing?.connect?.from ?? timing?.sent ?? known);
    end = Math.max(end, timing?.end ?? 0);
  }
  return ((end - start) / SECOND) * 1000;
}
