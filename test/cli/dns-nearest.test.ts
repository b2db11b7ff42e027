import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "netkit-nearest-"));
const zone = join(folder, "cdn.zone");
const file = join(folder, "edges.json");
const children: ChildProcess[] = [];
const servers: Server[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

writeFileSync(
  zone,
  "$ORIGIN cdn.example.\n$TTL 300\n@ SOA ns h 1 7200 900 1209600 60\n@ NS ns\nns A 127.0.0.1\nwww A 127.0.0.80\n",
);
const PLAN = {
  ttl: 20,
  places: { frankfurt: [50.1, 8.7], virginia: [39, -77.5] },
  clients: { "192.0.2.0/24": "frankfurt", "198.51.100.0/24": [37.8, -122.4] },
  edges: {
    fra: { addresses: ["127.0.0.1"], place: "frankfurt", capacity: 1000 },
    iad: { addresses: ["127.0.1.2"], place: "virginia" },
  },
  names: { "www.cdn.example": ["fra", "iad"] },
};
const write = (document: unknown) => writeFileSync(file, JSON.stringify(document, null, 1));

function netkit(...args: string[]) {
  const { stdout, stderr, status } = spawnSync("node", ["bin/run.js", "dns", ...args], {
    encoding: "utf8",
    timeout: 30_000,
  });
  return { stdout, stderr, status };
}

/** A server, and a way to wait for a line of its stderr. */
async function serve(...args: string[]) {
  const child = spawn(
    "node",
    ["bin/run.js", "dns", "serve", "--listen", "127.0.0.1:0", "--json", ...args],
    { timeout: 60_000 },
  );
  children.push(child);
  let err = "";
  let wake = () => {};
  child.stderr.on("data", (data) => {
    err += data;
    wake();
  });
  let ended = false;
  child.on("exit", () => {
    ended = true;
    wake();
  });
  const first = await new Promise<string>((done, fail) => {
    child.stdout.once("data", (data) => done(String(data)));
    child.once("exit", (code) => fail(new Error(`exit ${code}: ${err}`)));
  });
  const [{ port }] = (JSON.parse(first) as { listening: [{ port: number }] }).listening;
  const says = async (line: string) => {
    while (!err.includes(line)) {
      if (ended) throw new Error(`ended without "${line}": ${err}`);
      await new Promise<void>((done) => (wake = done));
    }
    err = err.slice(err.indexOf(line) + line.length);
  };
  const ask = (subnet: string) =>
    netkit("resolve", "www.cdn.example.", "A", `@127.0.0.1:${port}`, "--ecs", subnet, "--short");
  return { child, says, ask };
}

describe("dns serve --nearest", () => {
  it("answers by Client Subnet; SIGHUP takes the new file, and keeps the old one where it is bad", async () => {
    write(PLAN);
    const { child, says, ask } = await serve(zone, "--nearest", file);
    expect(ask("192.0.2.0/24").stdout.trim()).toBe("127.0.0.1");
    expect(ask("198.51.100.0/24").stdout.trim()).toBe("127.0.1.2");
    writeFileSync(file, '{\n "ttl": 5,\n "edges": [}');
    child.kill("SIGHUP");
    await says(`${file}:3:12: `);
    await says("the old edges stay");
    expect(ask("192.0.2.0/24").stdout.trim()).toBe("127.0.0.1");
    write({ ...PLAN, clients: { "192.0.2.0/24": "virginia" } });
    child.kill("SIGHUP");
    await says(`reloaded ${file}`);
    expect(ask("192.0.2.0/24").stdout.trim()).toBe("127.0.1.2");
    const code = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    expect(await code).toBe(0);
  });

  it("asks an edge for its load, and moves clients by it", async () => {
    let load = 100;
    const edge = createServer((_request, response) => response.end(JSON.stringify({ load })));
    servers.push(edge);
    await new Promise<void>((done) => edge.listen(0, "127.0.0.1", done));
    const { port } = edge.address() as AddressInfo;
    const only = { ...PLAN.edges, iad: { addresses: ["127.0.0.1", "127.0.1.2"] } };
    const check = { port, path: "/load", every: 0.1 };
    write({ ...PLAN, hold: 0, edges: only, check });
    const { says } = await serve(zone, "--nearest", file);
    load = 950;
    await says("edge fra is overloaded (load 0.95 of its capacity)");
    load = 600;
    await says("edge fra is well (load 0.60 of its capacity)");
    edge.closeAllConnections();
    edge.close();
    await says("edge fra is down");
  });

  it.each<[string, object, string]>([
    [
      "a name that is in no zone",
      { names: { "www.other.example": ["fra"] } },
      "www.other.example. is in none of the zones",
    ],
    [
      "a name that the zone does not have",
      { names: { "no.cdn.example": ["fra"] } },
      "no.cdn.example. has no record in the zone cdn.example.",
    ],
    [
      "an edge that is not there",
      { names: { "www.cdn.example": ["lax"] } },
      'names["www.cdn.example"][0]: "lax" is none of the edges',
    ],
  ])("%s: one line and exit code 3", (_what, change, line) => {
    write({ ...PLAN, ...change });
    const { stderr, status } = netkit("serve", zone, "--nearest", file);
    expect(stderr).toBe(`netkit: ${file}: ${line}\n`);
    expect(status).toBe(3);
  });

  it("RFC 4035 2.2: a signed zone is refused: such answers have no signatures", () => {
    write(PLAN);
    const signed = join(folder, "signed.zone");
    const made = netkit("sign", zone, "--key", join(folder, "key.pem"));
    writeFileSync(signed, made.stdout);
    const { stderr, status } = netkit("serve", signed, "--nearest", file);
    expect(stderr).toContain("www.cdn.example. is in the signed zone cdn.example.");
    expect(status).toBe(3);
  });
});

describe("dns nearest", () => {
  it("tells where a client is sent, and why", () => {
    write(PLAN);
    const { stdout, status } = netkit(
      "nearest",
      file,
      "--client",
      "192.0.2.9",
      "--load",
      "fra=900",
      "--json",
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      verdicts: [
        {
          name: "www.cdn.example.",
          type: "A",
          client: "192.0.2.9",
          place: "frankfurt",
          scope: 24,
          chosen: "iad",
          addresses: ["127.0.1.2"],
          because: "distance",
          edges: [
            { edge: "fra", prefix: false, km: 0, condition: "overloaded", load: 0.9 },
            { edge: "iad", prefix: false, km: 6555, condition: "well" },
          ],
        },
      ],
    });
  });

  it("edges without an address of the family are not taken for down", () => {
    write(PLAN);
    const { stdout } = netkit("nearest", file, "--client", "192.0.2.9", "--type", "AAAA", "--json");
    const { verdicts } = JSON.parse(stdout) as { verdicts: object[] };
    expect(verdicts).toMatchObject([{ because: "no address", addresses: [] }]);
  });

  it.each([
    [["--client", "x"], "--client x is no ADDRESS[/BITS]"],
    [["--load", "fra"], "--load fra is no EDGE=LOAD"],
    [["--down", "lax"], "--down: there is no edge lax"],
    [["--name", "w.example"], `--name w.example. is not in ${file}`],
  ])("%j: one line and exit code 2", (args, line) => {
    write(PLAN);
    const { stderr, status } = netkit("nearest", file, "--client", "::1", ...args);
    expect([stderr, status]).toEqual([`netkit: ${line}\n`, 2]);
  });
});
