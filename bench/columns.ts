/** DNS of a capture to typed columns, as a program of its own to be measured: node scripts/run-ts.mjs bench/columns.ts FILE */
import { closeSync, openSync, readSync } from "node:fs";
import type { CapturedPacket } from "../src/codecs/pcap/capture.ts";
import { ClassicParser } from "../src/codecs/pcap/classic.ts";
import { Analyser } from "../src/engines/capture/analyser.ts";
import { DnsColumns } from "../src/engines/capture/dns-columns.ts";

let rows = 0;
let matched = 0;
const columns = new DnsColumns((batch) => {
  rows += batch.rows;
  for (let i = 0; i < batch.rows; i++) if (batch.requestFrame[i] !== 0) matched++;
});
const analyser = new Analyser(columns);
const parser = new ClassicParser({
  packet: (packet: CapturedPacket) => analyser.add(packet),
  issue: (issue) => process.stderr.write(`${issue.message}\n`),
});
const file = openSync(process.argv[2] as string, "r");
const block = new Uint8Array(1 << 21);
for (let filled = 0; ; ) {
  const count = readSync(file, block, filled, block.length - filled, null);
  filled += count;
  const taken = parser.parse(block, 0, filled);
  block.copyWithin(0, taken, filled);
  filled -= taken;
  if (count === 0) break;
}
closeSync(file);
analyser.end();
columns.flush();
process.stdout.write(`${JSON.stringify({ rows, matched })}\n`);
