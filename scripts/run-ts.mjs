/** Bundles a TypeScript program of bench/ or test/ and runs it: node scripts/run-ts.mjs FILE [ARG ...]. */
import { mkdirSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const [file, ...args] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: node scripts/run-ts.mjs FILE [ARG ...]\n");
  process.exit(2);
}
const folder = new URL("../node_modules/.cache/netkit/", import.meta.url);
mkdirSync(folder, { recursive: true });
const outfile = new URL(`${basename(file, ".ts")}.mjs`, folder).pathname;
await build({
  entryPoints: [resolve(file)],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
});
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(outfile).href);
