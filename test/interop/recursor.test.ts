/** `netkit dns recursor` asked by dig and kdig, resolving from NSD. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Peer } from "./support/nsd.ts";
import { hasNsd, startNsd } from "./support/nsd.ts";

const has = (tool: string) => spawnSync(tool, ["-v"]).error === undefined;
const tools = hasNsd && has("dig") && has("kdig");
if (!tools) process.stderr.write("recursor interop is skipped: it needs nsd, dig and kdig\n");

const ZONE = `$TTL 60
@ SOA ns.example.test1. h.example.test1. 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
www AAAA 2001:db8::1
alias CNAME www
mail MX 10 www
svc SVCB 1 www alpn=h2
big TXT ${`"${"x".repeat(250)}" `.repeat(8)}
`;

interface Running {
  readonly port: number;
  readonly listening: readonly { readonly port: number; readonly transports: readonly string[] }[];
  stop(): Promise<string>;
}

/** The built command; resolves once it says where it listens. */
function startRecursor(args: readonly string[]): Promise<Running> {
  const child = spawn("timeout", [
    "60",
    process.execPath,
    "bin/run.js",
    "dns",
    "recursor",
    "--listen",
    "127.0.0.1:0",
    "--json",
    ...args,
  ]);
  let out = "";
  const closed = new Promise<string>((done) => child.on("close", () => done(out)));
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (!out.includes("\n")) return;
      const { listening } = JSON.parse(out.slice(0, out.indexOf("\n"))) as Pick<
        Running,
        "listening"
      >;
      resolve({
        port: listening[0]?.port ?? 0,
        listening,
        stop: () => {
          child.kill("SIGTERM");
          return closed;
        },
      });
    });
    void closed.then(() => reject(new Error(`the recursor ended: ${out}`)));
  });
}

describe.runIf(tools)("the recursor among others", () => {
  let nsd: Peer;
  let recursor: Running;
  const folder = mkdtempSync(join(tmpdir(), "netkit-recursor-"));

  beforeAll(async () => {
    nsd = await startNsd("example.test1", ZONE);
    writeFileSync(join(folder, "hints"), ". NS a.root.\na.root. A 127.0.0.1\n");
    recursor = await startRecursor([
      "--hints",
      join(folder, "hints"),
      "--stub-zone",
      `example.test1=127.0.0.1:${nsd.port}`,
      "--stats",
    ]);
  });

  afterAll(() => {
    nsd.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = (tool: string, ...args: string[]) =>
    spawnSync(tool, ["@127.0.0.1", "-p", String(recursor.port), ...args], {
      encoding: "utf8",
      timeout: 20_000,
    }).stdout;

  it.each([
    ["dig", "udp", ["+short", "www.example.test1", "A"], "192.0.2.1\n"],
    ["dig", "tcp", ["+short", "+tcp", "www.example.test1", "AAAA"], "2001:db8::1\n"],
    ["dig", "an alias", ["+short", "alias.example.test1"], "www.example.test1.\n192.0.2.1\n"],
    ["kdig", "udp", ["+short", "mail.example.test1", "MX"], "10 www.example.test1.\n"],
    [
      "kdig",
      "tcp",
      ["+short", "+tcp", "svc.example.test1", "SVCB"],
      "1 www.example.test1. alpn=h2\n",
    ],
  ])("%s over %s", (tool, _how, args, wanted) => {
    expect(ask(tool, ...args)).toBe(wanted);
  });

  it("RFC 6891 6.2.5, RFC 2181 9: what does not fit is truncated, and comes over TCP", () => {
    expect(ask("dig", "+ignore", "big.example.test1", "TXT")).toMatch(/flags: [^;]*\btc\b/);
    expect(ask("dig", "big.example.test1", "TXT", "+short").trim().length).toBeGreaterThan(2000);
  });

  it("RFC 2308 3: NXDOMAIN comes with the SOA", () => {
    const out = ask("dig", "no.example.test1");
    expect(out).toMatch(/status: NXDOMAIN/);
    expect(out).toMatch(/IN\s+SOA\s+ns\.example\.test1\./);
  });

  it("RFC 7766 6.2.1: several questions on one connection", () => {
    const out = ask(
      "dig",
      "+tcp",
      "+keepopen",
      "+short",
      "www.example.test1",
      "A",
      "alias.example.test1",
      "A",
    );
    expect(out.split("\n").filter((line) => line === "192.0.2.1")).toHaveLength(2);
  });

  it("RFC 7858, RFC 8484: over TLS and HTTPS", async () => {
    spawnSync("openssl", [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-keyout",
      join(folder, "key"),
      "-out",
      join(folder, "cert"),
    ]);
    const secure = await startRecursor([
      ...[
        "--hints",
        join(folder, "hints"),
        "--cert",
        join(folder, "cert"),
        "--key",
        join(folder, "key"),
      ],
      ...[
        "--listen-tls",
        "127.0.0.1:0",
        "--listen-https",
        "127.0.0.1:0",
        "--lie",
        "www.example.test1=192.0.2.7",
      ],
    ]);
    const port = (transport: string) =>
      String(secure.listening.find(({ transports }) => transports.includes(transport))?.port);
    const kdig = (...args: string[]) =>
      spawnSync("kdig", ["@127.0.0.1", "+short", ...args, "www.example.test1"], {
        encoding: "utf8",
        timeout: 20_000,
      }).stdout;
    expect(kdig("-p", port("tls"), "+tls")).toBe("192.0.2.7\n");
    expect(kdig("-p", port("https"), "+https")).toBe("192.0.2.7\n");
    expect(kdig("-p", port("https"), "+https-get")).toBe("192.0.2.7\n");
    const forward = (name: string) =>
      startRecursor([
        ...["--forward", `tls://127.0.0.1:${port("tls")}#${name}`],
        ...["--forward-ca", join(folder, "cert"), "--no-dnssec"],
      ]);
    const answer = (port: number) =>
      spawnSync("kdig", ["@127.0.0.1", "-p", String(port), "www.example.test1"], {
        encoding: "utf8",
        timeout: 30_000,
      }).stdout;
    const forwarder = await forward("localhost");
    expect(answer(forwarder.port)).toContain("192.0.2.7");
    await forwarder.stop();
    const mistaken = await forward("another.example");
    expect(answer(mistaken.port)).toContain("SERVFAIL");
    await mistaken.stop();
    await secure.stop();
  });

  it("SIGTERM: it says how it did, and ends", async () => {
    const lines = (await recursor.stop()).trim().split("\n");
    const { statistics } = JSON.parse(lines[lines.length - 1] as string) as {
      statistics: Record<string, number>;
    };
    expect(statistics["questions"]).toBeGreaterThanOrEqual(10);
    expect(statistics["pending"]).toBe(0);
  });
});
