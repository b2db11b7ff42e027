/** `netkit http scorecard`: its flags. */
import { MILLISECOND } from "../engines/host.ts";
import { CommandError } from "../failure.ts";
import type { IdleRow } from "./idle.ts";
import { idleRows } from "./idle.ts";
import { parseLoss, parseQueue, parseRate, parseRtt, parseSize, queueBytes } from "./link-flags.ts";
import { HOST_TIME } from "./options.ts";
import type { ScorecardOptions, ScorecardRow } from "./scorecard.ts";
import { scorecard } from "./scorecard.ts";
import type { StrategyName } from "./strategies.ts";
import { STRATEGIES } from "./strategies.ts";

export interface ScorecardFlags {
  readonly objects: number;
  readonly size: string;
  readonly rtt: string;
  readonly rate: string;
  readonly queue?: string | undefined;
  readonly loss: string;
  readonly connections: number;
  readonly background: number;
  readonly head: number;
  readonly "host-time"?: string | undefined;
  readonly strategy?: readonly string[] | undefined;
  readonly "what-if"?: string | undefined;
  readonly gap: string;
  readonly seed: number;
}

export interface Scorecard {
  readonly options: ScorecardOptions;
  readonly rows: readonly ScorecardRow[];
  readonly idle: readonly IdleRow[] | undefined;
}

const MAX_TOTAL_BYTES = 2_000_000_000;
const VISITS = 1000;

export function runScorecard(flags: ScorecardFlags): Scorecard {
  const size = parseSize("--size ", flags.size);
  const rttMs = parseRtt("--rtt ", flags.rtt);
  const rateMbps = parseRate("--rate ", flags.rate);
  if (size * flags.objects > MAX_TOTAL_BYTES)
    throw new CommandError(`--objects ${flags.objects} of --size ${flags.size}: more than 2 GB`);
  const names = flags.strategy?.flatMap((one) => one.split(",")) ?? [];
  for (const name of names) {
    if (!(STRATEGIES as readonly string[]).includes(name))
      throw new CommandError(`--strategy ${name}: one of ${STRATEGIES.join(", ")}`);
  }
  const options: ScorecardOptions = {
    objects: flags.objects,
    size,
    path: {
      rttMs,
      rateMbps,
      queueBytes: queueBytes(
        flags.queue === undefined ? undefined : parseQueue("--queue ", flags.queue),
        rttMs,
        rateMbps,
      ),
      lossRate: parseLoss("--loss ", flags.loss),
    },
    connections: flags.connections,
    background: flags.background,
    headBytes: flags.head,
    hostTime: hostTime(flags["host-time"]),
    strategies: STRATEGIES.filter(
      (name) => names.length === 0 || names.includes(name),
    ) as StrategyName[],
    seed: flags.seed,
  };
  const whatIf = flags["what-if"];
  return {
    options,
    rows: scorecard(options),
    idle: whatIf === undefined ? undefined : idleOf(whatIf, flags, rttMs),
  };
}

/** A host that takes no time for an exchange takes none for a connection. */
function hostTime(text: string | undefined) {
  if (text === undefined) return HOST_TIME;
  const exchange = Math.round(
    parseRtt("--host-time ", /^[0-9.]+$/.test(text) ? `${text}ms` : text) * MILLISECOND,
  );
  return { exchange, accept: exchange === 0 ? 0 : HOST_TIME.accept };
}

function idleOf(text: string, flags: ScorecardFlags, rttMs: number): IdleRow[] {
  const match = /^idle=(.+)$/.exec(text);
  if (match === null) throw new CommandError(`--what-if ${text}: write it as idle=1s,5s,15s,60s`);
  const idleSeconds = (match[1] as string).split(",").map((one) => seconds("--what-if idle=", one));
  const gapSeconds = seconds("--gap ", flags.gap);
  return idleRows({ idleSeconds, gapSeconds, visits: VISITS, rttMs, seed: flags.seed });
}

function seconds(flag: string, text: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)?$/.exec(text);
  if (match === null) throw new CommandError(`${flag}${text}: write it as 500ms, 15s or 2m`);
  return Number(match[1]) * (match[2] === "ms" ? 0.001 : match[2] === "m" ? 60 : 1);
}
