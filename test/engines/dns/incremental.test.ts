import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { decode } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import type { ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { readZone, writeZone } from "../../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { TransferError, TransferReader } from "../../../src/engines/dns/client/transfer-reader.ts";
import { DnsListener } from "../../../src/engines/dns/listener.ts";
import { Secondary } from "../../../src/engines/dns/secondary.ts";
import type { TsigKey } from "../../../src/engines/dns/tsig.ts";
import { parseTsigKey } from "../../../src/engines/dns/tsig.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import type { ZoneDiff } from "../../../src/engines/dns/zone-diff.ts";
import { applyDiffs, diffZones } from "../../../src/engines/dns/zone-diff.ts";
import { LiveHost } from "../../../src/net/live/host.ts";

const hosts: LiveHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.stop();
});

function newHost(): LiveHost {
  const host = new LiveHost();
  hosts.push(host);
  return host;
}

function zone(serial: number, more = ""): Zone {
  const text = `@ 5 SOA ns h ${serial} 3600 3600 86400 60\n@ 5 NS ns\nns 5 A 192.0.2.1\n${more}`;
  return new Zone("z.", readZone(text, { origin: "z." }));
}

const MANY = Array.from({ length: 1500 }, (_, i) => `h${i} 5 A 192.0.2.1\n`).join("");
const KEY = parseTsigKey("k:c2VjcmV0IHNlY3JldA==") as TsigKey;
const OTHER = parseTsigKey("k:b3RoZXIgc2VjcmV0") as TsigKey;

function lines(of: Zone): string[] {
  return writeZone(of.records()).split("\n").sort();
}

async function primary(first: Zone, key?: TsigKey) {
  const host = newHost();
  const authority = new Authority(host.clock, {
    mayTransfer: (_client, _zone, name) => key === undefined || name === key.name,
    ...(key === undefined ? {} : { tsigKeys: [key] }),
  });
  authority.setZone(first);
  const port = await new Promise<number>((done, fail) => {
    new DnsListener(authority, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
      onListenError: fail,
    }).start(host);
  });
  return { authority, port };
}

interface Came {
  readonly serial?: number;
  readonly diffs?: readonly ZoneDiff[] | undefined;
  readonly why?: string;
}

function secondary(port: number, key?: TsigKey) {
  const events: Came[] = [];
  let wake: (() => void) | undefined;
  const tell = (event: Came) => {
    events.push(event);
    wake?.();
  };
  const engine = new Secondary({
    zone: "z.",
    primary: { addr: "127.0.0.1", port },
    key,
    onZone: ({ serial }, diffs) => tell({ serial, diffs }),
    onExpire: () => {},
    onFailure: (why) => tell({ why }),
  });
  engine.start(newHost());
  return {
    engine,
    async next(): Promise<Came> {
      while (events.length === 0) await new Promise<void>((done) => (wake = done));
      return events.shift() as Came;
    },
  };
}

/** An IXFR as a client puts it. */
function ixfr(serial: number | undefined, udpSize = 1232): Uint8Array {
  const base = decode(Uint8Array.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  return encode({
    ...base,
    questions: [{ name: "z.", type: 251, class: 1 }],
    authority: serial === undefined ? [] : [zone(serial).soa],
    edns: { udpSize, version: 0, do: false, options: [] },
  });
}

function overUdp(authority: Authority, request: Uint8Array) {
  const client = { addr: "192.0.2.9", port: 1, transport: "udp" } as const;
  return decode(Uint8Array.from(authority.answerNow(request, client) as Uint8Array));
}

function types(records: readonly ResourceRecord[]): string {
  return records.map(({ type }) => (type === 6 ? "S" : "r")).join("");
}

describe("differences of zones", () => {
  it("RFC 1995 4: the old zone and the differences are the new zone", () => {
    const hostList = fc.array(fc.tuple(fc.nat(30), fc.nat(3), fc.constantFrom(5, 5, 6)), {
      maxLength: 40,
    });
    const text = (list: readonly (readonly [number, number, number])[]) =>
      list.map(([name, last, ttl]) => `H${name} ${ttl} A 192.0.2.${last}\n`).join("");
    fc.assert(
      fc.property(hostList, hostList, (one, two) => {
        const from = zone(1, text(one));
        const to = zone(2, text(two));
        const records = applyDiffs(from, [diffZones(from, to)]);
        expect(lines(new Zone("z.", records ?? []))).toEqual(lines(to));
      }),
      { numRuns: 200 },
    );
  });

  it("RFC 1995 4: differences of another zone are refused", () => {
    const diff = diffZones(zone(1, "a 5 A 192.0.2.1\n"), zone(2, "b 5 A 192.0.2.1\n"));
    expect(applyDiffs(zone(1), [diff])).toBeUndefined();
    expect(applyDiffs(zone(7, "a 5 A 192.0.2.1\n"), [diff])).toBeUndefined();
    const both = zone(1, "a 5 A 192.0.2.1\nb 5 A 192.0.2.1\n");
    expect(applyDiffs(both, [diff])).toBeUndefined();
  });
});

describe("IXFR", () => {
  it("RFC 1995 2: a secondary has the differences, several versions at once, across a wrapped serial", async () => {
    const { authority, port } = await primary(zone(0xfffffffe, MANY));
    const { engine, next } = secondary(port);
    expect(await next()).toEqual({ serial: 0xfffffffe, diffs: undefined });
    authority.setZone(zone(0xffffffff, `${MANY}new 5 A 192.0.2.7\n`));
    authority.setZone(zone(1, `${MANY}new 6 A 192.0.2.7\n`));
    engine.notify();
    const { serial, diffs } = await next();
    expect([serial, diffs?.map(({ removed, added }) => [removed.length, added.length])]).toEqual([
      1,
      [
        [0, 1],
        [1, 1],
      ],
    ]);
    expect(lines(engine.zone as Zone)).toEqual(lines(authority.zone("z.") as Zone));
  });

  it("RFC 1995 4: a version that the primary does not remember is answered with the whole zone", async () => {
    const { authority, port } = await primary(zone(1));
    const { engine, next } = secondary(port);
    await next();
    authority.removeZone("z.");
    authority.setZone(zone(5, "gap 5 A 192.0.2.7\n"));
    engine.notify();
    expect(await next()).toEqual({ serial: 5, diffs: undefined });
    expect(lines(engine.zone as Zone)).toEqual(lines(authority.zone("z.") as Zone));
  });

  it("RFC 1995 2: over UDP the differences, and the SOA alone where they do not fit, are unknown, or nothing is new", async () => {
    const { authority } = await primary(zone(1, "a 5 A 192.0.2.1\n"));
    authority.setZone(zone(2, "b 5 A 192.0.2.1\n"));
    expect(types(overUdp(authority, ixfr(1)).answers)).toBe("SSrSrS");
    expect(overUdp(authority, ixfr(1)).edns).toBeDefined();
    authority.setZone(zone(3, MANY));
    for (const serial of [1, 0, 3, 4]) {
      const { answers, tc, rcode } = overUdp(authority, ixfr(serial, 4096));
      expect([serial, types(answers), tc, rcode]).toEqual([serial, "S", false, 0]);
    }
    expect(overUdp(authority, ixfr(undefined)).rcode).toBe(1);
  });

  it("RFC 8945 5.3.1: transfers are signed both ways, by key alone", async () => {
    const { authority, port } = await primary(zone(1, MANY), KEY);
    const good = secondary(port, KEY);
    expect((await good.next()).serial).toBe(1);
    authority.setZone(zone(2, `${MANY}x 5 A 192.0.2.7\n`));
    good.engine.notify();
    expect((await good.next()).diffs?.length).toBe(1);
    expect((await secondary(port, OTHER).next()).why).toContain("BADSIG");
    expect((await secondary(port).next()).why).toContain("rcode 5");
    const open = await primary(zone(1, MANY));
    expect((await secondary(open.port, KEY).next()).why).toBeDefined();
  });
});

describe("the records of a transfer", () => {
  const [one, two, three] = [zone(1).soa, zone(2).soa, zone(3).soa];
  const a = [...zone(1).records()][2] as ResourceRecord;

  it.each<[string, number | undefined, readonly ResourceRecord[], string]>([
    ["a zone", undefined, [three, a, three], "zone"],
    ["a zone for an IXFR", 1, [three, a, three], "zone"],
    ["nothing new", 3, [three], "current"],
    ["differences", 1, [three, one, a, two, two, three, a, three], "diffs"],
    ["not yet whole", 1, [three, one, a, two, two, three, a], "more"],
    ["begins without SOA", undefined, [a, three], "fault"],
    ["another SOA at the end", undefined, [three, a, two], "fault"],
    ["differences with a gap", 1, [three, one, a, two, three, a, three], "fault"],
    ["records behind the end", undefined, [three, a, three, a], "fault"],
  ])("RFC 1995 4, RFC 5936 2.2: %s", (_what, serial, records, kind) => {
    const read = (parts: readonly (readonly ResourceRecord[])[]) => {
      const reader = new TransferReader(serial);
      try {
        let result: { kind: string } | undefined;
        for (const part of parts) {
          if (result !== undefined) return "fault";
          result = reader.take(part);
        }
        return result?.kind ?? "more";
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        return "fault";
      }
    };
    expect(read([records])).toBe(kind);
    expect(read(records.map((record) => [record]))).toBe(kind);
  });
});
