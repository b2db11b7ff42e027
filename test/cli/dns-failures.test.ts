/** DNS commands when something is amiss: outputs, servers and ports. One line on stderr, and the documented code. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createSocket } from "node:dgram";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readZone } from "../../src/codecs/dns/index.ts";
import { Authority } from "../../src/engines/dns/authority.ts";
import { DnsListener } from "../../src/engines/dns/listener.ts";
import { Zone } from "../../src/engines/dns/zone.ts";
import { LiveHost } from "../../src/net/live/host.ts";

const folder = mkdtempSync(join(tmpdir(), "netkit-failures-"));
const at = (name: string) => join(folder, name);
/** Takes connections and datagrams, and says nothing. */
const silent = createServer();
const deaf = createSocket("udp4");
let port = 0;

beforeAll(async () => {
  writeFileSync(at("z.zone"), "$TTL 60\n@ SOA ns h 1 600 600 6000 60\n@ NS ns\nns A 127.0.0.1\n");
  writeFileSync(at("hints"), ". 60 NS a.root.\na.root. 60 A 127.0.0.1\n");
  await new Promise<void>((done) => silent.listen(0, "127.0.0.1", done));
  ({ port } = silent.address() as { port: number });
  await new Promise<void>((done) => deaf.bind(port, "127.0.0.1", done));
});
afterAll(() => {
  silent.close();
  deaf.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Nothing listens there. */
function freePort(): Promise<number> {
  return new Promise((done) => {
    const socket = createSocket("udp4");
    socket.bind(0, "127.0.0.1", () => {
      const { port: found } = socket.address();
      socket.close(() => done(found));
    });
  });
}

function run(...args: string[]) {
  return runTo("pipe", ...args);
}

/** While servers of this process answer. */
function runBeside(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((done) => {
    const all = ["bin/run.js", "dns", ...args];
    execFile("node", all, { timeout: 20_000 }, (_error, stdout, stderr) =>
      done({ stdout, stderr }),
    );
  });
}

function runTo(out: "pipe" | number, ...args: string[]) {
  const all = ["bin/run.js", "dns", ...args];
  const started = performance.now();
  const { stdout, stderr, status } = spawnSync("node", all, {
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["ignore", out, "pipe"],
  });
  return { stdout, stderr, status, ms: performance.now() - started };
}

describe("output that cannot be written", () => {
  it.each([
    ["sign", ["sign", `z=${at("z.zone")}`, "--key", at("k.pem"), "-o", "/nonexist/x"]],
    ["recursor", ["recursor", "--listen", "127.0.0.1:0", "--cache-dump", "/nonexist/c.json"]],
    ["lab", ["lab", "--simulated", "--pcap", "/nonexist/p"]],
  ])("dns %s: one line, exit 3", (_command, args) => {
    const { stderr, status } = run(...args);
    expect(stderr.split("\n").filter((line) => !/made the key|IN DS|\. DS /.test(line))).toEqual([
      expect.stringMatching(/^netkit: \/nonexist\/\S+: cannot be written \(ENOENT\)$/),
      "",
    ]);
    expect(status).toBe(3);
  });

  it.skipIf(process.platform !== "linux")("standard output on a full disk", () => {
    const full = openSync("/dev/full", "w");
    const { stderr, status } = runTo(full, "check-zone", `z=${at("z.zone")}`);
    closeSync(full);
    expect(stderr).toMatch(/^netkit: standard output: ENOSPC.*\n$/);
    expect(status).toBe(3);
  });
});

describe("servers that do not answer", () => {
  it("RFC 7858 3.1: --timeout holds for the handshake too, and an address is no name to be sent", () => {
    const server = `@tls://127.0.0.1:${port}`;
    const limits = ["--timeout", "300", "--tries", "1"];
    const { stdout, stderr, status, ms } = run("resolve", "x.example", "A", server, ...limits);
    expect(stdout).toMatch(/\(tls\): timeout/);
    expect([stderr, status]).toEqual(["", 4]);
    expect(ms).toBeLessThan(4000);
  });

  it("RFC 5452 9.1: what came and was no answer is told, with the type in each step", async () => {
    const liar = createSocket("udp4");
    liar.on("message", (query, { port: to }) => {
      const other = Buffer.from(query);
      other[0] = (query[0] as number) ^ 255;
      liar.send(other, to, "127.0.0.1");
    });
    await new Promise<void>((done) => liar.bind(0, "127.0.0.1", done));
    const server = `@127.0.0.1:${liar.address().port}`;
    const args = ["resolve", "x.example", "A", server, "--timeout", "300", "--tries", "1"];
    const { stdout, stderr } = await runBeside(...args, "--trace");
    liar.close();
    expect(stdout).toMatch(/no answer within 300 ms; what came was ignored: its identifier is /);
    expect(stderr).toMatch(/^; x\.example\. A to 127\.0\.0\.1#/);
  });

  it("RFC 8484: of a connection that fails the reason is told", async () => {
    const url = `https://127.0.0.1:${await freePort()}/dns-query`;
    const { stdout, status } = run("resolve", "x.example", "A", `@${url}`);
    expect(stdout).toBe(
      `; x.example A: no answer\n;   ${url}: connect ECONNREFUSED ${new URL(url).host}\n`,
    );
    expect(status).toBe(4);
  });

  it("RFC 8914 4.23: a walk that nobody answers is no answer, exit 4", async () => {
    const walk = [
      "--mode",
      "iterative",
      "--hints",
      at("hints"),
      "--port",
      String(await freePort()),
    ];
    const { stdout, status } = run("resolve", "x.example", "A", ...walk);
    expect(stdout).toMatch(
      /^; x\.example\. A: no answer\n; {3}no server of the zone gave an answer\n$/,
    );
    expect(status).toBe(4);
  });

  it("--timeout is of a whole walk, and of all questions that --validate needs", () => {
    writeFileSync(at("anchor"), `. 60 DS 1 15 2 ${"ab".repeat(32)}\n`);
    const walk = ["--mode", "iterative", "--hints", at("hints"), "--port", String(port)];
    const validate = [`@127.0.0.1:${port}`, "--validate", "--trust-anchor", at("anchor")];
    for (const ways of [walk, validate]) {
      const { stdout, status, ms } = run("resolve", "x.example", "A", ...ways, "--timeout", "600");
      expect(stdout).toMatch(/^; x\.example\. A: no answer\n; {3}the work .* limited \(time\)\n$/);
      expect(status).toBe(4);
      expect(ms).toBeLessThan(4000);
    }
  });

  it("a mode that would not ask over TLS or HTTPS says so", () => {
    for (const [args, why] of [
      [
        ["--mode", "iterative", "@tls://127.0.0.1"],
        /--mode iterative begins at the root \(--hints\)/,
      ],
      [["--mode", "recursive", "@tls://127.0.0.1"], /--mode recursive asks no @tls:\/\//],
      [["--mode", "hybrid", "@https://127.0.0.1/q"], /a mode asks over UDP, TCP and TLS/],
    ] as const) {
      const { stderr, status } = run("resolve", "x.example", "A", ...args);
      expect([stderr, status]).toEqual([expect.stringMatching(why), 2]);
      expect(stderr.split("\n")).toHaveLength(2);
    }
  });

  it("flags of which one would be passed over are refused", () => {
    const [server, hints] = [`@127.0.0.1:${port}`, ["--hints", at("hints")]];
    for (const [args, why] of [
      [["--mode", "iterative", server], /--mode iterative begins at the root .* asks no @server/],
      [["--mode", "iterative", "--validate", ...hints], /--validate needs --trust-anchor/],
      [["--mode", "recursive", "--validate", server], /not with --mode recursive/],
      [["--compare", "--compare-servers", server], /--compare does not go with --compare-servers/],
      [["AXFR", "--validate", server], /a transfer does not go with --validate/],
      [["IXFR=1", "--mode", "iterative", server], /a transfer does not go with --mode iterative/],
    ] as const) {
      const { stdout, stderr, status } = run("resolve", "x.example", ...args);
      expect([stdout, stderr, status]).toEqual(["", expect.stringMatching(why), 2]);
    }
  });

  it("RFC 1996 3.6: NOTIFY ends where nothing listens, and after --timeout", async () => {
    const free = await freePort();
    const refused = run("notify", "z", `@127.0.0.1:${free}`);
    expect(refused.stderr).toBe(`netkit: 127.0.0.1#${free}: nothing listens there\n`);
    expect(refused.status).toBe(4);
    const late = run("notify", "z", `@127.0.0.1:${port}`, "--timeout", "300");
    expect(late.stderr).toBe(`netkit: 127.0.0.1#${port}: it does not answer NOTIFY\n`);
    expect([late.status, late.ms < 4000]).toEqual([4, true]);
  });

  it("an address that is taken is told", () => {
    const { stderr, status } = run("serve", `z=${at("z.zone")}`, "--listen", `127.0.0.1:${port}`);
    expect(stderr).toMatch(
      new RegExp(`^netkit: cannot listen: .*EADDRINUSE 127\\.0\\.0\\.1:${port}\n$`),
    );
    expect(status).toBe(4);
  });
});

describe("zone files that are wrong", () => {
  const HEAD = "$TTL 60\n@ SOA ns h 1 600 600 6000 60\n@ NS ns\nns A 127.0.0.1\n";
  const check = (text: string, ...flags: string[]) => {
    writeFileSync(at("wrong.zone"), text);
    const { stdout, stderr, status } = run("check-zone", `z=${at("wrong.zone")}`, ...flags);
    return { stdout, stderr: stderr.replaceAll(at("wrong.zone"), "F"), status };
  };

  it.each([
    [
      "RFC 1035 5.2: one class",
      `${HEAD}v CH TXT x\n`,
      /^netkit: F:5:1: v\.z\. is of class CH, its zone of IN/,
    ],
    [
      "a quote that is open, where it begins",
      `${HEAD}q TXT "a\nr A 192.0.2.1\n`,
      /^netkit: F:5:7: a quoted string has no end/,
    ],
    [
      "a parenthesis that is open, where it begins",
      `${HEAD}q TXT ( a\nr A 192.0.2.1\n`,
      /^netkit: F:5:7: a parenthesis is never closed/,
    ],
    [
      "what is BIND's own, by its name",
      `${HEAD}$GENERATE 9-1 a$ A 192.0.2.$\n`,
      /^netkit: F:5:11: 9-1 is no START-STOP/,
    ],
    [
      "no control octets reach the terminal",
      `${HEAD}q BOGUS \u001b[31m\n`,
      /in: q BOGUS \\u001b\[31m\n$/,
    ],
  ])("%s", (_rule, text, why) => {
    const { stderr, status } = check(text);
    expect(stderr).toMatch(why);
    expect(status).toBe(3);
  });

  it("with --json the place and the reason are fields", () => {
    const { stdout, status } = check(`${HEAD}q BOGUS x\n`, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      ...{
        file: at("wrong.zone"),
        line: 5,
        column: 3,
        code: "dns.zone.type",
        spec: "RFC 1035 5.1",
      },
      ...{ exitCode: 3, entry: "q BOGUS x" },
    });
    expect(status).toBe(3);
  });

  it("RFC 1035 5.1: an $INCLUDE of nothing is told where it stands", () => {
    const { stderr, status } = check(`${HEAD}$INCLUDE none.zone\n`);
    expect(stderr).toMatch(
      /:5:1: \S+none\.zone: ENOENT.* \(dns\.zone\.include, RFC 1035 5\.1\) in: \$INCLUDE none\.zone\n$/,
    );
    expect(status).toBe(3);
  });

  it("without an origin it says how one is given", () => {
    writeFileSync(at("bare.zone"), HEAD);
    expect(run("check-zone", `a..b=${at("z.zone")}`)).toMatchObject({
      status: 2,
      stderr: 'netkit: the name "a..b" has an empty label\n',
    });
    expect(run("check-zone", at("bare.zone")).stderr).toMatch(
      /: give NAME=FILE, or \$ORIGIN in it/,
    );
  });

  it("RFC 1035 4.2.2, RFC 6672 2.4: sets that fit no message, and names that are hidden, are warned of in no time", () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `big A 10.0.${i >> 8}.${i & 255}\n`);
    const { stderr, status } = check(`${HEAD}d DNAME x.\na.d A 192.0.2.1\n${many.join("")}`);
    expect(stderr).toMatch(/warning: A of big\.z\. does not fit a message/);
    expect(stderr).toMatch(/warning: a\.d\.z\. is below the DNAME of d\.z\./);
    expect(status).toBe(0);
    const started = performance.now();
    const rdatas = many.map((_, i) => ({ address: `10.0.${i >> 8}.${i & 255}` }));
    const soa = [...readZone(HEAD, { origin: "z." })];
    new Zone("z.", [
      ...soa,
      ...rdatas.map((rdata) => ({ name: "big.z.", type: 1, class: 1, ttl: 60, rdata })),
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("failures that a script reads", () => {
  it.each([
    [
      ["resolve", "z", "AXFR", "@SILENT", "--json", "--timeout", "200"],
      4,
      { from: "nobody", name: "z." },
    ],
    [["bench", "z", "@SILENT", "--json", "--seconds", "1", "--timeout", "100"], 4, {}],
    [["serve", "/no/such", "--json"], 3, {}],
  ])("with --json a failure is an object too: %j", (args, code, fields) => {
    const { stdout, status } = run(
      ...args.map((word) => word.replace("SILENT", `127.0.0.1:${port}`)),
    );
    expect(JSON.parse(stdout)).toMatchObject({
      error: expect.any(String),
      exitCode: code,
      ...fields,
    });
    expect(status).toBe(code);
  });

  it("servers that all say nothing are not the same", async () => {
    const dead = `@127.0.0.1:${await freePort()}`;
    const { stdout, status } = run("resolve", "z", "A", "--compare-servers", dead, dead, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      same: false,
      results: [{ same: false, answered: false }],
    });
    expect(status).toBe(4);
  });

  it("conform dns lists its rules as JSON, and says that a zone is not served", async () => {
    const conform = (...args: string[]) =>
      spawnSync("node", ["bin/run.js", "conform", "dns", ...args], {
        encoding: "utf8",
        timeout: 20_000,
      });
    const { rules } = JSON.parse(conform("--list", "--format", "json").stdout) as {
      rules: unknown[];
    };
    expect(rules.length).toBe(55);
    const host = new LiveHost();
    const authority = new Authority(host.clock);
    authority.setZone(
      new Zone("z.", readZone(readFileSync(at("z.zone"), "latin1"), { origin: "z." })),
    );
    const served = await new Promise<number>((done) => {
      new DnsListener(authority, {
        listen: [{ addr: "127.0.0.1", port: 0 }],
        onListening: ([one]) => done(one?.port ?? 0),
      }).start(host);
    });
    const { code, err } = await new Promise<{ code: number | null; err: string }>((done) => {
      const child = spawn("node", [
        "bin/run.js",
        "conform",
        "dns",
        `127.0.0.1:${served}`,
        "-z",
        "y",
      ]);
      let err = "";
      child.stderr.on("data", (data) => (err += data));
      child.on("exit", (code) => done({ code, err }));
    });
    host.stop();
    expect(err).toMatch(
      /^netkit: 127\.0\.0\.1:\d+ does not serve y\.: its SOA is answered with REFUSED/,
    );
    expect(code).toBe(2);
  });
});

describe("flags that contradict each other, and help", () => {
  it.each([
    [
      ["resolve", "z", "@127.0.0.1:1", "--no-edns", "--dnssec"],
      2,
      /^netkit: --dnssec does not go with --no-edns\n$/,
    ],
    [
      ["resolve", "z", "@127.0.0.1:1", "--opcode", "NONE"],
      2,
      /^netkit: NONE is no opcode: .*NOTIFY/,
    ],
    [
      ["serve", "z=ZONE", "z=ZONE", "--listen", "127.0.0.1:0"],
      2,
      /^netkit: z\. is given twice, the second time in /,
    ],
    [
      ["serve", "z=ZONE", "--updates", "--listen", "127.0.0.1:0"],
      2,
      /^netkit: --updates needs a --tsig key, or --allow-update/,
    ],
    [
      ["update", "@127.0.0.1:1", "--zone", "z", "--add", "x.z 60 A nonsense"],
      3,
      /^netkit: line 1: (?!line)/,
    ],
  ])("%j", (args, code, why) => {
    const { stderr, status } = run(...args.map((word) => word.replace("ZONE", at("z.zone"))));
    expect(stderr).toMatch(why);
    expect(status).toBe(code);
  });

  it.each([
    [["serve", "z=FILE", "--secondary", "Z@127.0.0.1"], /^netkit: z\. is given twice, /],
    [
      ["serve", "--secondary", "Z@127.0.0.1", "--secondary", "z.@127.0.0.2"],
      /^netkit: z\. is given twice, the second time as z\.@127\.0\.0\.2\n$/,
    ],
    [["lab", "--down", "ns1.example.com"], /^netkit: --down goes with --simulated\n$/],
    [["lab", "--no-negative-cache"], /^netkit: --negative-cache goes with --simulated\n$/],
    [
      ["sign", "z=FILE", "--key", "k", "--salt", "aa"],
      /must be provided when using --salt: --nsec3/,
    ],
    [
      ["serve", "z=FILE", "--nsid", "n".repeat(129)],
      /^netkit: --nsid is longer than 128 octets\n$/,
    ],
    [["recursor", "--forward", "127.0.0.1:0"], /^netkit: 127.0.0.1:0 is no ADDRESS\[:PORT\]\n$/],
    [["notify", "a..b", "@127.0.0.1"], /^netkit: the name "a\.\.b" has an empty label\n$/],
    [["resolve", "x.z", "@tls://127.0.0.1", "--pin", "AAAA"], /--pin AAAA is no base64/],
  ])("wrong use, exit 2: %j", (args, why) => {
    const { stderr, status } = run(...args.map((arg) => arg.replace("FILE", at("z.zone"))));
    expect([stderr, status]).toEqual([expect.stringMatching(why), 2]);
  });

  it.each([
    [
      ["serve", "z=FILE", "--cert", "BAD", "--key", "KEY"],
      /^netkit: \S+bad: holds no certificate in PEM\n$/,
    ],
    [
      ["recursor", "--cert", "CERT", "--key", "BAD"],
      /^netkit: \S+bad: holds no key in PEM that can be used /,
    ],
    [
      ["recursor", "--cert", "CERT", "--key", "OTHER"],
      /^netkit: \S+other: not the key of fixtures\/tls\/localhost\.pem\n$/,
    ],
    [
      ["resolve", "x.z", "@tls://127.0.0.1", "--tls-ca", "BAD"],
      /^netkit: \S+bad: holds no certificate in PEM\n$/,
    ],
  ])(
    "RFC 7858: certificates and keys that are none are told by their file, exit 3: %j",
    (args, why) => {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      writeFileSync(at("other"), privateKey.export({ type: "pkcs8", format: "pem" }));
      writeFileSync(at("bad"), "nothing of the kind\n");
      const files: Record<string, string> = {
        BAD: at("bad"),
        OTHER: at("other"),
        CERT: "fixtures/tls/localhost.pem",
        KEY: "fixtures/tls/localhost.key",
        "z=FILE": `z=${at("z.zone")}`,
      };
      const listen = args[0] === "resolve" ? [] : ["--listen-tls", "127.0.0.1:0"];
      const { stderr, status } = run(...args.map((arg) => files[arg] ?? arg), ...listen);
      expect([stderr, status]).toEqual([expect.stringMatching(why), 3]);
      expect(stderr.trimEnd()).not.toContain("\n");
    },
  );

  it("RFC 4035 2: a zone that is signed takes no --updates without its keys", () => {
    run("sign", `z=${at("z.zone")}`, "--key", at("k2.pem"), "-o", at("z.signed"));
    run("sign", `z=${at("z.zone")}`, "--key", at("k3.pem"), "-o", at("other.signed"));
    const may = ["--updates", "--allow-update", "127.0.0.1", "--listen", "127.0.0.1:0"];
    const signed = `z=${at("z.signed")}`;
    const plain = `z=${at("z.zone")}`;
    const bogus = "z\\.signed: z\\. is signed: --updates would make it bogus: ";
    for (const [args, why, code] of [
      [[signed, ...may], `${bogus}give its keys with --sign-key`, 3],
      [[signed, ...may, "--sign-key", at("k3.pem")], `${bogus}no --sign-key is one of its`, 3],
      [[signed, ...may, "--sign-key", at("none.pem")], "--sign-key .*none.pem: ENOENT", 3],
      [[plain, ...may, "--sign-key", at("k2.pem")], "--sign-key: no zone is signed", 2],
      [[signed, "--sign-key", at("k2.pem")], "--sign-key is for zones that change", 2],
    ] as const) {
      const { stderr, status } = run("serve", ...args);
      expect([stderr, status]).toEqual([expect.stringMatching(why), code]);
    }
  });

  it("a journal has one server, until that ends", async () => {
    const may = ["--updates", "--allow-update", "127.0.0.1", "--listen", "127.0.0.1:0", "--json"];
    const args = ["bin/run.js", "dns", "serve", `z=${at("z.zone")}`, ...may];
    const start = async () => {
      const child = spawn("node", args, { timeout: 30_000 });
      await new Promise((done) => child.stdout.once("data", done));
      return child;
    };
    const first = await start();
    const { stderr, status } = run(...args.slice(2));
    expect(stderr).toMatch(
      new RegExp(`^netkit: .*z\\.zone\\.journal: process ${first.pid} writes it`),
    );
    expect(status).toBe(3);
    // What was killed leaves its mark, which binds nobody.
    first.kill("SIGKILL");
    await new Promise((done) => first.on("exit", done));
    const second = await start();
    second.kill("SIGTERM");
    await new Promise((done) => second.on("exit", done));
    expect(existsSync(at("z.zone.journal.lock"))).toBe(false);
  });

  it("-h is --help, which shows no empty defaults", () => {
    const { stdout, status } = run("serve", "-h");
    expect(stdout).toMatch(/--allow-transfer=<value>/);
    expect(stdout).not.toMatch(/\[default: \]/);
    expect(status).toBe(0);
  });
});
