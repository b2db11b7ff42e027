import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function served(args: readonly string[]) {
  const child = spawn(process.execPath, [
    "bin/run.js",
    "http",
    "serve",
    "--json",
    "--listen",
    "127.0.0.1:0",
    ...args,
  ]);
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  stops.push(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const first = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", () => reject(new Error(stderr)));
  });
  const { listening } = JSON.parse(first) as { listening: { port: number }[] };
  return { child, exited, port: listening[0]?.port ?? 0, stderr: () => stderr };
}

interface Got {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

function get(port: number, path: string, options: object = {}, body?: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const req = request({ host: "127.0.0.1", port, path, ...options }, (res) => {
      const pieces: Buffer[] = [];
      res.on("data", (piece: Buffer) => pieces.push(piece));
      res.on("end", () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(pieces).toString("latin1"),
        }),
      );
    });
    req.on("error", reject);
    req.end(body);
  });
}

function site(): string {
  const root = mkdtempSync(join(tmpdir(), "netkit-site-"));
  writeFileSync(join(root, "index.html"), "<h1>home</h1>");
  writeFileSync(join(root, "data.txt"), "0123456789");
  writeFileSync(join(root, ".secret"), "x");
  writeFileSync(join(root, "big.bin"), Buffer.alloc(300_000, 7));
  mkdirSync(join(root, "sub"));
  writeFileSync(join(root, "sub", "<odd>.txt"), "odd");
  symlinkSync("/etc/hostname", join(root, "leak"));
  symlinkSync(join(root, "data.txt"), join(root, "inside"));
  return root;
}

describe("http serve", () => {
  it("serves files with types, validators and ranges, and nothing outside of the folder", async () => {
    const root = site();
    const { port } = await served([root]);
    const home = await get(port, "/");
    expect([home.status, home.headers["content-type"], home.body]).toEqual([
      200,
      "text/html; charset=utf-8",
      "<h1>home</h1>",
    ]);
    const again = await get(port, "/", { headers: { "If-None-Match": home.headers["etag"] } });
    expect([again.status, again.body]).toEqual([304, ""]);
    const part = await get(port, "/data.txt", { headers: { Range: "bytes=2-4" } });
    expect([part.status, part.body, part.headers["content-range"]]).toEqual([
      206,
      "234",
      "bytes 2-4/10",
    ]);
    const parts = await get(port, "/data.txt", { headers: { Range: "bytes=0-0,9-9" } });
    expect(parts.status).toBe(206);
    expect(parts.body.match(/Content-Range: bytes [0-9]-[0-9]\/10\r\n\r\n[09]/g)?.length).toBe(2);
    expect(Number(parts.headers["content-length"])).toBe(parts.body.length);
    expect(
      (await get(port, "/data.txt", { headers: { Range: "bytes=99-" } })).headers["content-range"],
    ).toBe("bytes */10");
    expect((await get(port, "/big.bin")).body.length).toBe(300_000);
    const head = await get(port, "/big.bin", { method: "HEAD" });
    expect([head.headers["content-length"], head.body]).toEqual(["300000", ""]);
    expect((await get(port, "/inside")).body).toBe("0123456789");
    for (const path of ["/leak", "/.secret", "/none", "/data.txt/"])
      expect((await get(port, path)).status).toBe(404);
    expect((await get(port, "/%2e%2e/etc/passwd")).status).toBe(400);
    expect((await get(port, "/sub")).headers["location"]).toBe("/sub/");
    expect((await get(port, "/sub/")).body).toContain(
      '<a href="./%3Codd%3E.txt">&lt;odd&gt;.txt</a>',
    );
    expect((await get(port, "/", { method: "DELETE" })).headers["allow"]).toBe(
      "GET, HEAD, OPTIONS",
    );
  });

  it("RFC 9110 7.2: many sites on one machine, by the name in Host", async () => {
    const [foo, bar] = [site(), site()];
    writeFileSync(join(bar, "index.html"), "bar");
    const { port } = await served(["--vhost", `www.foo.com=${foo}`, "--vhost", `*.bar.com=${bar}`]);
    const host = (name: string) => ({ headers: { Host: name } });
    expect((await get(port, "/", host("www.foo.com:80"))).body).toBe("<h1>home</h1>");
    expect((await get(port, "/", host("a.b.BAR.com"))).body).toBe("bar");
    expect((await get(port, "/", host("elsewhere"))).status).toBe(404);
    expect((await get(port, "http://www.foo.com/", host("x.bar.com"))).body).toBe("<h1>home</h1>");
  });

  it("RFC 3875: programs of a folder answer, with the request in their environment and body", async () => {
    const scripts = mkdtempSync(join(tmpdir(), "netkit-cgi-"));
    const script = (name: string, text: string) => {
      writeFileSync(join(scripts, name), `#!/bin/sh\n${text}`);
      chmodSync(join(scripts, name), 0o755);
    };
    script(
      "show",
      'printf "Content-Type: text/plain\\n\\n$REQUEST_METHOD|$PATH_INFO|$QUERY_STRING|$HTTP_X_Y|$HTTP_PROXY|"; cat\n',
    );
    script("moved", 'printf "Location: /data.txt\\n\\n"\n');
    script(
      "broken",
      "echo nothing of use; sleep 0.1; echo and; sleep 0.1; echo more; exec sleep 60\n",
    );
    script("colours", 'printf "X: \\033[31m\\n\\n"\n');
    writeFileSync(join(scripts, "plain"), "not a program");
    const { port, stderr } = await served([site(), "--cgi", `/cgi-bin=${scripts}`]);
    const shown = await get(
      port,
      "/cgi-bin/show/a/b?q=1",
      { method: "POST", headers: { "X-Y": "z", Proxy: "evil" } },
      "body",
    );
    expect([shown.status, shown.body]).toEqual([200, "POST|/a/b|q=1|z||body"]);
    expect((await get(port, "/cgi-bin/moved")).body).toBe("0123456789");
    expect((await get(port, "/cgi-bin/broken")).status).toBe(502);
    expect((await get(port, "/cgi-bin/colours")).status).toBe(502);
    await vi.waitFor(() => expect(stderr()).toContain("not a CGI response"));
    // What the script says after that is nobody's business: the server is still there.
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const path of ["/cgi-bin/plain", "/cgi-bin/none", "/cgi-bin/"])
      expect((await get(port, path)).status).toBe(404);
  });

  it("a module answers, and what it leaves the files do; its faults are 500", async () => {
    const root = site();
    const module = join(root, "m.mjs");
    writeFileSync(
      module,
      `export default async ({ path, method, body, headers }) => {
        if (path === "/fault") throw new Error("broken");
        if (path === "/interim") return { status: 101 };
        if (path === "/framed") return { headers: { "Transfer-Encoding": "chunked" }, body: "x" };
        if (path === "/number") return { body: 5 };
        if (path === "/stream") return { body: (async function* () { yield "a"; yield "b"; })() };
        if (path === "/echo") return { status: 201, headers: { "X-A": ["1", "2"] }, body: method + Buffer.from(body) + (headers.cookie ?? "") };
      };`,
    );
    const { port, stderr } = await served([root, "--module", module]);
    const echo = await get(port, "/echo", { method: "PUT", headers: { Cookie: "c=1" } }, "x");
    expect([echo.status, echo.body, echo.headers["x-a"]]).toEqual([201, "PUTxc=1", "1, 2"]);
    expect((await get(port, "/stream")).body).toBe("ab");
    expect((await get(port, "/data.txt")).body).toBe("0123456789");
    for (const path of ["/fault", "/interim", "/framed", "/number"])
      expect([path, (await get(port, path)).status]).toEqual([path, 500]);
    await vi.waitFor(() => expect(stderr()).toContain("m.mjs: broken"));
  });

  it("SIGTERM finishes what is in flight, and exits 0", async () => {
    const { child, exited, port } = await served([site(), "--latency", "300ms"]);
    const answer = get(port, "/data.txt");
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill("SIGTERM");
    expect((await answer).body).toBe("0123456789");
    expect(await exited).toBe(0);
  });

  it("bodies come no faster than --rate; the log tells of each exchange", async () => {
    const { port, child, exited, stderr } = await served([
      site(),
      "--rate",
      "1.2Mbit",
      "--log",
      "json",
    ]);
    const started = Date.now();
    expect((await get(port, "/big.bin")).body.length).toBe(300_000);
    expect(Date.now() - started).toBeGreaterThan(1500);
    child.kill("SIGTERM");
    await exited;
    const line =
      stderr()
        .split("\n")
        .find((text) => text.startsWith("{")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({
      method: "GET",
      target: "/big.bin",
      statusCode: 200,
      bytes: 300_000,
    });
  });

  it.each([
    [["no/such/folder"], 3, /no\/such\/folder: ENOENT/],
    [["package.json"], 3, /package.json: not a folder/],
    [[], 2, /name a folder/],
    [[".", "--listen", "nowhere"], 2, /--listen nowhere: write it as ADDRESS:PORT/],
    [[".", "--listen", "192.0.2.1:0"], 4, /cannot listen/],
    [[".", "--vhost", "x"], 2, /NAME=DIR/],
    [[".", "--module", "package.json"], 3, /package.json/],
    [[".", "--rate", "fast"], 2, /--rate fast/],
    [[".", "--listen-tls", "127.0.0.1:0"], 2, /--cert and --key/],
  ])("bad use %j exits %i with one line", async (args, code, line) => {
    const child = spawn(process.execPath, ["bin/run.js", "http", "serve", ...args]);
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => {
      stderr += bytes.toString();
    });
    const exit = await new Promise((resolve) => child.on("exit", resolve));
    expect(stderr.trimEnd().split("\n").length).toBe(1);
    expect(stderr).toMatch(line);
    expect(exit).toBe(code);
  });
});
