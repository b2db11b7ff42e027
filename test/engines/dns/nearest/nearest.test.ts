import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameKey } from "../../../../src/codecs/dns/canonical.ts";
import { RCODE, TYPE } from "../../../../src/codecs/dns/constants.ts";
import { decode } from "../../../../src/codecs/dns/decode.ts";
import { encode } from "../../../../src/codecs/dns/encode.ts";
import type { DnsMessage } from "../../../../src/codecs/dns/message.ts";
import { readZone } from "../../../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../../../src/engines/dns/authority.ts";
import { keyOfOctets } from "../../../../src/engines/dns/lab/build.ts";
import { EdgeState } from "../../../../src/engines/dns/nearest/edge-state.ts";
import { Nearest } from "../../../../src/engines/dns/nearest/nearest.ts";
import type { Network } from "../../../../src/engines/dns/nearest/network.ts";
import { networkOf, parseNetwork } from "../../../../src/engines/dns/nearest/network.ts";
import { PlanError, readPlan } from "../../../../src/engines/dns/nearest/plan.ts";
import { PrefixTree } from "../../../../src/engines/dns/nearest/prefix-tree.ts";
import type { SigningKey } from "../../../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../../../src/engines/dns/sign.ts";
import { Zone } from "../../../../src/engines/dns/zone.ts";
import { SECOND } from "../../../../src/engines/host.ts";

const network = (text: string) => parseNetwork(text) as Network;

const FILE = {
  ttl: 20,
  high: 0.9,
  low: 0.6,
  hold: 30,
  places: { frankfurt: [50.1, 8.7], virginia: [39, -77.5], tokyo: [35.7, 139.7] },
  clients: {
    "192.0.2.0/24": "frankfurt",
    "192.0.2.128/25": "virginia",
    "198.51.100.0/24": [37.8, -122.4],
    "2001:db8:a::/48": "tokyo",
  },
  edges: {
    fra: { addresses: ["203.0.113.1", "2001:db8::1"], place: "frankfurt", capacity: 100 },
    iad: { addresses: ["203.0.113.2", "203.0.113.22"], place: "virginia", capacity: 100 },
    nrt: {
      addresses: ["203.0.113.3", "2001:db8::3"],
      place: "tokyo",
      prefixes: ["192.0.2.64/28"],
    },
  },
  names: {
    "www.example": ["fra", "iad", "nrt"],
    "bare.example": ["fra", "iad"],
    "*.wild.example": ["iad"],
  },
};

const ZONE = `@ 300 SOA ns h 1 2 3 4 60
@ 300 NS ns
ns 300 A 192.0.2.53
www 300 A 192.0.2.80
alias 300 CNAME www
bare 300 TXT none
*.wild 300 TXT w
plain 300 A 192.0.2.81
@ 300 MX 5 www
`;

describe("prefixes and scopes", () => {
  const tree = new PrefixTree<string>();
  for (const one of ["10.0.0.0/8", "10.32.0.0/11", "10.33.1.0/24"])
    tree.at(network(one), () => one);
  it.each<[string, string | undefined, number]>([
    ["11.0.0.0/24", undefined, 8],
    ["192.0.2.0/24", undefined, 1],
    ["10.128.0.0/24", "10.0.0.0/8", 9],
    ["10.64.0.0/24", "10.0.0.0/8", 10],
    ["10.0.0.0/24", "10.0.0.0/8", 11],
    ["10.48.0.0/24", "10.32.0.0/11", 12],
    ["10.33.0.0/24", "10.32.0.0/11", 24],
    ["10.33.1.7/32", "10.33.1.0/24", 24],
  ])("RFC 7871 7.2.1: overlapping prefixes are told apart: %s", (client, match, scope) => {
    const found = tree.match(network(client));
    expect([found.values.at(-1), found.scope]).toEqual([match, scope]);
  });

  it("RFC 7871 7.2.1: the scope is longer than a source that does not tell which prefix it is", () => {
    expect(tree.match(network("10.0.0.0/8"))).toEqual({ values: ["10.0.0.0/8"], scope: 24 });
    expect(tree.match(network("0.0.0.0/0"))).toEqual({ values: [], scope: 24 });
  });

  it("RFC 7871 7.2.1: whoever shares the scope with a client has the same answer", () => {
    const prefix = fc
      .tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 16 }))
      .map(([word, bits]) => ({
        word: bits === 0 ? 0 : (word >> (16 - bits)) << (16 - bits),
        bits,
      }));
    const of = (word: number, bits: number): Network => ({
      bytes: Uint8Array.of(word >> 8, word & 255, 0, 0),
      bits,
    });
    fc.assert(
      fc.property(
        fc.array(prefix, { maxLength: 12 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 0xffff }),
        (prefixes, client, noise) => {
          const random = new PrefixTree<string>();
          for (const { word, bits } of prefixes) random.at(of(word, bits), () => `${word}/${bits}`);
          const { values, scope } = random.match(of(client, 32));
          const holds = prefixes.filter(({ word, bits }) => (client ^ word) >> (16 - bits) === 0);
          const names = holds.sort((a, b) => a.bits - b.bits).map((p) => `${p.word}/${p.bits}`);
          expect(values).toEqual([...new Set(names)]);
          expect(scope).toBeLessThanOrEqual(16);
          const mask = (1 << (16 - scope)) - 1;
          const other = (client & ~mask) | (noise & mask);
          expect(random.match(of(other, 32))).toEqual({ values, scope });
        },
      ),
    );
  });
});

describe("how an edge is", () => {
  const limits = { capacity: 200, high: 0.9, low: 0.6, hold: 30 * SECOND, fails: 2, passes: 3 };
  const follow = (rows: readonly [number, Parameters<EdgeState["report"]>[0]][]) => {
    const state = new EdgeState(limits);
    return rows.map(([at, report]) => {
      state.report(report, at * SECOND);
      return state.condition;
    });
  };

  it("an overloaded edge has its clients back only below the lower mark", () => {
    const loads = [100, 179, 180, 170, 130, 120, 179, 180];
    expect(follow(loads.map((load, i) => [i * 40, { load }]))).toEqual([
      "well",
      "well",
      "overloaded",
      "overloaded",
      "overloaded",
      "well",
      "well",
      "overloaded",
    ]);
  });

  it("and not before its last answers have left the caches", () => {
    expect(
      follow([
        [0, { load: 190 }],
        [29, { load: 0 }],
        [30, { load: 0 }],
      ]),
    ).toEqual(["overloaded", "overloaded", "well"]);
  });

  it("an edge that says it is unwell is down at once; checks count in a row", () => {
    expect(
      follow([
        [0, { healthy: false }],
        [1, { healthy: true }],
        [2, { passed: false }],
        [3, { passed: true }],
        [4, { passed: false }],
        [5, { passed: false }],
        [6, { passed: true }],
        [7, { passed: true }],
        [8, { passed: true }],
      ]),
    ).toEqual(["down", "well", "well", "well", "well", "down", "down", "down", "well"]);
  });
});

describe("the choice", () => {
  const www = nameKey("www.example.");
  const chosen = (nearest: Nearest, client: string, type: number = TYPE.A) => {
    const verdict = nearest.explain(www, type, true, network(client));
    return `${verdict?.chosen} ${verdict?.because} /${verdict?.scope}`;
  };

  it.each([
    ["192.0.2.1", "fra distance /26"],
    ["192.0.2.70", "nrt prefix /28"],
    ["192.0.2.200", "iad distance /25"],
    ["198.51.100.9", "iad distance /24"],
    ["8.8.8.8", "fra order /1"],
    ["2001:db8:a::1", "nrt distance /48"],
  ])("the nearest by prefix, then by distance: %s", (client, expected) => {
    expect(chosen(new Nearest(readPlan(FILE)), client)).toBe(expected);
  });

  it("load and health move clients to the next nearest, and all the way round", () => {
    const nearest = new Nearest(readPlan(FILE));
    const say = (edge: string, report: Parameters<EdgeState["report"]>[0], at: number) => {
      nearest.report(edge, report, at * SECOND);
      return chosen(nearest, "192.0.2.1").split(" /")[0];
    };
    expect(say("fra", { load: 95 }, 0)).toBe("iad distance");
    expect(say("iad", { healthy: false }, 1)).toBe("nrt distance");
    expect(say("nrt", { load: 0.97 }, 2)).toBe("fra least loaded");
    expect(say("fra", { healthy: false }, 3)).toBe("nrt least loaded");
    expect(say("nrt", { healthy: false }, 4)).toBe("undefined all down");
    expect(say("fra", { healthy: true }, 5)).toBe("fra distance");
  });

  it("only edges with an address of the family that is asked for", () => {
    const nearest = new Nearest(readPlan(FILE));
    expect(chosen(nearest, "192.0.2.200", TYPE.AAAA)).toBe("fra distance /25");
  });

  it("what was known of an edge goes on with another plan", () => {
    const before = new Nearest(readPlan(FILE));
    before.report("fra", { load: 95 }, 0);
    const after = new Nearest(readPlan({ ...FILE, ttl: 5 }), before);
    expect(after.condition("fra")).toBe("overloaded");
    expect(() => after.report("lax", {}, 0)).toThrow(RangeError);
  });

  it("another process that is told chooses alike, between the marks too", () => {
    const one = new Nearest(readPlan(FILE));
    one.report("fra", { load: 95 }, 0);
    one.report("fra", { load: 80 }, SECOND);
    one.report("iad", { healthy: false }, SECOND);
    const other = new Nearest(readPlan(FILE));
    other.adopt([...one.snapshot(), { edge: "lax", condition: "down", share: undefined }]);
    expect(other.snapshot()).toEqual(one.snapshot());
    expect(chosen(other, "192.0.2.1")).toBe("nrt distance /26");
  });

  it("RFC 4291 2.5.5.2: an IPv4-mapped client is an IPv4 client", () => {
    expect(networkOf("::ffff:192.0.2.1")).toEqual(networkOf("192.0.2.1"));
  });
});

describe("the file", () => {
  const without = (change: object) => ({ ...FILE, ...change });
  it.each<[string, unknown]>([
    ["the document: is no object", []],
    ["edgse: is none of ttl, high, low, hold, places, clients, edges, names, check", { edgse: {} }],
    ["edges: is no object", { names: {} }],
    [
      "places.frankfurt[0]: is no number from -90 to 90",
      without({ places: { frankfurt: [91, 0] } }),
    ],
    [
      'clients["192.0.2.1/24"]: "192.0.2.1/24" is no ADDRESS/BITS with zeros behind its bits',
      without({ clients: { "192.0.2.1/24": "tokyo" } }),
    ],
    [
      'clients["10.0.0.0/8"]: "paris" is none of the places',
      without({ clients: { "10.0.0.0/8": "paris" } }),
    ],
    [
      'edges.fra.addresses[1]: "here" is no address',
      without({ edges: { fra: { addresses: ["::1", "here"] } } }),
    ],
    ["edges.fra.addresses: is empty", without({ edges: { fra: { addresses: [] } } })],
    [
      'names["x.example"][1]: "lax" is none of the edges',
      without({ names: { "x.example": ["fra", "lax"] } }),
    ],
    [
      'names["X.example"]: is there twice',
      without({ names: { "x.example": ["fra"], "X.example": ["fra"] } }),
    ],
    ["low: is no number from 0 to 0.9", without({ low: 0.95 })],
    ["check.port: is no number from 1 to 65535", without({ check: { port: 0 } })],
    [
      "check.path: is no path that begins with / (RFC 9112 3.2.1)",
      without({ check: { port: 1, path: "load" } }),
    ],
  ])("is refused with the place: %s", (message, document) => {
    expect(() => readPlan(document)).toThrow(PlanError);
    expect(() => readPlan(document)).toThrow(message);
  });
});

interface Asked {
  readonly name?: string;
  readonly type?: number;
  readonly from?: string;
  readonly subnet?: string;
  readonly udpSize?: number;
}

function served(text = ZONE, signed = false): { authority: Authority; nearest: Nearest } {
  const authority = new Authority({ wallMs: () => 0 }, { cookieSecret: new Uint8Array(16) });
  const plain = new Zone("example.", readZone(text, { origin: "example." }));
  const ksk = signingKey(keyOfOctets(new Uint8Array(32)), true) as SigningKey;
  authority.setZone(
    signed ? new Zone("example.", signZone(plain, { ksk, inception: 0, expiration: 9 })) : plain,
  );
  const nearest = new Nearest(readPlan(FILE));
  authority.setTailor(nearest);
  return { authority, nearest };
}

function ask(authority: Authority, asked: Asked): DnsMessage {
  const { name = "www.example.", type = TYPE.A, from = "8.8.8.8", subnet, udpSize = 1232 } = asked;
  const options = [
    ...(subnet === undefined ? [] : [{ code: 8, data: subnet }]),
    { code: 10, data: "0011223344556677" },
  ];
  const request = encode({
    id: 1,
    qr: 0,
    opcode: 0,
    rcode: 0,
    aa: false,
    tc: false,
    rd: false,
    ra: false,
    ad: false,
    cd: false,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
    edns: { udpSize, version: 0, do: true, options },
  });
  const client = { addr: from, port: 1, transport: "udp" } as const;
  const answer = authority.answerNow(request, client) as Uint8Array;
  expect(answer.length).toBeLessThanOrEqual(udpSize);
  return decode(Uint8Array.from(answer));
}

const addresses = ({ answers }: DnsMessage) =>
  answers.flatMap(({ rdata, ttl }) => {
    const { address } = rdata as { address?: string };
    return address === undefined ? [] : [`${address} ${ttl}`];
  });
const subnetOf = ({ edns }: DnsMessage) => edns?.options.find(({ code }) => code === 8)?.data;

describe("answers for each client", () => {
  it.each<[string, Asked, string[], string | undefined]>([
    ["by its address", { from: "192.0.2.1" }, ["203.0.113.1 20"], undefined],
    [
      "by its subnet, not its resolver's",
      { subnet: "00011800c00002", from: "198.51.100.1" },
      ["203.0.113.1 20"],
      "0001181cc00002",
    ],
    [
      "by a subnet that tells enough",
      { subnet: "00011a00c0000200" },
      ["203.0.113.1 20"],
      "00011a1ac0000200",
    ],
    [
      "SOURCE PREFIX-LENGTH 0: by its resolver, for all of its clients",
      { subnet: "00010000", from: "192.0.2.200" },
      ["203.0.113.2 20", "203.0.113.22 20"],
      "00010000",
    ],
    [
      "IPv6",
      { subnet: "0002300020010db8000a", type: TYPE.AAAA },
      ["2001:db8::3 20"],
      "0002303020010db8000a",
    ],
    [
      "through an alias",
      { name: "alias.example.", from: "192.0.2.1" },
      ["203.0.113.1 20"],
      undefined,
    ],
    [
      "below a wildcard",
      { name: "a.wild.example." },
      ["203.0.113.2 20", "203.0.113.22 20"],
      undefined,
    ],
    [
      "a family that no edge has is NODATA",
      { name: "a.wild.example.", type: TYPE.AAAA, subnet: "00011800c00002" },
      [],
      "00011800c00002",
    ],
    [
      "a name that is the same for all has scope 0",
      { name: "plain.example.", subnet: "00011800c00002" },
      ["192.0.2.81 300"],
      "00011800c00002",
    ],
  ])("RFC 7871 7.2: %s", (_rule, asked, expected, subnet) => {
    const answer = ask(served().authority, asked);
    expect(addresses(answer).sort()).toEqual(expected);
    expect(subnetOf(answer)).toBe(subnet);
    expect(answer.edns?.options.some(({ code }) => code === 10)).toBe(true);
  });

  it.each([
    ["an unknown family", "00031800c00002"],
    ["too few octets", "00011800c000"],
    ["too many octets", "00011800c0000201"],
    ["bits behind the prefix", "00011700c00003"],
    ["a scope in a question", "00011818c00002"],
    ["more bits than an address has", "00012100c000020000"],
  ])("RFC 7871 7.1.2: FORMERR for %s", (_what, subnet) => {
    const answer = ask(served().authority, { subnet });
    expect(answer.rcode).toBe(RCODE.FORMERR);
    expect(subnetOf(answer)).toBeUndefined();
  });

  it("when all edges are down the zone's own records are served, or the nearest all the same", () => {
    const { authority, nearest } = served();
    for (const edge of ["fra", "iad", "nrt"]) nearest.report(edge, { healthy: false }, 0);
    expect(addresses(ask(authority, { from: "192.0.2.1" }))).toEqual(["192.0.2.80 20"]);
    expect(addresses(ask(authority, { name: "bare.example.", from: "192.0.2.1" }))).toEqual([
      "203.0.113.1 20",
    ]);
  });

  it("RFC 4035 2.2: a signed zone gives all the same, signed answer", () => {
    const answer = ask(served(ZONE, true).authority, { subnet: "00011800c00002" });
    expect(addresses(answer)).toEqual(["192.0.2.80 300"]);
    expect(answer.answers.map(({ type }) => type)).toEqual([TYPE.A, TYPE.RRSIG]);
    expect(subnetOf(answer)).toBe("00011800c00002");
  });

  it("RFC 7871 7.2.1: without edges the option is not understood, and not in the answer", () => {
    const { authority } = served();
    authority.setTailor(undefined);
    expect(subnetOf(ask(authority, { subnet: "00011800c00002" }))).toBeUndefined();
  });

  it("RFC 7871 7.1.2: any octets in the option are FORMERR or come back with a scope, in one whole message", () => {
    const { authority } = served();
    const options = fc.oneof(
      fc.uint8Array({ maxLength: 24 }),
      fc
        .tuple(
          fc.constantFrom(1, 2),
          fc.integer({ min: 0, max: 130 }),
          fc.uint8Array({ maxLength: 17 }),
        )
        .map(([family, bits, rest]) => Uint8Array.of(0, family, bits, 0, ...rest)),
    );
    fc.assert(
      fc.property(options, (octets) => {
        const subnet = Buffer.from(octets).toString("hex");
        const answer = ask(authority, { subnet });
        const back = subnetOf(answer);
        if (answer.rcode === RCODE.FORMERR) expect([back, answer.answers]).toEqual([undefined, []]);
        else {
          expect(back?.slice(0, 6)).toBe(subnet.slice(0, 6));
          expect(back?.slice(8)).toBe(subnet.slice(8));
          expect(addresses(answer)).not.toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("RFC 6891 6.2.5: room is kept for the option where the answer is cut", () => {
    const many = Array.from({ length: 40 }, (_, i) => `plain 300 A 192.0.2.${i + 100}\n`).join("");
    const { authority } = served(ZONE + many);
    const subnet = "0002800020010db8000a00000000000000000001";
    for (const name of ["plain.example.", "www.example."]) {
      const answer = ask(authority, { name, subnet, udpSize: 512 });
      expect(answer.tc).toBe(name === "plain.example.");
      expect(subnetOf(answer)?.slice(8)).toBe(subnet.slice(8));
    }
  });
});
