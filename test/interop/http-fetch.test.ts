/** `http fetch` against nginx and squid, and cookies exchanged with curl. */

import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { fetchRun } from "../support/http/fetch-run.ts";
import { ended, have, lighttpd, nginx, squid } from "./support/nginx.ts";

const missing = ["nginx", "squid", "curl"].filter((tool) => !have(tool));
if (missing.length > 0) console.log(`http-fetch: skipped, no ${missing.join(" and no ")}`);

const folder = mkdtempSync(join(tmpdir(), "netkit-nginx-"));
const TEXT = "some text of many lines\n".repeat(500);
const BIG = Buffer.alloc(8_000_000, "big file ");
let port = 0;
let tlsPort = 0;
let proxyPort = 0;
let cert = "";
const children: ChildProcess[] = [];

beforeAll(async () => {
  if (missing.length > 0) return;
  [port, tlsPort, proxyPort] = [await freePort(), await freePort(), await freePort()];
  cert = resolve("fixtures/tls/localhost.pem");
  const key = resolve("fixtures/tls/localhost.key");
  const root = join(folder, "www");
  mkdirSync(root);
  for (let i = 0; i < 12; i++)
    writeFileSync(join(root, `${i}.txt`), `object ${i}\n`.repeat(20 + i));
  writeFileSync(join(root, "text.txt"), TEXT);
  writeFileSync(join(root, "big.bin"), BIG);
  writeFileSync(join(folder, "htpasswd"), "u:{PLAIN}p\n");
  const common = `root ${root};
    location /moved { return 308 /text.txt; }
    location /secret { auth_basic r; auth_basic_user_file ${folder}/htpasswd; try_files /0.txt =404; }
    location /cookie { add_header Set-Cookie "a=1; Max-Age=500"; return 200 "[$http_cookie]"; }
    location /gz { gzip on; gzip_min_length 1; gzip_types text/plain; try_files /text.txt =404; }`;
  const servers = `server { listen 127.0.0.1:${port}; ${common} }
    server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; ${common} }`;
  children.push(await nginx(folder, port, servers));
  const rules = "acl closed port 9\nhttp_access deny closed";
  children.push(await squid(mkdtempSync(join(tmpdir(), "netkit-squid-")), proxyPort, rules));
}, 60_000);
afterAll(() => Promise.all(children.map((child) => ended(child))));

const at = (path: string) => `http://127.0.0.1:${port}${path}`;
const bodyOf = async (...args: string[]) => {
  const { stdout, stderr } = await fetchRun([...args, "-o", "-", "-s"]);
  return stdout + stderr;
};

interface Set {
  readonly strategy: string;
  readonly connections: number;
  readonly failed: number;
  readonly bytes: number;
}

describe.skipIf(missing.length > 0)("nginx", () => {
  const all = Array.from({ length: 12 }, (_, i) => `/${i}.txt`);

  it("every strategy gets every object, over as many connections as its name says", async () => {
    const { stdout } = await fetchRun([...all.map(at), "--compare", "--concurrent", "4", "--json"]);
    const { sets } = JSON.parse(stdout) as { sets: Set[] };
    expect(
      sets.map(({ strategy, connections, failed }) => [strategy, connections, failed]),
    ).toEqual([
      ["serial", 12, 0],
      ["persistent", 1, 0],
      ["concurrent", 12, 0],
      ["concurrent-persistent", 4, 0],
      ["pipelined", 1, 0],
      ["pipelined-warm", 0, 0],
    ]);
    expect(new Set(sets.map(({ bytes }) => bytes)).size).toBe(1);
  });

  it("gzip, redirects, passwords and TLS", async () => {
    expect(await bodyOf(at("/gz"), "--compressed")).toBe(TEXT);
    expect(await bodyOf(at("/moved"), "-L")).toBe(TEXT);
    expect(await bodyOf(at("/secret"), "-u", "u:p")).toBe("object 0\n".repeat(20));
    expect((await fetchRun([at("/secret"), "-u", "u:q", "-s", "-f"])).code).toBe(1);
    expect(await bodyOf(`https://localhost:${tlsPort}/text.txt`, "--cacert", cert)).toBe(TEXT);
  });

  it("RFC 9110 14: ranges, and a part that goes on", async () => {
    expect(await bodyOf(at("/text.txt"), "-r", "5-8")).toBe(TEXT.slice(5, 9));
    expect(await bodyOf(at("/text.txt"), "-r", "-7")).toBe(TEXT.slice(-7));
    const target = join(folder, "resumed.bin");
    writeFileSync(`${target}.part`, BIG.subarray(0, 3_000_000));
    const { stdout } = await fetchRun([at("/big.bin"), "-C", "-", "-o", target, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      objects: [{ statusCode: 206, bodyBytes: 5_000_000 }],
    });
    expect(readFileSync(target).equals(BIG)).toBe(true);
  });

  it("one object by ranges over four connections", async () => {
    const target = join(folder, "split.bin");
    const { code } = await fetchRun([at("/big.bin"), "--split", "4", "-o", target]);
    expect([code, readFileSync(target).equals(BIG)]).toEqual([0, true]);
  });

  it("RFC 9110 13.1: nothing comes that is known already", async () => {
    const etag = join(folder, "etag");
    const ask = [at("/text.txt"), "--etag-save", etag, "--etag-compare", etag, "--json"];
    const codes = [await fetchRun(ask), await fetchRun(ask)].map(
      ({ stdout }) =>
        (JSON.parse(stdout) as { objects: { statusCode: number }[] }).objects[0]?.statusCode,
    );
    expect(codes).toEqual([200, 304]);
  });

  it("cookie files: curl reads ours, and we read curl's", async () => {
    const [ours, theirs] = [join(folder, "ours.txt"), join(folder, "theirs.txt")];
    const curl = (...args: string[]) =>
      execFileSync("curl", ["-s", "-m", "10", "--noproxy", "*", ...args], { encoding: "utf8" });
    expect(await bodyOf(at("/cookie"), "-c", ours)).toBe("[]");
    expect(curl("-b", ours, at("/cookie"))).toBe("[a=1]");
    expect(curl("-c", theirs, at("/cookie"))).toBe("[]");
    expect(await bodyOf(at("/cookie"), "-b", theirs)).toBe("[a=1]");
  });
});

const noDigest = !have("lighttpd");
if (noDigest) console.log("http-fetch: Digest skipped, no lighttpd");

describe.skipIf(noDigest)("lighttpd", () => {
  it.each(["SHA-256", "MD5"])(
    "RFC 7616: Digest with %s, one challenge for all",
    async (algorithm) => {
      const place = mkdtempSync(join(tmpdir(), "netkit-lighttpd-"));
      const at = await freePort();
      children.push(await lighttpd(place, at, algorithm));
      writeFileSync(join(place, "a.txt"), "secret text");
      const url = `http://127.0.0.1:${at}/a.txt`;
      for (const more of [["--digest"], []]) {
        expect(await bodyOf(url, "-u", "u:p w:x", ...more)).toBe("secret text");
      }
      const { stderr } = await fetchRun([url, "-u", "u:p w:x", "--digest", "-s", "--warm", "-v"]);
      expect(stderr.match(/^< HTTP\/1\.1 \d+/gm)).toEqual([
        "< HTTP/1.1 401",
        "< HTTP/1.1 200",
        "< HTTP/1.1 200",
      ]);
      expect(stderr).toContain("nc=00000002");
      expect((await fetchRun([url, "-u", "u:wrong", "--digest", "-s", "-f"])).code).toBe(1);
    },
  );
});

describe.skipIf(missing.length > 0)("squid", () => {
  const proxy = () => ["-x", `http://127.0.0.1:${proxyPort}`];

  it("whole URIs for http, tunnels for https, both with pipelining", async () => {
    expect(await bodyOf(at("/text.txt"), ...proxy())).toBe(TEXT);
    const secure = `https://localhost:${tlsPort}`;
    expect(await bodyOf(`${secure}/text.txt`, ...proxy(), "--cacert", cert)).toBe(TEXT);
    for (const base of [at(""), secure]) {
      const urls = [1, 2, 3, 4].map((i) => `${base}/${i}.txt`);
      const { stdout } = await fetchRun([
        ...urls,
        ...proxy(),
        "--cacert",
        cert,
        "--pipelined",
        "--json",
      ]);
      expect(JSON.parse(stdout)).toMatchObject({
        strategy: "pipelined",
        failed: 0,
        bytes: 4 * 20 * 9 + 9 * 10,
      });
    }
  });

  it("what it refuses is told with its status", async () => {
    const ran = await fetchRun(["https://127.0.0.1:9/", ...proxy(), "-s"]);
    expect([ran.code, ran.stderr]).toEqual([
      4,
      `netkit: https://127.0.0.1:9/: no connection through the proxy 127.0.0.1:${proxyPort}: it answered 403 Forbidden\n`,
    ]);
  });
});
