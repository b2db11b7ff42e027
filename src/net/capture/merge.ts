/** Several captures as one, by time. Each is read ahead by a chunk; frames are counted in each. */

import type { Issue } from "../../codecs/errors.ts";
import type { CapturedPacket } from "../../codecs/pcap/capture.ts";
import type { ReadOptions, ReadResult } from "./read.ts";
import { readCapture } from "./read.ts";

export interface MergeSink {
  packet(packet: CapturedPacket, frame: number, file: string): void;
  issue(issue: Issue, file: string): void;
}

interface Queued {
  readonly packet: CapturedPacket;
  readonly frame: number;
}

/** Packets of one capture that wait for those of the others; the reader stops while it is full. */
const HIGH_WATER = 4096;

class Source {
  readonly name: string;
  readonly queue: Queued[] = [];
  at = 0;
  done = false;
  failure: unknown = undefined;
  private frames = 0;
  private resume: (() => void) | undefined = undefined;
  private arrived: (() => void) | undefined = undefined;

  constructor(name: string) {
    this.name = name;
  }

  get head(): Queued | undefined {
    return this.queue[this.at];
  }

  push(packet: CapturedPacket): void {
    const bytes = packet.bytes.slice(packet.start, packet.end);
    this.queue.push({
      packet: { ...packet, bytes, start: 0, end: bytes.length },
      frame: ++this.frames,
    });
  }

  /** Told by the reader between chunks: waits while enough is queued. */
  async pause(): Promise<void> {
    this.arrived?.();
    while (this.queue.length - this.at >= HIGH_WATER) {
      await new Promise<void>((resolve) => {
        this.resume = resolve;
      });
    }
  }

  finish(failure?: unknown): void {
    this.done = true;
    this.failure = failure;
    this.arrived?.();
  }

  shift(): void {
    this.at++;
    if (this.at >= HIGH_WATER || this.at === this.queue.length) {
      this.queue.splice(0, this.at);
      this.at = 0;
      this.resume?.();
    }
  }

  /** Resolves once there is a packet, or the end. */
  async ready(): Promise<void> {
    while (this.head === undefined && !this.done) {
      await new Promise<void>((resolve) => {
        this.arrived = resolve;
      });
    }
    if (this.failure !== undefined) throw this.failure;
  }
}

/** @throws CaptureError when one of them cannot be read. Equal times: the one named first goes first. */
export async function readMerged(
  paths: readonly string[],
  sink: MergeSink,
  options: ReadOptions = {},
): Promise<ReadResult[]> {
  const sources = paths.map((path) => new Source(path));
  const stopped = () => options.stopped?.() === true;
  const results: ReadResult[] = [];
  const readers = sources.map(async (source, i) => {
    try {
      results[i] = await readCapture(
        source.name,
        { packet: (p) => source.push(p), issue: (issue) => sink.issue(issue, source.name) },
        { ...options, pause: () => source.pause() },
      );
      source.finish();
    } catch (error) {
      source.finish(error);
    }
  });
  while (!stopped()) {
    let first: Source | undefined;
    for (const source of sources) {
      if (source.head === undefined) await source.ready();
      if (source.head === undefined) continue;
      if (first === undefined || earlier(source.head.packet, first.head?.packet)) first = source;
    }
    if (first?.head === undefined) break;
    sink.packet(first.head.packet, first.head.frame, first.name);
    first.shift();
  }
  if (!stopped()) await Promise.all(readers);
  return results;
}

function earlier(a: CapturedPacket, b: CapturedPacket | undefined): boolean {
  if (b === undefined) return true;
  if (a.seconds !== b.seconds) return a.seconds < b.seconds;
  return a.fraction / 10 ** a.interface.digits < b.fraction / 10 ** b.interface.digits;
}
