import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ethernetFrame, tcpPacket } from "../../src/codecs/link/build.ts";
import { latin1Bytes } from "../../src/codecs/writer.ts";
import { ObjectOutput, recordText } from "../../src/engines/capture/record.ts";
import { decodeCaptures } from "../../src/net/capture/decode.ts";

const OFFICE = "fixtures/captures/office.pcap";
const golden = readFileSync("fixtures/captures/office.ndjson", "utf8");
let folder = "";

function netkit(args: readonly string[], input?: Buffer) {
  const run = spawnSync("node", ["bin/run.js", ...args], {
    input,
    encoding: "utf8",
    timeout: 30_000,
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "netkit-test-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("netkit decode", () => {
  it("gives the records of the shipped capture", () => {
    expect(netkit(["decode", "--json", OFFICE])).toMatchObject({ code: 0, out: golden });
  });

  it("gives the same from objects, a pipe, two threads and a compressed file", async () => {
    const lines: string[] = [];
    await decodeCaptures([OFFICE], new ObjectOutput((record) => lines.push(recordText(record))));
    expect(`${lines.join("\n")}\n`).toBe(golden);
    expect(netkit(["decode", "--json", "-"], readFileSync(OFFICE)).out).toBe(golden);
    expect(netkit(["decode", "--json", "--threads", "2", OFFICE]).out).toBe(golden);
    const packed = join(folder, "office.pcap.gz");
    writeFileSync(packed, spawnSync("gzip", ["-c", OFFICE]).stdout);
    expect(netkit(["decode", "--json", packed]).out).toBe(golden);
  });

  it("keeps what a cut gzip file holds, and tells the damage", () => {
    const whole = golden.trimEnd().split("\n");
    const packed = gzipSync(readFileSync(OFFICE));
    const cut = join(folder, "cut.gz");
    writeFileSync(cut, packed.subarray(0, Math.floor(packed.length * 0.8)));
    const { code, out, err } = netkit(["decode", "--json", cut]);
    const lines = out.trimEnd().split("\n");
    expect(code).toBe(0);
    expect(lines.slice(0, 20)).toEqual(whole.slice(0, 20));
    expect(err).toContain("gzip.damaged at byte");
    expect(netkit(["decode", "--json", "--strict", cut]).code).toBe(3);
  });

  it("takes no capture on standard input for a file name", () => {
    const { code, err } = netkit(["decode"], readFileSync(OFFICE));
    expect(code).toBe(2);
    expect((err.split("\n")[0] as string).length).toBeLessThan(100);
  });

  it("refuses an unknown protocol and flags that exclude each other", () => {
    for (const flags of [
      ["--protocol", "dsn"],
      ["--format", "csv"],
      ["--json", "--fields", "time"],
      ["--json", "--verbose"],
      ["--hex", "--fields", "time"],
    ]) {
      expect([flags, netkit(["decode", OFFICE, ...flags]).code]).toEqual([flags, 2]);
    }
  });

  it("writes to a device as --output and does not replace it", () => {
    const device = join(folder, "device");
    symlinkSync("/dev/null", device);
    expect(netkit(["decode", "--json", "-o", device, OFFICE])).toMatchObject({ code: 0, err: "" });
    expect(readlinkSync(device)).toBe("/dev/null");
  });

  it("refuses a folder as --output before it reads, and leaves nothing behind", () => {
    const { code, out, err } = netkit(["decode", "-o", folder, OFFICE]);
    expect({ code, out, lines: err.trimEnd().split("\n").length }).toEqual({
      code: 3,
      out: "",
      lines: 1,
    });
  });

  it("accounts for every byte", () => {
    const { out } = netkit(["decode", "--json", "--account", OFFICE]);
    const { account } = JSON.parse(out.trimEnd().split("\n").at(-1) as string) as {
      account: Record<string, number>;
    };
    expect(
      (account["decodedBytes"] ?? 0) +
        (account["unknownBytes"] ?? 0) +
        (account["truncatedBytes"] ?? 0),
    ).toBe(account["payloadBytes"]);
    expect(account["gapBytes"]).toBe(1000);
  });

  it("filters, selects fields and writes files whole", () => {
    const filtered = netkit([
      "decode",
      "--fields",
      "frame,dns.qname,dns.a",
      "--filter",
      "dns && dns.qr == 1",
      OFFICE,
    ]);
    expect(filtered.out).toBe("frame\tdns.qname\tdns.a\n2\twww.example.com.\t198.51.100.7\n");
    const file = join(folder, "out.ndjson");
    expect(netkit(["decode", "--json", "--output", file, OFFICE]).code).toBe(0);
    expect(readFileSync(file, "utf8")).toBe(golden);
  });

  it("columns written without objects are those written from them", () => {
    const fields =
      "frame,time,protocol,src,sport,dst,bytes,dns.id,dns.qr,dns.rcode,dns.rd,dns.qname,dns.qtype,dns.ancount,dns.a,dns.cname,dns.requestFrame,dns.latency";
    const direct = netkit(["decode", "--fields", fields, OFFICE]);
    expect(direct.out.split("\n").length).toBeGreaterThan(3);
    // A filter takes the way over objects.
    expect(direct.out).toBe(
      netkit(["decode", "--fields", fields, "--filter", "frame > 0", OFFICE]).out,
    );
    const only = netkit(["decode", "--fields", "dns.aaaa", OFFICE]).out;
    expect(only).toBe("dns.aaaa\n");
  });

  it.each([
    [["decode", "/nowhere/x.pcap"], 3, /no such file/],
    [["decode", "src"], 3, /directory/],
    [["decode", "package.json"], 3, /capture/],
    [["decode", "--filter", "dns.qname contans 1", OFFICE], 2, /\^/],
    [["decode", "--fields", "dns.nonsense", OFFICE], 2, /nonsense/],
    [["decode", "--bogus", OFFICE], 2, /bogus/],
    [["bogus"], 2, /bogus/],
  ])("%j exits %i with one clear line", (args, code, line) => {
    const run = netkit(args);
    expect(run.code).toBe(code);
    expect(run.out).toBe("");
    expect(run.err).toMatch(line);
    expect(run.err).not.toMatch(/ at .*\.js:/);
  });

  it("a damaged tail is told with its offset: exit 0, with --strict 3", () => {
    const cut = join(folder, "cut.pcap");
    writeFileSync(cut, readFileSync(OFFICE).subarray(0, -20));
    const run = netkit(["decode", "--json", cut]);
    expect(run.code).toBe(0);
    expect(run.err).toMatch(/at byte [0-9]+/);
    expect(netkit(["decode", "--json", "--strict", cut]).code).toBe(3);
  });

  it("a capture that ends inside its header is none, from a file and from a pipe: exit 3", () => {
    const short = join(folder, "short.pcap");
    writeFileSync(short, readFileSync(OFFICE).subarray(0, 10));
    const run = netkit(["decode", "--json", short]);
    expect(run.code).toBe(3);
    expect(run.err).toMatch(/10 of 24 bytes/);
    const piped = spawnSync("sh", ["-c", `cat ${short} | node bin/run.js decode --json -`], {
      encoding: "utf8",
    });
    expect(piped.status).toBe(3);
    expect(piped.stderr).toMatch(/10 of 24 bytes/);
  });

  it("ends quietly when its reader goes away", () => {
    const run = spawnSync("sh", ["-c", `node bin/run.js decode --json ${OFFICE} | head -1`], {
      encoding: "utf8",
    });
    expect(run.stderr.split("\n").filter((l) => l.startsWith("netkit:"))).toEqual([]);
  });
});

describe("single messages", () => {
  const QUERY = "1a2b01000001000000000000076578616d706c6503636f6d0000010001";

  it("decode and encode are each other's reverse", () => {
    const json = netkit(["dns", "decode", QUERY]).out;
    expect(JSON.parse(json)).toMatchObject({
      id: 6699,
      questions: [{ name: "example.com.", type: 1 }],
    });
    expect(netkit(["dns", "encode", "--to", "hex"], Buffer.from(json)).out).toBe(`${QUERY}\n`);
    const http = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\nX:  folded\r\n value \r\n\r\n");
    const decoded = netkit(["http", "decode"], http).out;
    expect(netkit(["http", "encode"], Buffer.from(decoded)).out).toBe(http.toString());
  });

  it("refuse what is broken: exit 3, with offset and section", () => {
    expect(netkit(["dns", "decode", QUERY.slice(0, -2)])).toMatchObject({
      code: 3,
      err: expect.stringMatching(/byte 25.*RFC 1035/),
    });
    expect(
      netkit(["torrent", "decode", "--strict", "--input", "raw"], Buffer.from("i03e")),
    ).toMatchObject({ code: 3 });
  });
});

describe("netkit conform codec", () => {
  it("tells a decoder that takes everything from a good one", () => {
    const bad = netkit([
      "conform",
      "codec",
      "bencode",
      "--exec",
      "true",
      "--only",
      "int",
      "--format",
      "junit",
    ]);
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/<testsuite .*failures="[1-9]/);
    const good = netkit([
      "conform",
      "codec",
      "bencode",
      "--exec",
      "node bin/run.js torrent decode --strict --input raw {}",
      "--only",
      "int-n",
    ]);
    expect(good).toMatchObject({ code: 0, out: expect.stringMatching(/ 0 failed/) });
  });

  it("--time relative counts from the first packet, whatever is shown", () => {
    const at = (...args: string[]) =>
      netkit([
        "decode",
        "--fields",
        "frame,time",
        "--time",
        "relative",
        "--no-header",
        OFFICE,
        ...args,
      ])
        .out.trim()
        .split("\n")
        .map((line) => line.split("\t"));
    const all = new Map(at().map(([frame, time]) => [frame, time]));
    const some = at("--protocol", "sip");
    expect(some.length).toBeGreaterThan(2);
    for (const [frame, time] of some) expect(time).toBe(all.get(frame));
    expect(Number(some[0]?.[1])).toBeGreaterThan(0);
  });

  it("--lint shows what breaks a rule, with its section, and exits 1; what is in order exits 0", () => {
    const path = join(folder, "smuggled.pcap");
    const head = Buffer.alloc(24);
    head.writeUInt32LE(0xa1b2c3d4, 0);
    head.writeUInt16LE(2, 4);
    head.writeUInt16LE(4, 6);
    head.writeUInt32LE(65_535, 16);
    head.writeUInt32LE(1, 20);
    const ends = { src: "192.0.2.1", dst: "192.0.2.2", sport: 50_000, dport: 80 };
    const request =
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const frame = ethernetFrame(
      tcpPacket({ ...ends, seq: 1, ack: 1, flags: 0x18 }, latin1Bytes(request)),
    );
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    writeFileSync(path, Buffer.concat([head, record, frame]));
    const { code, out } = netkit(["decode", "--lint", path]);
    expect(code).toBe(1);
    expect(out).toMatch(
      /http\.framing\.both at byte \d+: .* \(RFC 9112 6\.3\) \[may hide a request/,
    );
    const json = netkit(["decode", "--lint", "--json", path]);
    expect([json.code, JSON.parse(json.out).issues[0].code]).toEqual([1, "http.framing.both"]);
    expect(netkit(["decode", "--lint", "--protocol", "dns", OFFICE])).toMatchObject({
      code: 0,
      out: "",
    });
    expect(netkit(["decode", "--lint", "--fields", "frame", path]).code).toBe(2);
  });
});
