/**
 * Columns of DNS records straight from wire bytes to TSV: what `--fields` prints for a message without
 * issues, without an object. A sink of the one parser. Byte for byte what the way over objects writes.
 */
import { HEADER_BYTES } from "../../codecs/dns/constants.ts";
import { FLAG } from "../../codecs/dns/message.ts";
import { writeName } from "../../codecs/dns/name.ts";
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse } from "../../codecs/dns/parse.ts";
import { writeIpv6 } from "../../codecs/dns/text-forms.ts";
import type { JsonWriter } from "../../codecs/json-writer.ts";
import { Fixed } from "../../codecs/json-writer.ts";
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
/** Room for one cell of numbers. */
const CELL_ROOM = 64;

type Cell = (rows: DnsRows) => void;

function flag(mask: number): Cell {
  return (rows) => rows.text((rows.flags & mask) !== 0 ? "true" : "false");
}

function count(offset: number): Cell {
  return (rows) => rows.number(rows.u16(offset));
}

/** By canonical name. Those of a protocol tell whether the row has anything to say. */
const CELLS: Readonly<Record<string, Cell>> = {
  frame: (rows) => rows.number(rows.mark.frame, false),
  time: (rows) => rows.time(),
  protocol: (rows) => rows.text("dns", false),
  src: (rows) => rows.address(rows.direction === 0),
  dst: (rows) => rows.address(rows.direction === 1),
  sport: (rows) => rows.number(rows.flow.sourcePort(rows.direction), false),
  dport: (rows) => rows.number(rows.flow.destinationPort(rows.direction), false),
  stream: (rows) => rows.number(rows.flow.stream, false),
  bytes: (rows) => rows.number(rows.end - rows.start, false),
  "ip.src": (rows) => rows.address(rows.direction === 0),
  "ip.dst": (rows) => rows.address(rows.direction === 1),
  "dns.id": count(0),
  "dns.qr": (rows) => rows.number(rows.flags >> 15),
  "dns.opcode": (rows) => rows.number((rows.flags >> 11) & 15),
  "dns.rcode": (rows) => rows.number((rows.flags & 15) | (rows.upperRcode << 4)),
  "dns.aa": flag(FLAG.AA),
  "dns.tc": flag(FLAG.TC),
  "dns.rd": flag(FLAG.RD),
  "dns.ra": flag(FLAG.RA),
  "dns.ad": flag(FLAG.AD),
  "dns.cd": flag(FLAG.CD),
  "dns.qdcount": count(4),
  "dns.ancount": count(6),
  "dns.nscount": count(8),
  "dns.arcount": count(10),
  "dns.qname": (rows) => rows.questionName(),
  "dns.qtype": (rows) => rows.questionType(),
  "dns.a": (rows) => rows.addresses(1),
  "dns.aaaa": (rows) => rows.addresses(28),
  "dns.cname": (rows) => rows.hosts(5),
  "dns.ns": (rows) => rows.hosts(2),
  "dns.ptr": (rows) => rows.hosts(12),
  "dns.requestFrame": (rows) => {
    if (rows.asked !== undefined) rows.number(rows.asked.frame);
  },
  "dns.latency": (rows) => rows.latency(),
};

export class DnsRows implements DnsSink, DnsRowSink {
  /** Of the message that is being written. */
  flow!: Flow;
  mark!: Mark;
  direction: Direction = 0;
  asked: Mark | undefined = undefined;
  start = 0;
  end = 0;
  flags = 0;
  upperRcode = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private readonly json: JsonWriter;
  private readonly cells: readonly Cell[];
  private readonly needsField: boolean;
  private readonly onRow: () => void;
  private lastSeconds = -1;
  private secondsText = new Fixed("");
  private found = false;
  private clean = true;
  /** A name has a quote: the one character that JSON writes otherwise than TSV. */
  private quoted = false;
  private questionAt = -1;
  private questionKind = 0;
  private answers = 0;
  private readonly answerTypes = new Int32Array(MAX_ANSWERS);
  private readonly answerAt = new Int32Array(MAX_ANSWERS);

  private constructor(
    json: JsonWriter,
    cells: readonly Cell[],
    needsField: boolean,
    onRow: () => void,
  ) {
    this.json = json;
    this.cells = cells;
    this.needsField = needsField;
    this.onRow = onRow;
  }

  /** Undefined when one of the fields (canonical names) has no cell here. `onRow` is called after each row. */
  static of(json: JsonWriter, names: readonly string[], onRow: () => void): DnsRows | undefined {
    const cells = names.map((name) => CELLS[name]);
    if (cells.includes(undefined)) return undefined;
    const needsField = names.some((name) => name.startsWith("dns."));
    return new DnsRows(json, cells as Cell[], needsField, onRow);
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
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.clean = true;
    this.questionAt = -1;
    this.answers = 0;
    this.upperRcode = 0;
    parse(bytes, start, end, this);
    if (!this.clean || (asked !== undefined && mark.digits > 9)) return false;
    this.flow = flow;
    this.direction = direction;
    this.mark = mark;
    this.asked = asked;
    this.found = !this.needsField;
    this.quoted = false;
    const { json, cells } = this;
    const before = json.at;
    for (let i = 0; i < cells.length; i++) {
      json.room(CELL_ROOM);
      if (i > 0) json.byte(TAB);
      (cells[i] as Cell)(this);
    }
    if (this.quoted) {
      json.at = before;
      return false;
    }
    json.room(1);
    json.byte(LINE_END);
    if (!this.found) json.at = before;
    this.onRow();
    return true;
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

  u16(offset: number): number {
    const at = this.start + offset;
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  number(value: number, ofProtocol = true): void {
    this.json.uint(value);
    if (ofProtocol) this.found = true;
  }

  /** ASCII that needs no escape, up to the room of a cell. */
  text(text: string, ofProtocol = true): void {
    const { json } = this;
    for (let i = 0; i < text.length; i++) json.byte(text.charCodeAt(i));
    if (ofProtocol) this.found = true;
  }

  /** Of the side that sent the first packet of the flow, or of the other. */
  address(first: boolean): void {
    const { flow, json } = this;
    if (flow.family === 4) json.ipv4Word(first ? flow.a0 : flow.b0);
    else this.text(flow.source(first ? 0 : 1), false);
  }

  time(): void {
    const { mark, json } = this;
    if (mark.digits !== 6) {
      this.text(timeText(mark), false);
      return;
    }
    if (mark.seconds !== this.lastSeconds) {
      this.lastSeconds = mark.seconds;
      this.secondsText = new Fixed(`${mark.seconds}.`);
    }
    json.put(this.secondsText);
    const high = Math.floor(mark.fraction / 1000);
    json.digits3(high);
    json.digits3(mark.fraction - high * 1000);
  }

  questionName(): void {
    if (this.questionAt < 0) return;
    this.name(this.questionAt);
  }

  /** A backslash is doubled in TSV as it is in JSON. */
  private name(at: number): void {
    const { json } = this;
    const from = json.at;
    const escaped = writeName(json, this.bytes, at, this.start);
    for (let i = from; escaped && i < json.at; i++) if (json.bytes[i] === QUOTE) this.quoted = true;
    this.found = true;
  }

  questionType(): void {
    if (this.questionAt >= 0) this.number(this.questionKind);
  }

  addresses(type: number): void {
    let first = true;
    for (let i = 0; i < this.answers; i++) {
      if (this.answerTypes[i] !== type) continue;
      this.json.room(CELL_ROOM);
      if (!first) this.json.byte(COMMA);
      first = false;
      const at = this.answerAt[i] as number;
      if (type === 1) this.json.ipv4(this.bytes, at);
      else writeIpv6(this.json, this.bytes, at);
      this.found = true;
    }
  }

  hosts(type: number): void {
    let first = true;
    for (let i = 0; i < this.answers; i++) {
      if (this.answerTypes[i] !== type) continue;
      this.json.room(1);
      if (!first) this.json.byte(COMMA);
      first = false;
      this.name(this.answerAt[i] as number);
    }
  }

  latency(): void {
    const { asked, mark } = this;
    if (asked === undefined) return;
    this.json.decimal(elapsedUnits(asked, mark), Math.max(asked.digits, mark.digits));
    this.found = true;
  }
}
