import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";

let served: Served;
const PLAIN = Buffer.from("the same text again and again, ".repeat(30));
const CODERS: Readonly<Record<string, (plain: Buffer) => Buffer>> = {
  gzip: (plain) => gzipSync(plain),
  deflate: (plain) => deflateSync(plain),
  br: (plain) => brotliCompressSync(plain),
  "br, gzip": (plain) => gzipSync(brotliCompressSync(plain)),
};
let busy = 0;
let cuts = 0;

/** The first answers break off after 30 octets; ranges are answered under their condition. */
function cut(request: IncomingMessage, response: ServerResponse): void {
  const { range, "if-range": ifRange } = request.headers;
  const holds = range !== undefined && (ifRange === undefined || ifRange === '"v1"');
  const from = holds ? Number(/[0-9]+/.exec(range)?.[0]) : 0;
  if (from >= PLAIN.length) {
    response.writeHead(416, { "Content-Range": `bytes */${PLAIN.length}` }).end("no");
    return;
  }
  response.writeHead(holds ? 206 : 200, {
    ETag: '"v1"',
    "Content-Length": PLAIN.length - from,
    ...(holds ? { "Content-Range": `bytes ${from}-${PLAIN.length - 1}/${PLAIN.length}` } : {}),
  });
  if (cuts-- <= 0) {
    response.end(PLAIN.subarray(from));
    return;
  }
  response.write(PLAIN.subarray(from, from + 30));
  setTimeout(() => response.destroy(), 50);
}
const folder = mkdtempSync(join(tmpdir(), "netkit-fetch-"));
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  served = await serve((request, response, body) => {
    const { method, url = "", headers } = request;
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === "/domains") {
      const of = (domain: string) => `${domain.replaceAll(".", "-")}=1; Domain=${domain}`;
      response.setHeader("Set-Cookie", ["example.com", "com", "other.com"].map(of));
    }
    if (pathname === "/set") {
      response.setHeader("Set-Cookie", ["id=7; Max-Age=600; HttpOnly", "session=1; Path=/"]);
    }
    const coding = decodeURI(pathname.slice(1));
    if (coding in CODERS) {
      response.setHeader("Content-Encoding", coding);
      for (const byte of CODERS[coding]?.(PLAIN) ?? []) response.write(Buffer.from([byte]));
      response.end();
      return;
    }
    if (pathname.startsWith("/cut")) {
      cut(request, response);
      return;
    }
    if (pathname === "/busy") {
      response.writeHead(busy-- > 0 ? 503 : 200, { "Retry-After": "1" }).end("done");
      return;
    }
    if (pathname === "/big") {
      response.end(Buffer.alloc(300_000, "x"));
      return;
    }
    if (pathname === "/bomb") {
      response.setHeader("Content-Encoding", "gzip");
      response.end(gzipSync(Buffer.alloc(50_000_000)));
      return;
    }
    if (pathname === "/stall") return;
    if (pathname === "/to") {
      response.writeHead(302, { Location: searchParams.get("url") ?? "/" }).end();
      return;
    }
    response.end(JSON.stringify({ method, url, headers, body: body.toString("latin1") }));
  });
});
afterAll(() => {
  served.server.closeAllConnections();
  served.server.close();
});

/** What the server saw of the last request. */
async function seen(args: readonly string[], path = "") {
  const { stdout, stderr, code } = await fetchRun([`${served.url}${path}`, "-o", "-", ...args]);
  expect([code, stderr.includes("netkit:")]).toEqual([0, false]);
  return JSON.parse(stdout) as {
    method: string;
    url: string;
    headers: Record<string, string>;
    body: string;
  };
}

describe("http fetch", () => {
  it("follows redirects with -L, and tells them in the waterfall and as JSON", async () => {
    const ran = await fetchRun([`${served.url}to?url=/x`, "-L", "--json"]);
    const set = JSON.parse(ran.stdout) as { objects: { statusCode: number; hops: object[] }[] };
    expect(set.objects[0]).toMatchObject({
      statusCode: 200,
      hops: [{ statusCode: 302, why: "redirect" }],
    });
    const text = await fetchRun([`${served.url}to?url=/x`, "-L"]);
    expect(text.stdout).toContain(`302 redirect: ${served.url}to?url=/x`);
  });

  it("names and passwords from the URL, --user, --bearer and .netrc", async () => {
    const { port } = new URL(served.url);
    const basic = `Basic ${Buffer.from("u:p:q").toString("base64")}`;
    expect((await seen(["-u", "u:p:q"])).headers["authorization"]).toBe(basic);
    expect((await seen(["--bearer", "abc.d"])).headers["authorization"]).toBe("Bearer abc.d");
    const inUrl = await fetchRun([`http://u:p%3Aq@127.0.0.1:${port}/`, "-o", "-"]);
    expect(JSON.parse(inUrl.stdout)).toMatchObject({ headers: { authorization: basic } });
    writeFileSync(file("netrc"), "machine 127.0.0.1 login u password p:q\n");
    expect((await seen(["--netrc-file", file("netrc")])).headers["authorization"]).toBe(basic);
    // Another origin by a redirect: nothing is said.
    const other = await seen(["-L", "-u", "u:p"], `to?url=http://localhost:${port}/`);
    expect(other.headers["authorization"]).toBeUndefined();
  });

  it("cookies are kept over runs, and sent where they belong", async () => {
    const jar = file("jar.txt");
    await seen(["-c", jar, "-b", "mine=1"], "set");
    expect((await seen(["-c", jar])).headers["cookie"]).toBe("id=7; session=1");
    expect((await seen(["-b", jar, "-j"])).headers["cookie"]).toBe("id=7");
    expect(readFileSync(jar, "latin1")).toMatch(
      /^#HttpOnly_127\.0\.0\.1\tFALSE\t\/\tFALSE\t\d+\tid\t7$/m,
    );
  });

  it("RFC 6265 5.3: a cookie for a domain goes to all of it, and none is for a public suffix", async () => {
    const jar = file("domains.txt");
    const { port } = new URL(served.url);
    const at = async (host: string, path: string) => {
      const args = ["--resolve", `${host}:127.0.0.1`, "-c", jar, "-o", "-", "-s"];
      const { stdout, stderr } = await fetchRun([`http://${host}:${port}/${path}`, ...args]);
      expect(stderr).toBe("");
      return (JSON.parse(stdout) as { headers: Record<string, string> }).headers["cookie"];
    };
    await at("www.example.com", "domains");
    expect(await at("static.example.com", "")).toBe("example-com=1");
    expect(await at("www.other.com", "")).toBeUndefined();
  });

  it.each([
    ["--header", "X: a\r\nEvil: 1"],
    ["--bearer", "a\r\nEvil: 1"],
    ["--cookie", "a=b\r\nEvil: 1"],
    ["--user", "a:b\r\nEvil: 1"],
    ["--request", "GET / HTTP/1.1\r\nEvil: 1\r\n"],
  ])("RFC 9112 11.1: %s cannot inject a field", async (flag, value) => {
    const before = served.asked.length;
    const ran = await fetchRun([served.url, flag, value]);
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([ran.code === 2 || ran.code === 3, served.asked.length]).toEqual([true, before]);
  });
});

const text = async (args: readonly string[], path: string) =>
  (await fetchRun([`${served.url}${path}`, "-o", "-", "-s", ...args])).stdout;

describe("heads", () => {
  it("-I and -i on stdout as they came", async () => {
    expect(await text(["-I"], "big")).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\n$/);
    expect(await text(["-i"], "cut")).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nthe same text/);
  });
});

describe("content codings", () => {
  it.each(Object.keys(CODERS))(
    "RFC 9110 8.4: %s is undone, octet by octet as it comes",
    async (coding) => {
      expect(await text(["--compressed"], encodeURI(coding))).toBe(PLAIN.toString());
    },
  );

  it("RFC 9110 8.4.1.2: deflate without the zlib format is understood; a lie is told", async () => {
    const lying = await serve((request, response) => {
      response.setHeader("Content-Encoding", request.url === "/raw" ? "deflate" : "gzip");
      response.end(request.url === "/raw" ? deflateRawSync(PLAIN) : PLAIN);
    });
    const raw = await fetchRun([`${lying.url}raw`, "--compressed", "-o", "-", "-s"]);
    const lie = await fetchRun([`${lying.url}lie`, "--compressed", "-o", "-", "-s"]);
    lying.server.close();
    expect(raw.stdout).toBe(PLAIN.toString());
    expect([lie.code, lie.stderr]).toEqual([
      3,
      `netkit: ${lying.url}lie: the body is not gzip: incorrect header check\n`,
    ]);
  });

  it("RFC 9110 8.4: a coding that nobody knows is told, and its octets are no file", async () => {
    const odd = await serve((request, response) => {
      response.setHeader("Content-Encoding", request.url === "/many" ? "br,br,br,br,br,br" : "x");
      // What is cut behind a fault is no second one.
      response.setHeader("Content-Length", "10");
      response.write("12345", () => response.destroy());
    });
    const target = file("odd.bin");
    const one = await fetchRun([`${odd.url}one`, "--compressed", "-o", target, "-s"]);
    const many = await fetchRun([`${odd.url}many`, "--compressed", "-s"]);
    odd.server.close();
    expect([one.code, existsSync(target), many.code]).toEqual([3, false, 3]);
    expect(one.stderr).toContain("one: the content coding x is unknown (RFC 9110 8.4)\n");
    expect(many.stderr).toBe(`netkit: ${odd.url}many: over 5 content codings\n`);
  });

  it("a bomb ends at --max-filesize", async () => {
    const ran = await fetchRun([
      `${served.url}bomb`,
      "--compressed",
      "--max-filesize",
      "1M",
      "-s",
      "-o",
      "-",
    ]);
    expect([ran.code, ran.stdout.length <= 1024 * 1024]).toEqual([1, true]);
    expect(ran.stderr).toBe(`netkit: ${served.url}bomb: larger than --max-filesize\n`);
    const plain = await fetchRun([`${served.url}big`, "--max-filesize", "100K", "-s"]);
    expect([plain.code, plain.stderr]).toEqual([
      1,
      `netkit: ${served.url}big: larger than --max-filesize\n`,
    ]);
  });
});

describe("bodies", () => {
  it("a POST of forms and JSON as servers read them", async () => {
    const form = await seen(["-d", "a=1", "-d", "b=2", "--data-urlencode", "c=x y&é"]);
    expect([form.method, form.body]).toEqual(["POST", "a=1&b=2&c=x%20y%26%C3%A9"]);
    expect(form.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    const json = await seen(["--json-data", '{"a":1}']);
    expect([json.headers["content-type"], json.body]).toEqual(["application/json", '{"a":1}']);
    const query = await seen(["-G", "-d", "q=a b", "--data-urlencode", "x=a b"], "find?y=1");
    expect([query.method, query.url]).toEqual(["GET", "/find?y=1&q=a%20b&x=a%20b"]);
  });

  it("RFC 7578: a form with files, and no name that ends its quotes", async () => {
    writeFileSync(file("a.txt"), "file\r\ncontent");
    const sent = await seen([
      "-F",
      'x"\r\n=1',
      "-F",
      `f=@${file("a.txt")};filename=q"z.txt`,
      "-F",
      "t=u;type=text/x",
    ]);
    const [, boundary = ""] = /boundary=(.*)/.exec(sent.headers["content-type"] ?? "") ?? [];
    expect(sent.body.split(`--${boundary}`)).toEqual([
      "",
      '\r\nContent-Disposition: form-data; name="x%22%0D%0A"\r\n\r\n1\r\n',
      '\r\nContent-Disposition: form-data; name="f"; filename="q%22z.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\ncontent\r\n',
      '\r\nContent-Disposition: form-data; name="t"\r\nContent-Type: text/x\r\n\r\nu\r\n',
      "--\r\n",
    ]);
  });

  it("a file is uploaded under its name, stdin chunked", async () => {
    writeFileSync(file("up 1.bin"), Buffer.alloc(300_000, "z"));
    const up = await seen(["-T", file("up 1.bin")], "in/");
    expect([up.method, up.url, up.body.length]).toEqual(["PUT", "/in/up%201.bin", 300_000]);
    expect(up.headers["content-length"]).toBe("300000");
    const piped = await fetchRun([served.url, "-T", "-", "-o", "-"], { stdin: "from a pipe" });
    expect(JSON.parse(piped.stdout)).toMatchObject({
      method: "PUT",
      body: "from a pipe",
      headers: { "transfer-encoding": "chunked" },
    });
  });
});

describe("what is cut", () => {
  it("stays as .part with its validator, and a later run goes on", async () => {
    cuts = 1;
    const target = file("cut.bin");
    const first = await fetchRun([`${served.url}cut`, "-o", target]);
    expect([first.code, existsSync(target), readFileSync(`${target}.part`).length]).toEqual([
      4,
      false,
      30,
    ]);
    expect(readFileSync(`${target}.part.validator`, "latin1")).toBe('"v1"\n');
    expect(first.stderr).toContain("--continue-at - goes on there");
    const second = await fetchRun([`${served.url}cut`, "-o", target, "-C", "-"]);
    expect([second.code, readFileSync(target).equals(PLAIN)]).toEqual([0, true]);
    expect([existsSync(`${target}.part`), existsSync(`${target}.part.validator`)]).toEqual([
      false,
      false,
    ]);
    const third = await fetchRun([`${served.url}cut`, "-o", target, "-C", "-", "--json"]);
    expect(JSON.parse(third.stdout)).toMatchObject({ objects: [{ statusCode: 416 }] });
    expect(readFileSync(target).equals(PLAIN)).toBe(true);
  });

  it("RFC 9110 13.1.5: a part of something else begins anew", async () => {
    const target = file("changed.bin");
    writeFileSync(`${target}.part`, "old octets");
    writeFileSync(`${target}.part.validator`, '"v0"\n');
    cuts = 0;
    await fetchRun([`${served.url}cut`, "-o", target, "-C", "-"]);
    expect(readFileSync(target).equals(PLAIN)).toBe(true);
  });

  it("is asked for from there with --retry, on stdout too", async () => {
    cuts = 2;
    expect(await text(["--retry", "3", "--retry-delay", "0.1"], "cut")).toBe(PLAIN.toString());
  });

  it("RFC 9110 10.2.3: a busy server is asked again when it says; --max-time ends all waiting", async () => {
    busy = 1;
    expect(await text(["--retry", "2"], "busy")).toBe("done");
    const began = Date.now();
    busy = 99;
    const ran = await fetchRun([
      `${served.url}busy`,
      "--retry",
      "9",
      "--retry-delay",
      "20",
      "-m",
      "0.5",
      "-s",
    ]);
    expect([ran.code, Date.now() - began < 5000]).toEqual([4, true]);
    expect(ran.stderr).toBe(`netkit: ${served.url}busy: not done within --max-time 0.5\n`);
  });

  it("--limit-rate spreads a body over time", async () => {
    const began = Date.now();
    expect((await text(["--limit-rate", "200K"], "big")).length).toBe(300_000);
    expect(Date.now() - began).toBeGreaterThan(900);
    writeFileSync(file("sent"), "x".repeat(300_000));
    const sending = Date.now();
    const up = await seen(["--limit-rate", "200K", "--data-binary", `@${file("sent")}`]);
    expect([up.body.length, Date.now() - sending > 900]).toEqual([300_000, true]);
  });

  it("RFC 9112 6.1: HTTP/1.0 is sent nothing in chunks", async () => {
    const ran = await fetchRun([served.url, "--http1.0", "-T", "-"], { stdin: "x" });
    expect([ran.code, ran.stderr.split("\n").length]).toEqual([2, 2]);
  });
});
