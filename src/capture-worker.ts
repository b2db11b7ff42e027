/** The program of one worker of `--threads`: see net/capture/parallel. */
import { parentPort, workerData } from "node:worker_threads";
import { Analyser } from "./engines/capture/analyser.ts";
import type { Flow } from "./engines/capture/flow.ts";
import { NdjsonOutput } from "./engines/capture/ndjson-output.ts";
import { LaneWriter } from "./net/capture/lane.ts";
import { flowSlot } from "./net/capture/lane-merge.ts";
import type { WorkerMessage, WorkerTask } from "./net/capture/parallel.ts";
import { readCapture } from "./net/capture/read.ts";

const port = parentPort;
if (port === null) throw new Error("capture-worker is started as a worker");
const task = workerData as WorkerTask;

function tell(message: WorkerMessage): void {
  port?.postMessage(message);
}

/** Blocks of the file after which the merge is told how far this one is, if there is little to send. */
const QUIET_BLOCKS = 16;

const output = new NdjsonOutput(() => {
  const { bulk } = output;
  const { protocol, entry } = bulk.flow as Flow;
  lane.record(analyser.order, flowSlot(protocol, entry), bulk.numberAt);
});
output.bulk.numbered = false;
const lane: LaneWriter = new LaneWriter(task.memory, output.json, (filled) =>
  tell({ kind: "filled", filled }),
);
const analyser: Analyser = new Analyser(output, {
  share: {
    index: task.index,
    count: task.count,
    onFlow: (protocol, entry) => lane.flow(analyser.order, flowSlot(protocol, entry)),
  },
  heuristics: task.heuristics,
  ...(task.decodeAs === undefined ? {} : { decodeAs: task.decodeAs }),
});

let blocks = 0;
/** The others' records wait for what this one has not told. */
async function pause(): Promise<void> {
  if (++blocks % QUIET_BLOCKS === 0) lane.send(analyser.order);
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
  lane.send(analyser.order);
  tell({ kind: "done", totals: analyser.totals });
} catch (error) {
  const { code = "EUNKNOWN", message } = error as Error & { code?: string };
  tell({ kind: "failed", code, message });
}
port.unref();
