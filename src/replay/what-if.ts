/** Sweeps: the strategies over values of one quantity, or a shared cache over its size. */
import type { HitRatio, Policy } from "../engines/replay/policies.ts";
import { hitRatio, POLICIES } from "../engines/replay/policies.ts";
import type { Workload } from "../engines/replay/workload.ts";
import { CommandError } from "../failure.ts";
import { parseLoss, parseRate, parseRtt, parseSize, queueBytes } from "./link-flags.ts";
import type { Prediction, PredictOptions } from "./predict.ts";
import { predict } from "./predict.ts";

export interface PathSweep {
  readonly quantity: "rtt" | "rate" | "loss" | "m";
  readonly steps: readonly {
    readonly value: string;
    readonly predictions: readonly Prediction[];
  }[];
}

export interface CacheSweep {
  readonly quantity: "cache";
  /** Octets of all that could be kept, each object once. */
  readonly distinctBytes: number;
  readonly steps: readonly {
    readonly bytes: number;
    readonly policies: Readonly<Record<Policy, HitRatio>>;
  }[];
}

export type Sweep = PathSweep | CacheSweep;

const QUANTITIES = ["rtt", "rate", "loss", "m", "cache"] as const;
const MAX_STEPS = 32;
const CACHE_STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];

/** @throws CommandError for what cannot be read */
export function sweep(text: string, workload: Workload, options: PredictOptions): Sweep {
  const at = text.indexOf("=");
  const quantity = (at < 0 ? text : text.slice(0, at)) as (typeof QUANTITIES)[number];
  if (!QUANTITIES.includes(quantity))
    throw new CommandError(
      `--what-if ${text}: one of ${QUANTITIES.map((q) => `${q}=`).join(", ")}`,
    );
  const values = at < 0 ? [] : text.slice(at + 1).split(",");
  if (values.length > MAX_STEPS)
    throw new CommandError(`--what-if ${text}: more than ${MAX_STEPS} values`);
  if (quantity === "cache") return cacheSweep(values, workload);
  if (values.length === 0) throw new CommandError(`--what-if ${quantity}: say which values`);
  const steps = values.map((value) => {
    const changed = { ...changedBy(quantity, value, options), placements: ["none"] as const };
    return { value, predictions: predict(workload, changed).predictions };
  });
  return { quantity, steps };
}

function changedBy(
  quantity: PathSweep["quantity"],
  value: string,
  options: PredictOptions,
): PredictOptions {
  const { path } = options;
  const flag = `--what-if ${quantity}=`;
  // A queue of as many products of bandwidth and delay as before.
  const products = Number.isFinite(path.queueBytes)
    ? path.queueBytes / (path.rttMs * path.rateMbps * 125)
    : 1;
  const sized = (rttMs: number, rateMbps: number) => ({
    ...path,
    rttMs,
    rateMbps,
    queueBytes: queueBytes({ bdp: products }, rttMs, rateMbps),
  });
  switch (quantity) {
    case "rtt":
      return { ...options, path: sized(parseRtt(flag, value), path.rateMbps) };
    case "rate":
      return { ...options, path: sized(path.rttMs, parseRate(flag, value)) };
    case "loss":
      return { ...options, path: { ...path, lossRate: parseLoss(flag, value) } };
    case "m": {
      const m = Number(value);
      if (!(Number.isInteger(m) && m >= 1 && m <= 256))
        throw new CommandError(`${flag}${value}: connections from 1 to 256`);
      return { ...options, m };
    }
  }
}

/** Requests of all clients of the capture through one shared cache. */
function cacheSweep(values: readonly string[], workload: Workload): CacheSweep {
  const requests = workload.pages
    .flatMap((page) =>
      page.objects.map((object) => ({ object, at: page.startMs + object.startMs })),
    )
    .sort((a, b) => a.at - b.at)
    .filter(({ object }) => object.cacheability.storable && object.cacheability.shared)
    .map(({ object }) => ({ key: object.url, bytes: object.bodyBytes }));
  const distinct = new Map(requests.map(({ key, bytes }) => [key, bytes]));
  const distinctBytes = [...distinct.values()].reduce((sum, bytes) => sum + bytes, 0);
  const sizes =
    values.length === 0
      ? CACHE_STEPS.map((share) => Math.max(1, Math.round(share * distinctBytes)))
      : values.map((value) => parseSize("--what-if cache=", value));
  const steps = sizes.map((bytes) => ({
    bytes,
    policies: Object.fromEntries(
      POLICIES.map((policy) => [policy, hitRatio(requests, bytes, policy)]),
    ) as Record<Policy, HitRatio>,
  }));
  return { quantity: "cache", distinctBytes, steps };
}
