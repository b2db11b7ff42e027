/** `netkit replay`: a capture of page loads, and what every other way of fetching them would have cost. */
import { writeFileSync } from "node:fs";
import type { DnsPrediction } from "../engines/replay/dns-caching.ts";
import { dnsPredictions } from "../engines/replay/dns-caching.ts";
import type { Workload } from "../engines/replay/workload.ts";
import { CommandError, EXIT } from "../failure.ts";
import { Progress } from "../render/progress.ts";
import { dnsOptions } from "./dns-flags.ts";
import { loadWorkload } from "./load.ts";
import type { Assumed, ReplayFlags } from "./options.ts";
import { assume } from "./options.ts";
import type { Prediction } from "./predict.ts";
import { predict } from "./predict.ts";
import type { Sweep } from "./what-if.ts";
import { sweep } from "./what-if.ts";

export interface Replayed {
  readonly workload: Workload;
  /** Undefined: there are no pages. */
  readonly assumed: Assumed | undefined;
  readonly predictions: readonly Prediction[];
  readonly sweeps: readonly Sweep[];
  readonly dns: readonly DnsPrediction[];
}

export async function replay(
  file: string,
  flags: ReplayFlags & {
    readonly save?: string | undefined;
    readonly "what-if"?: readonly string[] | undefined;
    readonly dns?: string | undefined;
  },
): Promise<Replayed> {
  const workload = await loadWorkload(file);
  if (flags.save !== undefined) save(flags.save, workload);
  const dns = dnsPredictions(workload.dns, dnsOptions(flags.dns));
  if (workload.pages.length === 0 && dns.length === 0) {
    const why = workload.notes[0]?.message ?? "no request of HTTP and its response is in it";
    throw new CommandError(`${file}: no page load to compare: ${why}`, EXIT.input);
  }
  const assumed = workload.pages.length === 0 ? undefined : assume(workload, flags, file);
  if (assumed === undefined) return { workload, assumed, predictions: [], sweeps: [], dns };
  const progress = new Progress(true);
  const { predictions, failures } = predict(workload, assumed.options, (done, all) =>
    progress.tell(() => `${done} of ${all} runs`),
  );
  progress.clear();
  if (predictions.length === 0 && dns.length === 0) {
    const why = failures[0] ?? "all pages are reloads of ones that are not in it";
    throw new CommandError(`${file}: nothing to compare: ${why}`, EXIT.input);
  }
  const sweeps = (flags["what-if"] ?? []).map((text) => sweep(text, workload, assumed.options));
  const notes = [...assumed.notes, ...failures];
  return { workload, assumed: { ...assumed, notes }, predictions, sweeps, dns };
}

function save(path: string, workload: Workload): void {
  writeText(path, `${JSON.stringify(workload, undefined, 2)}\n`);
}

/** @throws CommandError */
export function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandError(
      `${path}: cannot be written (${(error as NodeJS.ErrnoException).code})`,
      EXIT.input,
    );
  }
}

/** What `--json` prints. */
export function replayJson({ workload, assumed, predictions, sweeps, dns }: Replayed): object {
  return {
    link: assumed?.link ?? null,
    pages: workload.pages,
    predictions: predictions.map(told),
    dnsPredictions: dns,
    ...(sweeps.length === 0 ? {} : { whatIf: sweeps.map(toldSweep) }),
    notes: [
      ...workload.notes,
      ...(assumed?.notes ?? []).map((message) => ({ code: "assumed", message })),
    ],
  };
}

function told({ run: _run, ...rest }: Prediction): object {
  return rest;
}

function toldSweep(one: Sweep): object {
  if (one.quantity === "cache") return one;
  const steps = one.steps.map(({ value, predictions }) => ({
    value,
    predictions: predictions.map(told),
  }));
  return { quantity: one.quantity, steps };
}
