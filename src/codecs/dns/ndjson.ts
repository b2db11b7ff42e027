/**
 * The body keys of a DNS record straight from wire bytes to JSON bytes: the same text as
 * JSON.stringify makes of `record`, without an object. A sink of the one parser.
 */
import type { Issue } from "../errors.ts";
import type { JsonWriter } from "../json-writer.ts";
import { Fixed } from "../json-writer.ts";
import { HEADER_BYTES } from "./constants.ts";
import { FLAG } from "./message.ts";
import { writeName } from "./name.ts";
import type { DnsSink } from "./parse.ts";
import { parse } from "./parse.ts";
import { writeRdata } from "./rdata-text.ts";

const ID = new Fixed(',"id":');
/** What closes the open section (0: the questions) and opens another, the empty ones between too. */
const SECTIONS = ['],"answers":[', '],"authority":[', '],"additional":[', "]"];
const BETWEEN = SECTIONS.map((_, from) =>
  SECTIONS.map((_, to) => new Fixed(SECTIONS.slice(from, to + 1).join(""))),
);
const NAME = new Fixed('{"name":"');
const NEXT_NAME = new Fixed(',{"name":"');
const TYPE_KEY = new Fixed('","type":');
const CLASS_KEY = new Fixed(',"class":');
const TTL_KEY = new Fixed(',"ttl":');
const DATA_KEY = new Fixed(',"data":"');
const ENDS = new Fixed('"}');
const EDNS = new Fixed(',"edns":{"udpSize":');
const VERSION = new Fixed(',"version":');
const DO_TRUE = new Fixed(',"do":true,"options":[');
const DO_FALSE = new Fixed(',"do":false,"options":[');
const OPTION = new Fixed('{"code":');
const OPTION_DATA = new Fixed(',"data":"');
const NO_OPTIONS = new Fixed("]}");
const EMPTY: readonly Issue[] = [];

const RCODE_KEY = ',"rcode":';
/** Text of the flags by the second word of the header; made when first seen. */
const flagTexts: (Fixed | undefined)[] = new Array(65_536);

function flagText(flags: number): Fixed {
  const bit = (name: string, mask: number) => `,"${name}":${(flags & mask) !== 0}`;
  const text = new Fixed(
    `,"qr":${flags >> 15},"opcode":${(flags >> 11) & 15}${RCODE_KEY}${flags & 15}${bit("aa", FLAG.AA)}${bit("tc", FLAG.TC)}${bit("rd", FLAG.RD)}${bit("ra", FLAG.RA)}${bit("ad", FLAG.AD)}${bit("cd", FLAG.CD)}`,
  );
  flagTexts[flags] = text;
  return text;
}

function countText(qd: number, an: number, ns: number, ar: number): string {
  return `,"qdcount":${qd},"ancount":${an},"nscount":${ns},"arcount":${ar},"questions":[`;
}

/** Text of the counts, where each is below 16: by four bits of each. */
const countTexts: (Fixed | undefined)[] = new Array(65_536);

/** `","type":T,"class":1` for the types that are seen; other classes are spelt out. */
const typeTexts: (Fixed | undefined)[] = new Array(512);

export class DnsNdjson implements DnsSink {
  malformed = false;
  issues: readonly Issue[] = EMPTY;
  private readonly json: JsonWriter;
  private start = 0;
  /** Index of the first octet of the flags text in the output. */
  private flagsAt = 0;
  private flags = 0;
  /** Section now open: 0 questions, then 1 + SECTION. */
  private open = 0;
  private rows = 0;
  /** A name that was written: where it lies in the message and in the output. */
  private knownName = -1;
  private knownAt = 0;
  private knownEnd = 0;
  private edns = false;
  private udpSize = 0;
  private optFlags = 0;
  private optAt = 0;
  private optEnd = 0;

  constructor(json: JsonWriter) {
    this.json = json;
  }

  /** Writes `,"key":value` pairs for the message `bytes[start, end)`; then `malformed` and `issues` are set. */
  write(bytes: Uint8Array, start: number, end: number): void {
    this.malformed = false;
    this.issues = EMPTY;
    this.edns = false;
    this.open = 0;
    this.rows = 0;
    this.knownName = -1;
    parse(bytes, start, end, this);
    if (end - start < HEADER_BYTES) return;
    if (this.open < 4) this.section(4);
    if (this.edns) this.writeEdns(bytes);
  }

  header(bytes: Uint8Array, start: number): void {
    const { json } = this;
    this.start = start;
    json.room(400);
    json.put(ID);
    json.uint(u16(bytes, start));
    this.flagsAt = json.at;
    this.flags = u16(bytes, start + 2);
    json.put(flagTexts[this.flags] ?? flagText(this.flags));
    const qd = u16(bytes, start + 4);
    const an = u16(bytes, start + 6);
    const ns = u16(bytes, start + 8);
    const ar = u16(bytes, start + 10);
    if ((qd | an | ns | ar) < 16) {
      const key = (qd << 12) | (an << 8) | (ns << 4) | ar;
      let text = countTexts[key];
      if (text === undefined) {
        text = new Fixed(countText(qd, an, ns, ar));
        countTexts[key] = text;
      }
      json.put(text);
    } else {
      json.raw(countText(qd, an, ns, ar));
    }
  }

  /** Closes sections until `next` is open. */
  private section(next: number): void {
    const { json } = this;
    json.room(64);
    json.put((BETWEEN[this.open] as Fixed[])[next - 1] as Fixed);
    this.open = next;
    this.rows = 0;
  }

  private name(bytes: Uint8Array, nameAt: number): void {
    const { json } = this;
    json.room(16);
    json.put(this.rows++ === 0 ? NAME : NEXT_NAME);
    if ((bytes[nameAt] as number) >= 192) {
      const target =
        this.start + ((((bytes[nameAt] as number) & 0x3f) << 8) | (bytes[nameAt + 1] as number));
      if (target === this.knownName) {
        const length = this.knownEnd - this.knownAt;
        json.room(length);
        json.copy(json.bytes, this.knownAt, this.knownEnd);
        return;
      }
      nameAt = target;
    }
    const from = json.at;
    writeName(json, bytes, nameAt, this.start);
    this.knownName = nameAt;
    this.knownAt = from;
    this.knownEnd = json.at;
  }

  private typeAndClass(type: number, rdclass: number): void {
    const { json } = this;
    if (rdclass === 1 && type < 512) {
      let text = typeTexts[type];
      if (text === undefined) {
        text = new Fixed(`","type":${type},"class":1`);
        typeTexts[type] = text;
      }
      json.put(text);
      return;
    }
    json.put(TYPE_KEY);
    json.uint(type);
    json.put(CLASS_KEY);
    json.uint(rdclass);
  }

  question(bytes: Uint8Array, nameAt: number, type: number, rdclass: number): void {
    this.name(bytes, nameAt);
    this.json.room(64);
    this.typeAndClass(type, rdclass);
    this.json.byte(0x7d);
  }

  record(
    section: number,
    bytes: Uint8Array,
    nameAt: number,
    type: number,
    rdclass: number,
    ttl: number,
    rdataAt: number,
    rdataEnd: number,
    valid: boolean,
  ): void {
    const { json } = this;
    if (this.open !== section + 1) this.section(section + 1);
    this.name(bytes, nameAt);
    json.room(128);
    this.typeAndClass(type, rdclass);
    json.put(TTL_KEY);
    json.uint(ttl);
    json.put(DATA_KEY);
    if (type === 1 && valid) json.ipv4(bytes, rdataAt);
    else writeRdata(json, type, bytes, rdataAt, rdataEnd, this.start, valid);
    json.room(8);
    json.put(ENDS);
  }

  opt(_bytes: Uint8Array, udpSize: number, flags: number, at: number, end: number): void {
    this.edns = true;
    this.udpSize = udpSize;
    this.optFlags = flags;
    this.optAt = at;
    this.optEnd = end;
  }

  private writeEdns(bytes: Uint8Array): void {
    const { json } = this;
    if (this.optFlags >= 0x1000000) this.extendRcode(this.optFlags >>> 24);
    json.room((this.optEnd - this.optAt) * 16 + 128);
    json.put(EDNS);
    json.uint(this.udpSize);
    json.put(VERSION);
    json.uint((this.optFlags >>> 16) & 0xff);
    json.put((this.optFlags & 0x8000) !== 0 ? DO_TRUE : DO_FALSE);
    for (let i = this.optAt; this.optEnd - i >= 4; ) {
      const next = i + 4 + u16(bytes, i + 2);
      if (next > this.optEnd) break;
      if (i > this.optAt) json.byte(0x2c);
      json.put(OPTION);
      json.uint(u16(bytes, i));
      json.put(OPTION_DATA);
      json.hex(bytes, i + 4, next);
      json.put(ENDS);
      i = next;
    }
    json.put(NO_OPTIONS);
  }

  /** The upper bits of the rcode come last on the wire but stand first in the record: makes place for them. */
  private extendRcode(upper: number): void {
    const { json, flags } = this;
    json.room(8);
    const old = String(flags & 15);
    const text = String((upper << 4) | (flags & 15));
    const at =
      this.flagsAt + `,"qr":${flags >> 15},"opcode":${(flags >> 11) & 15}${RCODE_KEY}`.length;
    json.bytes.copyWithin(at + text.length, at + old.length, json.at);
    for (let i = 0; i < text.length; i++) json.bytes[at + i] = text.charCodeAt(i);
    json.at += text.length - old.length;
  }

  issue(code: string, offset: number, spec: string, message: string): void {
    if (this.issues === EMPTY) this.issues = [];
    (this.issues as Issue[]).push({ code, offset, spec, message });
  }

  fault(code: string, offset: number, spec: string, message: string): void {
    this.malformed = true;
    this.issue(code, offset, spec, message);
  }
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
