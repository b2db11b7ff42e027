import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../../src/codecs/dns/index.ts";
import {
  decode,
  encode,
  FrameDecoder,
  frame,
  RCODE,
  TYPE,
} from "../../../../src/codecs/dns/index.ts";
import { reverseName } from "../../../../src/engines/dns/client/address-name.ts";
import type {
  ExchangeEvent,
  ExchangeResult,
  Transport,
} from "../../../../src/engines/dns/client/exchange.ts";
import { Exchange } from "../../../../src/engines/dns/client/exchange.ts";
import { parseHosts } from "../../../../src/engines/dns/client/hosts-file.ts";
import { clientQuery, subnetData } from "../../../../src/engines/dns/client/query.ts";
import type { ResolvConf } from "../../../../src/engines/dns/client/resolv-conf.ts";
import {
  candidates,
  DEFAULT_CONF,
  parseResolvConf,
} from "../../../../src/engines/dns/client/resolv-conf.ts";
import type { StubEvent, StubResult } from "../../../../src/engines/dns/client/stub.ts";
import { Stub } from "../../../../src/engines/dns/client/stub.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { World } from "../../../../src/net/simulated/world.ts";

type Answer = (
  query: DnsMessage,
  transport: "udp" | "tcp",
  n: number,
) => (DnsMessage | Uint8Array)[];

const A = {
  name: "www.example.",
  type: TYPE.A,
  class: 1,
  ttl: 60,
  rdata: { address: "192.0.2.80" },
};

function reply(query: DnsMessage, change: Partial<DnsMessage> = {}): DnsMessage {
  const { edns, ...rest } = query;
  return {
    ...rest,
    qr: 1,
    answers: [{ ...A, name: query.questions[0]?.name ?? "." }],
    ...(edns === undefined ? {} : { edns: { ...edns, options: [] } }),
    ...change,
  };
}

/** Servers at 192.0.2.1, .2 ...; `queries` lists what came: `1 udp www.example.`. */
function network(servers: readonly Answer[]): {
  world: World;
  queries: string[];
  ids: number[];
  ports: number[];
} {
  const world = new World({ seed: 1 });
  const queries: string[] = [];
  const ids: number[] = [];
  const ports: number[] = [];
  world.node("client", { addresses: ["192.0.2.100"] });
  servers.forEach((answer, i) => {
    const node = world.node(`s${i + 1}`, { addresses: [`192.0.2.${i + 1}`] });
    let n = 0;
    const serve = (bytes: Uint8Array, transport: "udp" | "tcp") => {
      const query = decode(bytes.slice());
      queries.push(`${i + 1} ${transport} ${query.questions[0]?.name}`);
      ids.push(query.id);
      return answer(query, transport, n++).map((m) => (m instanceof Uint8Array ? m : encode(m)));
    };
    node.udp(
      {
        onDatagram: (data, addr, port, socket) => {
          ports.push(port);
          for (const bytes of serve(data, "udp")) socket.send(bytes, addr, port);
        },
      },
      { local: { port: 53 } },
    );
    node.listen(
      () => {
        const frames = new FrameDecoder();
        return {
          onData: (data, c) => {
            frames.push(data);
            for (let q = frames.next(); q !== undefined; q = frames.next())
              for (const bytes of serve(q, "tcp")) c.write(frame(bytes));
          },
          onEnd: (c) => c.end(),
          onClose() {},
        };
      },
      { local: { port: 53 } },
    );
  });
  return { world, queries, ids, ports };
}

function exchange(
  answer: Answer,
  options: { tries?: number; sameId?: boolean; transport?: Transport } = {},
) {
  const net = network([answer]);
  const host = net.world.get("client");
  const events: ExchangeEvent[] = [];
  let result: ExchangeResult | undefined;
  new Exchange(
    host,
    {
      server: { addr: "192.0.2.1", port: 53 },
      transport: "udp",
      query: clientQuery("www.example.", TYPE.A, { cookie: true }, host.random),
      tries: 3,
      timeoutMs: 1000,
      ...options,
    },
    (r) => {
      result = r;
    },
    (event) => events.push(event),
  ).start();
  net.world.run();
  return { ...net, events, result: result as ExchangeResult | undefined };
}

describe("one question to one server", () => {
  it("RFC 1035 4.2.1: it is asked again with back-off, then given up", () => {
    const { world, events, result, queries } = exchange(() => []);
    expect(result).toMatchObject({ ok: false, cause: "timeout", sent: 3 });
    expect(queries).toHaveLength(3);
    expect(events.filter((e) => e.kind === "timeout").map((e) => e.afterMs)).toEqual([
      1000, 2000, 4000,
    ]);
    expect(world.now).toBeGreaterThanOrEqual(7 * SECOND);
  });

  it("RFC 5452 4.3, 9.2: each try has an identifier and a port of its own; --same-id keeps one", () => {
    const own = exchange(() => []);
    expect([new Set(own.ids).size, new Set(own.ports).size]).toEqual([3, 3]);
    const same = exchange(() => [], { sameId: true });
    expect(new Set(same.ids).size).toBe(1);
  });

  it("RFC 2181 9: an answer that is cut short is asked for again over TCP", () => {
    const { result, queries } = exchange((query, transport) => [
      reply(query, transport === "udp" ? { tc: true, answers: [] } : {}),
    ]);
    expect(queries).toEqual(["1 udp www.example.", "1 tcp www.example."]);
    expect(result).toMatchObject({ ok: true, transport: "tcp", sent: 2 });
  });

  it("RFC 5452 9.1: what has another identifier or question, or is malformed, is not the answer", () => {
    const { result, events } = exchange((query) => [
      reply(query, { id: query.id ^ 1 }),
      reply(query, { questions: [{ name: "other.example.", type: TYPE.A, class: 1 }] }),
      Uint8Array.of(1, 2, 3),
      { ...query, qr: 0 },
      reply(query),
    ]);
    expect(result).toMatchObject({ ok: true, sent: 1 });
    expect(events.flatMap((e) => (e.kind === "ignored" ? [e.why] : []))).toEqual([
      "id",
      "question",
      "malformed",
      "query",
    ]);
  });

  it("RFC 6891 7: a server from before EDNS is asked without", () => {
    const { result } = exchange((query) => {
      if (query.edns === undefined) return [reply(query)];
      const { edns: _edns, ...plain } = reply(query, { rcode: RCODE.FORMERR, answers: [] });
      return [plain];
    });
    expect(result).toMatchObject({ ok: true, sent: 2, response: { rcode: 0 } });
  });

  it("RFC 7873 5.3: BADCOOKIE is followed by the same question with the server's cookie", () => {
    const full = "0102030405060708aabbccddeeff0011";
    const { result } = exchange((query) => {
      const cookie = query.edns?.options.find((o) => o.code === 10)?.data;
      if (cookie === full) return [reply(query)];
      const edns = { udpSize: 1232, version: 0, do: false, options: [{ code: 10, data: full }] };
      return [reply(query, { rcode: RCODE.BADCOOKIE, answers: [], edns })];
    });
    expect(result).toMatchObject({ ok: true, sent: 2, response: { rcode: 0 } });
  });

  it("a closed port is told at once", () => {
    const world = new World({ seed: 1 });
    const host = world.node("client", { addresses: ["192.0.2.100"] });
    world.node("s", { addresses: ["192.0.2.1"] });
    const results: ExchangeResult[] = [];
    for (const transport of ["udp", "tcp"] as const) {
      new Exchange(
        host,
        {
          server: { addr: "192.0.2.1", port: 53 },
          transport,
          query: clientQuery("www.example.", TYPE.A, {}, host.random),
          tries: 3,
          timeoutMs: 1000,
        },
        (r) => results.push(r),
      ).start();
    }
    world.run(SECOND / 2);
    expect(results.map((r) => !r.ok && r.cause)).toEqual(["refused", "refused"]);
  });
});

const CONF: ResolvConf = {
  ...DEFAULT_CONF,
  servers: [
    { addr: "192.0.2.1", port: 53 },
    { addr: "192.0.2.2", port: 53 },
  ],
  search: ["corp.example", "example"],
  timeoutMs: 1000,
};

function stub(
  servers: readonly Answer[],
  name: string,
  conf: Partial<ResolvConf> = {},
  hosts = "",
) {
  const net = network(servers);
  const results: StubResult[] = [];
  const events: StubEvent[] = [];
  const options = {
    conf: { ...CONF, ...conf },
    hosts: parseHosts(hosts),
    transport: "udp" as const,
    query: {},
  };
  const machine = new Stub(net.world.get("client"), options);
  const ask = () =>
    machine.resolve(
      name,
      TYPE.A,
      (r) => results.push(r),
      (e) => events.push(e),
    );
  ask();
  net.world.run();
  return { ...net, results, events, ask };
}

const good: Answer = (query) => [reply(query)];
const silent: Answer = () => [];
const only =
  (name: string): Answer =>
  (query) => [
    query.questions[0]?.name === name
      ? reply(query)
      : reply(query, { rcode: RCODE.NXDOMAIN, answers: [] }),
  ];

describe("the stub resolver", () => {
  it("the hosts file is read first, and no server asked", () => {
    const { results, queries } = stub(
      [good, good],
      "Printer",
      {},
      "192.0.2.9 printer lp # the old one\n",
    );
    expect(results).toMatchObject([{ from: "hosts", addresses: ["192.0.2.9"] }]);
    expect(queries).toEqual([]);
  });

  it("RFC 1123 6.1.3.1: a server that is silent or cannot say is followed by the next, in rounds", () => {
    const first = stub([silent, good], "www.example.");
    expect(first.queries).toEqual(["1 udp www.example.", "2 udp www.example."]);
    const failing: Answer = (query) => [reply(query, { rcode: RCODE.SERVFAIL, answers: [] })];
    expect(stub([failing, good], "www.example.").results).toMatchObject([
      { from: "server", response: { rcode: 0 }, failures: [{ ok: true }] },
    ]);
    const none = stub([silent, failing], "www.example.", { attempts: 3 });
    expect(none.queries.map((q) => q[0]).join("")).toBe("1211");
    expect(none.results).toMatchObject([{ from: "server", response: { rcode: RCODE.SERVFAIL } }]);
    expect(stub([silent, silent], "www.example.").results).toMatchObject([
      { from: "nobody", failures: [{}, {}, {}, {}] },
    ]);
  });

  it("ndots and search: a short name is tried in the search list first, a long one last", () => {
    const short = stub([only("www.example."), silent], "www");
    expect(short.queries).toEqual(["1 udp www.corp.example.", "1 udp www.example."]);
    expect(short.results).toMatchObject([{ from: "server", name: "www.example." }]);
    expect(candidates("a.b", CONF)).toEqual(["a.b.", "a.b.corp.example.", "a.b.example."]);
    expect(candidates("a.b", { ...CONF, ndots: 2 })).toEqual([
      "a.b.corp.example.",
      "a.b.example.",
      "a.b.",
    ]);
    expect(candidates("a.b.", CONF)).toEqual(["a.b."]);
    // RFC 1035 2.3.4: with a suffix it would be too long.
    const long = Array.from({ length: 4 }, () => "a".repeat(61)).join(".");
    expect(candidates(long, CONF)).toEqual([`${long}.`]);
  });

  it("of names that all fail, one that exists says more than one that does not", () => {
    const nodata: Answer = (query) => [
      reply(query, {
        answers: [],
        rcode: query.questions[0]?.name === "www.corp.example." ? RCODE.NOERROR : RCODE.NXDOMAIN,
      }),
    ];
    const { results } = stub([nodata], "www", { servers: CONF.servers.slice(0, 1) });
    expect(results).toMatchObject([{ name: "www.corp.example.", response: { rcode: 0 } }]);
  });

  it("rotate begins with the next server each time", () => {
    const run = stub([good, good], "www.example.", { rotate: true });
    run.ask();
    run.world.run();
    expect(run.queries.map((q) => q[0])).toEqual(["1", "2"]);
  });

  it("resolv.conf(5): servers, search, options with their caps", () => {
    const text = `# local
domain old.example
nameserver 192.0.2.1
nameserver fe80::1%eth0
nameserver not-an-address
nameserver 192.0.2.3
nameserver 192.0.2.4
search a.example b.example
options ndots:20 timeout:2 attempts:9 rotate inet6
`;
    expect(parseResolvConf(text)).toEqual({
      servers: ["192.0.2.1", "fe80::1", "192.0.2.3"].map((addr) => ({ addr, port: 53 })),
      search: ["a.example", "b.example"],
      ndots: 15,
      timeoutMs: 2000,
      attempts: 5,
      rotate: true,
    });
    expect(parseResolvConf("")).toEqual(DEFAULT_CONF);
  });

  it("RFC 3596 2.5, RFC 1035 3.5: addresses as names", () => {
    expect(reverseName("192.0.2.1")).toBe("1.2.0.192.in-addr.arpa.");
    expect(reverseName("2001:db8::1")).toBe(`1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa.`);
    expect(reverseName("example")).toBeUndefined();
  });

  it("RFC 7871 6: a subnet has only the octets of its prefix", () => {
    expect(subnetData("192.0.2.129/25")).toBe("00011900c0000280");
    expect(subnetData("192.0.2.129/20")).toBe("00011400c00000");
    expect(subnetData("2001:db8::/33")).toBe("0002210020010db800");
    for (const bad of ["192.0.2.0/33", "x/8", "192.0.2.0/", "192.0.2.0/1.5"])
      expect(() => subnetData(bad)).toThrow(RangeError);
  });

  it("RFC 8467 4.1: queries are padded to 128 octets", () => {
    const { world } = network([]);
    const { random } = world.get("client");
    for (const name of ["a.example.", `${"b".repeat(60)}.example.`, "."])
      expect(encode(clientQuery(name, TYPE.A, { padding: true }, random)).length % 128).toBe(0);
  });

  it("no wait is shorter than a round trip", () => {
    const { world } = stub([good, good], "www.example.");
    expect(world.now).toBeGreaterThanOrEqual(20 * MILLISECOND);
  });
});
