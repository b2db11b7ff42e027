/** `netkit dns resolve --validate` and the modes, over each transport. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const CERT = "fixtures/tls/localhost.pem";
const KEY = "fixtures/tls/localhost.key";
const folder = mkdtempSync(join(tmpdir(), "netkit-validate-"));
const at = (name: string) => join(folder, name);
const netkit = (...args: string[]) => {
  const all = ["bin/run.js", "dns", ...args];
  return spawnSync(process.execPath, all, { encoding: "utf8", timeout: 60_000 });
};
/** Where the recursor listens: UDP, TLS, HTTPS. */
let servers: readonly string[] = [];
let stop = () => {};

const ZONE = `$ORIGIN .
$TTL 300
@ SOA a.ns. h. 1 7200 900 1209600 300
@ NS a.ns.
a.ns. A 127.0.0.1
www.x. A 192.0.2.2
`;

beforeAll(async () => {
  writeFileSync(at("root.zone"), ZONE);
  const zone = `.=${at("root.zone")}`;
  const { stderr } = netkit("sign", zone, "--key", at("k.pem"), "-o", at("root.signed"));
  writeFileSync(at("anchor"), /^\. DS .*$/m.exec(stderr)?.[0] ?? "");
  const listen = ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0"];
  const https = ["--listen-https", "127.0.0.1:0", "--cert", CERT, "--key", KEY];
  const zones = ["--auth-zone", `.=${at("root.signed")}`, "--trust-anchor", at("anchor")];
  const args = ["bin/run.js", "dns", "recursor", ...listen, ...https, ...zones];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  stop = () => child.kill("SIGTERM");
  let said = "";
  await new Promise<void>((done, fail) => {
    child.once("exit", () => fail(new Error(said)));
    child.stderr.on("data", (text: Buffer) => {
      said += text.toString();
      const ports = [...said.matchAll(/127\.0\.0\.1:([0-9]+) \(/g)].map(([, port]) => port);
      if (ports.length < 3) return;
      const [udp, tls, doh] = ports.map((port) => `127.0.0.1:${port}`);
      servers = [`@${udp}`, `@tls://${tls}`, `@https://${doh}/dns-query`];
      done();
    });
  });
}, 60_000);
afterAll(() => {
  stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("dns resolve --validate", () => {
  it.each([0, 1, 2])(
    "RFC 4035 5, RFC 7858, RFC 8484: what is and what is not is secure over transport %i",
    (i) => {
      const trust = ["--validate", "--trust-anchor", at("anchor"), "--tls-ca", CERT];
      const { stdout, status } = netkit(
        "resolve",
        "www.x",
        "no.x",
        "A",
        servers[i] ?? "",
        ...trust,
      );
      expect(stdout).toMatch(/^; www\.x\. A NOERROR SECURE from 127/m);
      expect(stdout).toMatch(/^; no\.x\. A NXDOMAIN SECURE from 127/m);
      expect(status).toBe(0);
    },
  );

  it.each([0, 1, 2])("another trust anchor finds it bogus over transport %i", (i) => {
    const other = readFileSync(at("anchor"), "latin1").replace(/[0-9a-f]{8}$/, "00000000");
    writeFileSync(at("other"), other);
    const trust = ["--validate", "--trust-anchor", at("other"), "--tls-ca", CERT];
    const { stdout } = netkit("resolve", "www.x", "A", servers[i] ?? "", ...trust);
    expect(stdout).toMatch(/SERVFAIL/);
    expect(stdout).not.toContain("192.0.2.2");
  });

  it("RFC 8484 8: a certificate that nobody vouches for is the reason that is told", () => {
    const trust = ["--validate", "--trust-anchor", at("anchor")];
    const { stdout, status } = netkit("resolve", "www.x", "A", servers[2] ?? "", ...trust);
    expect(stdout).toMatch(/no answer\n; {3}https:\/\/127.*self-signed certificate/);
    expect(status).toBe(4);
  });

  it("--mode hybrid asks over TLS", () => {
    const tls = ["--mode", "hybrid", "--tls-ca", CERT];
    const { stdout, status } = netkit("resolve", "www.x", "A", servers[1] ?? "", ...tls);
    expect(stdout).toMatch(/NOERROR from 127.*which walks \(tls/);
    expect(status).toBe(0);
  });
});
