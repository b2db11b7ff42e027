/** The message to a server, and whether what came back is for it. RFC 5452 9, RFC 6891. */
import type { DnsMessage } from "../../../codecs/dns/index.ts";
import { CLASS, OPCODE, RCODE } from "../../../codecs/dns/index.ts";
import type { Random } from "../../host.ts";
import { keyOf } from "../dnssec/names.ts";
import type { UpstreamQuery } from "./core.ts";
import { subnetOption } from "./subnet.ts";

/** DNS Flag Day 2020, RFC 9715: what passes without fragments. */
const UDP_SIZE = 1232;

/** `name`: as it is written, with the case that the answer must have. */
export function queryMessage(query: UpstreamQuery, id: number, name: string): DnsMessage {
  const options = query.subnet === undefined ? [] : [subnetOption(query.subnet)];
  return {
    id,
    qr: 0,
    opcode: OPCODE.QUERY,
    rcode: RCODE.NOERROR,
    aa: false,
    tc: false,
    rd: query.recursive,
    ra: false,
    ad: false,
    cd: query.checkingDisabled,
    questions: [{ name, type: query.type, class: CLASS.IN }],
    answers: [],
    authority: [],
    additional: [],
    ...(query.edns ? { edns: { udpSize: UDP_SIZE, version: 0, do: true, options } } : {}),
  };
}

/** Each letter large or small by chance: draft-vixie-dnsext-dns0x20. Escapes have none. */
export function randomCase(name: string, random: Random): string {
  let out = "";
  let bits = 0;
  let left = 0;
  for (const c of name) {
    if (left === 0) {
      bits = random.u32();
      left = 32;
    }
    out += (bits & 1) === 1 ? c.toUpperCase() : c;
    bits >>>= 1;
    left--;
  }
  return out;
}

/** Whether a reply is to the query with this id and name. */
export function matchReply(
  reply: DnsMessage,
  id: number,
  name: string,
  type: number,
): "match" | "other" {
  if (reply.qr !== 1 || reply.id !== id || reply.opcode !== OPCODE.QUERY) return "other";
  const [question] = reply.questions;
  // Some errors come without the question: RFC 5452 9.1 allows only those that say nothing.
  if (question === undefined)
    return reply.rcode === RCODE.FORMERR || reply.rcode === RCODE.NOTIMP ? "match" : "other";
  if (question.type !== type || question.class !== CLASS.IN || keyOf(question.name) !== keyOf(name))
    return "other";
  return "match";
}
