/** The program of one worker of `--threads`: see net/capture/parallel. */
import { parentPort, workerData } from "node:worker_threads";
import type { JsonWriter } from "./codecs/json-writer.ts";
import { Analyser } from "./engines/capture/analyser.ts";
import { NdjsonOutput } from "./engines/capture/ndjson-output.ts";
import type { Piece, WorkerMessage, WorkerTask } from "./net/capture/parallel.ts";
import { AHEAD } from "./net/capture/parallel.ts";
import { readCapture } from "./net/capture/read.ts";

const PIECE_BYTES = 2 * 1024 * 1024;
const MAX_RECORDS = 1 << 16;

const port = parentPort;
if (port === null) throw new Error("capture-worker is started as a worker");
const task = workerData as WorkerTask;

function tell(message: WorkerMessage, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer);
}

/** Blocks of the file after which the merge is told how far this one is, if there is little to send. */
const QUIET_BLOCKS = 64;
let quiet = 0;
let ahead = 0;
let resume: (() => void) | undefined;
port.on("message", () => {
  ahead--;
  resume?.();
});

const orders = new Float64Array(MAX_RECORDS);
const ends = new Uint32Array(MAX_RECORDS);
let records = 0;

function send(json: JsonWriter): void {
  const bytes = json.bytes.slice(0, json.at);
  const piece: Piece = {
    bytes,
    orders: orders.slice(0, records),
    ends: ends.slice(0, records),
    until: analyser.order,
  };
  json.at = 0;
  records = 0;
  ahead++;
  tell({ kind: "piece", piece }, [
    bytes.buffer,
    piece.orders.buffer as ArrayBuffer,
    piece.ends.buffer as ArrayBuffer,
  ]);
}

const output = new NdjsonOutput((json) => {
  orders[records] = analyser.order;
  ends[records] = json.at;
  records++;
  if (json.at >= PIECE_BYTES || records === MAX_RECORDS) send(json);
}, PIECE_BYTES * 2);

const analyser: Analyser = new Analyser(output, {
  share: { index: task.index, count: task.count },
  heuristics: task.heuristics,
  ...(task.decodeAs === undefined ? {} : { decodeAs: task.decodeAs }),
});

/** Waits while the merge is behind. */
async function pause(): Promise<void> {
  if (output.json.at < PIECE_BYTES && ++quiet < QUIET_BLOCKS) return;
  quiet = 0;
  send(output.json);
  while (ahead > AHEAD) {
    await new Promise<void>((resolve) => {
      resume = resolve;
    });
  }
}

try {
  await readCapture(
    task.path,
    {
      packet: (packet) => analyser.add(packet),
      issue: (issue) => {
        if (task.index === 0) tell({ kind: "issue", issue });
      },
    },
    { pause },
  );
  analyser.end();
  send(output.json);
  tell({ kind: "done", totals: analyser.totals });
} catch (error) {
  const { code = "EUNKNOWN", message } = error as Error & { code?: string };
  tell({ kind: "failed", code, message });
}
port.unref();
