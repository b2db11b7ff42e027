/**
 * Answers written straight to octets: RRsets from a zone's compiled rdata, names compressed by where
 * they stand in this message. RFC 1035 4.1.4. Bytes once given out are never written again: a slab
 * is used up, then the next is made.
 */
import { TYPE } from "../../codecs/dns/constants.ts";
import type { NameRef, RdataWire, Rrset, Zone } from "./zone.ts";

const MOST = 65_535;
const SLAB = 4 * 65_536;
/** A message, and the record that proves too long for it: owner, head and rdata. */
const ROOM = MOST + 255 + 10 + MOST;
const POINTER_LIMIT = 0x4000;
/** Messages begun by all writers. */
let messages = 0;

export class AnswerWriter {
  private slab = new Uint8Array(SLAB);
  bytes: Uint8Array = this.slab;
  /** Where the message begins. */
  start = 0;
  at = 0;
  /** Octets that records may reach; what follows them (OPT) is taken off before. */
  limit = 0;
  /** Number of this message. */
  epoch = 0;

  /** Begins with the header and question of a request. */
  begin(request: Uint8Array, questionEnd: number, limit: number): void {
    if (SLAB - this.at < ROOM) {
      this.slab = new Uint8Array(SLAB);
      this.bytes = this.slab;
      this.at = 0;
    }
    // Zones are shared between writers: no two messages have the same number.
    this.epoch = ++messages;
    this.start = this.at;
    this.limit = this.start + limit;
    const { bytes } = this;
    let to = this.start;
    for (let i = 0; i < questionEnd; i++) bytes[to++] = request[i] as number;
    for (let i = this.start + 4; i < this.start + 12; i++) bytes[i] = 0;
    this.at = to;
  }

  u16(value: number): void {
    this.bytes[this.at++] = value >> 8;
    this.bytes[this.at++] = value & 0xff;
  }

  put(octets: Uint8Array, from = 0, to = octets.length): void {
    const { bytes } = this;
    let at = this.at;
    if (to - from > 48) {
      bytes.set(from === 0 && to === octets.length ? octets : octets.subarray(from, to), at);
      at += to - from;
    } else for (let i = from; i < to; i++) bytes[at++] = octets[i] as number;
    this.at = at;
  }

  /** The name stands at an offset already, and so do those above it. */
  mark(ref: NameRef | undefined, offset: number): void {
    let at = offset;
    for (let r = ref; r !== undefined && r.parent !== undefined; r = r.parent) {
      if (r.epoch === this.epoch) return;
      r.epoch = this.epoch;
      r.at = at;
      at += r.label.length;
    }
  }

  name(ref: NameRef): void {
    const { epoch } = this;
    for (let r = ref; r.parent !== undefined; r = r.parent) {
      if (r.epoch === epoch) {
        this.u16(0xc000 | r.at);
        return;
      }
      const offset = this.at - this.start;
      if (offset < POINTER_LIMIT) {
        r.epoch = epoch;
        r.at = offset;
      }
      this.put(r.label);
    }
    this.bytes[this.at++] = 0;
  }

  /** Writes a name or, for a number, a pointer to where it stands. */
  owner(owner: NameRef | number): void {
    if (typeof owner === "number") this.u16(0xc000 | owner);
    else this.name(owner);
  }

  private head(owner: NameRef | number, type: number, rdclass: number, ttl: number): void {
    this.owner(owner);
    const { bytes } = this;
    let at = this.at;
    bytes[at++] = type >> 8;
    bytes[at++] = type & 0xff;
    bytes[at++] = rdclass >> 8;
    bytes[at++] = rdclass & 0xff;
    bytes[at++] = ttl >>> 24;
    bytes[at++] = ttl >>> 16;
    bytes[at++] = ttl >>> 8;
    bytes[at++] = ttl;
    this.at = at + 2;
  }

  /** One record. False: it does not fit the message. */
  record(
    owner: NameRef | number,
    type: number,
    rdclass: number,
    ttl: number,
    wire: RdataWire,
  ): boolean {
    if (wire.bytes.length > MOST) return false;
    this.head(owner, type, rdclass, ttl);
    const from = this.at;
    const { names } = wire;
    if (names.length === 0) this.put(wire.bytes);
    else {
      let done = 0;
      for (let i = 0; i < names.length; i++) {
        const name = names[i] as RdataWire["names"][number];
        this.put(wire.bytes, done, name.from);
        this.name(name.ref);
        done = name.to;
      }
      this.put(wire.bytes, done);
    }
    const length = this.at - from;
    this.bytes[from - 2] = length >> 8;
    this.bytes[from - 1] = length & 0xff;
    return this.at <= this.limit;
  }

  /**
   * A whole RRset with its signatures where wanted, counted in the section (6 answer, 8 authority,
   * 10 additional). False, and nothing of it written, when it does not fit: no more may be written
   * then, since names may be known that are not there.
   */
  rrset(
    section: number,
    owner: NameRef | number,
    rrset: Rrset,
    zone: Zone,
    dnssec: boolean,
    ttl: number = rrset.ttl,
  ): boolean {
    const saved = this.at;
    const wires = rrset.wire(zone);
    const count = wires.length;
    const first = count > 1 ? rrset.turn++ % count : 0;
    let written = count;
    let fits = true;
    for (let n = 0; n < count && fits; n++) {
      const wire = wires[first + n < count ? first + n : first + n - count] as RdataWire;
      fits = this.record(owner, rrset.type, rrset.class, ttl, wire);
    }
    const { sigs } = rrset;
    if (fits && dnssec && sigs !== undefined) {
      const signatures = sigs.wire(zone);
      written += signatures.length;
      for (let n = 0; n < signatures.length && fits; n++)
        fits = this.record(owner, TYPE.RRSIG, sigs.class, ttl, signatures[n] as RdataWire);
    }
    if (!fits) {
      this.at = saved;
      return false;
    }
    rrset.epoch = this.epoch;
    this.count(section, written);
    return true;
  }

  count(section: number, more: number): void {
    const at = this.start + section;
    const count = (((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number)) + more;
    this.bytes[at] = count >> 8;
    this.bytes[at + 1] = count & 0xff;
  }

  flags(flags: number): void {
    this.bytes[this.start + 2] = flags >> 8;
    this.bytes[this.start + 3] = flags & 0xff;
  }

  /** The message. */
  finish(): Uint8Array {
    return this.bytes.subarray(this.start, this.at);
  }
}
