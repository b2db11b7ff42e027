/** DNS messages from bytes to objects: a sink of the one parser. */
import type { DecodeOptions, Issue } from "../errors.ts";
import { DecodeError } from "../errors.ts";
import { hex } from "../reader.ts";
import { HEADER_BYTES, OPCODE } from "./constants.ts";
import type { DnsMessage, Edns, EdnsOption, Question, ResourceRecord } from "./message.ts";
import { FLAG } from "./message.ts";
import { nameText } from "./name.ts";
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

class MessageSink implements DnsSink {
  readonly issues: Issue[] = [];
  malformed = false;
  id = 0;
  flags = 0;
  extendedRcode = 0;
  edns: Edns | undefined;
  readonly questions: Question[] = [];
  readonly sections: [ResourceRecord[], ResourceRecord[], ResourceRecord[]] = [[], [], []];
  private start = 0;
  counts: DnsCounts = [0, 0, 0, 0];

  header(bytes: Uint8Array, start: number): void {
    this.start = start;
    this.id = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
    this.flags = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
    const count = (at: number) =>
      ((bytes[start + at] as number) << 8) | (bytes[start + at + 1] as number);
    this.counts = [count(4), count(6), count(8), count(10)];
  }

  question(bytes: Uint8Array, nameAt: number, type: number, rdclass: number): void {
    this.questions.push({ name: nameText(bytes, nameAt, this.start), type, class: rdclass });
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
    (this.sections[section as 0 | 1 | 2] as ResourceRecord[]).push({
      name: nameText(bytes, nameAt, this.start),
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
    this.edns = {
      udpSize,
      version: (flags >>> 16) & 0xff,
      do: (flags & 0x8000) !== 0,
      ...(z === 0 ? {} : { z }),
      options: optionsOf(bytes, at, end),
      ...(index === this.counts[3] - 1 ? {} : { index }),
    };
  }

  issue(code: string, offset: number, spec: string, message: string): void {
    this.issues.push({ code, offset, spec, message });
  }

  fault(code: string, offset: number, spec: string, message: string): void {
    this.malformed = true;
    this.issues.push({ code, offset, spec, message });
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

/** Reads as much as can be read of `bytes[start, end)`. Never throws. */
export function readMessage(bytes: Uint8Array, start = 0, end: number = bytes.length): DnsReading {
  const sink = new MessageSink();
  parse(bytes, start, end, sink);
  const { flags, sections } = sink;
  const opcode = (flags >> 11) & 15;
  const tlvs =
    opcode === OPCODE.DSO && !sink.malformed ? hex(bytes, start + HEADER_BYTES, end) : "";
  return {
    message: {
      id: sink.id,
      qr: (flags & FLAG.QR) !== 0 ? 1 : 0,
      opcode,
      rcode: (flags & 15) | (sink.extendedRcode << 4),
      aa: (flags & FLAG.AA) !== 0,
      tc: (flags & FLAG.TC) !== 0,
      rd: (flags & FLAG.RD) !== 0,
      ra: (flags & FLAG.RA) !== 0,
      ...((flags & FLAG.Z) !== 0 ? { z: true as const } : {}),
      ad: (flags & FLAG.AD) !== 0,
      cd: (flags & FLAG.CD) !== 0,
      questions: sink.questions,
      answers: sections[SECTION.ANSWER],
      authority: sections[SECTION.AUTHORITY],
      additional: sections[SECTION.ADDITIONAL],
      ...(sink.edns === undefined ? {} : { edns: sink.edns }),
      ...(tlvs === "" || sink.questions.length > 0 || sections.some((s) => s.length > 0)
        ? {}
        : { trailing: tlvs }),
    },
    counts: sink.counts,
    malformed: sink.malformed,
    issues: sink.issues,
  };
}

/**
 * One DNS message without framing.
 * @throws DecodeError at the first deviation, or with `tolerate` at what cannot be survived.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): DnsMessage {
  const { message, malformed, issues } = readMessage(bytes);
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
