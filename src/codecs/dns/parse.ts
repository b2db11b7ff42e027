/**
 * The one parser of DNS messages (RFC 1035 4.1). It makes nothing itself: it checks the bytes and
 * tells a sink where each part lies, so that objects, NDJSON bytes and typed columns all come
 * from the same reading. It never throws.
 */
import { CLASS, HEADER_BYTES, OPCODE, TYPE } from "./constants.ts";
import { NAME_FAULTS, nameFault, skipName } from "./name.ts";
import { hasKnownRdata, rdataIsValid } from "./rdata-check.ts";

/** Sections of records. RFC 1035 4.1. */
export const SECTION = { ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2 } as const;

/** All positions are indices into the bytes given to `parse`. */
export interface DnsSink {
  /** The header's twelve octets stand at `start`. */
  header(bytes: Uint8Array, start: number): void;
  question(bytes: Uint8Array, nameAt: number, type: number, rdclass: number): void;
  /** `valid`: rdata of the form that its type has; else opaque. */
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
  ): void;
  /** The OPT record (RFC 6891 6.1), whose class and TTL mean other things. `index`: its place among the additional records. */
  opt(
    bytes: Uint8Array,
    udpSize: number,
    flags: number,
    rdataAt: number,
    rdataEnd: number,
    index: number,
  ): void;
  /** A deviation that was survived; `offset` counts from the start of the message. */
  issue(code: string, offset: number, spec: string, message: string): void;
  /** The message ends here: nothing after `offset` could be read. */
  fault(code: string, offset: number, spec: string, message: string): void;
}

/** State of one walk, kept in one object so that the hot path makes none. */
let at = 0;
let optSeen = false;

/** Reads `bytes[start, end)` into `sink`. */
export function parse(bytes: Uint8Array, start: number, end: number, sink: DnsSink): void {
  if (end - start < HEADER_BYTES) {
    sink.fault(
      "dns.header.truncated",
      end - start,
      "RFC 1035 4.1.1",
      `a header has 12 octets, ${end - start} are here`,
    );
    return;
  }
  sink.header(bytes, start);
  at = start + HEADER_BYTES;
  optSeen = false;
  const opcode = ((bytes[start + 2] as number) >> 3) & 15;
  const questions = u16(bytes, start + 4);
  for (let n = 0; n < questions; n++) {
    if (!question(bytes, start, end, sink)) return;
  }
  for (let section = 0; section < 3; section++) {
    const count = u16(bytes, start + 6 + section * 2);
    for (let n = 0; n < count; n++) {
      if (!record(bytes, start, end, sink, section, n, opcode)) return;
    }
  }
  // RFC 8490 5.4: the TLVs of DSO follow a header whose counts are zero.
  if (at < end && opcode !== OPCODE.DSO) {
    sink.issue(
      "dns.trailing",
      at - start,
      "RFC 1035 4.1",
      `${end - at} octets follow the last record`,
    );
  }
}

function u16(bytes: Uint8Array, i: number): number {
  return ((bytes[i] as number) << 8) | (bytes[i + 1] as number);
}

function name(bytes: Uint8Array, start: number, end: number, sink: DnsSink): boolean {
  const next = skipName(bytes, at, start, end);
  if (next < 0) {
    const fault = NAME_FAULTS[nameFault.kind] as (typeof NAME_FAULTS)[number];
    sink.fault(fault.code, nameFault.at - start, fault.spec, fault.message);
    return false;
  }
  at = next;
  return true;
}

function question(bytes: Uint8Array, start: number, end: number, sink: DnsSink): boolean {
  const nameAt = at;
  if (!name(bytes, start, end, sink)) return false;
  if (end - at < 4) {
    sink.fault("dns.question.truncated", at - start, "RFC 1035 4.1.2", "a question is cut");
    return false;
  }
  at += 4;
  sink.question(bytes, nameAt, u16(bytes, at - 4), u16(bytes, at - 2));
  return true;
}

function record(
  bytes: Uint8Array,
  start: number,
  end: number,
  sink: DnsSink,
  section: number,
  index: number,
  opcode: number,
): boolean {
  const nameAt = at;
  if (!name(bytes, start, end, sink)) return false;
  const head = at;
  if (end - head < 10) {
    sink.fault("dns.record.truncated", head - start, "RFC 1035 4.1.3", "a record is cut");
    return false;
  }
  const type = u16(bytes, head);
  const rdclass = u16(bytes, head + 2);
  const rdataAt = head + 10;
  const rdataEnd = rdataAt + u16(bytes, head + 8);
  if (rdataEnd > end) {
    sink.fault(
      "dns.rdata.truncated",
      head + 8 - start,
      "RFC 1035 4.1.3",
      `RDLENGTH is ${rdataEnd - rdataAt}, ${end - rdataAt} octets are left`,
    );
    return false;
  }
  at = rdataEnd;
  if (
    type === TYPE.OPT &&
    section === SECTION.ADDITIONAL &&
    isOnlyOpt(bytes, start, nameAt, sink)
  ) {
    if (!optionsFit(bytes, rdataAt, rdataEnd)) {
      sink.issue(
        "dns.edns.option",
        rdataAt - start,
        "RFC 6891 6.1.2",
        "the options do not fill the rdata",
      );
    }
    sink.opt(
      bytes,
      rdclass,
      u16(bytes, head + 4) * 0x10000 + u16(bytes, head + 6),
      rdataAt,
      rdataEnd,
      index,
    );
    return true;
  }
  let ttl = u16(bytes, head + 4) * 0x10000 + u16(bytes, head + 6);
  if (ttl > 0x7fffffff && type !== TYPE.OPT) {
    sink.issue(
      "dns.ttl.sign",
      head + 4 - start,
      "RFC 2181 8",
      "a TTL with its top bit set counts as 0",
    );
    ttl = 0;
  }
  // Of other forms than the table's, and rightly: kept opaque.
  const opaque =
    type === TYPE.OPT ||
    !hasKnownRdata(type, rdclass) ||
    isEmptyUpdate(opcode, rdclass, rdataAt, rdataEnd);
  const valid = !opaque && rdataIsValid(type, bytes, rdataAt, rdataEnd, start);
  if (!valid && !opaque) {
    sink.issue(
      "dns.rdata.form",
      rdataAt - start,
      "RFC 1035 3.2.1",
      `rdata is not of the form of type ${type}`,
    );
  }
  sink.record(section, bytes, nameAt, type, rdclass, ttl, rdataAt, rdataEnd, valid);
  return true;
}

/** RFC 2136 2.4, 2.5: prerequisites and deletions have no rdata. */
function isEmptyUpdate(opcode: number, rdclass: number, from: number, to: number): boolean {
  return (
    opcode === OPCODE.UPDATE && from === to && (rdclass === CLASS.ANY || rdclass === CLASS.NONE)
  );
}

function isOnlyOpt(bytes: Uint8Array, start: number, nameAt: number, sink: DnsSink): boolean {
  if (optSeen) {
    sink.issue("dns.edns.twice", nameAt - start, "RFC 6891 6.1.1", "a second OPT record");
    return false;
  }
  optSeen = true;
  if (bytes[nameAt] !== 0) {
    sink.issue(
      "dns.edns.owner",
      nameAt - start,
      "RFC 6891 6.1.2",
      "the owner of OPT is not the root",
    );
  }
  return true;
}

function optionsFit(bytes: Uint8Array, from: number, to: number): boolean {
  let i = from;
  while (to - i >= 4) i += 4 + u16(bytes, i + 2);
  return i === to;
}
