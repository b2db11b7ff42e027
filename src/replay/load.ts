/** A workload from a file: a capture, a HAR file, or one that was saved. */
import { readFileSync } from "node:fs";
import { workloadOfHar } from "../engines/replay/har.ts";
import type { Workload } from "../engines/replay/index.ts";
import { inferWorkload, Observer } from "../engines/replay/index.ts";
import { ShapeError } from "../engines/replay/json-check.ts";
import { readWorkload } from "../engines/replay/read-workload.ts";
import { CommandError, EXIT } from "../failure.ts";
import { closeCapture, openCapture, readBlock } from "../net/capture/chunks.ts";
import { readCapture } from "../net/capture/read.ts";

/** Octets looked at to tell JSON from a capture. */
const HEAD_BYTES = 64;

/** @throws CaptureError, CommandError when the file cannot be read, or is none of the three. */
export async function loadWorkload(path: string): Promise<Workload> {
  return isJson(path) ? workloadOfJson(path) : await workloadOfCapture(path);
}

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

function isJson(path: string): boolean {
  if (path === "-") return false;
  const file = openCapture(path);
  try {
    if (!file.regular) return false;
    const head = new Uint8Array(HEAD_BYTES);
    const count = readBlock(file, head, 0, HEAD_BYTES);
    const text = new TextDecoder().decode(head.subarray(0, count));
    return text.trimStart().startsWith("{");
  } finally {
    closeCapture(file);
  }
}

function workloadOfJson(path: string): Workload {
  try {
    const json: unknown = JSON.parse(readFileSync(path, "utf8"));
    const isHar = typeof json === "object" && json !== null && "log" in json;
    return isHar ? workloadOfHar(json) : readWorkload(json);
  } catch (error) {
    if (!(error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    throw new CommandError(`${path}: ${error.message}`, EXIT.input);
  }
}
