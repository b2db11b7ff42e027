/**
 * Adds to package-lock.json the optional packages of other platforms that npm left out (a registry
 * that lacks some makes npm drop them, and then `npm ci` fails there). Run after each change of dependencies.
 */
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const OS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const CPU = [
  "arm64",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "x64",
  "wasm32",
  "x86",
];
let added = 0;

for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const own = `${path === "" ? "" : `${path}/`}node_modules/${name}`;
    if (lock.packages[own] !== undefined || lock.packages[`node_modules/${name}`] !== undefined)
      continue;
    const parts = name.split(/[/-]/);
    const missing = { version, optional: true };
    if (entry.dev) missing.dev = true;
    const os = OS.find((o) => parts.includes(o));
    const cpu = CPU.find((c) => parts.includes(c));
    const libc = parts.includes("musl") ? "musl" : parts.includes("gnu") ? "glibc" : undefined;
    if (os === undefined && cpu === undefined) continue;
    if (os !== undefined) missing.os = [os];
    if (cpu !== undefined) missing.cpu = [cpu];
    if (libc !== undefined) missing.libc = [libc];
    lock.packages[`node_modules/${name}`] = missing;
    added++;
  }
}
// No address of a registry: `npm ci` asks the one that is configured.
for (const entry of Object.values(lock.packages)) delete entry.resolved;
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added} packages of other platforms added\n`);
