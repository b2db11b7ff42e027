/** Zones that go between us and NSD and Knot, either way: AXFR, IXFR, NOTIFY, TSIG, and a link that breaks. */
import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { readZone, writeZone } from "../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../src/engines/dns/authority.ts";
import { DnsListener } from "../../src/engines/dns/listener.ts";
import { notify } from "../../src/engines/dns/notifier.ts";
import { Secondary } from "../../src/engines/dns/secondary.ts";
import type { TsigKey } from "../../src/engines/dns/tsig.ts";
import { parseTsigKey } from "../../src/engines/dns/tsig.ts";
import { Zone } from "../../src/engines/dns/zone.ts";
import { LiveHost } from "../../src/net/live/host.ts";
import type { PeerKind, ReplicaPeer } from "./support/replica-peers.ts";
import { missingTools, SECRET, serialAt, startReplica, until } from "./support/replica-peers.ts";

const KEY = parseTsigKey(`k:${SECRET}`) as TsigKey;
const KINDS: readonly PeerKind[] = ["nsd", "knotd"];
const missing = missingTools(KINDS);
if (missing.length > 0)
  process.stderr.write(`dns-replication: ${missing.join(", ")} not installed: skipped\n`);

const HOSTS = Array.from({ length: 4000 }, (_, i) => `h${i} A 192.0.2.${i % 250}\n`).join("");

function text(serial: number, more = ""): string {
  const soa = `@ SOA ns root ${serial} 3600 600 86400 60`;
  return `$ORIGIN example.\n$TTL 300\n${soa}\n@ NS ns\nns A 127.0.0.1\n${HOSTS}${more}`;
}

function zone(serial: number, more = ""): Zone {
  return new Zone("example.", readZone(text(serial, more)));
}

function lines(of: Zone | undefined): string[] {
  return of === undefined ? [] : writeZone(of.records()).toLowerCase().split("\n").sort();
}

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

function newHost(): LiveHost {
  const host = new LiveHost();
  stops.push(() => host.stop());
  return host;
}

async function peer(...args: Parameters<typeof startReplica>): Promise<ReplicaPeer> {
  const started = await startReplica(...args);
  stops.push(() => started.stop());
  return started;
}

/** A server of ours that hears NOTIFY for `told`, and gives zones to who has the key. */
async function ours(told: () => void = () => {}) {
  const host = newHost();
  const asked: number[] = [];
  const authority = new Authority(host.clock, {
    tsigKeys: [KEY],
    mayTransfer: (_client, _zone, key) => key === KEY.name,
    onNotify: () => {
      told();
      return true;
    },
  });
  const service = {
    answerNow: authority.answerNow.bind(authority),
    query: (...request: Parameters<Authority["query"]>) => {
      const bytes = request[0];
      // The type of the question behind the one name that is asked.
      asked.push(((bytes[21] as number) << 8) | (bytes[22] as number));
      authority.query(...request);
    },
  };
  const port = await new Promise<number>((done, fail) => {
    new DnsListener(service, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
      onListenError: fail,
    }).start(host);
  });
  return { authority, port, host, asked };
}

interface Came {
  readonly serial?: number;
  readonly diffs?: number | undefined;
  readonly why?: string;
}

function secondary(port: number, key: TsigKey | undefined) {
  const events: Came[] = [];
  let wake: (() => void) | undefined;
  const tell = (event: Came) => {
    events.push(event);
    wake?.();
  };
  const engine = new Secondary({
    zone: "example.",
    primary: { addr: "127.0.0.1", port },
    key,
    onZone: ({ serial }, diffs) => tell({ serial, diffs: diffs?.length }),
    onExpire: () => {},
    onFailure: (why) => tell({ why }),
  });
  return {
    engine,
    async next(): Promise<Came> {
      while (events.length === 0) await new Promise<void>((done) => (wake = done));
      return events.shift() as Came;
    },
  };
}

/** A TCP way to `port` that breaks after so many octets of the answer, the first `times` connections. */
async function cutting(port: number, octets: number, times: number): Promise<number> {
  let left = times;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const up = connect(port, "127.0.0.1");
    for (const socket of [client, up]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    const cut = left-- > 0;
    let passed = 0;
    client.pipe(up);
    up.on("data", (data) => {
      passed += data.length;
      if (!cut || passed <= octets) client.write(data);
      else {
        client.end(data.subarray(0, data.length - (passed - octets)));
        up.destroy();
      }
    });
    up.on("end", () => client.end());
  });
  stops.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((done) =>
    server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port)),
  );
}

describe.each(KINDS.filter((kind) => !missing.includes(kind)))("%s", (kind) => {
  it("RFC 5936, RFC 1995, RFC 1996, RFC 8945: is our primary; the serial wraps; a cut link changes nothing", async () => {
    let told = () => {};
    const us = await ours(() => told());
    const primary = await peer(kind, { zone: text(0xfffffffe), us: us.port });
    await until(async () => (await serialAt(primary.port)) === 0xfffffffe);
    const way = await cutting(primary.port, 20_000, 1);
    const { engine, next } = secondary(way, KEY);
    engine.start(newHost());
    expect((await next()).why).toBeDefined();
    expect(engine.zone).toBeUndefined();
    engine.notify();
    expect(await next()).toEqual({ serial: 0xfffffffe, diffs: undefined });
    expect(lines(engine.zone)).toEqual(lines(zone(0xfffffffe)));
    told = () => engine.notify();
    primary.replace(text(2, "new A 192.0.2.1\n"));
    const { serial, diffs } = await next();
    expect([serial, diffs]).toEqual([2, 1]);
    expect(lines(engine.zone)).toEqual(lines(zone(2, "new A 192.0.2.1\n")));
  });

  it("RFC 8945 5.3: a transfer from it without our key, or with another, brings nothing", async () => {
    const us = await ours();
    const primary = await peer(kind, { zone: text(5), us: us.port });
    await until(async () => (await serialAt(primary.port)) === 5);
    for (const key of [undefined, parseTsigKey("k:b3RoZXIgb3RoZXI=")]) {
      const one = secondary(primary.port, key);
      one.engine.start(newHost());
      expect((await one.next()).why).toBeDefined();
      expect(one.engine.zone).toBeUndefined();
    }
  });

  it("RFC 5936, RFC 1995, RFC 1996, RFC 8945: is our secondary, by differences; the serial wraps", async () => {
    const us = await ours();
    us.authority.setZone(zone(0xfffffffd));
    const replica = await peer(kind, { us: us.port });
    await until(async () => (await serialAt(replica.port)) === 0xfffffffd);
    const to = { addr: "127.0.0.1", port: replica.port };
    for (const serial of [0xffffffff, 3]) {
      us.authority.setZone(zone(serial, `new A 192.0.2.${serial & 7}\n`));
      notify(us.host, us.authority.zone("example.") as Zone, to, () => {});
      await until(async () => (await serialAt(replica.port)) === serial);
    }
    expect(us.asked.filter((type) => type === 251).length).toBeGreaterThanOrEqual(2);
  });
});
