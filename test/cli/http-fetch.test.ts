import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";

let served: Served;
const folder = mkdtempSync(join(tmpdir(), "netkit-fetch-"));
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  served = await serve((request, response, body) => {
    const { method, url = "", headers } = request;
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === "/set") {
      response.setHeader("Set-Cookie", ["id=7; Max-Age=600; HttpOnly", "session=1; Path=/"]);
    }
    if (pathname === "/to") {
      response.writeHead(302, { Location: searchParams.get("url") ?? "/" }).end();
      return;
    }
    response.end(JSON.stringify({ method, url, headers, body: body.toString("latin1") }));
  });
});
afterAll(() => served.server.close());

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
