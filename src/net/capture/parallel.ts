/**
 * One plain capture file on several processors. Every worker walks all packets, passes over those
 * of the others' flows and decodes its own; the records come back with their order and are merged,
 * so that the output is byte for byte that of one thread.
 */
import { Worker } from "node:worker_threads";
import type { Issue } from "../../codecs/errors.ts";
import type { Totals } from "../../engines/capture/account.ts";
import type { DecodeRun } from "./decode.ts";
import { CaptureError } from "./errors.ts";
import type { Filled, LaneMemory } from "./lane.ts";
import { laneMemory } from "./lane.ts";
import { LaneMerge } from "./lane-merge.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly path: string;
  readonly index: number;
  readonly count: number;
  readonly memory: LaneMemory;
  readonly decodeAs: ReadonlyMap<string, string> | undefined;
  readonly heuristics: ReadonlySet<string>;
}

export type WorkerMessage =
  | { readonly kind: "filled"; readonly filled: Filled }
  | { readonly kind: "issue"; readonly issue: Issue }
  | { readonly kind: "done"; readonly totals: Totals }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export interface ParallelOptions {
  readonly threads: number;
  readonly decodeAs?: ReadonlyMap<string, string> | undefined;
  readonly heuristics?: ReadonlySet<string>;
  readonly stopped?: () => boolean;
  readonly onIssue?: (file: string, issue: Issue) => void;
}

/** `workerUrl`: the built worker program. @throws CaptureError */
export async function decodeParallel(
  path: string,
  workerUrl: URL,
  write: (bytes: Uint8Array) => void,
  options: ParallelOptions,
): Promise<DecodeRun> {
  const issues: { file: string; issue: Issue }[] = [];
  const totals: Totals[] = [];
  const memories = Array.from({ length: options.threads }, laneMemory);
  const merge = new LaneMerge(memories, write);
  const workers: Worker[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const receive = (index: number, message: WorkerMessage) => {
        switch (message.kind) {
          case "filled":
            merge.add(index, message.filled);
            break;
          case "issue":
            issues.push({ file: path, issue: message.issue });
            options.onIssue?.(path, message.issue);
            return;
          case "done":
            totals.push(message.totals);
            merge.finish(index);
            break;
          case "failed":
            reject(new CaptureError(message.code, message.message));
            return;
        }
        if (options.stopped?.() === true || merge.finished) resolve();
      };
      memories.forEach((memory, index) => {
        const task: WorkerTask = {
          path,
          index,
          count: options.threads,
          memory,
          decodeAs: options.decodeAs,
          heuristics: options.heuristics ?? new Set(),
        };
        const worker = new Worker(workerUrl, { workerData: task });
        workers.push(worker);
        worker.on("error", reject);
        worker.on("message", (message: WorkerMessage) => {
          try {
            receive(index, message);
          } catch (error) {
            reject(error as Error);
          }
        });
      });
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return { totals: sum(totals), issues };
}

function sum(all: readonly Totals[]): Totals {
  const [first, ...rest] = all as [Totals, ...Totals[]];
  const total: Totals = { ...first, records: { ...first.records } };
  for (const part of rest) {
    for (const key of [
      "payloadBytes",
      "decodedBytes",
      "gapBytes",
      "unknownBytes",
      "truncatedBytes",
      "duplicateBytes",
    ] as const) {
      total[key] += part[key];
    }
    for (const [name, count] of Object.entries(part.records)) {
      total.records[name] = (total.records[name] ?? 0) + count;
    }
  }
  return total;
}
