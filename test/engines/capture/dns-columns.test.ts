import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ClassicParser } from "../../../src/codecs/pcap/classic.ts";
import type { AnalyserOutput } from "../../../src/engines/capture/analyser.ts";
import { Analyser } from "../../../src/engines/capture/analyser.ts";
import { DnsColumns } from "../../../src/engines/capture/dns-columns.ts";
import type { CaptureRecord } from "../../../src/engines/capture/record.ts";
import { ObjectOutput } from "../../../src/engines/capture/record.ts";

function run(output: AnalyserOutput): void {
  const bytes = readFileSync(new URL("../../../fixtures/captures/office.pcap", import.meta.url));
  const analyser = new Analyser(output);
  const sink = { packet: analyser.add.bind(analyser), issue: () => {} };
  new ClassicParser(sink).parse(bytes, 0, bytes.length);
  analyser.end();
}

/** A name on the wire as text; the fixture has plain labels only. */
function text(wire: Uint8Array): string {
  let name = "";
  for (let i = 0; wire[i] !== 0; i += 1 + (wire[i] as number)) {
    name += `${String.fromCharCode(...wire.subarray(i + 1, i + 1 + (wire[i] as number)))}.`;
  }
  return name === "" ? "." : name;
}

describe("RFC 1035 4.1: columns of DNS messages", () => {
  it.each([1, 4096])("are what records tell, in batches of %i", (capacity) => {
    const records: CaptureRecord[] = [];
    run(new ObjectOutput((record) => records.push(record)));
    const rows: unknown[] = [];
    const columns = new DnsColumns((batch) => {
      for (let i = 0; i < batch.rows; i++) {
        const at = batch.nameAt[i] as number;
        const latency = batch.latency[i] as number;
        rows.push({
          frame: batch.frame[i],
          sport: batch.sport[i],
          dport: batch.dport[i],
          stream: batch.stream[i],
          bytes: batch.bytes[i],
          id: batch.id[i],
          qr: (batch.flags[i] as number) >> 15,
          rcode: batch.rcode[i],
          ancount: batch.ancount[i],
          qtype: batch.qtype[i],
          qname: text(batch.names.subarray(at, at + (batch.nameBytes[i] as number))),
          requestFrame: batch.requestFrame[i] === 0 ? undefined : batch.requestFrame[i],
          latency: batch.requestFrame[i] === 0 ? undefined : latency / 1e6,
        });
      }
    }, capacity);
    run(columns);
    columns.flush();
    const expected = records
      .filter((record) => record.protocol === "dns")
      .map(({ frame, sport, dport, stream, bytes, body }) => {
        const [question] = body["questions"] as { name: string; type: number }[];
        const { id, qr, rcode, ancount, requestFrame, latency } = body;
        const asked = { qtype: question?.type, qname: question?.name };
        return {
          frame,
          sport,
          dport,
          stream,
          bytes,
          id,
          qr,
          rcode,
          ancount,
          ...asked,
          requestFrame,
          latency,
        };
      });
    expect(expected.length).toBe(2);
    expect(rows).toEqual(expected);
    expect(columns.records()).toEqual({ dns: expected.length });
  });
});
