/** The DNS codec beside npm's: decoding, decoding of questions and types only, encoding. npm run bench:dns */
import * as leicht from "@leichtgewicht/dns-packet";
import * as packet from "dns-packet";
import type { DnsMessage, DnsSink, ResourceRecord } from "../../src/codecs/dns/index.ts";
import { decode, encode, parse, TYPE } from "../../src/codecs/dns/index.ts";
import { beginNames, messageName } from "../../src/codecs/dns/name.ts";

const ROUNDS = 7;
const ROUND_MS = 120;

const base: DnsMessage = {
  id: 4660,
  qr: 1,
  opcode: 0,
  rcode: 0,
  aa: false,
  tc: false,
  rd: true,
  ra: true,
  ad: false,
  cd: false,
  questions: [{ name: "www.example.com.", type: TYPE.A, class: 1 }],
  answers: [],
  authority: [],
  additional: [],
};
const edns = { udpSize: 1232, version: 0, do: true, options: [] };
const rr = (name: string, type: number, rdata: object, ttl = 3600): ResourceRecord => ({
  name,
  type,
  class: 1,
  ttl,
  rdata: rdata as ResourceRecord["rdata"],
});
const A = (name: string, address: string) => rr(name, TYPE.A, { address });
const key = Buffer.alloc(64, 7).toString("base64");
const rrsig = (name: string, typeCovered: number) =>
  rr(name, TYPE.RRSIG, {
    typeCovered,
    algorithm: 13,
    labels: 2,
    originalTtl: 3600,
    expiration: 1_800_000_000,
    inception: 1_700_000_000,
    keyTag: 1234,
    signer: "example.com.",
    signature: key,
  });
const LETTERS = [..."abcdefghijklm"];

const MESSAGES: Readonly<Record<string, DnsMessage>> = {
  query: { ...base, qr: 0, ra: false, edns },
  "CNAME chain": {
    ...base,
    answers: [
      rr("www.example.com.", TYPE.CNAME, { host: "web.example.com." }),
      rr("web.example.com.", TYPE.CNAME, { host: "edge.cdn.example.net." }),
      A("edge.cdn.example.net.", "192.0.2.1"),
      A("edge.cdn.example.net.", "192.0.2.2"),
      A("edge.cdn.example.net.", "192.0.2.3"),
    ],
    edns,
  },
  referral: {
    ...base,
    authority: LETTERS.map((l) => rr("com.", TYPE.NS, { host: `${l}.gtld-servers.net.` })),
    additional: LETTERS.flatMap((l, i) => [
      A(`${l}.gtld-servers.net.`, `192.0.2.${i}`),
      rr(`${l}.gtld-servers.net.`, TYPE.AAAA, { address: `2001:db8::${i + 1}` }),
    ]),
  },
  "DNSKEY and RRSIG": {
    ...base,
    questions: [{ name: "example.com.", type: TYPE.DNSKEY, class: 1 }],
    answers: [
      ...[256, 257, 256].map((flags) =>
        rr("example.com.", TYPE.DNSKEY, { flags, protocol: 3, algorithm: 13, publicKey: key }),
      ),
      rrsig("example.com.", TYPE.DNSKEY),
      rrsig("example.com.", TYPE.DNSKEY),
    ],
    edns,
  },
  NXDOMAIN: {
    ...base,
    rcode: 3,
    authority: [
      rr("example.com.", TYPE.SOA, {
        mname: "ns1.example.com.",
        rname: "hostmaster.example.com.",
        serial: 1,
        refresh: 7200,
        retry: 900,
        expire: 1_209_600,
        minimum: 300,
      }),
    ],
  },
};

/** Calls a second: the best of the rounds, which the machine's other work disturbed least. */
function speed(call: () => unknown): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let calls = 0;
    const started = process.cpuUsage();
    const until = performance.now() + ROUND_MS;
    while (performance.now() < until) {
      for (let i = 0; i < 50; i++) call();
      calls += 50;
    }
    const { user, system } = process.cpuUsage(started);
    best = Math.max(best, calls / (user + system));
  }
  return best;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

type Row = readonly [ours: number, packet: number, leicht: number];

function table(title: string, rows: ReadonlyMap<string, Row>, targets: string): void {
  for (const [name, [a, b, c]] of rows)
    line(`  ${name}`, `${(a / b).toFixed(1)} x dns-packet, ${(a / c).toFixed(1)} x @leichtgewicht`);
  const all = [...rows.values()];
  const mean = (i: 1 | 2) => geometricMean(all.map((row) => row[0] / row[i])).toFixed(2);
  line(title, `${mean(1)} x dns-packet, ${mean(2)} x @leichtgewicht/dns-packet (${targets})`);
}

/** What a cache or a filter needs: the question, and types and TTLs of the records. */
class Outline implements DnsSink {
  name = "";
  readonly types: number[] = [];
  readonly ttls: number[] = [];
  header(): void {}
  question(bytes: Uint8Array, nameAt: number): void {
    this.name = messageName(bytes, nameAt, 0);
  }
  record(
    _section: number,
    _bytes: Uint8Array,
    _nameAt: number,
    type: number,
    _rdclass: number,
    ttl: number,
  ): void {
    this.types.push(type);
    this.ttls.push(ttl);
  }
  opt(): void {}
  issue(): void {}
  fault(): void {}
}

function outline(bytes: Uint8Array): Outline {
  const sink = new Outline();
  beginNames();
  parse(bytes, 0, bytes.length, sink);
  return sink;
}

const decoding = new Map<string, Row>();
const encoding = new Map<string, Row>();
const outlining = new Map<string, Row>();
for (const [name, message] of Object.entries(MESSAGES)) {
  const bytes = Buffer.from(encode(message));
  decoding.set(name, [
    speed(() => decode(bytes)),
    speed(() => packet.decode(bytes)),
    speed(() => leicht.decode(bytes)),
  ]);
  const [, rival, other] = decoding.get(name) as Row;
  if (message.qr === 1) outlining.set(name, [speed(() => outline(bytes)), rival, other]);
  const theirs = packet.decode(bytes);
  const leichts = leicht.decode(bytes);
  encoding.set(name, [
    speed(() => encode(message)),
    speed(() => packet.encode(theirs)),
    speed(() => leicht.encode(leichts)),
  ]);
}
table("DNS decode", decoding, "targets >= 3.5 x, >= 2 x");
table("DNS question, types and TTLs", outlining, "target >= 8 x dns-packet");
table("DNS encode, compressed", encoding, "target >= 3 x dns-packet");
