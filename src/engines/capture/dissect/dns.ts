/**
 * DNS messages in captures: over UDP (RFC 1035 4.2.1), over TCP (RFC 1035 4.2.2, RFC 7766), mDNS
 * (RFC 6762) and LLMNR (RFC 4795), with responses linked to their queries.
 */

import { readMessage } from "../../../codecs/dns/decode.ts";
import { DnsNdjson } from "../../../codecs/dns/ndjson.ts";
import { Fixed, JsonWriter } from "../../../codecs/json-writer.ts";
import { joined } from "../../../codecs/reader.ts";
import type {
  DatagramDissector,
  DatagramProtocol,
  Direction,
  DissectorContext,
  StreamDissector,
  StreamProtocol,
} from "../dissector.ts";
import type { Flow } from "../flow.ts";
import { UDP } from "../flow.ts";
import { MAX_FLOWS, PARTITIONS, partitionOf } from "../flow-table.ts";
import { elapsed, elapsedUnits, Mark } from "../mark.ts";

const HEADER_BYTES = 12;
/** Queries that wait for their responses, over all flows: a power of two; later ones displace earlier. */
const PENDING = 1 << 17;
/** Places that are looked at for one query. */
const PROBES = 4;
/** Seconds after which a query is asked anew rather than repeated. */
const REPEAT_SECONDS = 60;
const REQUEST_FRAME = new Fixed(',"requestFrame":');
const LATENCY = new Fixed(',"latency":');

/** Words of a query: those of its flow and key, then three doubles: frame, seconds, fraction. */
const WORDS = 8;
const ANSWERED = 1 << 20;
/** Queries of one partition of flows: they displace only each other. */
const HOME_MASK = PENDING / PARTITIONS - 1;

/**
 * Links responses to queries: by flow, direction and id. A table of numbers, half a cache line a
 * query, since most flows ask once and an object a query would be garbage a packet. The first query
 * of a flow over UDP has a place of its own, in the order of flows; further ones go by their hash.
 */
class Transactions {
  private readonly words = new Int32Array((PENDING + MAX_FLOWS.udp) * WORDS);
  private readonly doubles = new Float64Array(this.words.buffer);
  /** The query that `find` found. */
  readonly mark = new Mark();

  /** `stream`: number of the flow, made unique over transports by the caller. */
  query(flow: Flow, stream: number, key: number, mark: Mark): void {
    let at = this.first(flow);
    if (at >= 0) {
      if (this.words[at] !== stream || this.doubles[(at >> 1) + 1] === 0) {
        this.note(at, stream, key, mark);
        return;
      }
      if (this.isKey(at, key)) {
        if (!this.repeats(at, mark)) this.note(at, stream, key, mark);
        return;
      }
    }
    at = -1;
    const home = hashOf(flow, key);
    for (let n = 0; n < PROBES; n++) {
      const w = place(flow, home, n);
      const frame = this.doubles[(w >> 1) + 1] as number;
      if (frame > 0 && this.words[w] === stream && this.isKey(w, key)) {
        if (this.repeats(w, mark)) return;
        at = w;
        break;
      }
      if (at < 0 || frame < (this.doubles[(at >> 1) + 1] as number)) at = w;
    }
    this.note(at, stream, key, mark);
  }

  /** Whether the query of a response was seen; `mark` then tells where. */
  find(flow: Flow, stream: number, key: number, digits: number): boolean {
    const { words, doubles, mark } = this;
    let at = this.first(flow);
    if (at < 0 || words[at] !== stream || !this.isKey(at, key)) {
      at = -1;
      const home = hashOf(flow, key);
      for (let n = 0; n < PROBES && at < 0; n++) {
        const w = place(flow, home, n);
        if (words[w] === stream && this.isKey(w, key)) at = w;
      }
    }
    if (at < 0 || doubles[(at >> 1) + 1] === 0) return false;
    words[at + 1] = key | ANSWERED;
    mark.frame = doubles[(at >> 1) + 1] as number;
    mark.seconds = doubles[(at >> 1) + 2] as number;
    mark.fraction = doubles[(at >> 1) + 3] as number;
    mark.digits = digits;
    return true;
  }

  /** Place of the first query of the flow; -1 over TCP. */
  private first(flow: Flow): number {
    return flow.protocol === UDP ? (PENDING + flow.entry) * WORDS : -1;
  }

  private isKey(at: number, key: number): boolean {
    return ((this.words[at + 1] as number) & ~ANSWERED) === key;
  }

  /** A repetition: the first one counts. */
  private repeats(at: number, mark: Mark): boolean {
    const age = mark.seconds - (this.doubles[(at >> 1) + 2] as number);
    return ((this.words[at + 1] as number) & ANSWERED) === 0 && age <= REPEAT_SECONDS;
  }

  private note(at: number, stream: number, key: number, mark: Mark): void {
    this.words[at] = stream;
    this.words[at + 1] = key;
    this.doubles[(at >> 1) + 1] = mark.frame;
    this.doubles[(at >> 1) + 2] = mark.seconds;
    this.doubles[(at >> 1) + 3] = mark.fraction;
  }
}

function hashOf(flow: Flow, key: number): number {
  const h = Math.imul(flow.hash, 0x9e3779b1) ^ Math.imul(key, 0x85ebca6b);
  return h ^ (h >>> 15);
}

function place(flow: Flow, home: number, n: number): number {
  return (partitionOf(flow.hash) * (HOME_MASK + 1) + ((home + n) & HOME_MASK)) * WORDS;
}

/** Writes messages of one context; the sinks are shared by all flows. */
class DnsRecorder {
  private readonly context: DissectorContext;
  private readonly ndjson: DnsNdjson | undefined;
  private readonly transactions = new Transactions();
  /** Objects come from the same text as lines: quicker than by way of a typed message. */
  private readonly scratch = new JsonWriter(8192);
  private readonly toScratch = new DnsNdjson(this.scratch);

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
  ): void {
    const asked = this.link(protocol, flow, direction, bytes, start, mark);
    const { bulk, rows } = this.context.out;
    if (protocol === "dns" && rows?.row(flow, direction, mark, bytes, start, end, asked) === true) {
      return;
    }
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
      json.uint(asked.frame);
      json.put(LATENCY);
      if (mark.digits <= 9) json.decimal(elapsedUnits(asked, mark), mark.digits);
      else json.raw(String(elapsed(asked, mark)));
    }
    bulk.end(this.ndjson.malformed, this.ndjson.issues);
  }

  /** The place of the query that this response answers. Notes queries. */
  private link(
    protocol: string,
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    mark: Mark,
  ): Mark | undefined {
    // Multicast answers come from others than those asked; a quoted packet is no new one.
    if (protocol !== "dns" || this.context.out.inIcmp === true) return undefined;
    const id = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
    const stream = (flow.stream * 2 + (flow.protocol === UDP ? 0 : 1)) | 0;
    if (((bytes[start + 2] as number) & 0x80) === 0) {
      this.transactions.query(flow, stream, id | (direction << 16), mark);
      return undefined;
    }
    const found = this.transactions.find(flow, stream, id | ((1 - direction) << 16), mark.digits);
    return found ? this.transactions.mark : undefined;
  }

  private object(
    protocol: string,
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    asked: Mark | undefined,
  ): void {
    const { scratch, toScratch } = this;
    scratch.at = 0;
    toScratch.write(bytes, start, end);
    const { malformed, issues } = toScratch;
    const text = scratch.at > 0 ? scratch.text(1) : "";
    const body = JSON.parse(`{${text}}`) as Record<string, unknown>;
    if (asked !== undefined) {
      body["requestFrame"] = asked.frame;
      body["latency"] = elapsed(asked, mark);
    }
    const fault = { malformed, issues };
    const raw = { bytes, start, end };
    this.context.out.emit(protocol, flow, direction, mark, end - start, body, fault, raw);
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

/** Keeps no state of flows: one serves all. */
class DnsDatagrams implements DatagramDissector {
  private readonly context: DissectorContext;
  private readonly recorder: DnsRecorder;
  private readonly protocol: string;

  constructor(context: DissectorContext, protocol: string) {
    this.context = context;
    this.recorder = recorderOf(context);
    this.protocol = protocol;
  }

  datagram(
    flow: Flow,
    direction: Direction,
    bytes: Uint8Array,
    start: number,
    end: number,
    mark: Mark,
    cut: boolean,
  ): boolean {
    if (end - start < HEADER_BYTES) return false;
    this.recorder.message(this.protocol, flow, direction, bytes, start, end, mark);
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
  let last: { context: DissectorContext; dissector: DnsDatagrams } | undefined;
  return {
    name,
    stateless: true,
    recognises: (bytes, start, end) => {
      if (!strong || !plausible(bytes, start, end) || count(bytes, start + 4) !== 1) return false;
      const { malformed, issues } = readMessage(bytes, start, end);
      return !malformed && issues.length === 0;
    },
    open: (_flow, context) => {
      if (last?.context !== context) last = { context, dissector: new DnsDatagrams(context, name) };
      return last.dissector;
    },
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
      source = joined(kept, bytes, start, end);
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
      this.recorder.message("dns", this.flow, direction, source, from + 2, from + 2 + length, mark);
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
    return (
      opcode <= 6 &&
      questions <= 1 &&
      end - from >= 14 &&
      ((bytes[from + 5] as number) & 0x40) === 0
    );
  }

  held(): number {
    return this.partial[0].length + this.partial[1].length;
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
