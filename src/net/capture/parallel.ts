/**
 * One plain capture file on several processors. Every worker walks all packets and decodes its
 * share of the flows; the records come back in pieces with their order and are merged, so that
 * the output is byte for byte that of one thread.
 */
import { Worker } from "node:worker_threads";
import type { Issue } from "../../codecs/errors.ts";
import type { Totals } from "../../engines/capture/account.ts";
import type { DecodeRun } from "./decode.ts";
import { CaptureError } from "./errors.ts";

/** What a worker is told. */
export interface WorkerTask {
  readonly path: string;
  readonly index: number;
  readonly count: number;
  readonly decodeAs: ReadonlyMap<string, string> | undefined;
  readonly heuristics: ReadonlySet<string>;
}

/** A piece of a worker's records. Record i ends at `ends[i]` and has order `orders[i]`. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly orders: Float64Array;
  readonly ends: Uint32Array;
  /** No record to come has a lower order. */
  readonly until: number;
}

export type WorkerMessage =
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "issue"; readonly issue: Issue }
  | { readonly kind: "done"; readonly totals: Totals }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** Pieces that a worker may send ahead of the merge. */
export const AHEAD = 6;

interface Lane {
  readonly worker: Worker;
  readonly pieces: Piece[];
  /** Next record of the first piece. */
  at: number;
  until: number;
  done: boolean;
}

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
  const lanes: Lane[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      for (let index = 0; index < options.threads; index++) {
        const task: WorkerTask = {
          path,
          index,
          count: options.threads,
          decodeAs: options.decodeAs,
          heuristics: options.heuristics ?? new Set(),
        };
        const worker = new Worker(workerUrl, { workerData: task });
        const lane: Lane = { worker, pieces: [], at: 0, until: 0, done: false };
        lanes.push(lane);
        worker.on("error", reject);
        worker.on("message", (message: WorkerMessage) => {
          try {
            switch (message.kind) {
              case "piece":
                lane.until = message.piece.until;
                if (message.piece.orders.length > 0) lane.pieces.push(message.piece);
                else worker.postMessage("taken");
                break;
              case "issue":
                issues.push({ file: path, issue: message.issue });
                options.onIssue?.(path, message.issue);
                return;
              case "done":
                totals.push(message.totals);
                lane.done = true;
                break;
              case "failed":
                reject(new CaptureError(message.code, message.message));
                return;
            }
            merge(lanes, write);
            if (options.stopped?.() === true || lanes.every((l) => l.done && l.pieces.length === 0))
              resolve();
          } catch (error) {
            reject(error as Error);
          }
        });
      }
    });
  } finally {
    await Promise.all(lanes.map((lane) => lane.worker.terminate()));
  }
  return { totals: sum(totals), issues };
}

const OUT_BYTES = 1 << 20;
let out: Uint8Array = Buffer.allocUnsafeSlow(OUT_BYTES);

/** Writes all records whose turn has come. */
function merge(lanes: readonly Lane[], write: (bytes: Uint8Array) => void): void {
  let filled = 0;
  for (;;) {
    let first: Lane | undefined;
    let order = Infinity;
    let second = Infinity;
    for (const lane of lanes) {
      const piece = lane.pieces[0];
      const next =
        piece !== undefined ? (piece.orders[lane.at] as number) : lane.done ? Infinity : lane.until;
      if (next < order || (next === order && piece !== undefined && first === undefined)) {
        second = order;
        order = next;
        first = piece === undefined ? undefined : lane;
      } else if (next < second) {
        second = next;
      }
    }
    if (first === undefined || order === Infinity) break;
    const piece = first.pieces[0] as Piece;
    const start = first.at === 0 ? 0 : (piece.ends[first.at - 1] as number);
    let { at } = first;
    const { length } = piece.orders;
    while (at < length && (piece.orders[at] as number) < second) at++;
    if (at === first.at) at++;
    const end = piece.ends[at - 1] as number;
    if (filled + end - start > out.length) {
      if (filled > 0) write(out.subarray(0, filled));
      filled = 0;
      if (end - start > out.length) out = Buffer.allocUnsafeSlow(end - start);
    }
    out.set(piece.bytes.subarray(start, end), filled);
    filled += end - start;
    first.at = at;
    if (at === length) {
      first.pieces.shift();
      first.at = 0;
      first.worker.postMessage("taken");
    }
  }
  if (filled > 0) write(out.subarray(0, filled));
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
