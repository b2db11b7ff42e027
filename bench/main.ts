/**
 * The figures of docs/performance.md: npm run bench [-- NAME ...]. All are ratios measured side by
 * side in one run, of CPU time (user and system) where tshark is the rival, since wall time on a
 * shared machine means little. Captures are made first, the same each time, with the truth beside.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from "node:fs";
import { capture } from "./generate/captures.ts";
import { FLOODS } from "./generate/flood.ts";

const NETKIT = ["node", "bin/run.js"];
const ROUNDS = 3;
/** Times the usual length: captures of few seconds would measure the start of the program. */
const LONG = 3;

interface Measured {
  readonly seconds: number;
  readonly wall: number;
  readonly stdout: string;
}

/** CPU seconds of a command and all that it starts, by the shell's `times`. */
function measure(command: readonly string[], keep = false, repeats = 1): Measured {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const one = `${quoted} ${keep ? "" : ">/dev/null"} 2>/dev/null`;
  // The shell counts in hundredths of a second: short commands are run many times.
  const script = `i=0; while [ $i -lt ${repeats} ]; do ${one} || exit 1; i=$((i+1)); done; times >&2`;
  const started = performance.now();
  const run = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8", maxBuffer: 1 << 28 });
  const wall = (performance.now() - started) / 1000;
  if (run.status !== 0) throw new Error(`this failed: ${command.join(" ")}`);
  const times = [...run.stderr.matchAll(/([0-9]+)m([0-9.]+)s/g)].slice(-2);
  const seconds = times.reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
  return { seconds: seconds / repeats, wall, stdout: run.stdout };
}

/** The least of some rounds: what the machine's other work disturbed least. */
function best(command: readonly string[], rounds = ROUNDS, repeats = 1): Measured {
  const all = Array.from({ length: rounds }, () => measure(command, false, repeats));
  return all.reduce((a, b) => (a.seconds <= b.seconds ? a : b));
}

function line(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(34)} ${text}\n`);
}

function hasTshark(): boolean {
  return spawnSync("tshark", ["--version"]).status === 0;
}

const FIELDS_OF_TSHARK =
  "frame.number frame.time_epoch ip.src ip.dst dns.id dns.flags.response dns.flags.rcode dns.qry.name dns.qry.type dns.count.answers dns.a dns.cname";
const FIELDS =
  "frame,time,src,dst,dns.id,dns.qr,dns.rcode,dns.qname,dns.qtype,dns.ancount,dns.a,dns.cname";

function tshark(path: string, fields: string): string[] {
  return [
    "tshark",
    "-n",
    "-r",
    path,
    "-T",
    "fields",
    ...fields.split(" ").flatMap((field) => ["-e", field]),
  ];
}

function against(
  name: string,
  ours: Measured,
  theirs: Measured,
  packets: number,
  target: string,
): void {
  const ratio = theirs.seconds / ours.seconds;
  const rate = (seconds: number) => `${Math.round(packets / seconds / 1000)} k packets/s`;
  line(
    name,
    `${ratio.toFixed(1)} x less CPU (netkit ${rate(ours.seconds)}, tshark ${rate(theirs.seconds)}; target ${target})`,
  );
}

const BENCHES: Readonly<Record<string, () => void>> = {
  startup: () => {
    const rounds = 4;
    const repeats = 15;
    const bare = best(["node", "-e", "0"], rounds, repeats);
    const version = best([...NETKIT, "--version"], rounds, repeats);
    const { path } = capture("dns", 0.000002);
    const one = best([...NETKIT, "decode", "--json", path], rounds, repeats);
    line(
      "netkit --version",
      `${(version.seconds / bare.seconds).toFixed(2)} x node -e 0 (target 2.0)`,
    );
    line(
      "decode of a capture of few packets",
      `${(one.seconds / bare.seconds).toFixed(2)} x node -e 0 (target 3.0)`,
    );
  },
  dns: () => {
    const { path, truth } = capture("dns", 1);
    const theirs = best(tshark(path, FIELDS_OF_TSHARK), 1);
    const ndjson = best([...NETKIT, "decode", "--json", path]);
    against("DNS to NDJSON", ndjson, theirs, truth.packets, ">= 15 x, stretch 25 x");
    const small = capture("dns", 0.05);
    const ek = best(["tshark", "-n", "-r", small.path, "-T", "ek"], 1);
    const all = { ...ek, seconds: (ek.seconds * truth.packets) / small.truth.packets };
    against("DNS to NDJSON, tshark -T ek", ndjson, all, truth.packets, ">= 60 x");
    execFileSync("node", ["scripts/run-ts.mjs", "bench/columns.ts", small.path]);
    against(
      "DNS to typed columns",
      best(["node", "node_modules/.cache/netkit/columns.mjs", path]),
      theirs,
      truth.packets,
      ">= 35 x, stretch 60 x",
    );
    against(
      "DNS to the same 12 fields",
      best([...NETKIT, "decode", "--fields", FIELDS, path]),
      theirs,
      truth.packets,
      ">= 30 x",
    );
  },
  http: () => {
    const { path, truth } = capture("http", 1);
    const theirs = best(tshark(path, "http.request.uri http.response.code"), 1);
    against(
      "HTTP to NDJSON",
      best([...NETKIT, "decode", "--json", path]),
      theirs,
      truth.packets,
      ">= 15 x",
    );
  },
  sip: () => {
    const { path, truth } = capture("sip", LONG);
    const theirs = best(tshark(path, "sip.Call-ID rtp.seq"), 1);
    against(
      "SIP and RTP to NDJSON",
      best([...NETKIT, "decode", "--json", path]),
      theirs,
      truth.packets,
      ">= 20 x",
    );
  },
  bittorrent: () => {
    const { path, truth } = capture("bittorrent", LONG);
    const theirs = best(tshark(path, "bittorrent.msg.type bittorrent.piece.index"), 1);
    against(
      "BitTorrent to NDJSON",
      best([...NETKIT, "decode", "--json", path]),
      theirs,
      truth.packets,
      ">= 15 x",
    );
  },
  exact: () => {
    for (const name of [
      "dns",
      "http",
      "http-calm",
      "http-damaged",
      "sip",
      "bittorrent",
      "bittorrent-damaged",
    ]) {
      const { path, truth } = capture(name, 0.2);
      const out = measure(
        [...NETKIT, "decode", "--json", "--account", path],
        true,
      ).stdout.trimEnd();
      const last = JSON.parse(out.slice(out.lastIndexOf("\n") + 1)) as {
        account: { records: Record<string, number>; gapBytes: number };
      };
      const whole = new Map<string, number>();
      for (const text of out.split("\n")) {
        if (text.startsWith('{"account"')) continue;
        const { protocol, malformed } = JSON.parse(text) as {
          protocol: string;
          malformed?: boolean;
        };
        if (malformed !== true) whole.set(protocol, (whole.get(protocol) ?? 0) + 1);
      }
      const rows = Object.entries(truth.messages as Record<string, number>).map(
        ([protocol, count]) => {
          const found = whole.get(protocol) ?? 0;
          return `${protocol} ${found} of ${count} (${((100 * found) / count).toFixed(3)} %)`;
        },
      );
      line(
        `exactness: ${name}`,
        `${rows.join(", ")}; gap bytes ${last.account.gapBytes} of ${truth.gapBytes}`,
      );
    }
  },
  threads: () => {
    for (const [name, times] of [
      ["http", 1],
      ["http", 4],
      ["dns", 1],
      ["sip", LONG],
    ] as const) {
      const { path } = capture(name, times);
      const size = Math.round(statSync(path).size / 1e6);
      const runs = (threads: number) =>
        Array.from({ length: ROUNDS }, () =>
          measure([...NETKIT, "decode", "--json", "--threads", String(threads), path]),
        );
      const one = runs(1);
      const two = runs(2);
      const wall = (all: Measured[]) => Math.min(...all.map((run) => run.wall));
      const seconds = (all: Measured[]) => Math.min(...all.map((run) => run.seconds));
      line(
        `two threads: ${name}, ${size} MB`,
        `${(wall(one) / wall(two)).toFixed(2)} x faster in wall time (target 1.4); CPU ${(seconds(two) / seconds(one)).toFixed(2)} x`,
      );
    }
  },
  memory: () => {
    for (const name of ["dns", "http", "bittorrent"]) {
      const { path } = capture(name, 1);
      line(
        `memory: ${name}`,
        `${Math.round(peakOf([...NETKIT, "decode", "--json", path]) / 1024)} MB at most (target 150)`,
      );
    }
  },
  flood: () => {
    mkdirSync("bench/captures/flood", { recursive: true });
    for (const name of Object.keys(FLOODS)) {
      const path = `bench/captures/flood/${name}.pcap`;
      const make = `node scripts/run-ts.mjs bench/flood.ts ${name} > ${path}`;
      spawnSync("/bin/sh", ["-c", make]);
      const peak = Math.round(peakOf([...NETKIT, "decode", "--json", path]) / 1024);
      line(`memory under a flood: ${name}`, `${peak} MB at most (target 256)`);
    }
  },
};

/** Largest resident set in kilobytes, by the kernel's own count. */
function peakOf(command: readonly string[]): number {
  const sink = openSync("/dev/null", "w");
  const script = `"$@" >/dev/null 2>/dev/null & p=$!; m=0; while kill -0 $p 2>/dev/null; do v=$(sed -n 's/VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$p/status 2>/dev/null); [ -n "$v" ] && m=$v; sleep 0.05; done; echo $m`;
  const run = spawnSync("/bin/sh", ["-c", script, "sh", ...command], { encoding: "utf8" });
  closeSync(sink);
  return Number(run.stdout.trim());
}

const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : Object.keys(BENCHES);
const model =
  /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown processor";
line(
  "machine",
  `${model}, Node ${process.version}${hasTshark() ? "" : "; no tshark: those rows mean nothing"}`,
);
for (const name of names) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    process.stderr.write(`no bench ${name}: one of ${Object.keys(BENCHES).join(", ")}\n`);
    process.exitCode = 2;
    break;
  }
  bench();
}
