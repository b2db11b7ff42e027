/** DNS messages from bytes to objects: a sink of the one parser. */
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { hex } from "../reader.ts";
import { HEADER_BYTES, OPCODE } from "./constants.ts";
import type { DnsMessage, Edns, EdnsOption, Question, ResourceRecord } from "./message.ts";
import { FLAG } from "./message.ts";
import { beginNames, messageName } from "./name.ts";
import type { DnsSink } from "./parse.ts";
import { parse, SECTION } from "./parse.ts";
import { decodeRdata } from "./rdata.ts";

/** QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT. RFC 1035 4.1.1. */
export type DnsCounts = readonly [qd: number, an: number, ns: number, ar: number];

/** What could be read of a message, with all that is wrong with it. */
export interface DnsReading {
  readonly message: DnsMessage;
  /** What the header says that the message holds. */
  readonly counts: DnsCounts;
  /** The message could not be read to its end: the last of `issues` tells where. */
  readonly malformed: boolean;
  readonly issues: readonly Issue[];
}

const NO_COUNTS: DnsCounts = [0, 0, 0, 0];
const NO_ISSUES: readonly Issue[] = [];

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** One for all messages: a short query is bound by the objects that are made for it. */
class MessageSink implements DnsSink {
  issues: Issue[] | undefined;
  malformed = false;
  /** Whether there was a header. */
  begun = false;
  id = 0;
  flags = 0;
  extendedRcode = 0;
  edns: Edns | undefined;
  questions: Question[] = [];
  answers: ResourceRecord[] = [];
  authority: ResourceRecord[] = [];
  additional: ResourceRecord[] = [];
  private start = 0;
  /** ARCOUNT. */
  private lastCount = 0;

  reset(): void {
    this.issues = undefined;
    this.malformed = false;
    this.begun = false;
    this.id = 0;
    this.flags = 0;
    this.extendedRcode = 0;
    this.edns = undefined;
    this.questions = [];
    this.answers = [];
    this.authority = [];
    this.additional = [];
  }

  header(bytes: Uint8Array, start: number): void {
    this.begun = true;
    this.start = start;
    this.id = u16(bytes, start);
    this.flags = u16(bytes, start + 2);
    this.lastCount = u16(bytes, start + 10);
  }

  question(bytes: Uint8Array, nameAt: number, type: number, rdclass: number): void {
    this.questions.push({ name: messageName(bytes, nameAt, this.start), type, class: rdclass });
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
    const records =
      section === SECTION.ANSWER
        ? this.answers
        : section === SECTION.AUTHORITY
          ? this.authority
          : this.additional;
    records.push({
      name: messageName(bytes, nameAt, this.start),
      type,
      class: rdclass,
      ttl,
      rdata: decodeRdata(type, bytes, rdataAt, rdataEnd, this.start, valid),
    });
  }

  opt(
    bytes: Uint8Array,
    udpSize: number,
    flags: number,
    at: number,
    end: number,
    index: number,
  ): void {
    this.extendedRcode = flags >>> 24;
    const z = flags & 0x7fff;
    const edns: { -readonly [K in keyof Edns]: Edns[K] } = {
      udpSize,
      version: (flags >>> 16) & 0xff,
      do: (flags & 0x8000) !== 0,
      options: optionsOf(bytes, at, end),
    };
    if (z !== 0) edns.z = z;
    if (index !== this.lastCount - 1) edns.index = index;
    this.edns = edns;
  }

  issue(code: string, offset: number, spec: string, message: string): void {
    (this.issues ??= []).push({ code, offset, spec, message });
  }

  fault(code: string, offset: number, spec: string, message: string): void {
    this.malformed = true;
    (this.issues ??= []).push({ code, offset, spec, message });
  }
}

/** Options up to the first that does not fit. RFC 6891 6.1.2. */
function optionsOf(bytes: Uint8Array, at: number, end: number): EdnsOption[] {
  const options: EdnsOption[] = [];
  for (let i = at; end - i >= 4; ) {
    const next = i + 4 + (((bytes[i + 2] as number) << 8) | (bytes[i + 3] as number));
    if (next > end) break;
    const code = ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
    options.push({ code, data: hex(bytes, i + 4, next) });
    i = next;
  }
  return options;
}

const sink = new MessageSink();

/** The message as far as it can be read; `sink` has what is wrong with it. */
function read(bytes: Uint8Array, start: number, end: number): DnsMessage {
  sink.reset();
  beginNames();
  parse(bytes, start, end, sink);
  const { flags, questions, answers, authority, additional, edns } = sink;
  const opcode = (flags >> 11) & 15;
  // Built field by field: spreading three optional parts took a third of the time of a short query.
  const message: { -readonly [K in keyof DnsMessage]: DnsMessage[K] } = {
    id: sink.id,
    qr: (flags & FLAG.QR) !== 0 ? 1 : 0,
    opcode,
    rcode: (flags & 15) | (sink.extendedRcode << 4),
    aa: (flags & FLAG.AA) !== 0,
    tc: (flags & FLAG.TC) !== 0,
    rd: (flags & FLAG.RD) !== 0,
    ra: (flags & FLAG.RA) !== 0,
    ad: (flags & FLAG.AD) !== 0,
    cd: (flags & FLAG.CD) !== 0,
    questions,
    answers,
    authority,
    additional,
  };
  if ((flags & FLAG.Z) !== 0) message.z = true;
  if (edns !== undefined) message.edns = edns;
  if (opcode === OPCODE.DSO && !sink.malformed) {
    const tlvs = hex(bytes, start + HEADER_BYTES, end);
    if (tlvs !== "" && [questions, answers, authority, additional].every((s) => s.length === 0))
      message.trailing = tlvs;
  }
  return message;
}

/** Reads as much as can be read of `bytes[start, end)`. Never throws. */
export function readMessage(bytes: Uint8Array, start = 0, end: number = bytes.length): DnsReading {
  const message = read(bytes, start, end);
  const count = (at: number) => u16(bytes, start + at);
  return {
    message,
    counts: sink.begun ? [count(4), count(6), count(8), count(10)] : NO_COUNTS,
    malformed: sink.malformed,
    issues: sink.issues ?? NO_ISSUES,
  };
}

/**
 * One DNS message without framing.
 * @throws DecodeError at the first deviation, or with `tolerate` at what cannot be survived.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): DnsMessage {
  const message = read(bytes, 0, bytes.length);
  const { malformed, issues } = sink;
  if (issues === undefined) return message;
  const count = malformed ? issues.length - 1 : issues.length;
  for (let i = 0; i < count; i++) {
    const issue = issues[i] as Issue;
    if (options.tolerate === undefined) throw errorOf(issue);
    options.tolerate(issue);
  }
  if (malformed) throw errorOf(issues[count] as Issue);
  return message;
}

function errorOf(issue: Issue): DecodeError {
  return new DecodeError(issue.code, issue.offset, issue.spec, issue.message);
}
