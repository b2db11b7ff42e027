import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode } from "../../../src/codecs/dns/index.ts";
import type { DnsMessage } from "../../../src/codecs/dns/message.ts";
import { ethernetFrame, udpPacket } from "../../../src/codecs/link/build.ts";
import type { AnalyserOutput } from "../../../src/engines/capture/analyser.ts";
import { Analyser } from "../../../src/engines/capture/analyser.ts";
import { fieldsOf, rowRenderer } from "../../../src/render/columns.ts";
import { TimeFormatter } from "../../../src/render/time.ts";
import type { View } from "../../../src/render/views.ts";
import { columnsView, textView } from "../../../src/render/views.ts";
import { dnsMessage } from "../../support/arbitraries/dns.ts";

const ALL =
  "frame,time,protocol,src,dst,sport,dport,stream,bytes,ip.src,ip.dst,dns.id,dns.qr,dns.opcode," +
  "dns.rcode,dns.aa,dns.tc,dns.rd,dns.ra,dns.ad,dns.cd,dns.qdcount,dns.ancount,dns.nscount," +
  "dns.arcount,dns.qname,dns.qtype,dns.a,dns.aaaa,dns.cname,dns.ns,dns.ptr,dns.requestFrame,dns.latency";

function run(messages: readonly DnsMessage[], output: AnalyserOutput, digits: number): void {
  const analyser = new Analyser(output);
  messages.forEach((message, i) => {
    const client = ["192.0.2.1", "2001:db8::1", "10.20.30.40"][i % 3] as string;
    const server = i % 3 === 1 ? "2001:db8::53" : "192.0.2.53";
    const asks = message.qr === 0;
    const ends = asks
      ? { src: client, dst: server, sport: 4000, dport: 53 }
      : { src: server, dst: client, sport: 53, dport: 4000 };
    const bytes = ethernetFrame(udpPacket(ends, encode(message)));
    analyser.add({
      interface: { linkType: 1, snapLength: 0, digits },
      bytes,
      start: 0,
      end: bytes.length,
      wireLength: bytes.length,
      seconds: 1_700_000_000 + i,
      fraction: i * 41,
      comment: undefined,
    });
  });
  analyser.end();
}

function rows(
  messages: readonly DnsMessage[],
  list: string,
  digits: number,
  quick: boolean,
): string {
  const parts: string[] = [];
  const sink = { write: (bytes: Uint8Array) => parts.push(Buffer.from(bytes).toString("utf8")) };
  const fields = fieldsOf(list);
  const render = rowRenderer(fields, "tsv", new TimeFormatter("epoch"));
  const names = fields.map((field) => field.alias ?? field.name);
  const view = quick ? columnsView(sink, names, render) : textView(sink, {}, render);
  run(messages, (view as View).output, digits);
  (view as View).flush();
  return parts.join("");
}

describe("RFC 1035 4.1: rows of DNS fields", () => {
  it.each([ALL, "dns.qname", "dns.a,dns.aaaa", "dns.ns,frame", "dns.latency", "src,time"])(
    "%s without an object are those of records",
    (list) => {
      fc.assert(
        fc.property(
          fc.array(dnsMessage, { maxLength: 6 }),
          fc.constantFrom(0, 6, 9),
          (messages, digits) => {
            const plain = rows(messages, list, digits, false);
            expect(rows(messages, list, digits, true)).toBe(plain);
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it("answers beyond what one row holds are all told", () => {
    const answer = {
      name: "a.example.",
      type: 1,
      class: 1,
      ttl: 1,
      rdata: { address: "192.0.2.7" },
    };
    const message = fc.sample(dnsMessage, { numRuns: 1, seed: 1 })[0] as DnsMessage;
    for (const count of [64, 65]) {
      const long = { ...message, qr: 1, answers: new Array(count).fill(answer) } as DnsMessage;
      const text = rows([long], "dns.a", 6, true);
      expect(text.split(",")).toHaveLength(count);
      expect(text).toBe(rows([long], "dns.a", 6, false));
    }
  });
});
