/** unbound validates a zone that we signed and serve; `netkit conform dns` finds our server to keep its rules. */

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { missingTools, serialAt, until } from "./support/replica-peers.ts";

const missing = missingTools(["unbound", "dig"]);
if (missing.length > 0)
  process.stderr.write(`dns-signed: ${missing.join(", ")} not installed: unbound skipped\n`);

const ZONE = `$ORIGIN example.
$TTL 300
@ SOA ns1 host 1 7200 900 1209600 300
@ NS ns1
@ TXT "hello"
ns1 A 127.0.0.1
www A 192.0.2.2
alias CNAME www
*.wild A 192.0.2.9
a.b.ent TXT deep
`;

const folder = mkdtempSync(join(tmpdir(), "netkit-signed-"));
const stops: (() => void)[] = [];
afterAll(() => {
  for (const stop of stops) stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(command: string, args: readonly string[]): void {
  const child = spawn(command, args, { stdio: "ignore" });
  const guard = setTimeout(() => child.kill("SIGKILL"), 100_000);
  stops.push(() => {
    clearTimeout(guard);
    child.kill("SIGTERM");
  });
}

function run(command: string, args: readonly string[]): Promise<{ code: number; stdout: string }> {
  return new Promise((done) => {
    execFile(command, args, { timeout: 60_000, maxBuffer: 1 << 24 }, (error, stdout) =>
      done({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });
}

/** Our server with a zone that our command has signed; its port and the DS. */
async function serveSigned(name: string, more: readonly string[], changes = false) {
  const [plain, signed] = [join(folder, `${name}.zone`), join(folder, `${name}.signed`)];
  writeFileSync(plain, ZONE);
  const sign = ["bin/run.js", "dns", "sign", plain, "--key", join(folder, `${name}.pem`), ...more];
  const out = ["--output", signed];
  const { code, stdout } = await run("node", [...sign, ...out, "--json"]);
  expect(code).toBe(0);
  const { ds } = JSON.parse(stdout) as { ds: string[] };
  const port = await freePort();
  const key = ["--sign-key", join(folder, `${name}.pem`)];
  const local = ["--allow-update", "127.0.0.1", "--allow-transfer", "127.0.0.1"];
  const serve = ["bin/run.js", "dns", "serve", signed, "--listen", `127.0.0.1:${port}`];
  start("node", changes ? [...serve, ...local, ...key] : serve);
  await until(async () => (await serialAt(port)) === 1);
  return { port, ds: ds[0] as string };
}

async function startUnbound(at: { port: number; ds: string }, serial = 1): Promise<number> {
  const port = await freePort();
  const config = join(folder, `unbound-${port}.conf`);
  writeFileSync(
    config,
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor: "${at.ds}"
remote-control:
  control-enable: no
stub-zone:
  name: "example."
  stub-addr: 127.0.0.1@${at.port}
`,
  );
  start("unbound", ["-d", "-p", "-c", config]);
  await until(async () => (await serialAt(port)) === serial);
  return port;
}

/** What of these is answered in another way, or not as secure (AD). */
async function insecure(
  port: number,
  rows: readonly (readonly [string, string, string])[],
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [qname, type, status] of rows) {
    const { stdout } = await run("dig", ["@127.0.0.1", "-p", `${port}`, "+dnssec", qname, type]);
    if (!new RegExp(`status: ${status}`).test(stdout) || !/flags: [a-z ]*\bad\b/.test(stdout))
      wrong.push(`${qname} ${type}: ${stdout}`);
  }
  return wrong;
}

describe.skipIf(missing.length > 0)("a zone that we signed, behind unbound", () => {
  it.each([
    ["ed25519", ["--algorithm", "ed25519"]],
    ["p256", ["--algorithm", "p256", "--nsec3"]],
  ])("RFC 4035 5: what is and what is not is validated: %s", async (name, more) => {
    const port = await startUnbound(await serveSigned(name, more));
    const rows: readonly [string, string, string][] = [
      ["www.example", "A", "NOERROR"],
      ["alias.example", "A", "NOERROR"],
      ["x.wild.example", "A", "NOERROR"],
      ["example", "DNSKEY", "NOERROR"],
      ["www.example", "AAAA", "NOERROR"],
      ["b.ent.example", "A", "NOERROR"],
      ["nope.example", "A", "NXDOMAIN"],
    ];
    expect(await insecure(port, rows)).toEqual([]);
  });

  it.each([
    ["nsec", ["--algorithm", "ed25519"]],
    ["nsec3", ["--algorithm", "p256", "--nsec3"]],
  ])("RFC 2136, RFC 4035 2: what UPDATE has changed is validated: %s", async (name, more) => {
    const at = await serveSigned(name, more, true);
    const script = [
      ...["--add", "new.example 300 A 192.0.2.7", "--add", "x.deep.example 300 TXT t"],
      ...["--delete", "alias.example", "--delete", "a.b.ent.example"],
    ];
    const target = [`@127.0.0.1:${at.port}`, "--zone", "example"];
    const { code } = await run("node", ["bin/run.js", "dns", "update", ...target, ...script]);
    expect(code).toBe(0);
    await until(async () => (await serialAt(at.port)) === 2);
    const whole = ["@127.0.0.1", "-p", `${at.port}`, "example", "AXFR", "+onesoa"];
    const copy = join(folder, `${name}.copy`);
    writeFileSync(copy, (await run("dig", whole)).stdout);
    expect(await run("node", ["bin/run.js", "dns", "verify", `example=${copy}`])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/serial 2: \d+ sets hold/),
    });
    const rows: readonly [string, string, string][] = [
      ["new.example", "A", "NOERROR"],
      ["x.deep.example", "TXT", "NOERROR"],
      ["deep.example", "A", "NOERROR"],
      ["new.example", "AAAA", "NOERROR"],
      ["alias.example", "A", "NXDOMAIN"],
      ["b.ent.example", "A", "NXDOMAIN"],
      ["www.example", "A", "NOERROR"],
      ["example", "SOA", "NOERROR"],
    ];
    expect(await insecure(await startUnbound(at, 2), rows)).toEqual([]);
  });
});

it("our server keeps every rule of netkit conform dns", async () => {
  const plain = join(folder, "conform.zone");
  writeFileSync(plain, ZONE);
  const port = await freePort();
  start("node", ["bin/run.js", "dns", "serve", plain, "--listen", `127.0.0.1:${port}`]);
  await until(async () => (await serialAt(port)) === 1);
  const args = ["bin/run.js", "conform", "dns", `127.0.0.1:${port}`, "--zone", "example."];
  const { code, stdout } = await run("node", [...args, "--format", "json"]);
  const report = JSON.parse(stdout) as {
    passed: number;
    results: { id: string; outcome: string }[];
  };
  expect(report.results.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
  expect(report.passed).toBeGreaterThan(50);
  expect(code).toBe(0);
});
