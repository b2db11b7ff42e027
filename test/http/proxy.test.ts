import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Running } from "../support/http/running.ts";
import { running } from "../support/http/running.ts";

const kills: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const kill of kills.splice(0)) await kill();
});

async function netkit(...args: string[]): Promise<Running> {
  const one = await running(...args, "--listen", "127.0.0.1:0");
  kills.push(one.kill);
  return one;
}

function get(port: number, path: string): Promise<{ headers: IncomingHttpHeaders; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port, path }, (res) => {
      let body = "";
      res.on("data", (piece: Buffer) => {
        body += piece.toString();
      });
      res.on("end", () => resolve({ headers: res.headers, body }));
    });
    req.on("error", reject);
    req.end();
  });
}

function output(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ["bin/run.js", ...args]);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

describe("http proxy", () => {
  it("what it stored on disk survives kill -9, and is explained", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netkit-proxy-"));
    writeFileSync(join(folder, "a.txt"), "hello");
    const module = join(folder, "m.mjs");
    writeFileSync(
      module,
      'export default () => ({ headers: { "Cache-Control": "max-age=600" }, body: "hello" });',
    );
    const origin = await netkit("http", "serve", folder, "--module", module);
    const cache = join(folder, "cache");
    const args = ["http", "proxy", "--reverse", `127.0.0.1:${origin.port}`, "--cache", cache];
    const before = await netkit(...args);
    expect((await get(before.port, "/a")).headers["cache-status"]).toContain("fwd=uri-miss");
    // The body goes to disk behind the response.
    const url = `http://127.0.0.1:${origin.port}/a`;
    const explained = () => output("http", "cache", "explain", "--cache", cache, url);
    let told = await explained();
    for (let i = 0; i < 20 && !told.stdout.includes(" hit"); i++) told = await explained();
    expect(told.stdout).toContain("RFC 9111 4.2.1");
    await before.kill();
    await origin.kill();
    const after = await netkit(...args);
    const again = await get(after.port, "/a");
    expect([again.body, again.headers["cache-status"]?.slice(0, 12)]).toEqual([
      "hello",
      "netkit; hit;",
    ]);
  });

  it("RFC 1035 2.3.4: what no name can be is 502, and the proxy is still there", async () => {
    const { port } = await netkit("http", "proxy", "--forward");
    for (const name of ["...", "a..b", `${"a".repeat(64)}.test`, "a.".repeat(128)]) {
      const { headers } = await get(port, `http://${name}/`);
      expect([name, headers["proxy-status"]]).toEqual([
        name,
        expect.stringMatching(/^netkit; error=dns_error; details="the name .* (?:empty|longer)/),
      ]);
    }
  });

  it.each([
    [["http", "proxy"], 2, "say either --forward or --reverse"],
    [["http", "proxy", "--reverse", "ftp://x"], 2, "write it as http://HOST:PORT"],
    [["http", "proxy", "--forward", "--cache-size", "many"], 2, "write it as a size"],
    [["http", "proxy", "--forward", "--tunnel-port", "0"], 2, "a port, or any"],
    [["http", "proxy", "--forward", "--cache", "/dev/null/x"], 3, "cannot be used"],
    [["http", "cache", "explain", "/nowhere", "/nowhere"], 3, "cannot be read"],
    [["http", "cache", "explain", "--cache", "/nowhere"], 3, "cannot be read"],
  ])("%j is refused with %i and one line", async (args, code, line) => {
    const got = await output(...args);
    expect([got.code, got.stderr.trim().split("\n").length]).toEqual([code, 1]);
    expect(got.stderr).toContain(line);
  });

  it("http cdn: origins with TLS, whom it trusts by --cacert alone, and edges with TLS", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netkit-cdn-"));
    writeFileSync(join(folder, "a.txt"), "behind two layers");
    const pem = ["fixtures/tls/localhost.pem", "fixtures/tls/localhost.key"] as const;
    const origin = await running(
      ...["http", "serve", folder, "--listen-tls", "127.0.0.1:0"],
      ...["--cert", pem[0], "--key", pem[1]],
    );
    kills.push(origin.kill);
    const cdn = (...more: string[]) =>
      running(
        ...["http", "cdn", "--site", `localhost=https://localhost:${origin.port}`],
        ...["--edge", "fra=127.0.0.1:0", ...more],
      );
    const distrustful = await cdn();
    kills.push(distrustful.kill);
    const edge = await cdn(
      ...["--cacert", pem[0], "--tls-port", "0", "--tls-cert", pem[0], "--tls-key", pem[1]],
    );
    kills.push(edge.kill);
    const refused = await output(
      "http",
      "fetch",
      `http://localhost:${distrustful.port}/a.txt`,
      "-f",
    );
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining(" 502 ")]);
    const [plain, secure] = edge.ports;
    for (const url of [`http://localhost:${plain}/a.txt`, `https://localhost:${secure}/a.txt`]) {
      const got = await output("http", "fetch", url, "--cacert", pem[0], "-s", "-o", "-");
      expect(got).toEqual({ code: 0, stdout: "behind two layers", stderr: "" });
    }
  });
});
