/**
 * Classic microsecond captures from a pipe, through the `pcap-parser` package.
 *
 * The package believes any record length and buffers without bound, drops a cut last record
 * without a word, takes any version whose major or minor number is right, and knows no
 * nanoseconds. The guard follows the record headers beside it and gives it whole records only.
 */
import { PassThrough } from "node:stream";
import pcapParser from "pcap-parser";
import type { CapturedPacket, CaptureSink } from "../../codecs/pcap/capture.ts";
import { ClassicParser } from "../../codecs/pcap/classic.ts";
import { refuseShort } from "./format.ts";

/**
 * Gives the package whole records of [first, ...chunks]; packets come out through the sink.
 * @throws CaptureError when there is no whole header
 */
export async function readPiped(
  name: string,
  first: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  sink: CaptureSink,
  stopped: () => boolean,
): Promise<string> {
  const input = new PassThrough();
  const parser = pcapParser.parse(input);
  /** What the guard read. Files put one behind the other differ in the interface. */
  const waiting: Pick<CapturedPacket, "interface" | "seconds" | "fraction" | "wireLength">[] = [];
  let failure: Error | undefined;
  parser.on("error", (error: Error) => {
    failure = error;
  });
  const out: CapturedPacket = {
    interface: { linkType: -1, snapLength: 0, digits: 6 },
    bytes: first,
    start: 0,
    end: 0,
    wireLength: 0,
    seconds: 0,
    fraction: 0,
    comment: undefined,
  };
  parser.on("packet", (packet: { data: Uint8Array }) => {
    const facts = waiting.shift();
    if (facts === undefined) return;
    out.interface = facts.interface;
    out.bytes = packet.data;
    out.start = 0;
    out.end = packet.data.length;
    out.wireLength = facts.wireLength;
    out.seconds = facts.seconds;
    out.fraction = facts.fraction;
    sink.packet(out);
  });
  let header: Uint8Array | undefined;
  const guard = new ClassicParser({
    interface: (found) => sink.interface?.(found),
    issue: (issue) => sink.issue(issue),
    packet: (packet) => {
      waiting.push({ ...packet });
      input.write(recordOf(packet, header as Uint8Array));
    },
  });
  let pending = first;
  for (;;) {
    if (header === undefined && pending.length >= 24) {
      header = pending.slice(0, 24);
      input.write(header);
    }
    const taken = guard.parse(pending, 0, pending.length);
    await drained();
    if (failure !== undefined) throw failure;
    sink.flush?.();
    if (guard.needed === 0 || stopped()) break;
    pending = pending.subarray(taken);
    const next = await chunks.next();
    if (next.done === true) {
      if (header === undefined) refuseShort(name, pending.length);
      guard.finish(pending.length);
      break;
    }
    pending = pending.length === 0 ? next.value : Buffer.concat([pending, next.value]);
  }
  input.end();
  await drained();
  return guard.detail;
}

/** The record as the package reads it: lengths that agree with each other and with the bytes. */
function recordOf(packet: CapturedPacket, header: Uint8Array): Uint8Array {
  const size = packet.end - packet.start;
  const record = Buffer.alloc(16 + size);
  const little = header[0] === 0xd4;
  const put = (value: number, at: number) =>
    little ? record.writeUInt32LE(value, at) : record.writeUInt32BE(value, at);
  put(packet.seconds, 0);
  put(packet.fraction, 4);
  put(size, 8);
  put(packet.wireLength, 12);
  record.set(packet.bytes.subarray(packet.start, packet.end), 16);
  return record;
}

/** The package works on stream events: they have run when the next turn of the loop comes. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
