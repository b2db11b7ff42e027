/** Writes a flood as a capture to standard output: node scripts/run-ts.mjs bench/flood.ts half-heads */
import { writeSync } from "node:fs";
import { classicHeader, classicRecord } from "../src/codecs/pcap/classic.ts";
import { FLOODS } from "./generate/flood.ts";

const flood = FLOODS[process.argv[2] ?? ""];
if (flood === undefined) {
  process.stderr.write(`usage: flood.ts ${Object.keys(FLOODS).join("|")}\n`);
  process.exit(2);
}
const block = new Uint8Array(1 << 20);
let filled = 0;
let packets = 0;

function flush(): void {
  for (let at = 0; at < filled; ) at += writeSync(1, block, at, filled - at);
  filled = 0;
}

function put(bytes: Uint8Array): void {
  if (filled + bytes.length > block.length) flush();
  block.set(bytes, filled);
  filled += bytes.length;
}

put(classicHeader());
flood((frame) => {
  put(classicRecord(frame, 1_700_000_000 + Math.floor(packets / 100_000), packets % 1_000_000));
  packets++;
});
flush();
