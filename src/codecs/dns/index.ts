/** DNS: RFC 1034, 1035 and those that extend them. */

export {
  CLASS,
  classCode,
  className,
  OPCODE,
  RCODE,
  TYPE,
  typeCode,
  typeName,
} from "./constants.ts";
export type { DnsCounts, DnsReading } from "./decode.ts";
export { decode, readMessage } from "./decode.ts";
export type { EncodeOptions } from "./encode.ts";
export { encode, MAX_MESSAGE_BYTES } from "./encode.ts";
export { FrameDecoder, frame } from "./framing.ts";
export type {
  DnsMessage,
  Edns,
  EdnsOption,
  OpaqueRdata,
  Question,
  Rdata,
  RdataFields,
  RdataValue,
  ResourceRecord,
} from "./message.ts";
export { MAX_LABEL_BYTES, MAX_NAME_BYTES, nameLabels } from "./name.ts";
export type { DnsSink } from "./parse.ts";
export { parse, SECTION } from "./parse.ts";
export { formatRdata, isOpaque, rdataBytes, rdataFromBytes } from "./rdata.ts";
export { rdataFromText } from "./rdata-parse.ts";
export type { RdataOf } from "./rdata-table.ts";
export { record } from "./record.ts";
export type { ZoneOptions } from "./zonefile.ts";
export { readZone, ttlOf, writeZone } from "./zonefile.ts";
