/**
 * DNS messages as typed columns: what statistics and tables are made of. An output of the analyser
 * that makes no object and no text per message; a sink of the one parser (RFC 1035 4.1), with the
 * flow's number and the query that a response answers.
 */
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse } from "../../codecs/dns/parse.ts";
import type { AnalyserOutput } from "./analyser.ts";
import type { Direction, DnsRowSink } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import { UDP } from "./flow.ts";
import type { Mark } from "./mark.ts";
import { elapsedUnits } from "./mark.ts";

/** RFC 1035 2.3.4. */
const MAX_NAME_BYTES = 255;
const TCP_BIT = 1;
const IPV6_BIT = 2;
const MALFORMED_BIT = 4;

/** Bits of `kind`. */
export const DNS_COLUMN_KIND = {
  tcp: TCP_BIT,
  ipv6: IPV6_BIT,
  /** The message ends before its parts do: what was read before is there. */
  malformed: MALFORMED_BIT,
} as const;

/** One row a message in each array; `rows` of them are filled. Valid during `onBatch` only. */
export class DnsColumnBatch {
  rows = 0;
  /** 1-based number of the packet. */
  readonly frame: Float64Array;
  readonly seconds: Float64Array;
  /** Units of the capture's clock beyond the seconds. */
  readonly fraction: Float64Array;
  /** Four big-endian words a row; IPv4 in the first, the others 0. */
  readonly src: Int32Array;
  readonly dst: Int32Array;
  readonly sport: Uint16Array;
  readonly dport: Uint16Array;
  /** As in records: counted by transport. */
  readonly stream: Uint32Array;
  /** See DNS_COLUMN_KIND. */
  readonly kind: Uint8Array;
  readonly bytes: Uint32Array;
  readonly id: Uint16Array;
  /** The second word of the header: QR, OPCODE, AA, TC, RD, RA, AD, CD, RCODE. */
  readonly flags: Uint16Array;
  /** With the upper bits of EDNS. RFC 6891 6.1.3. */
  readonly rcode: Uint16Array;
  readonly qdcount: Uint16Array;
  readonly ancount: Uint16Array;
  /** Of the first question; 0 without one. */
  readonly qtype: Uint16Array;
  /** Its name on the wire, without compression: row i is `names[nameAt[i], nameAt[i] + nameBytes[i])`. */
  readonly names: Uint8Array;
  readonly nameAt: Uint32Array;
  readonly nameBytes: Uint8Array;
  /** Frame of the query that the message answers; 0 when there is none. */
  readonly requestFrame: Float64Array;
  /** Units of the clock since that query. */
  readonly latency: Float64Array;

  constructor(capacity: number) {
    this.frame = new Float64Array(capacity);
    this.seconds = new Float64Array(capacity);
    this.fraction = new Float64Array(capacity);
    this.src = new Int32Array(capacity * 4);
    this.dst = new Int32Array(capacity * 4);
    this.sport = new Uint16Array(capacity);
    this.dport = new Uint16Array(capacity);
    this.stream = new Uint32Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.bytes = new Uint32Array(capacity);
    this.id = new Uint16Array(capacity);
    this.flags = new Uint16Array(capacity);
    this.rcode = new Uint16Array(capacity);
    this.qdcount = new Uint16Array(capacity);
    this.ancount = new Uint16Array(capacity);
    this.qtype = new Uint16Array(capacity);
    this.names = new Uint8Array(capacity * 32 + MAX_NAME_BYTES);
    this.nameAt = new Uint32Array(capacity);
    this.nameBytes = new Uint8Array(capacity);
    this.requestFrame = new Float64Array(capacity);
    this.latency = new Float64Array(capacity);
  }
}

/** Rows of a batch, unless it is said otherwise: some megabytes. */
const BATCH_ROWS = 16_384;

/** An output for `Analyser` that keeps DNS alone; `flush` hands on the last batch. */
export class DnsColumns implements AnalyserOutput, DnsRowSink, DnsSink {
  readonly bulk = undefined;
  readonly wantsBytes = false;
  readonly rows: DnsRowSink = this;
  inIcmp = false;
  private readonly batch: DnsColumnBatch;
  private readonly capacity: number;
  private readonly onBatch: (batch: DnsColumnBatch) => void;
  private total = 0;
  private at = 0;
  private nameEnd = 0;
  private start = 0;

  constructor(onBatch: (batch: DnsColumnBatch) => void, capacity = BATCH_ROWS) {
    this.onBatch = onBatch;
    this.capacity = capacity;
    this.batch = new DnsColumnBatch(capacity);
  }

  records(): Record<string, number> {
    return { dns: this.total };
  }

  /** Records of other protocols have no columns here. */
  emit(): void {}

  /** Hands on the rows that have gathered. */
  flush(): void {
    const { batch } = this;
    batch.rows = this.at;
    if (this.at > 0) this.onBatch(batch);
    this.total += this.at;
    this.at = 0;
    this.nameEnd = 0;
  }

  row(
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: Uint8Array,
    start: number,
    end: number,
    asked: Mark | undefined,
  ): boolean {
    const { batch } = this;
    if (this.at === this.capacity || this.nameEnd + MAX_NAME_BYTES > batch.names.length) {
      this.flush();
    }
    const i = this.at;
    batch.frame[i] = mark.frame;
    batch.seconds[i] = mark.seconds;
    batch.fraction[i] = mark.fraction;
    batch.stream[i] = flow.stream;
    batch.bytes[i] = end - start;
    batch.kind[i] = (flow.protocol === UDP ? 0 : TCP_BIT) | (flow.family === 6 ? IPV6_BIT : 0);
    this.endpoints(i, flow, direction);
    batch.id[i] = 0;
    batch.flags[i] = 0;
    batch.rcode[i] = 0;
    batch.qdcount[i] = 0;
    batch.ancount[i] = 0;
    batch.qtype[i] = 0;
    batch.nameAt[i] = this.nameEnd;
    batch.nameBytes[i] = 0;
    batch.requestFrame[i] = asked === undefined ? 0 : asked.frame;
    batch.latency[i] = asked === undefined ? 0 : elapsedUnits(asked, mark);
    this.start = start;
    parse(bytes, start, end, this);
    this.at = i + 1;
    return true;
  }

  private endpoints(i: number, flow: Flow, direction: Direction): void {
    const { src, dst, sport, dport } = this.batch;
    const w = i * 4;
    const from = direction === 0 ? src : dst;
    const to = direction === 0 ? dst : src;
    from[w] = flow.a0;
    to[w] = flow.b0;
    const six = flow.family === 6;
    from[w + 1] = six ? flow.a1 : 0;
    from[w + 2] = six ? flow.a2 : 0;
    from[w + 3] = six ? flow.a3 : 0;
    to[w + 1] = six ? flow.b1 : 0;
    to[w + 2] = six ? flow.b2 : 0;
    to[w + 3] = six ? flow.b3 : 0;
    sport[i] = direction === 0 ? flow.aPort : flow.bPort;
    dport[i] = direction === 0 ? flow.bPort : flow.aPort;
  }

  header(bytes: Uint8Array, start: number): void {
    const { batch, at } = this;
    const flags = u16(bytes, start + 2);
    batch.id[at] = u16(bytes, start);
    batch.flags[at] = flags;
    batch.rcode[at] = flags & 15;
    batch.qdcount[at] = u16(bytes, start + 4);
    batch.ancount[at] = u16(bytes, start + 6);
  }

  question(bytes: Uint8Array, nameAt: number, type: number): void {
    const { batch, at } = this;
    if (batch.nameBytes[at] !== 0) return;
    batch.qtype[at] = type;
    const { names } = batch;
    let to = this.nameEnd;
    let i = nameAt;
    for (;;) {
      const length = bytes[i] as number;
      if (length >= 192) {
        i = this.start + (((length & 0x3f) << 8) | (bytes[i + 1] as number));
        continue;
      }
      for (const stop = i + length; i <= stop; i++) names[to++] = bytes[i] as number;
      if (length === 0) break;
    }
    batch.nameBytes[at] = to - this.nameEnd;
    this.nameEnd = to;
  }

  record(): void {}

  opt(_bytes: Uint8Array, _udpSize: number, flags: number): void {
    const { rcode } = this.batch;
    rcode[this.at] = (rcode[this.at] as number) | ((flags >>> 24) << 4);
  }

  issue(): void {}

  fault(): void {
    const { kind } = this.batch;
    kind[this.at] = (kind[this.at] as number) | MALFORMED_BIT;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
