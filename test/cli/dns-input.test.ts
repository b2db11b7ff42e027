/** What the DNS commands are given: standard input, files, folders, names and times. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "netkit-input-"));
const at = (name: string) => join(folder, name);
const ZONE = `$TTL 60
@ SOA ns h 1 600 600 6000 60
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
a\\032b A 192.0.2.2
`;
let child: ChildProcessWithoutNullStreams;
let server = "";

beforeAll(async () => {
  writeFileSync(at("z.zone"), ZONE);
  const state = at("state/made");
  const zone = ["--updates", "--allow-update", "127.0.0.1", "--state-folder", state];
  const all = ["serve", `z=${at("z.zone")}`, "--listen", "127.0.0.1:0", "--json", ...zone];
  child = spawn("node", ["bin/run.js", "dns", ...all], { timeout: 60_000 });
  const port = await new Promise<number>((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`exit ${code}`)));
    child.stdout.once("data", (data) => {
      const { listening } = JSON.parse(String(data)) as { listening: { port: number }[] };
      resolve(listening[0]?.port ?? 0);
    });
  });
  server = `@127.0.0.1:${port}`;
});
afterAll(() => {
  child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]) {
  const all = ["bin/run.js", "dns", ...args];
  const { stdout, stderr, status } = spawnSync("node", all, { encoding: "utf8", timeout: 20_000 });
  return { stdout, stderr, status };
}

/** Standard input is a pipe of the shell into which something comes only later. */
function late(input: string, ...args: string[]) {
  const script = '(sleep 0.4; printf "%b" "$0") | node bin/run.js dns "$@"';
  const { stdout, stderr, status } = spawnSync("sh", ["-c", script, input, ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { stdout, stderr, status };
}

describe("standard input of the DNS commands", () => {
  it("names that come late", () => {
    const { stdout, status } = late("www.z\\n", "resolve", "-f", "-", "A", server, "--short");
    expect([stdout, status]).toEqual(["192.0.2.1\n", 0]);
  });

  it.each([[[]], [["--file", "-"]]])("a script of changes that names its server: %j", (flags) => {
    const script = `server 127.0.0.1 ${server.split(":")[1]}\\nzone z\\nadd late.z 60 A 192.0.2.9\\n`;
    const { stdout, stderr, status } = late(script, "update", ...flags);
    expect([stderr, status]).toEqual(["", 0]);
    expect(stdout).toMatch(/NOERROR \(1 changes\)/);
  });

  it("RFC 2136 3.5: --state-folder is made", () => {
    expect(statSync(at("state/made/z.journal")).size).toBeGreaterThan(0);
  });

  it("a --state-folder that cannot be is refused before anything is served", () => {
    const bad = ["--state-folder", "/proc/none", "--listen", "127.0.0.1:0"];
    const { stderr, status } = run("serve", `z=${at("z.zone")}`, ...bad);
    expect(stderr).toMatch(/^netkit: --state-folder \/proc\/none: .*\n$/);
    expect(status).toBe(3);
  });
});

describe("names and types of dns resolve", () => {
  it("RFC 1035 5.1: a name with an octet that is escaped gets its answer", () => {
    const { stdout, status } = run("resolve", "a b.z", "A", server, "--short");
    expect([stdout, status]).toEqual(["192.0.2.2\n", 0]);
  });

  it("lines of a file have types of their own, and a bad one keeps no other from its answer", () => {
    const lines = ["www.z A", "x..z", "# none", "www.z TXT nonsense", "@127.0.0.1", "z NS # of it"];
    writeFileSync(at("names"), `${lines.join("\n")}\n`);
    const { stdout, stderr, status } = run("resolve", "-f", at("names"), server, "--short");
    expect(stdout).toBe("192.0.2.1\nns.z.\n");
    expect(stderr.split("\n")).toEqual([
      expect.stringMatching(/names line 2: the name "x\.\.z" has an empty label/),
      expect.stringMatching(/names line 4: nonsense is no record type; a line is NAME \[TYPE/),
      expect.stringMatching(/names line 5: @127\.0\.0\.1: a server is a word of the command/),
      "",
    ]);
    expect(status).toBe(3);
  });

  it.each([
    [["www.z", "BOGUS"], /^netkit: BOGUS is no record type .* BOGUS\. with a dot\n$/],
    [["www.z", "CH", "TXT"], /^netkit: CH is no record type .*--class CH/],
    [["z", "IXFR=abc"], /^netkit: IXFR needs the serial/],
  ])("what is no type is not taken for a name: %j", (words, why) => {
    const { stderr, status } = run("resolve", ...words, server);
    expect(stderr).toMatch(why);
    expect(status).toBe(2);
  });

  it("RFC 6761 6.3: what the hosts file has is asked of no server, in either family and by its address", () => {
    writeFileSync(at("hosts"), "192.0.2.33 here\n");
    const own = ["--hosts", at("hosts"), "@127.0.0.1:1"];
    const byName = run("resolve", "here", ...own);
    expect(byName.stdout).toMatch(/here\t192\.0\.2\.33\n; here AAAA: .* without one\n$/);
    expect(byName.status).toBe(0);
    expect(run("resolve", "192.0.2.33", "--short", ...own).stdout).toBe("here\n");
  });
});

describe("dns sign and dns lab", () => {
  const sign = (...times: string[]) =>
    run("sign", `z=${at("z.zone")}`, "--key", at("k.pem"), "-o", at("signed"), ...times);

  it("RFC 1035 5.1: a name for the lab is read as dns resolve reads it", () => {
    const { stdout } = run("lab", "--simulated", "--name", "x y", "--json");
    const { rows } = JSON.parse(stdout) as { rows: { name: string; rcode: number }[] };
    expect(rows.map(({ name, rcode }) => [name, rcode])).toEqual(Array(6).fill(["x\\032y.", 3]));
  });

  it("RFC 4034 3.2: a year alone is no time", () => {
    const { stderr, status } = sign("--inception", "2026");
    expect(stderr).toBe("netkit: --inception 2026 is no YYYYMMDDHHmmSS\n");
    expect(status).toBe(2);
    expect(existsSync(at("k.pem"))).toBe(false);
  });

  it("signatures that are expired already, and a key that is made, are told", () => {
    const { stderr, status } = sign("--inception", "20200101000000");
    expect(stderr).toMatch(/warning: the signatures are expired already/);
    expect(stderr).toMatch(/made the key .*k\.pem \(ed25519\)/);
    expect(status).toBe(0);
  });

  it.skipIf(process.platform !== "linux").each(["z.zone", "/proc/none"])(
    "a lab that cannot write its folder ends: %s",
    (name) => {
      const path = name.startsWith("/") ? name : at(name);
      const { stderr, status } = run("lab", "--folder", path, "--port", "15397");
      expect(stderr).toMatch(/^netkit: .*(z\.zone|none)\b.*\n$/);
      expect(status).toBe(3);
    },
  );
});
