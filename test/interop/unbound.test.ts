/** Zones that unbound serves, asked by `netkit dns resolve` and resolved by our recursor; and unbound as our secondary. */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import type { Peer } from "./support/nsd.ts";
import { hasUnbound, startUnbound } from "./support/unbound.ts";

if (!hasUnbound) process.stderr.write("unbound interop is skipped: it needs unbound\n");

const ZONE = `$TTL 60
@ SOA ns.auth.test1. h.auth.test1. 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
www AAAA 2001:db8::1
alias CNAME www
*.wild TXT "any"
big TXT ${`"${"x".repeat(250)}" `.repeat(8)}
`;
const LOCAL = [
  'local-zone: "local.test1." static',
  'local-data: "local.test1. 60 IN SOA ns.local.test1. h.local.test1. 1 3600 600 86400 30"',
  'local-data: "local.test1. 60 IN NS ns.local.test1."',
  'local-data: "www.local.test1. 60 IN A 192.0.2.5"',
];

const limited = (...args: string[]) =>
  spawn("timeout", ["60", process.execPath, "bin/run.js", "dns", ...args]);

/** A server of ours; resolves once it says where it listens. */
function start(...args: string[]): Promise<Peer> {
  const child = limited(...args, "--json");
  return new Promise((resolve, reject) => {
    let err = "";
    child.stderr.on("data", (data) => (err += data));
    child.on("exit", (code) => reject(new Error(`exit ${code}: ${err}`)));
    child.stdout.once("data", (data) => {
      const { listening } = JSON.parse(String(data)) as { listening: { port: number }[] };
      resolve({ port: listening[0]?.port ?? 0, stop: () => child.kill("SIGTERM") });
    });
  });
}

function ask(port: number, ...args: string[]) {
  const server = `@127.0.0.1:${port}`;
  const run = spawnSync(process.execPath, ["bin/run.js", "dns", "resolve", server, ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { out: run.stdout, code: run.status };
}

describe.runIf(hasUnbound)("netkit and unbound", () => {
  const folder = mkdtempSync(join(tmpdir(), "netkit-unbound-test-"));
  let unbound: Peer;
  let recursor: Peer;

  beforeAll(async () => {
    const clause = (at: string) => `auth-zone:
  name: "auth.test1"
  zonefile: "${at}/auth.zone"
  for-downstream: yes
  for-upstream: yes
`;
    unbound = await startUnbound(LOCAL, clause, { "auth.zone": ZONE });
    recursor = await start(
      ...["recursor", "--listen", "127.0.0.1:0", "--no-dnssec"],
      ...["--stub-zone", `auth.test1=127.0.0.1:${unbound.port}`],
      ...["--stub-zone", `local.test1=127.0.0.1:${unbound.port}`],
    );
  });

  afterAll(() => {
    unbound.stop();
    recursor.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  describe.each(["unbound itself", "our recursor above it"])("%s", (which) => {
    const port = () => (which === "unbound itself" ? unbound.port : recursor.port);

    it.each([
      ["auth-zone", ["www.auth.test1", "A"], "192.0.2.1\n"],
      ["auth-zone over TCP", ["www.auth.test1", "AAAA", "--tcp"], "2001:db8::1\n"],
      ["an alias", ["alias.auth.test1", "A"], "www.auth.test1.\n192.0.2.1\n"],
      ["RFC 4592: a wildcard", ["a.b.wild.auth.test1", "TXT"], '"any"\n'],
      ["local-data", ["www.local.test1", "A"], "192.0.2.5\n"],
    ])("%s", (_what, args, wanted) => {
      expect(ask(port(), ...args, "--short")).toEqual({ out: wanted, code: 0 });
    });

    it("RFC 7766 5: what is cut short comes over TCP", () => {
      expect(ask(port(), "big.auth.test1", "TXT", "--short").out.length).toBeGreaterThan(2000);
    });

    it.each(["no.auth.test1", "no.local.test1"])("RFC 2308 2.1: %s does not exist", (name) => {
      const { out, code } = ask(port(), name, "A");
      expect(code).toBe(1);
      expect(out).toMatch(/NXDOMAIN/);
      expect(out).toMatch(/SOA/);
    });
  });

  it("RFC 5936, RFC 1996: unbound fetches a zone of ours, and again when it is told of a change", async () => {
    const file = join(folder, "ours.zone");
    const write = (serial: number, address: string) =>
      writeFileSync(
        file,
        `$TTL 60\n@ SOA ns h ${serial} 3600 600 86400 30\n@ NS ns\nns A 127.0.0.1\nwww A ${address}\n`,
      );
    write(1, "192.0.2.1");
    const port = await freePort();
    const clause = `auth-zone:
  name: "ours.test1"
  master: 127.0.0.1@${port}
  allow-notify: 127.0.0.1
  for-downstream: yes
`;
    const secondary = await startUnbound([], () => clause);
    const child = limited(
      ...["serve", `ours.test1=${file}`, "--listen", `127.0.0.1:${port}`],
      ...["--allow-transfer", "127.0.0.1", "--notify", `127.0.0.1:${secondary.port}`],
    );
    try {
      const until = async (wanted: string) => {
        for (let n = 0; n < 60; n++) {
          if (ask(secondary.port, "www.ours.test1", "A", "--short").out === wanted) return wanted;
          await new Promise((done) => setTimeout(done, 250));
        }
        return undefined;
      };
      expect(await until("192.0.2.1\n")).toBe("192.0.2.1\n");
      write(2, "192.0.2.2");
      // `timeout` hands the signal on.
      child.kill("SIGHUP");
      expect(await until("192.0.2.2\n")).toBe("192.0.2.2\n");
    } finally {
      child.kill("SIGTERM");
      secondary.stop();
    }
  }, 60_000);
});
