/**
 * Mutated packets at a running server: npm run fuzz -- --server authority|recursor --runs 1000000.
 * It must go on answering, keep its memory, say nothing on stderr and end well when told to.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { spawn } from "node:child_process";
import type { Socket as UdpSocket } from "node:dgram";
import { createSocket } from "node:dgram";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode, frame, OPCODE, readZone, TYPE } from "../../src/codecs/dns/index.ts";
import { Authority } from "../../src/engines/dns/authority.ts";
import type { DnsService } from "../../src/engines/dns/listener.ts";
import { DnsListener } from "../../src/engines/dns/listener.ts";
import { questionFor } from "../../src/engines/dns/resolver/resolver.ts";
import { parseTsigKey, signTsig } from "../../src/engines/dns/tsig.ts";
import { Zone } from "../../src/engines/dns/zone.ts";
import { LiveHost } from "../../src/net/live/host.ts";
import { mutate, Random } from "./mutate.ts";

export const SERVERS = ["authority", "recursor"] as const;
export type ServerKind = (typeof SERVERS)[number];

export interface ServerFuzz {
  readonly sent: number;
  readonly streams: number;
  readonly answered: number;
  /** Well-formed questions in between, all of which were answered. */
  readonly probes: number;
  readonly dropped: number;
  readonly megabytes: { readonly early: number; readonly late: number };
  readonly seconds: number;
  readonly failures: readonly string[];
}

/** Packets between two probes: fewer than a socket's buffer holds. */
const BATCH = 120;
/** Of the batches one goes over TCP. */
const STREAM_EVERY = 20;
const PROBE_MS = 1000;
const PROBE_TRIES = 5;
const MAX_MEGABYTES = 600;
const KEY = "hmac-sha256:fuzz.:c2VjcmV0IHNlY3JldCBzZWNyZXQ=";
const ZONE = `$TTL 60
. SOA a.root. h. 1 3600 600 86400 60
. NS a.root.
a.root. A 127.0.0.1
www.example. A 192.0.2.1
*.wild.example. TXT "w"
alias.example. CNAME www.example.
dn.example. DNAME example.
child.example. NS a.root.
big.example. TXT ${`"${"x".repeat(200)}" `.repeat(9)}
`;

/** Questions, transfers, NOTIFY, UPDATE, each with what EDNS has, and signed. */
function seeds(): Uint8Array[] {
  const names = ["www.example.", "x.wild.example.", "x.dn.example.", "no.example.", "big.example."];
  const options = [
    { code: 3, data: "" },
    { code: 8, data: "00011800c00002" },
    { code: 10, data: "0102030405060708" },
    { code: 12, data: "0000" },
  ];
  const edns = { udpSize: 1232, version: 0, do: true, options };
  const plain = names.flatMap((name) =>
    [TYPE.A, TYPE.TXT, TYPE.ANY, TYPE.NS, TYPE.DS].map((type) => questionFor(name, type)),
  );
  const [soa] = [...readZone(ZONE, { origin: "." })];
  const about = (type: number) => ({ ...questionFor(".", type), rd: false });
  const others = [
    about(TYPE.AXFR),
    { ...about(TYPE.IXFR), authority: soa === undefined ? [] : [soa] },
    { ...about(TYPE.SOA), opcode: OPCODE.NOTIFY },
    {
      ...about(TYPE.SOA),
      opcode: OPCODE.UPDATE,
      answers: [{ name: "no.example.", type: TYPE.ANY, class: 254, ttl: 0, rdata: { opaque: "" } }],
      // What goes, so that the zone does not grow with the runs.
      authority: [
        { name: "new.example.", type: TYPE.A, class: 255, ttl: 0, rdata: { opaque: "" } },
      ],
    },
  ];
  const key = parseTsigKey(KEY);
  const bytes = [...plain, ...plain.map((one) => ({ ...one, edns })), ...others].map((one) =>
    encode(one),
  );
  const now = Math.floor(Date.now() / 1000);
  const signed = key === undefined ? [] : bytes.slice(-4).map((m) => signTsig(m, key, now).bytes);
  return [...bytes, ...signed];
}

/** The servers that a recursor asks: half of what they say is mutated. */
function upstream(host: LiveHost, random: Random): Promise<number> {
  const authority = new Authority(host.clock);
  authority.setZone(new Zone(".", readZone(ZONE, { origin: "." })));
  const service: DnsService = {
    query: (request, client, reply) => {
      const answer = authority.answerNow(request, client);
      if (answer === undefined) return;
      const broken = random.below(2) === 0;
      const bytes = broken ? mutate([answer], random) : answer;
      // The id stays, or nothing but the resolver's first look would be tried.
      if (broken && bytes.length > 1) bytes.set(request.subarray(0, 2));
      if (bytes.length > 0) reply(bytes);
    },
  };
  return new Promise((resolve, reject) => {
    new DnsListener(service, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => resolve(at?.port ?? 0),
      onListenError: reject,
    }).start(host);
  });
}

class Target {
  readonly child: ChildProcessWithoutNullStreams;
  readonly port: Promise<number>;
  err = "";
  code: number | null | undefined;

  constructor(args: readonly string[]) {
    this.child = spawn("node", ["bin/run.js", "dns", ...args, "--listen", "127.0.0.1:0", "--json"]);
    this.child.stderr.on("data", (data) => (this.err += data));
    this.child.on("exit", (code) => (this.code = code));
    this.port = new Promise((resolve, reject) => {
      let out = "";
      this.child.stdout.on("data", (data) => {
        if (out.includes("\n")) return;
        out += data;
        const at = JSON.parse(out.split("\n")[0] ?? "") as { listening: { port: number }[] };
        resolve(at.listening[0]?.port ?? 0);
      });
      this.child.on("exit", (code) => reject(new Error(`exit ${code}: ${this.err}`)));
    });
  }

  /** Undefined where there is no /proc. */
  get megabytes(): number {
    if (process.platform !== "linux" || this.code !== undefined) return 0;
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  }

  stop(): Promise<void> {
    if (this.code !== undefined) return Promise.resolve();
    this.child.kill("SIGTERM");
    // One that hangs does not hear it.
    const hung = setTimeout(() => this.child.kill("SIGKILL"), 10 * PROBE_MS);
    return new Promise((done) =>
      this.child.on("exit", () => {
        clearTimeout(hung);
        done();
      }),
    );
  }
}

/** Datagrams that the kernel dropped at the port: they were no test of the server. */
function droppedAt(port: number): number {
  if (process.platform !== "linux") return 0;
  const at = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const line = readFileSync("/proc/net/udp", "utf8")
    .split("\n")
    .find((row) => row.trim().split(/\s+/)[1]?.endsWith(at.trim()));
  return Number(line?.trim().split(/\s+/).at(-1) ?? 0);
}

class Client {
  answered = 0;
  probes = 0;
  private readonly socket: UdpSocket;
  private readonly port: number;
  private wanted: { id: number; done: (ok: boolean) => void } | undefined;

  constructor(port: number) {
    this.port = port;
    this.socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
    this.socket.on("message", (data) => {
      this.answered++;
      if (data.length > 2 && data.readUInt16BE(0) === this.wanted?.id) this.wanted.done(true);
    });
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, this.port, "127.0.0.1");
  }

  /** A well-formed question; false when no answer comes to any of the tries. */
  async probe(): Promise<boolean> {
    for (let n = 0; n < PROBE_TRIES; n++) {
      const id = this.probes++ & 0xffff;
      const ok = await new Promise<boolean>((done) => {
        const timer = setTimeout(() => done(false), PROBE_MS);
        this.wanted = {
          id,
          done: (yes) => {
            clearTimeout(timer);
            done(yes);
          },
        };
        this.send(encode({ ...questionFor("www.example."), id }));
      });
      if (ok) return true;
    }
    return false;
  }

  close(): void {
    this.socket.close();
  }
}

/** A batch on one connection, as framed messages or, now and then, as mere octets. */
function stream(port: number, batch: readonly Uint8Array[], framed: boolean): Promise<void> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    const end = setTimeout(() => socket.destroy(), PROBE_MS / 4);
    socket.on("connect", () => {
      for (const one of batch) socket.write(framed ? frame(one) : one);
      socket.end();
    });
    socket.on("data", () => {});
    // A connection that is reset is an answer to octets that are no messages.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(end);
      done();
    });
  });
}

function argsOf(kind: ServerKind, folder: string, upstreamPort: number): string[] {
  const zone = join(folder, "root.zone");
  writeFileSync(zone, ZONE);
  return kind === "authority"
    ? [
        ...["serve", `.=${zone}`, "--allow-transfer", "127.0.0.1", "--allow-update", "127.0.0.1"],
        ...["--tsig", KEY],
      ]
    : ["recursor", "--hints", zone, "--upstream-port", String(upstreamPort)];
}

export async function fuzzServer(
  kind: ServerKind,
  runs: number,
  seed: number,
): Promise<ServerFuzz> {
  const random = new Random(seed);
  const folder = mkdtempSync(join(tmpdir(), "netkit-fuzz-"));
  const host = new LiveHost();
  const target = new Target(argsOf(kind, folder, await upstream(host, new Random(seed + 1))));
  const failures: string[] = [];
  const inputs = seeds();
  const started = performance.now();
  let sent = 0;
  let streams = 0;
  let early = 0;
  try {
    const port = await target.port;
    const client = new Client(port);
    for (let batch = 0; sent < runs && failures.length === 0; batch++) {
      const size = Math.min(BATCH, runs - sent);
      const packets = Array.from({ length: size }, () => mutate(inputs, random));
      if (batch % STREAM_EVERY === STREAM_EVERY - 1) {
        streams++;
        await stream(port, packets, streams % 4 !== 0);
      } else for (const one of packets) client.send(one);
      sent += size;
      if (!(await client.probe())) {
        mkdirSync("bench/found", { recursive: true });
        writeFileSync(`bench/found/${kind}.bin`, Buffer.concat(packets.map((one) => frame(one))));
        failures.push(
          `after ${sent} packets: no answer${target.code === undefined ? "" : `, exit ${target.code}`}`,
        );
      }
      if (early === 0 && sent >= runs / 10) early = target.megabytes;
    }
    const late = target.megabytes;
    if (late > MAX_MEGABYTES) failures.push(`${late} MB of memory`);
    const dropped = target.code === undefined ? droppedAt(port) : 0;
    await target.stop();
    const said = target.err
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("netkit:"));
    if (said.length > 0) failures.push(`stderr: ${said.slice(0, 5).join(" | ")}`);
    if (target.code !== 0) failures.push(`exit ${target.code} after SIGTERM`);
    const { answered, probes } = client;
    client.close();
    const seconds = (performance.now() - started) / 1000;
    return {
      sent,
      streams,
      answered,
      probes,
      dropped,
      megabytes: { early, late },
      seconds,
      failures,
    };
  } finally {
    await target.stop();
    host.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
