/** Makes captures of the benchmarks: node scripts/run-ts.mjs bench/generate.ts NAME [SCALE]. */
import { capture } from "./generate/captures.ts";

const [name = "mixed", scale = "1"] = process.argv.slice(2);
const { path, truth } = capture(name, Number(scale));
process.stdout.write(`${path} ${JSON.stringify(truth)}\n`);
