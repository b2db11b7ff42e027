/** DNS messages from objects to bytes, names compressed where RFC 3597 4 allows it. RFC 1035 4.1. */
import { EncodeError } from "../errors.ts";
import { fromHex, Writer } from "../writer.ts";
import { TYPE } from "./constants.ts";
import type { DnsMessage, Edns, Question, ResourceRecord } from "./message.ts";
import { FLAG } from "./message.ts";
import { Names } from "./name-places.ts";
import type { NameWriter } from "./rdata.ts";
import { encodeRdata } from "./rdata.ts";

/** The length before a message on TCP has 16 bits; UDP is shorter. RFC 1035 4.2.2. */
export const MAX_MESSAGE_BYTES = 65_535;

/** Reused: a message is encoded at a time. */
const scratch = new Writer(4096);

export interface EncodeOptions {
  /** Default true. Names are matched with their case, so that each comes back as it was. */
  readonly compress?: boolean;
}

/**
 * The octets of a message, in memory that messages share.
 * @throws EncodeError when a field does not fit, or the message is longer than 65535 octets.
 */
export function encode(message: DnsMessage, options: EncodeOptions = {}): Uint8Array {
  const writer = scratch;
  writer.reset();
  names.begin(options.compress !== false);
  const writeName = names.write;
  const { edns } = message;
  writer.u16(range("id", message.id, 0xffff));
  writer.u16(flagsOf(message));
  writer.u16(range("qdcount", message.questions.length, 0xffff));
  writer.u16(range("ancount", message.answers.length, 0xffff));
  writer.u16(range("nscount", message.authority.length, 0xffff));
  writer.u16(range("arcount", message.additional.length + (edns === undefined ? 0 : 1), 0xffff));
  for (const question of message.questions) writeQuestion(writer, question, writeName);
  for (const record of message.answers) writeRecord(writer, record, writeName);
  for (const record of message.authority) writeRecord(writer, record, writeName);
  const place = edns?.index ?? message.additional.length;
  for (let i = 0; i < message.additional.length; i++) {
    if (edns !== undefined && i === place) writeOpt(writer, edns, message.rcode);
    writeRecord(writer, message.additional[i] as ResourceRecord, writeName);
  }
  if (edns !== undefined && place >= message.additional.length)
    writeOpt(writer, edns, message.rcode);
  if (message.trailing !== undefined) writer.bytes(bytesOf("trailing", message.trailing));
  if (writer.at > MAX_MESSAGE_BYTES) {
    throw new EncodeError("dns.too-long", "RFC 1035 4.2.2", `the message has ${writer.at} octets`);
  }
  return writer.finishPooled();
}

function range(field: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new EncodeError("dns.field", "RFC 1035 4.1", `${field} is no integer from 0 to ${most}`);
  }
  return value;
}

function bytesOf(field: string, text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined)
    throw new EncodeError("dns.field", "RFC 1035 4.1", `${field} is not hex`);
  return bytes;
}

function flagsOf(message: DnsMessage): number {
  const rcode = range("rcode", message.rcode, message.edns === undefined ? 15 : 4095);
  return (
    (message.qr === 1 ? FLAG.QR : 0) |
    (range("opcode", message.opcode, 15) << 11) |
    (message.aa ? FLAG.AA : 0) |
    (message.tc ? FLAG.TC : 0) |
    (message.rd ? FLAG.RD : 0) |
    (message.ra ? FLAG.RA : 0) |
    (message.z === true ? FLAG.Z : 0) |
    (message.ad ? FLAG.AD : 0) |
    (message.cd ? FLAG.CD : 0) |
    (rcode & 15)
  );
}

function writeQuestion(writer: Writer, question: Question, writeName: NameWriter): void {
  writeName(writer, question.name, true);
  writer.u16(range("type", question.type, 0xffff));
  writer.u16(range("class", question.class, 0xffff));
}

function writeRecord(writer: Writer, record: ResourceRecord, writeName: NameWriter): void {
  writeName(writer, record.name, true);
  writer.u16(range("type", record.type, 0xffff));
  writer.u16(range("class", record.class, 0xffff));
  // A second OPT keeps its flags where others have their TTL.
  writer.u32(range("ttl", record.ttl, record.type === TYPE.OPT ? 0xffffffff : 0x7fffffff));
  const lengthAt = writer.at;
  writer.u16(0);
  encodeRdata(writer, record.type, record.rdata, writeName);
  writer.patchU16(lengthAt, range("RDLENGTH", writer.at - lengthAt - 2, 0xffff));
}

function writeOpt(writer: Writer, edns: Edns, rcode: number): void {
  writer.u8(0);
  writer.u16(TYPE.OPT);
  writer.u16(range("udpSize", edns.udpSize, 0xffff));
  writer.u8(rcode >> 4);
  writer.u8(range("version", edns.version, 0xff));
  writer.u16((edns.do ? 0x8000 : 0) | range("z", edns.z ?? 0, 0x7fff));
  const lengthAt = writer.at;
  writer.u16(0);
  for (const option of edns.options) {
    writer.u16(range("option code", option.code, 0xffff));
    const data = bytesOf("option data", option.data);
    writer.u16(range("option length", data.length, 0xffff));
    writer.bytes(data);
  }
  writer.patchU16(lengthAt, range("RDLENGTH", writer.at - lengthAt - 2, 0xffff));
}

const names = new Names();
