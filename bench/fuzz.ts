/**
 * Mutation fuzzer of codecs and servers: npm run fuzz -- --codec dns --runs 1000000, or --server
 * authority. Each input must give a codec a message or the declared error, in time and memory bound
 * by its length; a server must go on serving.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { DecodeError } from "../src/codecs/errors.ts";
import { mutate, Random } from "./fuzz/mutate.ts";
import { fuzzServer, SERVERS } from "./fuzz/servers.ts";
import { fuzzTarget, TARGETS } from "./fuzz/targets.ts";

/** One input may take so long, in milliseconds: they have a few kilobytes at most. */
const MAX_MILLISECONDS = 250;

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : (process.argv[at + 1] ?? otherwise);
}

const wanted = option("codec", "all");
const runs = Number(option("runs", "100000"));
const seed = Number(option("seed", "1"));
const server = option("server", "");
const names = server !== "" ? [] : wanted === "all" ? Object.keys(TARGETS) : [wanted];
let failures = 0;
for (const name of names) {
  const target = fuzzTarget(name);
  const random = new Random(seed);
  const started = performance.now();
  let accepted = 0;
  for (let i = 0; i < runs; i++) {
    const bytes = mutate(target.seeds, random);
    const before = performance.now();
    try {
      target.run(bytes);
      accepted++;
    } catch (error) {
      if (!(error instanceof DecodeError) || error.offset < 0 || error.offset > bytes.length)
        fail(name, bytes, String((error as Error).stack));
    }
    if (performance.now() - before > MAX_MILLISECONDS)
      fail(name, bytes, `slower than ${MAX_MILLISECONDS} ms`);
  }
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `${name}: ${runs} inputs, ${accepted} taken, ${Math.round(runs / seconds)} a second, ${failures} failures\n`,
  );
}
for (const kind of SERVERS.filter((one) => server === one || server === "all")) {
  const done = await fuzzServer(kind, runs, seed);
  process.stdout.write(
    `${kind}: ${done.sent} packets (${done.streams} batches over TCP), ${done.answered} answers, ${done.probes} probes, ` +
      `${done.dropped} dropped by the kernel, ${done.megabytes.early} MB at a tenth and ${done.megabytes.late} MB at the end, ` +
      `${done.seconds.toFixed(0)} s, ${done.failures.length} failures\n`,
  );
  for (const why of done.failures) process.stderr.write(`${kind}: ${why}\n`);
  failures += done.failures.length;
}
process.exitCode = failures === 0 ? 0 : 1;

function fail(name: string, bytes: Uint8Array, why: string): void {
  failures++;
  if (failures > 20) return;
  mkdirSync("bench/found", { recursive: true });
  const file = `bench/found/${name}-${failures}.bin`;
  writeFileSync(file, bytes);
  process.stderr.write(`${file}: ${why}\n`);
}
