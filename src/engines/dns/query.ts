/** What a server needs of a request, read by the one parser without making objects. RFC 1035 4.1, RFC 6891. */
import { TYPE } from "../../codecs/dns/constants.ts";
import { MAX_LABEL_BYTES } from "../../codecs/dns/name.ts";
import type { DnsSink } from "../../codecs/dns/parse.ts";
import { parse, SECTION } from "../../codecs/dns/parse.ts";

/** Reused for each request; positions are indices into its bytes. */
export class Query implements DnsSink {
  bytes: Uint8Array = new Uint8Array(0);
  flags = 0;
  opcode = 0;
  questions = 0;
  /** QDCOUNT to ARCOUNT are as a question has them. */
  answers = 0;
  authority = 0;
  nameAt = 0;
  /** Behind the question. */
  questionEnd = 0;
  type = 0;
  class = 0;
  edns = false;
  udpSize = 512;
  version = 0;
  dnssec = false;
  optAt = 0;
  optEnd = 0;
  /** TSIG, which must come last. */
  tsig = false;
  /** It cannot be read. */
  broken = false;

  read(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.questions = 0;
    this.answers = 0;
    this.authority = 0;
    this.questionEnd = 12;
    this.edns = false;
    this.udpSize = 512;
    this.dnssec = false;
    this.version = 0;
    this.tsig = false;
    this.broken = false;
    parse(bytes, 0, bytes.length, this);
  }

  header(bytes: Uint8Array): void {
    this.flags = ((bytes[2] as number) << 8) | (bytes[3] as number);
    this.opcode = (this.flags >> 11) & 15;
  }

  question(bytes: Uint8Array, nameAt: number, type: number, rdclass: number): void {
    if (this.questions++ > 0) return;
    this.nameAt = nameAt;
    this.type = type;
    this.class = rdclass;
    let i = nameAt;
    for (let length = bytes[i] as number; length !== 0; length = bytes[i] as number) {
      // A pointer can only lead into a label of the name itself: nobody asks so.
      if (length > MAX_LABEL_BYTES) {
        this.broken = true;
        return;
      }
      i += 1 + length;
    }
    this.questionEnd = i + 5;
  }

  record(section: number, _bytes: Uint8Array, _nameAt: number, type: number): void {
    if (section === SECTION.ANSWER) this.answers++;
    else if (section === SECTION.AUTHORITY) this.authority++;
    // RFC 8945 5.1: the last of the message, and only once.
    if (this.tsig) this.broken = true;
    if (type === TYPE.TSIG) {
      this.tsig = true;
      if (section !== SECTION.ADDITIONAL) this.broken = true;
    }
  }

  opt(_bytes: Uint8Array, udpSize: number, flags: number, at: number, end: number): void {
    if (this.tsig) this.broken = true;
    this.edns = true;
    this.udpSize = udpSize;
    this.version = (flags >>> 16) & 0xff;
    this.dnssec = (flags & 0x8000) !== 0;
    this.optAt = at;
    this.optEnd = end;
  }

  issue(code: string): void {
    // RFC 6891 6.1.1: two OPT records are a format error; so are options that do not fit.
    if (code.startsWith("dns.edns.") || code === "dns.rdata.form") this.broken = true;
  }

  fault(): void {
    this.broken = true;
  }

  /** Index of the data of an EDNS option, or -1; `optionLength` is then set. */
  option(code: number): number {
    if (!this.edns) return -1;
    const { bytes } = this;
    for (let i = this.optAt; this.optEnd - i >= 4; ) {
      const length = ((bytes[i + 2] as number) << 8) | (bytes[i + 3] as number);
      if ((((bytes[i] as number) << 8) | (bytes[i + 1] as number)) === code) {
        this.optionLength = length;
        return i + 4;
      }
      i += 4 + length;
    }
    return -1;
  }

  optionLength = 0;
}
