/**
 * DNS messages in captures: over UDP (RFC 1035 4.2.1), over TCP (RFC 1035 4.2.2, RFC 7766), mDNS
 * (RFC 6762) and LLMNR (RFC 4795), with responses linked to their queries.
 */
import { readMessage } from "../../../codecs/dns/message.ts";
import { DnsNdjson } from "../../../codecs/dns/ndjson.ts";
import { record } from "../../../codecs/dns/record.ts";
import { Fixed } from "../../../codecs/json-writer.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  StreamDissector,
  StreamProtocol,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import { elapsed, Mark } from "../mark.ts";

const HEADER_BYTES = 12;
/** Queries of one flow that wait for their responses; the oldest goes first. */
const MAX_PENDING = 4096;
/** Seconds after which a query is asked anew rather than repeated. */
const REPEAT_SECONDS = 60;
const REQUEST_FRAME = new Fixed(',"requestFrame":');
const LATENCY = new Fixed(',"latency":');

interface Pending {
  readonly mark: Mark;
  answered: boolean;
}

/** Links responses to queries. One query at a time is the common case and costs no map. */
class Transactions {
  private lastKey = -1;
  private last: Pending = { mark: new Mark(), answered: false };
  private more: Map<number, Pending> | undefined = undefined;

  query(key: number, mark: Mark): void {
    const known = this.find(key);
    if (known !== undefined) {
      const age = mark.seconds - known.mark.seconds;
      if (!known.answered && age <= REPEAT_SECONDS) return; // A repetition: the first one counts.
      known.mark.set(mark);
      known.answered = false;
      return;
    }
    if (this.lastKey >= 0) {
      this.more ??= new Map();
      if (this.more.size >= MAX_PENDING) {
        const oldest = this.more.keys().next().value;
        if (oldest !== undefined) this.more.delete(oldest);
      }
      this.more.set(this.lastKey, this.last);
      this.last = { mark: new Mark(), answered: false };
    }
    this.lastKey = key;
    this.last.mark.set(mark);
    this.last.answered = false;
  }

  find(key: number): Pending | undefined {
    return key === this.lastKey ? this.last : this.more?.get(key);
  }
}

/** Writes messages of one context; the sinks are shared by all flows. */
class DnsRecorder {
  private readonly context: DissectorContext;
  private readonly ndjson: DnsNdjson | undefined;

  constructor(context: DissectorContext) {
    this.context = context;
    const { bulk } = context.out;
    this.ndjson = bulk === undefined ? undefined : new DnsNdjson(bulk.json);
  }

  message(
    protocol: string,
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    transactions: Transactions | undefined,
  ): void {
    let asked: Pending | undefined;
    if (transactions !== undefined) {
      const id = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
      if (((bytes[start + 2] as number) & 0x80) === 0) {
        transactions.query(id | (direction << 16), mark);
      } else {
        asked = transactions.find(id | ((1 - direction) << 16));
        if (asked !== undefined) asked.answered = true;
      }
    }
    const { bulk } = this.context.out;
    if (bulk === undefined || this.ndjson === undefined) {
      this.object(protocol, flow, direction, bytes, start, end, mark, asked);
      return;
    }
    bulk.begin(protocol, flow, direction, mark, end - start);
    this.ndjson.write(bytes, start, end);
    if (asked !== undefined) {
      const { json } = bulk;
      json.room(80);
      json.put(REQUEST_FRAME);
      json.uint(asked.mark.frame);
      json.put(LATENCY);
      json.raw(String(elapsed(asked.mark, mark)));
    }
    bulk.end(this.ndjson.malformed, this.ndjson.issues);
  }

  private object(
    protocol: string,
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    asked: Pending | undefined,
  ): void {
    const { message, malformed, issues } = readMessage(bytes, start, end);
    const body: Record<string, unknown> = { ...record(message) };
    if (asked !== undefined) {
      body["requestFrame"] = asked.mark.frame;
      body["latency"] = elapsed(asked.mark, mark);
    }
    this.context.out.emit(protocol, flow, direction, mark, end - start, body, { malformed, issues });
  }
}

const recorders = new WeakMap<DissectorContext, DnsRecorder>();

function recorderOf(context: DissectorContext): DnsRecorder {
  let recorder = recorders.get(context);
  if (recorder === undefined) {
    recorder = new DnsRecorder(context);
    recorders.set(context, recorder);
  }
  return recorder;
}

class DnsDatagrams implements DatagramDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly recorder: DnsRecorder;
  private readonly protocol: string;
  /** Multicast answers come from others than those asked. */
  private readonly transactions: Transactions | undefined;

  constructor(flow: Flow, context: DissectorContext, protocol: string) {
    this.flow = flow;
    this.context = context;
    this.recorder = recorderOf(context);
    this.protocol = protocol;
    this.transactions = protocol === "dns" ? new Transactions() : undefined;
  }

  datagram(
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (end - start < HEADER_BYTES) return false;
    this.recorder.message(this.protocol, this.flow, direction, bytes, start, end, mark, this.transactions);
    if (cut) this.context.account.truncated(end - start);
    return true;
  }
}

/** Header bits of a real message: a known opcode, counts that its length can hold, at least a record. */
function plausible(bytes: Uint8Array, start: number, end: number): boolean {
  const size = end - start;
  if (size < HEADER_BYTES + 5) return false;
  const opcode = ((bytes[start + 2] as number) >> 3) & 15;
  if (opcode > 6 || opcode === 3) return false;
  if (((bytes[start + 3] as number) & 0x40) !== 0) return false; // The Z bit.
  const qd = count(bytes, start + 4);
  const records = count(bytes, start + 6) + count(bytes, start + 8) + count(bytes, start + 10);
  return qd <= 1 && qd + records > 0 && qd * 5 + records * 11 <= size - HEADER_BYTES;
}

function count(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function datagrams(name: string, strong: boolean): DatagramProtocol {
  return {
    name,
    recognises: (bytes, start, end) => {
      if (!strong || !plausible(bytes, start, end) || count(bytes, start + 4) !== 1) return false;
      const { malformed, issues } = readMessage(bytes, start, end);
      return !malformed && issues.length === 0;
    },
    open: (flow, context) => new DnsDatagrams(flow, context, name),
  };
}

export const dns = datagrams("dns", true);
export const mdns = datagrams("mdns", false);
export const llmnr = datagrams("llmnr", false);

/** Two bytes of length, then the message. */
class DnsStream implements StreamDissector {
  private readonly flow: Flow;
  private readonly context: DissectorContext;
  private readonly recorder: DnsRecorder;
  private readonly transactions = new Transactions();
  private readonly partial: [Uint8Array, Uint8Array] = [EMPTY, EMPTY];
  /** After a hole: messages begin again at a segment that looks like one. */
  private readonly lost: [boolean, boolean];

  constructor(flow: Flow, context: DissectorContext) {
    this.flow = flow;
    this.context = context;
    this.recorder = recorderOf(context);
    this.lost = [flow.tcp?.midStream(0) === true, flow.tcp?.midStream(1) === true];
  }

  data(direction: Direction, bytes: Uint8Array, start: number, end: number, mark: Mark): void {
    let from = start;
    let to = end;
    let source = bytes;
    const kept = this.partial[direction];
    if (kept.length > 0) {
      source = new Uint8Array(kept.length + end - start);
      source.set(kept);
      source.set(bytes.subarray(start, end), kept.length);
      from = 0;
      to = source.length;
      this.partial[direction] = EMPTY;
    }
    while (to - from >= 2) {
      const length = count(source, from);
      if (this.lost[direction]) {
        if (!this.begins(source, from, to)) {
          this.context.account.unknown(to - from);
          this.flow.unknownBytes += to - from;
          this.flow.unknownMark = mark.keep();
          return;
        }
        this.lost[direction] = false;
      }
      if (length < HEADER_BYTES) {
        // RFC 1035 4.2.2: no message is shorter than a header; the framing is lost.
        this.lost[direction] = true;
        continue;
      }
      if (from + 2 + length > to) break;
      this.recorder.message("dns", this.flow, direction, source, from + 2, from + 2 + length, mark, this.transactions);
      from += 2 + length;
    }
    if (to > from) this.partial[direction] = source.slice(from, to);
  }

  private begins(bytes: Uint8Array, from: number, to: number): boolean {
    const length = count(bytes, from);
    if (length < HEADER_BYTES + 5 || to - from < 14) return false;
    const end = Math.min(to, from + 2 + length);
    const opcode = ((bytes[from + 4] as number) >> 3) & 15;
    const questions = count(bytes, from + 6);
    return opcode <= 6 && questions <= 1 && end - from >= 14 && ((bytes[from + 5] as number) & 0x40) === 0;
  }

  gap(direction: Direction): void {
    this.drop(direction);
    this.lost[direction] = true;
  }

  end(direction: Direction): void {
    this.drop(direction);
  }

  private drop(direction: Direction): void {
    this.context.account.truncated(this.partial[direction].length);
    this.partial[direction] = EMPTY;
  }
}

const EMPTY = new Uint8Array(0);

export const dnsStream: StreamProtocol = {
  name: "dns",
  probe: (bytes, start, end, flow) => {
    const known = flow.aPort === 53 || flow.bPort === 53;
    if (end - start < 14) return known ? "more" : "no";
    const length = count(bytes, start);
    if (known && length >= HEADER_BYTES) return "yes";
    if (!plausible(bytes, start + 2, start + 2 + Math.max(length, 0))) return "no";
    if (count(bytes, start + 6) !== 1 || end - start < 2 + length) return "no";
    const { malformed, issues } = readMessage(bytes, start + 2, start + 2 + length);
    return malformed || issues.length > 0 ? "no" : "yes";
  },
  open: (flow, context) => new DnsStream(flow, context),
};
