import { describe, expect, it } from "vitest";
import { TYPE } from "../../../../src/codecs/dns/constants.ts";
import { decode } from "../../../../src/codecs/dns/decode.ts";
import { encode } from "../../../../src/codecs/dns/encode.ts";
import type { DnsMessage } from "../../../../src/codecs/dns/message.ts";
import { readZone } from "../../../../src/codecs/dns/zonefile.ts";
import { encode as encodeHttp } from "../../../../src/codecs/http/index.ts";
import { latin1Bytes } from "../../../../src/codecs/writer.ts";
import { Authority } from "../../../../src/engines/dns/authority.ts";
import type { QueryOptions } from "../../../../src/engines/dns/client/query.ts";
import { clientQuery } from "../../../../src/engines/dns/client/query.ts";
import { DnsListener } from "../../../../src/engines/dns/listener.ts";
import { Nearest } from "../../../../src/engines/dns/nearest/nearest.ts";
import { readPlan } from "../../../../src/engines/dns/nearest/plan.ts";
import { EdgeProber } from "../../../../src/engines/dns/nearest/prober.ts";
import { Recursor } from "../../../../src/engines/dns/recursor.ts";
import { Zone } from "../../../../src/engines/dns/zone.ts";
import type { Engine, Host } from "../../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../../src/engines/host.ts";
import { World } from "../../../../src/net/simulated/world.ts";

const SERVER = "10.0.0.53";
const RECURSOR = "10.0.0.9";
const zone = () =>
  new Zone(
    "cdn.",
    readZone("@ 300 SOA ns h 1 2 3 4 60\n@ 300 NS ns\nns 300 A 10.0.0.53\nwww 300 A 10.0.0.80\n", {
      origin: "cdn.",
    }),
  );

const PLAN = {
  ttl: 20,
  high: 0.9,
  low: 0.5,
  places: { west: [37.8, -122.4], east: [39, -77.5], europe: [50.1, 8.7] },
  clients: { "10.1.0.0/16": "west", "10.3.0.0/16": "europe" },
  edges: {
    west: { addresses: ["10.1.0.80"], place: "west", capacity: 100 },
    east: { addresses: ["10.2.0.80"], place: "east", capacity: 100 },
    europe: { addresses: ["10.3.0.80"], place: "europe", capacity: 100 },
  },
  names: { "www.cdn": ["west", "east", "europe"] },
  check: { port: 8080, path: "/load", every: 2, timeout: 1 },
};

/** An edge of a CDN: its load as a resource. */
class LoadServer implements Engine {
  body = '{"load": 10}';
  status = 200;
  /** What it says in the place of HTTP; "": nothing, and the connection stays open. */
  raw: string | undefined;

  start(host: Host): void {
    host.listen(
      (connection) => ({
        onData: () => {
          if (this.raw !== undefined) {
            if (this.raw !== "") connection.write(latin1Bytes(this.raw));
            return;
          }
          const body = latin1Bytes(this.body);
          const fields = [{ name: "Content-Length", value: String(body.length) }];
          connection.write(
            encodeHttp({
              kind: "response",
              version: "HTTP/1.1",
              statusCode: this.status,
              reasonPhrase: "so",
              fields,
              body,
              trailers: [],
            }),
          );
          connection.end();
        },
        onClose() {},
      }),
      { local: { port: 8080 } },
    );
  }

  stop(_graceful: boolean, done: () => void): void {
    done();
  }
}

function asked(
  host: Host,
  world: World,
  name: string,
  to: string,
  options: QueryOptions = {},
): DnsMessage | undefined {
  let answer: DnsMessage | undefined;
  const socket = host.udp({
    onDatagram: (data) => {
      answer = decode(data.slice());
    },
  });
  socket.send(encode(clientQuery(name, TYPE.A, options, host.random)), to, 53);
  const until = world.now + 3 * SECOND;
  while (answer === undefined && world.now < until) world.run(world.now + 10 * MILLISECOND);
  socket.close();
  return answer;
}

/** The first address and its TTL. */
function first(message: DnsMessage | undefined): string {
  const [record] = message?.answers ?? [];
  return record === undefined
    ? "nothing"
    : `${(record.rdata as { address: string }).address} ${record.ttl}`;
}

function cdn(seed: number) {
  const world = new World({ seed });
  const edges = new Map<string, LoadServer>();
  for (const [name, { addresses }] of Object.entries(PLAN.edges)) {
    const edge = new LoadServer();
    edges.set(name, edge);
    world.node(`edge ${name}`, { addresses, boot: () => edge });
  }
  const nearest = new Nearest(readPlan(PLAN));
  let questions = 0;
  world.node("server", {
    addresses: [SERVER],
    boot: (host) => {
      const authority = new Authority(host.clock);
      authority.setZone(zone());
      authority.setTailor(nearest);
      const { plan } = nearest;
      if (plan.check !== undefined)
        new EdgeProber({
          check: plan.check,
          edges: plan.edges,
          onReport: (edge, report) => nearest.report(edge, report, host.clock.now()),
        }).start(host);
      const service = {
        answerNow: (...args: Parameters<Authority["answerNow"]>) => {
          questions++;
          return authority.answerNow(...args);
        },
        query: authority.query.bind(authority),
      };
      return new DnsListener(service, { listen: [{ addr: SERVER, port: 53 }] });
    },
  });
  world.node("recursor", {
    addresses: [RECURSOR],
    boot: (host) => {
      const subnet = { servers: [], zones: ["cdn."], maxIpv4: 24, maxIpv6: 56, always: false };
      const recursor = new Recursor({
        resolver: {
          stubs: [{ zone: "cdn.", addresses: [{ addr: SERVER, port: 53 }] }],
          validate: false,
          ipv6: false,
          subnet,
        },
      });
      recursor.start(host);
      return new DnsListener(recursor, { listen: [{ addr: RECURSOR, port: 53 }] });
    },
  });
  const clients = {
    west: world.node("client west", { addresses: ["10.1.7.7"] }),
    neighbour: world.node("neighbour west", { addresses: ["10.1.99.1"] }),
    europe: world.node("client europe", { addresses: ["10.3.7.7"] }),
    elsewhere: world.node("elsewhere", { addresses: ["10.9.7.7"] }),
  };
  world.run(SECOND);
  const edge = (name: string) => edges.get(name) as LoadServer;
  return {
    world,
    edge,
    questions: () => questions,
    ask: (client: keyof typeof clients, to = RECURSOR) =>
      first(asked(clients[client], world, "www.cdn.", to)),
    wait: (seconds: number) => world.run(world.now + seconds * SECOND),
  };
}

describe("a CDN by DNS in a simulated network", () => {
  it.each([1, 2])(
    "RFC 7871 7.3: one recursor gives each of its clients the nearest edge, and asks once for each scope (seed %i)",
    (seed) => {
      const { ask, questions } = cdn(seed);
      expect(ask("west")).toBe("10.1.0.80 20");
      const once = questions();
      expect(ask("neighbour")).toBe("10.1.0.80 20");
      expect(questions()).toBe(once);
      expect(ask("europe")).toBe("10.3.0.80 20");
      expect(ask("elsewhere")).toBe("10.1.0.80 20");
      expect(questions()).toBe(once + 2);
    },
  );

  it("an overloaded edge loses its clients when the TTL is over, and has them back below the lower mark", () => {
    const { ask, edge, wait } = cdn(3);
    expect(ask("west")).toBe("10.1.0.80 20");
    edge("west").body = '{"load": 95}';
    wait(4);
    expect(ask("west", SERVER)).toBe("10.2.0.80 20");
    expect(ask("west")).toMatch(/^10\.1\.0\.80 1[56]$/);
    wait(16);
    expect(ask("west")).toBe("10.2.0.80 20");
    edge("west").body = '{"load": 60}';
    wait(30);
    expect(ask("west")).toBe("10.2.0.80 20");
    edge("west").body = '{"load": 50}';
    wait(4);
    expect(ask("west", SERVER)).toBe("10.1.0.80 20");
    expect(ask("europe")).toBe("10.3.0.80 20");
  });

  it("an edge that crashed, or answers that it is unwell, is left at once; when all are, the zone's own address serves", () => {
    const { ask, edge, wait, world } = cdn(4);
    world.faults.crash("edge west");
    wait(6);
    expect(ask("west", SERVER)).toBe("10.2.0.80 20");
    edge("east").status = 503;
    wait(5);
    expect(ask("west", SERVER)).toBe("10.3.0.80 20");
    edge("europe").status = 503;
    wait(5);
    expect(ask("west", SERVER)).toBe("10.0.0.80 20");
    world.faults.restart("edge west");
    wait(6);
    expect(ask("west", SERVER)).toBe("10.1.0.80 20");
  });

  it("an edge that takes the connection and says nothing, or no HTTP, is down", () => {
    const { ask, edge, wait } = cdn(5);
    edge("west").raw = "";
    edge("east").raw = "SSH-2.0-9\r\n";
    wait(6);
    expect(ask("west", SERVER)).toBe("10.3.0.80 20");
  });
});

describe("anycast in a simulated network", () => {
  const ANYCAST = "10.99.0.53";

  /** Two routers an ocean apart, the same address behind each, a client beside each. */
  function ocean() {
    const world = new World({ seed: 1, delay: MILLISECOND });
    world.router("west");
    world.router("east");
    world.link("west", "core", { delay: 20 * MILLISECOND });
    world.link("east", "core", { delay: 20 * MILLISECOND });
    for (const at of ["west", "east"])
      world.node(`server ${at}`, {
        addresses: [ANYCAST],
        at,
        boot: (host) => {
          const authority = new Authority(host.clock, { nsid: at });
          authority.setZone(zone());
          return new DnsListener(authority, { listen: [{ addr: ANYCAST, port: 53 }] });
        },
      });
    const client = world.node("client", { addresses: ["10.1.7.7"], at: "west" });
    const other = world.node("other", { addresses: ["10.2.7.7"], at: "east" });
    world.run(0);
    const ask = (host: Host) => {
      const began = world.now;
      const answer = asked(host, world, "www.cdn.", ANYCAST, { nsid: true });
      const nsid = answer?.edns?.options.find(({ code }) => code === 3)?.data ?? "";
      return {
        by: Buffer.from(nsid, "hex").toString(),
        far: world.now - began > 40 * MILLISECOND,
      };
    };
    return { world, client, other, ask };
  }

  it("RFC 4786 3.1: the nearest instance by route answers, for each client its own", () => {
    const { client, other, ask } = ocean();
    expect(ask(client)).toEqual({ by: "west", far: false });
    expect(ask(other)).toEqual({ by: "east", far: false });
  });

  it("RFC 4786 4.4.1: when the route is withdrawn the next nearest answers, and the nearest again when it is back", () => {
    const { world, client, ask } = ocean();
    const undo = world.faults.link("server west", "west", { up: false });
    expect(ask(client)).toEqual({ by: "east", far: true });
    undo();
    expect(ask(client)).toEqual({ by: "west", far: false });
  });

  it("RFC 4786 4.4.1: an instance that crashed and is still announced is a black hole", () => {
    const { world, client, other, ask } = ocean();
    world.faults.crash("server west");
    expect(ask(client).by).toBe("");
    expect(ask(other).by).toBe("east");
  });
});
