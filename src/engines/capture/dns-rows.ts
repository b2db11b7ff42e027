/**
 * Columns of DNS records straight from wire bytes to TSV: what `--fields` prints for a message without
 * issues, without an object. A sink of the one parser. Byte for byte what the way over objects writes.
 */
import { HEADER_BYTES, TYPE } from "../../codecs/dns/constants.ts";
import { FLAG } from "../../codecs/dns/message.ts";
import { escapes, NAME_ROOM, nameAt } from "../../codecs/dns/name.ts";
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse } from "../../codecs/dns/parse.ts";
import { writeIpv6 } from "../../codecs/dns/text-forms.ts";
import type { JsonWriter } from "../../codecs/json-writer.ts";
import { digits3At, Fixed, fixedAt, ipv4At, ipv4WordAt, uintAt } from "../../codecs/json-writer.ts";
import type { Direction, DnsRowSink } from "./dissector.ts";
import type { Flow } from "./flow.ts";
import type { Mark } from "./mark.ts";
import { elapsedUnits, timeText } from "./mark.ts";

const TAB = 0x09;
const LINE_END = 0x0a;
const COMMA = 0x2c;
const QUOTE = 0x22;
/** Answers of one message that rows hold; longer ones go the other way. */
const MAX_ANSWERS = 64;
/** Room for one cell without a name, and for one address of a list: more than any asks for itself. */
const CELL_ROOM = 128;

/**
 * What is written in a cell, and with which argument. A row is one loop over a list of these: the
 * calls behind a function a cell took as long as the writing.
 */
const CELL = {
  FRAME: 0,
  TIME: 1,
  PROTOCOL: 2,
  /** Argument of these two: 0 for the sender's, 1 for the receiver's. */
  ADDRESS: 3,
  PORT: 4,
  STREAM: 5,
  BYTES: 6,
  /** Argument: offset of two octets of the header. */
  HEADER: 7,
  QR: 8,
  OPCODE: 9,
  RCODE: 10,
  /** Argument: mask of the bit. */
  FLAG: 11,
  // From here on a message may have nothing to say.
  QNAME: 12,
  QTYPE: 13,
  /** Argument: type of the answers. */
  ADDRESSES: 14,
  HOSTS: 15,
  REQUEST_FRAME: 16,
  LATENCY: 17,
} as const;

type Cell = readonly [kind: number, argument?: number];

/** By canonical name. Those of a protocol tell whether the row has anything to say. */
const CELLS: Readonly<Record<string, Cell>> = {
  frame: [CELL.FRAME],
  time: [CELL.TIME],
  protocol: [CELL.PROTOCOL],
  src: [CELL.ADDRESS, 0],
  dst: [CELL.ADDRESS, 1],
  sport: [CELL.PORT, 0],
  dport: [CELL.PORT, 1],
  stream: [CELL.STREAM],
  bytes: [CELL.BYTES],
  "ip.src": [CELL.ADDRESS, 0],
  "ip.dst": [CELL.ADDRESS, 1],
  "dns.id": [CELL.HEADER, 0],
  "dns.qr": [CELL.QR],
  "dns.opcode": [CELL.OPCODE],
  "dns.rcode": [CELL.RCODE],
  "dns.aa": [CELL.FLAG, FLAG.AA],
  "dns.tc": [CELL.FLAG, FLAG.TC],
  "dns.rd": [CELL.FLAG, FLAG.RD],
  "dns.ra": [CELL.FLAG, FLAG.RA],
  "dns.ad": [CELL.FLAG, FLAG.AD],
  "dns.cd": [CELL.FLAG, FLAG.CD],
  "dns.qdcount": [CELL.HEADER, 4],
  "dns.ancount": [CELL.HEADER, 6],
  "dns.nscount": [CELL.HEADER, 8],
  "dns.arcount": [CELL.HEADER, 10],
  "dns.qname": [CELL.QNAME],
  "dns.qtype": [CELL.QTYPE],
  "dns.a": [CELL.ADDRESSES, TYPE.A],
  "dns.aaaa": [CELL.ADDRESSES, TYPE.AAAA],
  "dns.cname": [CELL.HOSTS, TYPE.CNAME],
  "dns.ns": [CELL.HOSTS, TYPE.NS],
  "dns.ptr": [CELL.HOSTS, TYPE.PTR],
  "dns.requestFrame": [CELL.REQUEST_FRAME],
  "dns.latency": [CELL.LATENCY],
};

const TRUE = new Fixed("true");
const FALSE = new Fixed("false");
const DNS = new Fixed("dns");

export class DnsRows implements DnsSink, DnsRowSink {
  private flags = 0;
  private upperRcode = 0;
  private readonly json: JsonWriter;
  /** Pairs: kind of cell, argument. */
  private readonly cells: Int32Array;
  /** Every row has something to say. */
  private readonly always: boolean;
  private readonly rowRoom: number;
  /** Room for each answer, in all cells that list answers. */
  private readonly answerRoom: number;
  private readonly onRow: () => void;
  private lastSeconds = -1;
  private secondsText = new Fixed("");
  private clean = true;
  private questionAt = -1;
  private questionKind = 0;
  private answers = 0;
  private readonly answerTypes = new Int32Array(MAX_ANSWERS);
  private readonly answerAt = new Int32Array(MAX_ANSWERS);

  private constructor(
    json: JsonWriter,
    cells: readonly Cell[],
    always: boolean,
    onRow: () => void,
  ) {
    this.json = json;
    this.cells = Int32Array.from(cells.flatMap(([kind, argument]) => [kind, argument ?? 0]));
    this.always = always;
    const count = (wanted: number) => cells.filter(([kind]) => kind === wanted).length;
    this.rowRoom = cells.length * CELL_ROOM + count(CELL.QNAME) * NAME_ROOM;
    this.answerRoom = count(CELL.ADDRESSES) * CELL_ROOM + count(CELL.HOSTS) * (NAME_ROOM + 1);
    this.onRow = onRow;
  }

  /** Undefined when one of the fields (canonical names) has no cell here. `onRow` is called after each row. */
  static of(json: JsonWriter, names: readonly string[], onRow: () => void): DnsRows | undefined {
    const cells = names.map((name) => CELLS[name]);
    if (cells.includes(undefined)) return undefined;
    const ofDns = names.filter((name) => name.startsWith("dns."));
    const always =
      ofDns.length === 0 || ofDns.some((name) => (CELLS[name] as Cell)[0] < CELL.QNAME);
    return new DnsRows(json, cells as Cell[], always, onRow);
  }

  /** Returns false, with nothing written, for a message that has issues or is out of the common. */
  row(
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: Uint8Array,
    start: number,
    end: number,
    asked: Mark | undefined,
  ): boolean {
    if (end - start < HEADER_BYTES) return false;
    this.clean = true;
    this.questionAt = -1;
    this.answers = 0;
    this.upperRcode = 0;
    parse(bytes, start, end, this);
    if (!this.clean || (asked !== undefined && mark.digits > 9)) return false;
    if (!this.always && !this.saysSomething(asked)) {
      this.onRow();
      return true;
    }
    const { json } = this;
    const before = json.at;
    const escaped = escapes.count;
    this.write(flow, direction, mark, bytes, start, end, asked);
    // The quote is the one character of names that JSON writes otherwise than TSV.
    if (escapes.count !== escaped && json.written(before).includes(QUOTE)) {
      json.at = before;
      return false;
    }
    this.onRow();
    return true;
  }

  /** Whether one of the cells that may be empty is not. */
  private saysSomething(asked: Mark | undefined): boolean {
    const { cells, answerTypes, answers } = this;
    for (let i = 0; i < cells.length; i += 2) {
      const kind = cells[i] as number;
      if (kind < CELL.QNAME) continue;
      if (kind === CELL.QNAME || kind === CELL.QTYPE) {
        if (this.questionAt >= 0) return true;
      } else if (kind === CELL.ADDRESSES || kind === CELL.HOSTS) {
        const found = answerTypes.indexOf(cells[i + 1] as number);
        if (found >= 0 && found < answers) return true;
      } else if (asked !== undefined) {
        return true;
      }
    }
    return false;
  }

  private write(
    flow: Flow,
    direction: Direction,
    mark: Mark,
    bytes: Uint8Array,
    start: number,
    end: number,
    asked: Mark | undefined,
  ): void {
    const { json, cells, flags } = this;
    json.room(this.rowRoom + this.answers * this.answerRoom);
    let { at } = json;
    const { data, bytes: out } = json;
    for (let i = 0; i < cells.length; i += 2) {
      const argument = cells[i + 1] as number;
      switch (cells[i]) {
        case CELL.FRAME:
          at = uintAt(data, at, mark.frame);
          break;
        case CELL.TIME:
          at = this.time(data, at, mark);
          break;
        case CELL.PROTOCOL:
          at = fixedAt(data, at, DNS);
          break;
        case CELL.ADDRESS:
          at = addressAt(data, at, flow, argument === direction ? 0 : 1);
          break;
        case CELL.PORT:
          at = uintAt(data, at, argument === direction ? flow.aPort : flow.bPort);
          break;
        case CELL.STREAM:
          at = uintAt(data, at, flow.stream);
          break;
        case CELL.BYTES:
          at = uintAt(data, at, end - start);
          break;
        case CELL.HEADER:
          at = uintAt(data, at, u16(bytes, start + argument));
          break;
        case CELL.QR:
          out[at++] = 0x30 + (flags >> 15);
          break;
        case CELL.OPCODE:
          at = uintAt(data, at, (flags >> 11) & 15);
          break;
        case CELL.RCODE:
          at = uintAt(data, at, (flags & 15) | (this.upperRcode << 4));
          break;
        case CELL.FLAG:
          at = fixedAt(data, at, (flags & argument) !== 0 ? TRUE : FALSE);
          break;
        case CELL.QNAME:
          if (this.questionAt >= 0) at = nameAt(out, at, bytes, this.questionAt, start);
          break;
        case CELL.QTYPE:
          if (this.questionAt >= 0) at = uintAt(data, at, this.questionKind);
          break;
        case CELL.ADDRESSES:
          if (this.answers > 0) at = this.addresses(json, at, bytes, argument);
          break;
        case CELL.HOSTS:
          if (this.answers > 0) at = this.hosts(out, at, bytes, start, argument);
          break;
        case CELL.REQUEST_FRAME:
          if (asked !== undefined) at = uintAt(data, at, asked.frame);
          break;
        default:
          if (asked !== undefined) at = latencyAt(json, at, asked, mark);
      }
      out[at++] = TAB;
    }
    // There is at least one cell: the last tab was one too many.
    out[at - 1] = LINE_END;
    json.at = at;
  }

  header(bytes: Uint8Array, start: number): void {
    this.flags = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
  }

  question(_bytes: Uint8Array, nameAt: number, type: number): void {
    if (this.questionAt >= 0) return;
    this.questionAt = nameAt;
    this.questionKind = type;
  }

  record(
    section: number,
    _bytes: Uint8Array,
    _nameAt: number,
    type: number,
    _rdclass: number,
    _ttl: number,
    rdataAt: number,
    _rdataEnd: number,
    valid: boolean,
  ): void {
    if (section !== 0) return;
    if (!valid || this.answers === MAX_ANSWERS) {
      this.clean = false;
      return;
    }
    this.answerTypes[this.answers] = type;
    this.answerAt[this.answers++] = rdataAt;
  }

  opt(_bytes: Uint8Array, _udpSize: number, flags: number): void {
    this.upperRcode = flags >>> 24;
  }

  issue(): void {
    this.clean = false;
  }

  fault(): void {
    this.clean = false;
  }

  private time(data: DataView, at: number, mark: Mark): number {
    if (mark.digits !== 6) return asciiAt(data, at, timeText(mark));
    if (mark.seconds !== this.lastSeconds) {
      this.lastSeconds = mark.seconds;
      this.secondsText = new Fixed(`${mark.seconds}.`);
    }
    const high = (mark.fraction / 1000) | 0;
    const point = fixedAt(data, at, this.secondsText);
    return digits3At(data, digits3At(data, point, high), mark.fraction - high * 1000);
  }

  private addresses(json: JsonWriter, from: number, bytes: Uint8Array, type: number): number {
    let at = from;
    for (let i = 0; i < this.answers; i++) {
      if (this.answerTypes[i] !== type) continue;
      if (at > from) json.bytes[at++] = COMMA;
      const rdataAt = this.answerAt[i] as number;
      if (type === TYPE.A) {
        at = ipv4At(json.data, at, bytes, rdataAt);
      } else {
        json.at = at;
        writeIpv6(json, bytes, rdataAt);
        at = json.at;
      }
    }
    return at;
  }

  private hosts(
    out: Uint8Array,
    from: number,
    bytes: Uint8Array,
    start: number,
    type: number,
  ): number {
    let at = from;
    for (let i = 0; i < this.answers; i++) {
      if (this.answerTypes[i] !== type) continue;
      if (at > from) out[at++] = COMMA;
      at = nameAt(out, at, bytes, this.answerAt[i] as number, start);
    }
    return at;
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function asciiAt(data: DataView, from: number, text: string): number {
  for (let i = 0; i < text.length; i++) data.setUint8(from + i, text.charCodeAt(i));
  return from + text.length;
}

/** Of the side that sent the first packet of the flow (0), or of the other. */
function addressAt(data: DataView, at: number, flow: Flow, side: Direction): number {
  if (flow.family === 4) return ipv4WordAt(data, at, side === 0 ? flow.a0 : flow.b0);
  return asciiAt(data, at, flow.source(side));
}

function latencyAt(json: JsonWriter, at: number, asked: Mark, mark: Mark): number {
  json.at = at;
  json.decimal(elapsedUnits(asked, mark), Math.max(asked.digits, mark.digits));
  return json.at;
}
