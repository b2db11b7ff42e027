/** One record as an object: the envelope of every record, and the keys of its protocol. */
import type { Issue } from "../../codecs/errors.ts";
import { JsonWriter } from "../../codecs/json-writer.ts";
import type { Direction, DnsRowSink, Emitter, Fault, Raw } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import type { Mark } from "./mark.ts";
import { timeText } from "./mark.ts";

export interface CaptureRecord {
  readonly frame: number;
  /** Seconds since the epoch in decimal, with all the digits of the capture. */
  readonly time: string;
  readonly protocol: string;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  readonly transport: "tcp" | "udp";
  readonly stream: number;
  readonly file?: string;
  readonly bytes: number;
  readonly inIcmp?: true;
  /** The keys of the protocol, in their order. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly malformed?: true;
  readonly issues?: readonly Issue[];
  /** The message's bytes, where they were asked for. */
  readonly raw?: Uint8Array;
}

/** Makes an object of each message and hands it on. */
export class ObjectOutput implements Emitter {
  readonly bulk = undefined;
  inIcmp = false;
  private readonly onRecord: (record: CaptureRecord) => void;
  private readonly counts: Record<string, number> = {};

  readonly wantsBytes: boolean;
  /** Writes DNS records by itself, where it can. */
  rows: DnsRowSink | undefined = undefined;

  /** `wantsBytes`: records carry the bytes of their messages. */
  constructor(onRecord: (record: CaptureRecord) => void, wantsBytes = false) {
    this.onRecord = onRecord;
    this.wantsBytes = wantsBytes;
  }

  /** Counts a record that `rows` wrote. */
  count(protocol: string): void {
    this.counts[protocol] = (this.counts[protocol] ?? 0) + 1;
  }

  records(): Record<string, number> {
    return this.counts;
  }

  emit(
    protocol: string,
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: number,
    body: object,
    fault?: Fault,
    raw?: Raw,
  ): void {
    this.count(protocol);
    this.onRecord({
      frame: mark.frame,
      time: timeText(mark),
      protocol,
      src: flow.source(direction),
      sport: flow.sourcePort(direction),
      dst: flow.destination(direction),
      dport: flow.destinationPort(direction),
      transport: flow.transport,
      stream: flow.stream,
      ...(mark.file === undefined ? {} : { file: mark.file }),
      bytes,
      ...(this.inIcmp ? { inIcmp: true as const } : {}),
      body: body as Readonly<Record<string, unknown>>,
      ...(fault?.malformed === true ? { malformed: true as const } : {}),
      ...(fault !== undefined && fault.issues.length > 0 ? { issues: fault.issues } : {}),
      ...(this.wantsBytes && raw !== undefined ? { raw: raw.bytes.slice(raw.start, raw.end) } : {}),
    });
  }
}

/** The record as one line of NDJSON, without its line end: byte for byte what the bulk path writes. */
export function writeRecord(json: JsonWriter, record: CaptureRecord): void {
  const { time, body, malformed, issues, frame, raw: _raw, ...envelope } = record;
  json.raw(`{"frame":${frame},"time":${time},`);
  json.raw(JSON.stringify(envelope).slice(1, -1));
  const text = JSON.stringify(body);
  if (text.length > 2) {
    json.raw(",");
    json.raw(text.slice(1, -1));
  }
  if (malformed === true) json.raw(',"malformed":true');
  if (issues !== undefined) json.raw(`,"issues":${JSON.stringify(issues)}`);
  json.raw("}");
}

export function recordText(record: CaptureRecord): string {
  const json = new JsonWriter(1024);
  writeRecord(json, record);
  return new TextDecoder().decode(json.written());
}
