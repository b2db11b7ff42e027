import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Served } from "../support/http/fetch-run.ts";
import { fetchRun, serve } from "../support/http/fetch-run.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-files-"));
const file = (name: string) => join(folder, name);
const BIG = Buffer.alloc(6_000_000);
for (let i = 0; i < BIG.length; i++) BIG[i] = (i * 7 + (i >> 13)) & 255;
const SHA256 = createHash("sha256").update(BIG).digest("hex");
const DATE = "Wed, 01 Jan 2025 00:00:00 GMT";
let served: Served;
let broken = false;

beforeAll(async () => {
  served = await serve((request, response) => {
    const { range, "if-none-match": known, "if-modified-since": since } = request.headers;
    if (known === '"big"' || (since !== undefined && Date.parse(since) >= Date.parse(DATE))) {
      response.writeHead(304, { ETag: '"big"' }).end();
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
    const first = Number(from ?? 0);
    // A server may send less of a range than was asked for.
    const most = request.url === "/short" && range !== undefined ? first + 899_999 : BIG.length;
    const last = Math.min(
      to === undefined || to === "" ? BIG.length - 1 : Number(to),
      BIG.length - 1,
      most,
    );
    if (first >= BIG.length) {
      response.writeHead(416, { "Content-Range": `bytes */${BIG.length}` }).end();
      return;
    }
    if (broken && first > 2_000_000) {
      response.writeHead(500).end();
      return;
    }
    response.writeHead(range === undefined ? 200 : 206, {
      ETag: '"big"',
      "Last-Modified": DATE,
      "Content-Type": "application/x-big",
      "Content-Length": last - first + 1,
      ...(range === undefined ? {} : { "Content-Range": `bytes ${first}-${last}/${BIG.length}` }),
    });
    response.end(BIG.subarray(first, last + 1));
  });
});
afterAll(() => served.server.close());

describe("--split", () => {
  it("writes in place over several connections and mirrors, and checks the sum", async () => {
    const target = file("split.bin");
    const mirror = `${served.url}mirror`;
    const { stdout, code } = await fetchRun([
      `${served.url}big`,
      mirror,
      "--split",
      "4",
      "-o",
      target,
      "--checksum",
      `sha256:${SHA256}`,
      "--json",
    ]);
    expect([code, readFileSync(target).equals(BIG)]).toEqual([0, true]);
    const told = JSON.parse(stdout) as { sources: { bytes: number }[] };
    expect(told.sources.map(({ bytes }) => bytes > 0)).toEqual([true, true]);
    expect([existsSync(`${target}.split`), existsSync(`${target}.split.map`)]).toEqual([
      false,
      false,
    ]);
  });

  it("goes on where it failed", async () => {
    const target = file("again.bin");
    broken = true;
    const first = await fetchRun([served.url, "--split", "3", "-o", target]);
    broken = false;
    expect([first.code, existsSync(target), first.stderr.includes("it answered 500")]).toEqual([
      4,
      false,
      true,
    ]);
    const second = await fetchRun([served.url, "--split", "3", "-o", target]);
    expect([second.code, readFileSync(target).equals(BIG)]).toEqual([0, true]);
    expect(second.stdout).toMatch(/were there$/m);
  });

  it("RFC 9110 15.3.7: a server that sends less than was asked for is asked for the rest", async () => {
    const target = file("short.bin");
    const { code } = await fetchRun([`${served.url}short`, "--split", "3", "-o", target]);
    expect([code, readFileSync(target).equals(BIG)]).toEqual([0, true]);
  });

  it("what is not what it should be is no file", async () => {
    const wrong = `sha256:${"0".repeat(64)}`;
    for (const more of [["--split", "2"], []]) {
      const target = file(`wrong${more.length}.bin`);
      const ran = await fetchRun([served.url, ...more, "-o", target, "--checksum", wrong]);
      expect([ran.code, existsSync(target)]).toEqual([1, false]);
      expect(ran.stderr).toContain(`its sha256 is ${SHA256}, not 000`);
    }
  });
});

describe("what is no file", () => {
  it("is written to and never replaced: a pipe, a device; a link stays, and its file is replaced", async () => {
    const pipe = file("pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = spawn("cat", [pipe], { timeout: 20_000, stdio: ["ignore", "pipe", "ignore"] });
    const read = buffer(reader.stdout);
    const piped = await fetchRun([`${served.url}big`, "-o", pipe, "-s"]);
    expect([piped.code, piped.stderr, (await read).equals(BIG)]).toEqual([0, "", true]);
    expect([statSync(pipe).isFIFO(), existsSync(`${pipe}.part`)]).toEqual([true, false]);
    // By way of a link, which is all that could be lost.
    const device = file("device");
    symlinkSync("/dev/null", device);
    const ran = await fetchRun([`${served.url}big`, "-o", device, "-c", device, "-C", "-", "-s"]);
    expect([ran.code, ran.stderr, readlinkSync(device)]).toEqual([0, "", "/dev/null"]);
    expect([statSync(device).isCharacterDevice(), existsSync("/dev/null.part")]).toEqual([
      true,
      false,
    ]);
    const split = await fetchRun([`${served.url}big`, "-o", device, "--split", "2"]);
    expect([split.code, readlinkSync(device)]).toEqual([2, "/dev/null"]);
    const [link, linked] = [file("link.bin"), file("linked.bin")];
    writeFileSync(linked, "old");
    symlinkSync(linked, link);
    expect((await fetchRun([`${served.url}big`, "-o", link, "-s"])).code).toBe(0);
    expect([readlinkSync(link), readFileSync(linked).equals(BIG)]).toEqual([linked, true]);
  });
});

describe("files that are there already", () => {
  const url = (path = "") => `${served.url}${path}`;

  it("a part that lacks its end is not taken for the whole", async () => {
    const target = file("lacking.bin");
    writeFileSync(`${target}.part`, BIG.subarray(0, 1000));
    const first = await fetchRun([url("short"), "-o", target, "-C", "-"]);
    expect([first.code, existsSync(target)]).toEqual([4, false]);
    expect(first.stderr).toContain(`901000 of ${BIG.length} octets are here`);
    const second = await fetchRun([url(), "-o", target, "-C", "-"]);
    expect([second.code, readFileSync(target).equals(BIG)]).toEqual([0, true]);
  });

  it("a file stays what it is when nothing of the body comes", async () => {
    const target = file("longer.bin");
    writeFileSync(target, Buffer.alloc(BIG.length + 1));
    const longer = await fetchRun([url(), "-o", target, "-C", "-"]);
    expect([longer.code, statSync(target).size]).toEqual([3, BIG.length + 1]);
    expect(longer.stderr).toMatch(/6000001 octets are here.*which has 6000000 \(416\)/);
    writeFileSync(target, BIG.subarray(0, 3_000_000));
    broken = true;
    await fetchRun([url(), "-o", target, "-C", "-"]);
    broken = false;
    expect(statSync(target).size).toBe(3_000_000);
  });

  it("a link is followed, and permissions are kept", async () => {
    const [target, link] = [file("private.bin"), file("private.link")];
    writeFileSync(target, "old");
    chmodSync(target, 0o600);
    symlinkSync(target, link);
    expect((await fetchRun([url(), "-o", link])).code).toBe(0);
    expect([readFileSync(target).equals(BIG), statSync(target).mode & 0o777]).toEqual([
      true,
      0o600,
    ]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  });

  it("a folder is no file", async () => {
    const ran = await fetchRun([url(), "-o", folder]);
    expect([ran.code, ran.stderr]).toEqual([3, `netkit: ${folder}: a directory\n`]);
  });

  it.skipIf(!existsSync("/dev/full"))("a full disk is told, and ends the run", async () => {
    // Links to the device: were it replaced, it would be the link.
    const full = file("full");
    symlinkSync("/dev/full", full);
    const whole = await fetchRun([url(), "-o", full]);
    expect([whole.code, whole.stderr]).toEqual([
      3,
      `netkit: ${full}: the body cannot be written (ENOSPC)\n`,
    ]);
    const target = file("full.bin");
    symlinkSync("/dev/full", `${target}.split`);
    const split = await fetchRun([url(), "--split", "3", "-o", target]);
    expect([split.code, split.stderr]).toEqual([
      3,
      `netkit: ${target}.split: the body cannot be written (ENOSPC)\n`,
    ]);
  });
});

describe("conditions", () => {
  it("RFC 9110 13.1.2: an entity tag kept from the last run saves the body, and leaves the file", async () => {
    const [target, etag] = [file("cond.bin"), file("cond.etag")];
    const conditional = [
      served.url,
      "-o",
      target,
      "--etag-save",
      etag,
      "--etag-compare",
      etag,
      "--json",
    ];
    const first = await fetchRun(conditional);
    const second = await fetchRun(conditional);
    const status = ({ stdout }: { stdout: string }) =>
      (JSON.parse(stdout) as { objects: { statusCode: number }[] }).objects[0]?.statusCode;
    expect([status(first), status(second), statSync(target).size]).toEqual([200, 304, BIG.length]);
    expect(readFileSync(etag, "latin1")).toBe('"big"\n');
  });

  it("RFC 9110 13.1.3: a date, or a file's, with --time-cond", async () => {
    const asked = async (cond: string) => {
      const { stdout } = await fetchRun([served.url, "-z", cond, "--json"]);
      return (JSON.parse(stdout) as { objects: { statusCode: number }[] }).objects[0]?.statusCode;
    };
    writeFileSync(file("dated"), "");
    utimesSync(file("dated"), new Date("2026-01-01"), new Date("2026-01-01"));
    expect([await asked("2020-01-01"), await asked(DATE), await asked(file("dated"))]).toEqual([
      200, 304, 304,
    ]);
  });
});

describe("--cache", () => {
  it("RFC 9111: kept over runs; what is fresh is not asked for, what is stale by its entity tag", async () => {
    const dir = file("cache");
    let control = "max-age=60";
    const tagged = await serve((request, response) => {
      const same = request.headers["if-none-match"] === '"t"';
      response.writeHead(same ? 304 : 200, { ETag: '"t"', "Cache-Control": control });
      response.end(same ? undefined : `body ${request.url}`);
    });
    const get = async (path: string) =>
      (await fetchRun([`${tagged.url}${path}`, "--cache", dir, "-o", "-", "-s"])).stdout;
    expect([await get("a"), await get("a"), tagged.asked.length]).toEqual([
      "body /a",
      "body /a",
      1,
    ]);
    control = "no-cache";
    expect([await get("b"), await get("b"), tagged.asked.length]).toEqual([
      "body /b",
      "body /b",
      3,
    ]);
    const { stdout } = await fetchRun([`${tagged.url}b`, "--cache", dir, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ objects: [{ cache: "revalidated", bodyBytes: 7 }] });
    tagged.server.close();
  });
});

describe("--har", () => {
  it("HAR 1.2: every key that the format requires, for each exchange, and times that add up", async () => {
    const path = file("run.har");
    await fetchRun([
      `${served.url}a?x=1&y=%20`,
      `${served.url}b`,
      "-H",
      "Cookie: k=v; z=1",
      "-d",
      "q",
      "-s",
      "--har",
      path,
    ]);
    const { log } = JSON.parse(readFileSync(path, "utf8")) as { log: Record<string, unknown> };
    expect(log["version"]).toBe("1.2");
    const entries = log["entries"] as Record<string, Record<string, unknown>>[];
    expect(entries).toHaveLength(2);
    const required: Record<string, readonly string[]> = {
      request: [
        "method",
        "url",
        "httpVersion",
        "cookies",
        "headers",
        "queryString",
        "headersSize",
        "bodySize",
      ],
      response: [
        "status",
        "statusText",
        "httpVersion",
        "cookies",
        "headers",
        "content",
        "redirectURL",
        "headersSize",
        "bodySize",
      ],
      timings: ["send", "wait", "receive"],
    };
    for (const entry of entries) {
      for (const key of ["startedDateTime", "time", "request", "response", "cache", "timings"]) {
        expect(entry).toHaveProperty(key);
      }
      for (const [part, keys] of Object.entries(required)) {
        expect(Object.keys(entry[part] ?? {})).toEqual(expect.arrayContaining([...keys]));
      }
      const { ssl, ...phases } = entry["timings"] as Record<string, number>;
      const sum = Object.values(phases).reduce((total, value) => total + Math.max(0, value), 0);
      expect(ssl).toBe(-1);
      expect(entry["time"] as unknown as number).toBeCloseTo(sum, 2);
      expect(Number.isNaN(Date.parse(String(entry["startedDateTime"])))).toBe(false);
    }
    expect(entries[0]?.["request"]).toMatchObject({
      method: "POST",
      queryString: [
        { name: "x", value: "1" },
        { name: "y", value: " " },
      ],
      cookies: [
        { name: "k", value: "v" },
        { name: "z", value: "1" },
      ],
      postData: { mimeType: "application/x-www-form-urlencoded", text: "q" },
    });
    expect(entries[0]?.["response"]).toMatchObject({
      status: 200,
      content: { size: BIG.length, mimeType: "application/x-big" },
    });
  });
});
