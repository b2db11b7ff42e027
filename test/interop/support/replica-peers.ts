/** NSD and Knot on a free port of the loopback, as primary or as secondary of one zone, with a key. */

import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import type { RdataFields } from "../../../src/codecs/dns/message.ts";
import { freePort } from "../../support/free-port.ts";

export const SECRET = "c2VjcmV0IHNlY3JldA==";
export type PeerKind = "nsd" | "knotd";

export function missingTools(tools: readonly string[]): string[] {
  return tools.filter((tool) => spawnSync(tool, ["-V"], { timeout: 5000 }).error !== undefined);
}

export interface ReplicaPeer {
  readonly port: number;
  /** Of a primary: takes another version of the zone. */
  replace(zone: string): void;
  stop(): void;
}

interface PeerOptions {
  /** Text of the zone of a primary; a secondary has none. */
  readonly zone?: string;
  /** Our port: that of the primary, or where a primary sends NOTIFY. */
  readonly us: number;
}

function nsdConfig(folder: string, port: number, { zone, us }: PeerOptions): string {
  const part =
    zone === undefined
      ? `  request-xfr: 127.0.0.1@${us} k\n  allow-notify: 127.0.0.1 NOKEY\n`
      : `  provide-xfr: 127.0.0.1 k\n  notify: 127.0.0.1@${us} NOKEY\n  store-ixfr: yes\n  create-ixfr: yes\n`;
  return `server:
  ip-address: 127.0.0.1@${port}
  zonesdir: "${folder}"
  xfrdir: "${folder}"
  pidfile: "${folder}/pid"
  xfrdfile: "${folder}/xfrd.state"
  zonelistfile: "${folder}/zone.list"
  database: ""
  username: ""
  server-count: 1
remote-control:
  control-enable: no
key:
  name: k
  algorithm: hmac-sha256
  secret: "${SECRET}"
zone:
  name: "example."
  zonefile: zone
${part}`;
}

function knotConfig(folder: string, port: number, { zone, us }: PeerOptions): string {
  return `server:
  listen: 127.0.0.1@${port}
  rundir: ${folder}
database:
  storage: ${folder}
key:
  - id: k
    algorithm: hmac-sha256
    secret: ${SECRET}
remote:
  - id: us
    address: 127.0.0.1@${us}
${zone === undefined ? "    key: k\n" : ""}acl:
  - id: keyed
    key: k
    action: [transfer, update]
  - id: told
    address: 127.0.0.1
    action: notify
zone:
  - domain: example.
    storage: ${folder}
    file: zone
    acl: [keyed, told]
    zonefile-load: difference
    ${zone === undefined ? "master" : "notify"}: us
`;
}

/** Once more on another port where the first was taken meanwhile. */
export async function startReplica(kind: PeerKind, options: PeerOptions): Promise<ReplicaPeer> {
  for (let tries = 0; tries < 3; tries++) {
    const peer = await tryReplica(kind, options);
    if (peer !== undefined) return peer;
  }
  throw new Error(`${kind} does not start`);
}

async function tryReplica(kind: PeerKind, options: PeerOptions): Promise<ReplicaPeer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "netkit-replica-"));
  const port = await freePort();
  const file = join(folder, "zone");
  if (options.zone !== undefined) writeFileSync(file, options.zone);
  const config = join(folder, "conf");
  const text = kind === "nsd" ? nsdConfig : knotConfig;
  writeFileSync(config, text(folder, port, options));
  const args = kind === "nsd" ? ["-d", "-c", config] : ["-c", config];
  const child = spawn(kind, args, { stdio: "ignore" });
  const guard = setTimeout(() => child.kill("SIGKILL"), 100_000);
  await until(async () => child.exitCode !== null || (await serialAt(port)) !== undefined);
  if (child.exitCode !== null) {
    clearTimeout(guard);
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  return {
    port,
    replace(zone) {
      writeFileSync(file, zone);
      child.kill("SIGHUP");
    },
    stop() {
      clearTimeout(guard);
      child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
      child.kill("SIGTERM");
    },
  };
}

/** Asks again until it holds. @throws after 30 s */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await holds())) if (Date.now() > end) throw new Error("it did not come to pass in 30 s");
}

/** The serial that a server has; -1 without the zone, undefined without an answer in 200 ms. */
export function serialAt(port: number): Promise<number | undefined> {
  const base = decode(Uint8Array.of(0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const query = encode({ ...base, questions: [{ name: "example.", type: 6, class: 1 }] });
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    const finish = (serial: number | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(serial);
    };
    const timer = setTimeout(() => finish(undefined), 200);
    socket.on("error", () => {});
    socket.on("message", (data) => {
      const [soa] = decode(data, { tolerate: () => {} }).answers;
      finish(soa === undefined ? -1 : ((soa.rdata as RdataFields)["serial"] as number));
    });
    socket.send(query, port, "127.0.0.1");
  });
}
