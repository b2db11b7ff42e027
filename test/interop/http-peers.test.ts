/** curl and wget against `http serve` and `http proxy`; broken origins; nginx and squid under `conform`. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";
import { ended, have, nginx, squid } from "./support/nginx.ts";

const has = (tool: string, flag?: string) => {
  const there = have(tool, flag);
  if (!there) console.log(`http-peers: skipped, no ${tool}`);
  return there;
};
const HAS = { curl: has("curl", "--version"), wget: has("wget", "--version") };
const PROXIES = { nginx: has("nginx"), squid: has("squid") };

const BODY = "0123456789".repeat(2000);
const folder = mkdtempSync(join(tmpdir(), "netkit-peers-"));
const children: ChildProcess[] = [];
let origin: Served;
let serving = "";
let proxied = "";

async function started(...args: string[]): Promise<string> {
  const all = ["bin/run.js", "http", ...args, "--json", "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", (code) => reject(new Error(`it ended with ${code}`)));
  });
  const { listening } = JSON.parse(first.split("\n")[0] as string) as {
    listening: { port: number }[];
  };
  return `http://127.0.0.1:${listening[0]?.port}`;
}

async function run(program: string, ...args: string[]) {
  const child = spawn(program, args, { timeout: 20_000, stdio: ["ignore", "pipe", "pipe"] });
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

beforeAll(async () => {
  writeFileSync(join(folder, "big.txt"), BODY);
  origin = await serve((request, response, body) => {
    if (request.url === "/secret" && request.headers.authorization !== "Basic dTpw")
      response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end();
    else response.writeHead(200, { "cache-control": "no-store" }).end(`${request.method} ${body}`);
  });
  serving = await started("serve", folder);
  proxied = await started("proxy", "--reverse", origin.url.replace(/\/$/, ""));
}, 60_000);
afterAll(async () => {
  await Promise.all(children.map((child) => ended(child)));
  origin.server.close();
});

describe.skipIf(!HAS.curl)("curl", () => {
  it("RFC 9110 14: gets ranges, one and several, and resumes", async () => {
    const one = await run("curl", "-sS", "-r", "10-19", `${serving}/big.txt`);
    expect(one).toMatchObject({ code: 0, stdout: "0123456789" });
    const two = await run("curl", "-sSi", "-r", "0-1,5-6", `${serving}/big.txt`);
    expect(two.stdout).toMatch(/^HTTP\/1.1 206[\s\S]*multipart\/byteranges/);
    const file = join(folder, "part");
    writeFileSync(file, BODY.slice(0, 777));
    expect((await run("curl", "-sS", "-C", "-", "-o", file, `${serving}/big.txt`)).code).toBe(0);
    expect(readFileSync(file, "latin1")).toBe(BODY);
  });

  it("RFC 9110 10.1.1: uploads after 100 (Continue) through the proxy", async () => {
    const file = join(folder, "big.txt");
    const args = ["-sSv", "-H", "Expect: 100-continue", "--expect100-timeout", "15"];
    const up = await run("curl", ...args, "--data-binary", `@${file}`, `${proxied}/up`);
    expect(up.stdout).toBe(`POST ${BODY}`);
    expect(up.stderr).toContain("100 Continue");
  });

  it("RFC 9110 11: passes a challenge and its answer through the proxy", async () => {
    const none = await run("curl", "-sSi", `${proxied}/secret`);
    expect(none.stdout).toMatch(/^HTTP\/1.1 401[\s\S]*Basic realm="r"/i);
    expect((await run("curl", "-sS", "-u", "u:p", `${proxied}/secret`)).stdout).toBe("GET ");
  });
});

describe.skipIf(!HAS.wget)("wget", () => {
  it("RFC 9110 14.2: gets a file, and resumes it", async () => {
    const file = join(folder, "wgot");
    writeFileSync(file, BODY.slice(0, 555));
    const got = await run("wget", "-q", "-c", "-O", file, `${serving}/big.txt`);
    expect(got.code).toBe(0);
    expect(readFileSync(file, "latin1")).toBe(BODY);
  });

  it("RFC 9110 11: answers a challenge through the proxy", async () => {
    const args = ["-q", "-O", "-", "--user", "u", "--password", "p"];
    expect((await run("wget", ...args, `${proxied}/secret`)).stdout).toBe("GET ");
  });
});

/** A server of raw octets for each request. */
async function raw(answer: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

const OK = "HTTP/1.1 200 OK\r\n";
const BROKEN: readonly (readonly [what: string, answer: (socket: Socket) => void])[] = [
  ["closes without a word", (socket) => socket.end()],
  ["closes in the head", (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le")],
  ["says more octets than it sends", (socket) => socket.end(`${OK}Content-Length: 99\r\n\r\nabc`)],
  ["closes between chunks", (s) => s.end(`${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`)],
  ["stalls before the head", () => {}],
  ["stalls in the body", (socket) => socket.write(`${OK}Content-Length: 99\r\n\r\nabc`)],
];

describe("origins that break", () => {
  it.concurrent.each(BROKEN)(
    "one that %s: fetch fails with one line, the proxy gives no whole body",
    async (_what, answer) => {
      const { server, port } = await raw(answer);
      const url = `http://127.0.0.1:${port}/`;
      const got = await fetchRun([url, "-s", "-o", "-", "--timeout", "1"]);
      expect(got.code).not.toBe(0);
      expect(got.stderr.trim().split("\n")).toHaveLength(1);
      const proxy = await started(
        "proxy",
        "--reverse",
        `http://127.0.0.1:${port}`,
        "--timeout",
        "1",
      );
      const status = await fetch(proxy, { signal: AbortSignal.timeout(10_000) }).then(
        async (response) => ({
          code: response.status,
          whole: await response.text().catch(() => undefined),
        }),
        () => ({ code: 502, whole: undefined }),
      );
      expect(
        status.code === 200 ? status.whole === undefined : [502, 504].includes(status.code),
      ).toBe(true);
      server.close();
    },
    30_000,
  );
});

describe("slow clients", () => {
  it("a head that comes octet by octet is given up after ten seconds, by serve and by proxy", async () => {
    const lived = await Promise.all(
      [serving, proxied].map(async (url) => {
        const began = performance.now();
        const socket = connect(Number(new URL(url).port), "127.0.0.1");
        socket.write("GET / HTTP/1.1\r\nHost: a\r\nX: ");
        const drip = setInterval(() => socket.write("a"), 300);
        socket.on("error", () => {});
        socket.resume();
        await new Promise<void>((resolve) => socket.once("close", () => resolve()));
        clearInterval(drip);
        return (performance.now() - began) / 1000;
      }),
    );
    for (const seconds of lived) expect(seconds).toBeLessThan(15);
  }, 20_000);
});

describe("conform http-proxy and http-cache", () => {
  const conform = async (topic: string, port: number, at: number, ...more: string[]) => {
    const args = ["conform", topic, `127.0.0.1:${port}`, "--origin", `127.0.0.1:${at}`];
    const { stdout } = await run(
      process.execPath,
      "bin/run.js",
      ...args,
      ...more,
      "--format",
      "json",
    );
    return JSON.parse(stdout) as { passed: number; results: { id: string; outcome: string }[] };
  };
  const CHUNKS = "rfc9112.7.1-1";

  it.skipIf(!PROXIES.nginx)(
    "nginx: passes chunks on, and knows no Via",
    async () => {
      const [port, at] = [await freePort(), await freePort()];
      const servers = `server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${at}; proxy_http_version 1.1; } }`;
      children.push(await nginx(mkdtempSync(join(tmpdir(), "netkit-peers-nginx-")), port, servers));
      const { results, passed } = await conform("http-proxy", port, at);
      const outcome = new Map(results.map((one) => [one.id, one.outcome]));
      expect(outcome.get(CHUNKS)).toBe("passed");
      expect(outcome.get("rfc9110.7.6.3-1")).toBe("failed");
      expect(passed).toBeGreaterThan(35);
    },
    60_000,
  );

  it.skipIf(!PROXIES.squid)(
    "squid: passes chunks on, and adds Via",
    async () => {
      const [port, at] = [await freePort(), await freePort()];
      children.push(await squid(mkdtempSync(join(tmpdir(), "netkit-peers-squid-")), port));
      const { results, passed } = await conform("http-proxy", port, at, "--forward");
      const outcome = new Map(results.map((one) => [one.id, one.outcome]));
      expect(outcome.get(CHUNKS)).toBe("passed");
      expect(outcome.get("rfc9110.7.6.3-1")).toBe("passed");
      expect(passed).toBeGreaterThan(40);
    },
    60_000,
  );
});
