/** Records as NDJSON bytes, handed on in large pieces. */
import { JsonWriter } from "../../codecs/json-writer.ts";
import { BulkOutput } from "./bulk.ts";
import type { Direction, Emitter, Fault } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import type { Mark } from "./mark.ts";

const NO_ISSUES: readonly never[] = [];

export class NdjsonOutput implements Emitter {
  readonly bulk: BulkOutput;
  readonly json: JsonWriter;
  readonly wantsBytes = false;

  /** `onRecord` is called after each line; it takes what has gathered and resets `json.at` when it likes. */
  constructor(onRecord: (json: JsonWriter) => void, capacity = 1 << 20) {
    this.json = new JsonWriter(capacity);
    this.bulk = new BulkOutput(this.json, () => onRecord(this.json));
  }

  get inIcmp(): boolean {
    return this.bulk.inIcmp;
  }

  set inIcmp(value: boolean) {
    this.bulk.inIcmp = value;
  }

  records(): Record<string, number> {
    return this.bulk.records();
  }

  emit(
    protocol: string,
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: number,
    body: object,
    fault?: Fault,
  ): void {
    const { bulk, json } = this;
    bulk.begin(protocol, flow, direction, mark, bytes);
    const text = JSON.stringify(body);
    if (text.length > 2) {
      // The body's braces go: a comma is written over the opening one, the closing one is taken back.
      const brace = json.at;
      json.raw(text);
      json.bytes[brace] = 0x2c;
      json.at--;
    }
    bulk.end(fault?.malformed === true, fault?.issues ?? NO_ISSUES);
  }
}
