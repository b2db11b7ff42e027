#!/usr/bin/env node
/** Starts the built program. From a checkout: `npm run build` first. */
import { existsSync } from "node:fs";

const program = new URL("../bundle/cli.js", import.meta.url);
if (existsSync(program)) {
  const { run } = await import(program.href);
  await run(import.meta.url);
} else {
  process.stderr.write("netkit: not built yet; run: npm ci && npm run build\n");
  process.exitCode = 70;
}
