/** A workload from a file: a capture, a HAR file, or one that was saved. */
import type { Workload } from "../engines/replay/index.ts";
import { inferWorkload, Observer } from "../engines/replay/index.ts";
import { readCapture } from "../net/capture/read.ts";

/** @throws CaptureError when the file cannot be read or is no capture. */
export async function workloadOfCapture(path: string): Promise<Workload> {
  const observer = new Observer();
  await readCapture(path, {
    packet: (captured) => observer.add(captured),
    issue: (issue) => observer.trouble(issue),
  });
  observer.end();
  return inferWorkload(observer);
}
