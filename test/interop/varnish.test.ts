/** `http fetch` against varnish, which has nginx behind it. */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/free-port.ts";
import { fetchRun } from "../support/http/fetch-run.ts";
import { ended, have, nginx, varnish } from "./support/nginx.ts";

const missing = [
  ...(have("varnishd", "-V") ? [] : ["varnishd"]),
  ...(have("nginx") ? [] : ["nginx"]),
];
if (missing.length > 0) console.log(`varnish: skipped, no ${missing.join(" and no ")}`);

const BIG = Buffer.alloc(10_000_000);
for (let i = 0; i < BIG.length; i++) BIG[i] = (i * 11 + (i >> 12)) & 255;
const small = (i: number) => `object ${i}\n`.repeat(20 + 37 * i);
const OBJECTS = Array.from({ length: 20 }, (_, i) => i);
const folder = mkdtempSync(join(tmpdir(), "netkit-varnish-"));
const log = join(folder, "access.log");
const children: ChildProcess[] = [];
let port = 0;

beforeAll(async () => {
  if (missing.length > 0) return;
  const originPort = await freePort();
  port = await freePort();
  const root = join(folder, "www");
  mkdirSync(root);
  for (const i of OBJECTS) writeFileSync(join(root, `${i}.txt`), small(i));
  writeFileSync(join(root, "big.bin"), BIG);
  // Fresh for varnish; a private cache asks each time.
  const server = `server { listen 127.0.0.1:${originPort}; root ${root}; access_log ${log};
    add_header Cache-Control "max-age=0, s-maxage=600"; }`;
  children.push(await nginx(folder, originPort, server));
  children.push(await varnish(folder, port, originPort));
}, 60_000);
afterAll(() => Promise.all(children.map((child) => ended(child))));

const at = (path: string) => `http://127.0.0.1:${port}${path}`;
const all = () => OBJECTS.map((i) => at(`/${i}.txt`));

interface Told {
  readonly url: string;
  readonly statusCode: number;
  readonly fields: readonly { name: string; value: string }[];
  readonly bodyBytes: number;
  readonly connection: number;
  readonly requestOnConnection: number;
  readonly requestsAhead: number;
  readonly cache?: string;
}

async function told(...args: string[]): Promise<{ connections: number; objects: Told[] }> {
  const { stdout, stderr, code } = await fetchRun([...args, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as { connections: number; objects: Told[] };
}

async function one(...args: string[]): Promise<Told> {
  return (await told(...args)).objects[0] as Told;
}

const value = ({ fields }: Told, name: string) =>
  fields.find((field) => field.name.toLowerCase() === name)?.value;
/** Requests that came through to nginx. */
const asked = (path: string) =>
  readFileSync(log, "latin1")
    .split("\n")
    .filter((line) => line.includes(` ${path} `)).length;

describe.skipIf(missing.length > 0)("http fetch against varnish and nginx", () => {
  it("RFC 9111 5.1: a miss, then hits whose Age grows", async () => {
    const miss = await one(at("/0.txt?age"));
    expect([miss.statusCode, value(miss, "age"), value(miss, "via")?.includes("varnish")]).toEqual([
      200,
      "0",
      true,
    ]);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const hit = await one(at("/0.txt?age"));
    // Varnish names its own transaction, and on a hit the one that fetched.
    const id = value(miss, "x-varnish") as string;
    expect(value(hit, "x-varnish")?.split(" ")[1]).toMatch(/^\d+$/);
    expect([id.split(" ").length, Number(value(hit, "age"))]).toEqual([1, expect.any(Number)]);
    expect(Number(value(hit, "age"))).toBeGreaterThanOrEqual(1);
    expect([hit.bodyBytes, asked("/0.txt?age")]).toEqual([small(0).length, 1]);
  });

  it("RFC 9111 4.3: --cache asks by the entity tag and has the body after varnish's 304", async () => {
    const cached = (...args: string[]) =>
      fetchRun([at("/1.txt?etag"), "--cache", join(folder, "cache"), ...args]);
    for (let i = 0; i < 2; i++) expect((await cached("-o", "-", "-s")).stdout).toBe(small(1));
    const { objects } = JSON.parse((await cached("--json")).stdout) as { objects: [Told] };
    const [again] = objects;
    expect([again.cache, again.statusCode, again.bodyBytes]).toEqual([
      "revalidated",
      200,
      small(1).length,
    ]);
    // The fields are those of the 304, which was a hit.
    expect(value(again, "x-varnish")?.split(" ")).toHaveLength(2);
    expect(asked("/1.txt?etag")).toBe(1);
  });

  it("RFC 9110 13.1: a condition of the user's gets its 304, another entity tag the whole", async () => {
    const etag = value(await one(at("/2.txt")), "etag") as string;
    const same = await one(at("/2.txt"), "-H", `If-None-Match: ${etag}`);
    const other = await one(at("/2.txt"), "-H", 'If-None-Match: "other"');
    expect([same.statusCode, same.bodyBytes]).toEqual([304, 0]);
    expect([other.statusCode, other.bodyBytes]).toEqual([200, small(2).length]);
  });

  it("RFC 9110 14: ranges from the front, the middle and the end, and none that is there", async () => {
    const whole = small(3);
    for (const [range, part] of [
      ["0-9", whole.slice(0, 10)],
      ["100-149", whole.slice(100, 150)],
      ["-7", whole.slice(-7)],
    ] as const) {
      const got = await one(at("/3.txt"), "-r", range);
      const { stdout } = await fetchRun([at("/3.txt"), "-r", range, "-o", "-", "-s"]);
      expect([got.statusCode, stdout]).toEqual([206, part]);
      expect(value(got, "content-range")).toMatch(new RegExp(`^bytes \\d+-\\d+/${whole.length}$`));
    }
    const beyond = await one(at("/3.txt"), "-r", "999999-");
    expect([beyond.statusCode, value(beyond, "content-range")]).toEqual([
      416,
      `bytes */${whole.length}`,
    ]);
  });

  it("RFC 9112 9.3.2: 20 objects pipelined on one connection, half of them hits, come in order", async () => {
    for (const i of [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]) await one(at(`/${i}.txt`));
    const out = mkdtempSync(join(folder, "piped-"));
    const { code, stderr } = await fetchRun([...all(), "--pipelined", "-O"], { cwd: out });
    expect([code, stderr]).toEqual([0, ""]);
    for (const i of OBJECTS) expect(readFileSync(join(out, `${i}.txt`), "latin1")).toBe(small(i));
    const { connections, objects } = await told(...all(), "--pipelined");
    expect([connections, objects.map(({ bodyBytes }) => bodyBytes)]).toEqual([
      1,
      OBJECTS.map((i) => small(i).length),
    ]);
    expect(Math.max(...objects.map(({ requestsAhead }) => requestsAhead))).toBe(19);
  });

  it("RFC 9112 9.3: a connection is kept for all, where it shall be", async () => {
    const kept = await told(...all());
    expect([kept.connections, kept.objects.map((o) => o.requestOnConnection)]).toEqual([
      1,
      OBJECTS.map((i) => i + 1),
    ]);
    expect((await told(...all(), "--serial")).connections).toBe(20);
    expect((await told(...all(), "--concurrent", "4", "--persistent")).connections).toBe(4);
  });

  it("a body of 10 MB comes whole: streamed through, from the store, and by four ranges at once", async () => {
    const sum = `sha256:${createHash("sha256").update(BIG).digest("hex")}`;
    for (const more of [[], [], ["--split", "4"]]) {
      const file = join(mkdtempSync(join(folder, "big-")), "big.bin");
      const ran = await fetchRun([at("/big.bin"), "-o", file, "--checksum", sum, ...more]);
      expect([ran.code, ran.stderr, readFileSync(file).equals(BIG)]).toEqual([0, "", true]);
    }
    expect(asked("/big.bin")).toBe(1);
  });

  it("RFC 9110 9.3.2: HEAD has the length and no body, and leaves the connection in step", async () => {
    const { connections, objects } = await told(...all(), "-I");
    expect([connections, objects.map(({ bodyBytes }) => bodyBytes)]).toEqual([
      1,
      OBJECTS.map(() => 0),
    ]);
    expect(objects.map((object) => Number(value(object, "content-length")))).toEqual(
      OBJECTS.map((i) => small(i).length),
    );
  });
});
