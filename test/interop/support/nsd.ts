/** NSD on a free port of the loopback, with one zone. */

import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";

export const hasNsd = spawnSync("nsd", ["-v"]).error === undefined;

export interface Peer {
  readonly port: number;
  stop(): void;
}

export async function startNsd(origin: string, zone: string): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), "netkit-nsd-"));
  const port = await freePort();
  writeFileSync(join(folder, "zone"), zone);
  writeFileSync(
    join(folder, "nsd.conf"),
    `server:
  ip-address: 127.0.0.1@${port}
  zonesdir: "${folder}"
  pidfile: "${folder}/pid"
  xfrdfile: "${folder}/xfrd.state"
  zonelistfile: "${folder}/zone.list"
  database: ""
  username: ""
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "${origin}"
  zonefile: zone
`,
  );
  const child = spawn("timeout", ["100", "nsd", "-d", "-c", join(folder, "nsd.conf")], {
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

/** Asks for the version until something comes back. */
export function answering(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    let tries = 0;
    const query = Buffer.from("0001000000010000000000000000060001", "hex");
    const again = setInterval(() => {
      if (tries++ > 100) finish(new Error("nsd does not start"));
      else socket.send(query, port, "127.0.0.1");
    }, 50);
    const finish = (error?: Error) => {
      clearInterval(again);
      socket.close();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.on("message", () => finish());
  });
}
