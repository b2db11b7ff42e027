/** Records of DNS messages: the body keys that the analyser prints. */
import type { DnsCounts } from "./decode.ts";
import type { DnsMessage, ResourceRecord } from "./message.ts";
import { formatRdata } from "./rdata.ts";

/** Body keys in their order. `counts`: those of the header, where they may differ from what is there. */
export function record(
  message: DnsMessage,
  counts: DnsCounts = countsOf(message),
): Record<string, unknown> {
  const { edns } = message;
  return {
    id: message.id,
    qr: message.qr,
    opcode: message.opcode,
    rcode: message.rcode,
    aa: message.aa,
    tc: message.tc,
    rd: message.rd,
    ra: message.ra,
    ad: message.ad,
    cd: message.cd,
    qdcount: counts[0],
    ancount: counts[1],
    nscount: counts[2],
    arcount: counts[3],
    questions: message.questions,
    answers: message.answers.map(recordRow),
    authority: message.authority.map(recordRow),
    additional: message.additional.map(recordRow),
    ...(edns === undefined
      ? {}
      : {
          edns: {
            udpSize: edns.udpSize,
            version: edns.version,
            do: edns.do,
            options: edns.options,
          },
        }),
  };
}

function countsOf(message: DnsMessage): DnsCounts {
  const opt = message.edns === undefined ? 0 : 1;
  return [
    message.questions.length,
    message.answers.length,
    message.authority.length,
    message.additional.length + opt,
  ];
}

function recordRow({
  name,
  type,
  class: rdclass,
  ttl,
  rdata,
}: ResourceRecord): Record<string, unknown> {
  return { name, type, class: rdclass, ttl, data: formatRdata(type, rdata) };
}
