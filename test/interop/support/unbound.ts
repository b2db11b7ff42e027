/** unbound on a free port of the loopback, with clauses of a test. */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import type { Peer } from "./nsd.ts";
import { answering } from "./nsd.ts";

export const hasUnbound = spawnSync("unbound", ["-V"]).error === undefined;

/** `server`: lines of that clause; `clauses`: others, of the folder in which `files` are. */
export async function startUnbound(
  server: readonly string[],
  clauses: (folder: string) => string,
  files: Readonly<Record<string, string>> = {},
): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), "netkit-unbound-"));
  const port = await freePort();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(
    join(folder, "unbound.conf"),
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
${server.map((line) => `  ${line}\n`).join("")}remote-control:
  control-enable: no
${clauses(folder)}`,
  );
  const child = spawn("timeout", ["100", "unbound", "-d", "-c", join(folder, "unbound.conf")], {
    stdio: "ignore",
  });
  await answering(port);
  return {
    port,
    stop: () => {
      child.kill("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
