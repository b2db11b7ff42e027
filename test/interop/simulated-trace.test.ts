import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decode, encode, TYPE } from "../../src/codecs/dns/index.ts";
import { MILLISECOND, SECOND } from "../../src/engines/host.ts";
import { Trace } from "../../src/net/simulated/trace.ts";
import { World } from "../../src/net/simulated/world.ts";

const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
if (!hasTshark) process.stderr.write("simulated traces: tshark is not installed: skipped\n");

/** DNS over UDP and HTTP-like bytes over TCP, on lossy links. */
function simulate(): Uint8Array {
  const world = new World({ seed: 4, startedMs: Date.UTC(2026, 5, 1) });
  const lossy = { loss: 0.2, reorder: 0.1, delay: 7 * MILLISECOND };
  const a = world.node("a", { addresses: ["192.0.2.1", "2001:db8::1"], link: lossy });
  const b = world.node("b", { addresses: ["192.0.2.2", "2001:db8::2"] });
  const trace = new Trace(world.startedMs, "a");
  world.attach("a", trace);
  for (const addr of ["192.0.2.2", "2001:db8::2"]) {
    b.udp(
      {
        onDatagram: (data, from, port, s) => {
          const query = decode(data.slice());
          s.send(encode({ ...query, qr: 1, aa: true }), from, port);
        },
      },
      { local: { addr, port: 53 } },
    );
    b.listen(
      () => ({
        onData: (data, c) => void c.write(data.slice()),
        onEnd: (c) => c.end(),
        onClose() {},
      }),
      { local: { addr, port: 7777 } },
    );
  }
  const query = encode({
    id: 7,
    qr: 0,
    opcode: 0,
    rcode: 0,
    aa: false,
    tc: false,
    rd: true,
    ra: false,
    ad: false,
    cd: false,
    questions: [{ name: "www.example.", type: TYPE.A, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
  });
  for (const addr of ["192.0.2.2", "2001:db8::2"]) {
    const socket = a.udp(
      { onDatagram() {} },
      { local: { addr: addr.includes(":") ? "::" : "0.0.0.0" } },
    );
    for (let i = 0; i < 20; i++) socket.send(query, addr, 53);
    a.connect(
      {
        onOpen: (c) => {
          c.write(new Uint8Array(20_000).fill(0x61));
          c.end();
        },
        onData() {},
        onClose() {},
      },
      { remote: { addr, port: 7777 } },
    );
  }
  world.run(100 * SECOND);
  return trace.bytes();
}

describe.skipIf(!hasTshark)("the trace of a simulated run", () => {
  it("is the same for a seed, and tshark finds nothing malformed and no bad checksum", () => {
    const bytes = simulate();
    expect(Buffer.compare(bytes, simulate())).toBe(0);
    const folder = mkdtempSync(join(tmpdir(), "netkit-trace-"));
    try {
      const file = join(folder, "trace.pcapng");
      writeFileSync(file, bytes);
      const checks = ["ip", "tcp", "udp"].flatMap((p) => ["-o", `${p}.check_checksum:TRUE`]);
      const count = (filter: string) =>
        spawnSync("tshark", ["-n", ...checks, "-r", file, "-Y", filter], { encoding: "utf8" })
          .stdout.split("\n")
          .filter((line) => line !== "").length;
      expect(count("_ws.malformed")).toBe(0);
      expect(
        count("ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0"),
      ).toBe(0);
      expect(count("dns")).toBeGreaterThan(60);
      expect(count("tcp.flags.syn == 1")).toBeGreaterThanOrEqual(4);
      expect(count('frame.comment contains "dropped"')).toBeGreaterThan(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
