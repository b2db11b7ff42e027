/** Builds `dist` (types and modules of the package exports) and `bundle` (the CLI: one entry per command). */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = new URL("..", import.meta.url).pathname;
process.chdir(root);

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? filesUnder(join(folder, entry.name))
      : entry.name.endsWith(".ts")
        ? [join(folder, entry.name)]
        : [],
  );
}

rmSync("bundle", { recursive: true, force: true });
const commands = filesUnder("src/commands");
await build({
  entryPoints: ["src/cli.ts", "src/capture-worker.ts", ...commands].filter((f) => existsSync(f)),
  outbase: "src",
  outdir: "bundle",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  // pcap-parser calls `new Buffer`, which prints a warning unless it is loaded from node_modules.
  external: ["pcap-parser"],
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});

const { Plugin } = await import("@oclif/core/config");
rmSync("oclif.manifest.json", { force: true });
const plugin = new Plugin({
  root,
  type: "core",
  ignoreManifest: true,
  errorOnManifestCreate: true,
});
await plugin.load();
writeFileSync("oclif.manifest.json", `${JSON.stringify(plugin.manifest)}\n`);

if (!process.argv.includes("--cli")) {
  rmSync("dist", { recursive: true, force: true });
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
}
