import { describe, expect, it } from "vitest";
import { TYPE, typeCode, typeName } from "../../../src/codecs/dns/constants.ts";
import { decode, readMessage } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import type { DnsMessage, ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { formatRdata } from "../../../src/codecs/dns/rdata.ts";
import { readZone } from "../../../src/codecs/dns/zonefile.ts";
import { fromHex } from "../../../src/codecs/writer.ts";
import type { AuthorityOptions } from "../../../src/engines/dns/authority.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { serverCookie } from "../../../src/engines/dns/cookie.ts";
import type { DnsTransport } from "../../../src/engines/dns/listener.ts";
import type { ZoneError } from "../../../src/engines/dns/zone.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";

const EXAMPLE = `$ORIGIN example.
$TTL 3600
@ SOA ns1 host 1 7200 900 1209600 300
  NS ns1
  NS ns.sub
ns1 A 192.0.2.1
www A 192.0.2.2
Alias CNAME WWW
out CNAME www.other.
loop CNAME pool
pool CNAME loop
gone CNAME nowhere
a.b.ent TXT deep
*.wild A 192.0.2.9
*.wild MX 5 mail
x.sub.wild TXT t
*.cw CNAME www
mail A 192.0.2.10
sub NS ns.sub
sub NS ns.sib
sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 192.0.2.20
sib NS ns.sib
ns.sib A 192.0.2.21
dn DNAME target
below.dn TXT hidden
a.target A 192.0.2.30
longdn DNAME ${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(40)}.
`;
const BIG = Array.from({ length: 4 }, (_, i) => `big TXT ${String(i).repeat(250)}\n`).join("");

const clock = { wallMs: () => 1_559_731_985_000 };

function authority(
  options: AuthorityOptions = {},
  text = EXAMPLE + BIG,
  name = "example.",
): Authority {
  const server = new Authority(clock, options);
  server.setZone(new Zone(name, readZone(text, { origin: name })));
  return server;
}

interface Asked {
  readonly name: string;
  readonly type: number;
  readonly edns?: number;
  readonly options?: readonly { code: number; data: string }[];
  readonly change?: Partial<DnsMessage>;
  readonly transport?: DnsTransport;
}

function ask(server: Authority, asked: Asked): DnsMessage {
  const request = encode({
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
    questions: [{ name: asked.name, type: asked.type, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
    ...(asked.edns === undefined
      ? {}
      : { edns: { udpSize: asked.edns, version: 0, do: false, options: asked.options ?? [] } }),
    ...asked.change,
  });
  const client = { addr: "192.0.2.99", port: 1, transport: asked.transport ?? "udp" } as const;
  const answer = server.answerNow(request, client);
  return decode(Uint8Array.from(answer as Uint8Array));
}

const line = ({ name, type, ttl, rdata }: ResourceRecord) =>
  `${name} ${ttl} ${typeName(type)} ${formatRdata(type, rdata)}`;

const SOA = "example. 300 SOA ns1.example. host.example. 1 7200 900 1209600 300";

describe("answers from a zone", () => {
  const server = authority();
  it.each<[string, string, string[]]>([
    [
      "RFC 1034 4.3.2: data, the case of the question kept",
      "wWw.Example. A",
      ["aa", "wWw.Example. 3600 A 192.0.2.2"],
    ],
    ["RFC 2308 2.2: a name without the type", "www.example. AAAA", ["aa", "-", SOA]],
    ["RFC 2308 2.1: no such name", "no.example. A", ["aa NXDOMAIN", "-", SOA]],
    ["RFC 4592 2.2.2: an empty non-terminal exists", "b.ent.example. TXT", ["aa", "-", SOA]],
    [
      "RFC 4592 2.2.1: a wildcard makes names of any depth",
      "x.y.wild.example. A",
      ["aa", "x.y.wild.example. 3600 A 192.0.2.9"],
    ],
    [
      "RFC 4592 2.2.1: but none below a name that exists",
      "y.sub.wild.example. A",
      ["aa NXDOMAIN", "-", SOA],
    ],
    ["RFC 4592 2.2.1: nor the parent itself", "wild.example. A", ["aa", "-", SOA]],
    ["RFC 4592 3.3: the wildcard without the type", "q.wild.example. TXT", ["aa", "-", SOA]],
    [
      "RFC 1034 4.3.3: the wildcard asked by its own name",
      "*.wild.example. A",
      ["aa", "*.wild.example. 3600 A 192.0.2.9"],
    ],
    [
      "RFC 1034 3.6.2: an alias and what it leads to",
      "alias.example. A",
      ["aa", "alias.example. 3600 CNAME www.example.", "www.example. 3600 A 192.0.2.2"],
    ],
    [
      "RFC 1034 3.6.2: the alias itself",
      "alias.example. CNAME",
      ["aa", "alias.example. 3600 CNAME www.example."],
    ],
    [
      "RFC 4592 3.3.3: an alias from a wildcard",
      "q.cw.example. A",
      ["aa", "q.cw.example. 3600 CNAME www.example.", "www.example. 3600 A 192.0.2.2"],
    ],
    [
      "RFC 1034 3.6.2: an alias out of the zone ends there",
      "out.example. A",
      ["aa", "out.example. 3600 CNAME www.other."],
    ],
    [
      "RFC 1034 3.6.2: aliases in a circle come once each",
      "loop.example. A",
      ["aa", "loop.example. 3600 CNAME pool.example.", "pool.example. 3600 CNAME loop.example."],
    ],
    [
      "RFC 6604 3: the rcode of an alias is that of its end",
      "gone.example. A",
      ["aa NXDOMAIN", "gone.example. 3600 CNAME nowhere.example.", "-", SOA],
    ],
    [
      "RFC 1034 4.2.1, RFC 9471 3: a referral with glue, without AA",
      "q.sub.example. A",
      [
        "",
        "-",
        "sub.example. 3600 NS ns.sub.example.",
        "sub.example. 3600 NS ns.sib.example.",
        "-",
        "ns.sub.example. 3600 A 192.0.2.20",
        "ns.sib.example. 3600 A 192.0.2.21",
      ],
    ],
    [
      "RFC 4035 3.1.4.1: DS is answered by the parent",
      "sub.example. DS",
      ["aa", `sub.example. 3600 DS 1 13 2 ${"0".repeat(64)}`],
    ],
    [
      "RFC 6672 3: a DNAME and the CNAME made from it",
      "a.dn.example. A",
      [
        "aa",
        "dn.example. 3600 DNAME target.example.",
        "a.dn.example. 3600 CNAME a.target.example.",
        "a.target.example. 3600 A 192.0.2.30",
      ],
    ],
    [
      "RFC 6672 2.3: what stands below a DNAME is hidden",
      "below.dn.example. TXT",
      [
        "aa NXDOMAIN",
        "dn.example. 3600 DNAME target.example.",
        "below.dn.example. 3600 CNAME below.target.example.",
        "-",
        SOA,
      ],
    ],
    ["RFC 6672 2.3: the owner of a DNAME itself", "dn.example. A", ["aa", "-", SOA]],
    [
      "RFC 6672 2.2: a name that becomes too long",
      `${"x".repeat(60)}.longdn.example. A`,
      [
        "aa YXDOMAIN",
        `longdn.example. 3600 DNAME ${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(40)}.`,
      ],
    ],
    [
      "RFC 1035 3.3.9: addresses of exchanges go along",
      "x.wild.example. MX",
      [
        "aa",
        "x.wild.example. 3600 MX 5 mail.example.",
        "-",
        "-",
        "mail.example. 3600 A 192.0.2.10",
      ],
    ],
    ["RFC 8482 4.1: ANY over UDP has one RRset", "sub.wild.example. ANY", ["aa", "-", SOA]],
    ["RFC 8906 3.1.1: a name of no zone here", "www.other. A", [" REFUSED"]],
  ])("%s", (_rule, question, expected) => {
    const [name, type] = question.split(" ") as [string, string];
    // Round robin begins anew: each row has a server of its own.
    const answer = ask(authority(), { name, type: typeCode(type) as number });
    const rcode = ["", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN"][
      answer.rcode
    ] as string;
    const got = [[answer.aa ? "aa" : "", rcode].join(" ").replace(/ $/, "")];
    got.push(...answer.answers.map(line));
    if (answer.authority.length + answer.additional.length > 0) got.push("-");
    got.push(...answer.authority.map(line));
    if (answer.additional.length > 0) got.push("-", ...answer.additional.map(line));
    expect(got).toEqual(expected);
    expect(answer.rd && !answer.ra).toBe(true);
  });

  it("RFC 8482 4.1: ANY over UDP has one RRset, over TCP all", () => {
    const any = (transport: DnsTransport) =>
      new Set(
        ask(server, { name: "example.", type: TYPE.ANY, transport }).answers.map((r) => r.type),
      ).size;
    expect([any("udp"), any("tcp")]).toEqual([1, 2]);
  });

  it("RFC 1794: addresses come in turn", () => {
    const rr = authority({}, "@ SOA a b 1 1 1 1 1\n@ 1 A 192.0.2.1\n@ 1 A 192.0.2.2\n", "r.");
    const first = () => ask(rr, { name: "r.", type: TYPE.A }).answers[0]?.rdata;
    expect(first()).not.toEqual(first());
  });

  it("RFC 2181 9, RFC 6891 6.2.3: what does not fit goes as whole RRsets, with TC", () => {
    const big = (edns: number | undefined, transport: DnsTransport = "udp") => {
      const { tc, answers } = ask(server, {
        name: "big.example.",
        type: TYPE.TXT,
        transport,
        ...(edns === undefined ? {} : { edns }),
      });
      return [tc, answers.length];
    };
    expect(big(undefined)).toEqual([true, 0]);
    expect(big(100)).toEqual([true, 0]);
    expect(big(1232)).toEqual([false, 4]);
    expect(big(undefined, "tcp")).toEqual([false, 4]);
  });

  it("RFC 6891 6.1.1, 6.1.3: OPT for OPT, BADVERS for another version", () => {
    expect(ask(server, { name: "www.example.", type: 1 }).edns).toBeUndefined();
    expect(ask(server, { name: "www.example.", type: 1, edns: 4096 }).edns?.udpSize).toBe(1232);
    const change = { edns: { udpSize: 512, version: 1, do: false, options: [] } };
    const { rcode, answers } = ask(server, { name: "www.example.", type: 1, change });
    expect([rcode, answers.length]).toEqual([16, 0]);
  });

  it("RFC 5001 2.2: NSID to those who ask", () => {
    const named = authority({ nsid: "ab" });
    const nsid = (code: number) =>
      ask(named, { name: "www.example.", type: 1, edns: 512, options: [{ code, data: "" }] }).edns
        ?.options;
    expect(nsid(3)).toEqual([{ code: 3, data: "6162" }]);
    expect(nsid(4)).toEqual([]);
  });

  it("RFC 7873 5.2: a server cookie for a client's, FORMERR for one of a wrong length", () => {
    const secret = fromHex("e5e973e5a6b2a43f48e7dc849e37bfcf") as Uint8Array;
    const with_ = (data: string) =>
      ask(authority({ cookieSecret: secret }), {
        name: "www.example.",
        type: 1,
        edns: 512,
        options: [{ code: 10, data }],
      });
    expect(with_("0102030405060708").edns?.options[0]?.data).toMatch(
      /^010203040506070801000000[0-9a-f]{24}$/,
    );
    expect(with_("01020304050607").rcode).toBe(1);
  });

  it("RFC 7873 5.4: a cookie alone is had without a question, if it is one", () => {
    const without = (data: string, options: AuthorityOptions, change: Partial<DnsMessage> = {}) =>
      ask(authority(options), {
        ...{ name: "example.", type: 1, edns: 512, options: [{ code: 10, data }] },
        change: { questions: [], ...change },
      });
    const cookieSecret = new Uint8Array(16);
    const answer = without("0102030405060708", { cookieSecret });
    expect([answer.rcode, answer.questions]).toEqual([0, []]);
    expect(answer.edns?.options[0]?.data).toMatch(/^0102030405060708.{32}$/);
    expect(without("01020304050607", { cookieSecret }).rcode).toBe(1);
    expect(without("0102030405060708", {}).rcode).toBe(1);
    expect(without("0102030405060708", { cookieSecret }, { opcode: 2 }).rcode).toBe(4);
  });

  it("RFC 9018 A.1: the cookie of its example", () => {
    const cookie = serverCookie(
      fromHex("e5e973e5a6b2a43f48e7dc849e37bfcf") as Uint8Array,
      fromHex("2464c4abcf10c957") as Uint8Array,
      Uint8Array.of(198, 51, 100, 100),
      1559731985,
    );
    expect(Buffer.from(cookie).toString("hex")).toBe(
      "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
    );
  });

  it.each<[string, Partial<DnsMessage>, number]>([
    [
      "RFC 9619 4: two questions",
      {
        questions: [
          { name: "a.", type: 1, class: 1 },
          { name: "b.", type: 1, class: 1 },
        ],
      },
      1,
    ],
    ["RFC 9619 4: no question", { questions: [] }, 1],
    ["RFC 1035 4.1.1: an operation that is not known", { opcode: 2 }, 4],
    ["RFC 1035 4.1.1: another class", { questions: [{ name: "example.", type: 1, class: 3 }] }, 5],
  ])("%s", (_rule, change, rcode) => {
    expect(ask(server, { name: "example.", type: 1, change }).rcode).toBe(rcode);
  });

  it("RFC 1035 4.1.1: what cannot be read is FORMERR with its id", () => {
    const request = Uint8Array.of(1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 70, 1);
    const answer = server.answerNow(request, { addr: "192.0.2.1", port: 1, transport: "udp" });
    expect([...(answer as Uint8Array)]).toEqual([1, 2, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it("RFC 1035 4.1.4: a question whose name points into a label of its own is FORMERR", () => {
    const name = [3, 0x61, 0, 0x62, 0xc0, 14];
    const request = Uint8Array.of(1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1);
    const answer = server.answerNow(request, { addr: "192.0.2.1", port: 1, transport: "udp" });
    expect([...(answer as Uint8Array)]).toEqual([1, 2, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("AXFR", () => {
  const request = encode({
    ...decode(Uint8Array.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
    questions: [{ name: "example.", type: TYPE.AXFR, class: 1 }],
  });
  const tcp = { addr: "192.0.2.1", port: 1, transport: "tcp" } as const;

  it("RFC 5936 2.2: the SOA first and last, all else between, over many messages", () => {
    const many = Array.from({ length: 5000 }, (_, i) => `h${i} A 192.0.2.1\n`).join("");
    const server = authority({ mayTransfer: () => true }, EXAMPLE + many);
    expect(server.answerNow(request, tcp)).toBeUndefined();
    const messages: Uint8Array[] = [];
    server.query(request, tcp, (first, rest) => {
      messages.push(first);
      for (let m = rest?.next(); m?.done === false; m = rest?.next()) messages.push(m.value);
    });
    const records = messages.flatMap((m) => decode(m).answers);
    expect(messages.length).toBeGreaterThan(10);
    expect([records[0]?.type, records.at(-1)?.type]).toEqual([TYPE.SOA, TYPE.SOA]);
    expect(records.length).toBe([...readZone(EXAMPLE + many)].length + 1);
    expect(messages.every((m) => decode(m).aa && decode(m).id === 9)).toBe(true);
  });

  it("RFC 5936 5: refused to those who are not allowed; RFC 5936 4.2: not over UDP", () => {
    const rcode = (server: Authority, client: Parameters<Authority["answerNow"]>[1]) =>
      readMessage(Uint8Array.from(server.answerNow(request, client) as Uint8Array)).message.rcode;
    expect(rcode(authority(), tcp)).toBe(5);
    expect(rcode(authority({ mayTransfer: () => true }), { ...tcp, transport: "udp" })).toBe(1);
  });
});

describe("zones that are not served", () => {
  const SOA_LINE = "@ 1 SOA a b 1 1 1 1 1\n";
  it.each([
    ["RFC 1035 5.2: without an SOA", "a 1 A 192.0.2.1\n", "zone.soa"],
    ["RFC 1035 5.2: with two SOAs", `${SOA_LINE}@ 1 SOA c d 2 1 1 1 1\n`, "zone.soa"],
    ["RFC 1035 5.2: with a name of another", `${SOA_LINE}a.other. 1 A 192.0.2.1\n`, "zone.outside"],
    [
      "RFC 1034 3.6.2: with a CNAME and more",
      `${SOA_LINE}a 1 CNAME b\na 1 A 192.0.2.1\n`,
      "zone.cname",
    ],
    ["RFC 2181 10.1: with two CNAMEs", `${SOA_LINE}a 1 CNAME b\na 1 CNAME c\n`, "zone.cname"],
    ["RFC 6672 2.4: with two DNAMEs", `${SOA_LINE}a 1 DNAME b\na 1 DNAME c\n`, "zone.dname"],
  ])("%s", (_rule, text, code) => {
    let error: unknown;
    try {
      new Zone("z.", readZone(text, { origin: "z." }));
    } catch (caught) {
      error = caught;
    }
    expect((error as ZoneError).issues[0]?.code).toBe(code);
  });

  it("10^5 mutated questions are answered or dropped", () => {
    const server = authority({ cookieSecret: new Uint8Array(16), nsid: "n" });
    const base = encode({
      ...decode(Uint8Array.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
      questions: [{ name: "x.y.wild.example.", type: 1, class: 1 }],
      edns: {
        udpSize: 1232,
        version: 0,
        do: true,
        options: [{ code: 10, data: "0102030405060708" }],
      },
    });
    let state = 1;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    for (let n = 0; n < 100_000; n++) {
      const bytes = base.slice(0, 12 + random(base.length - 11));
      for (let m = random(4); m >= 0; m--) bytes[random(bytes.length)] = random(256);
      bytes[2] = (bytes[2] as number) & 0x7f;
      const answer = server.answerNow(bytes, { addr: "192.0.2.1", port: 1, transport: "udp" });
      if (answer === undefined) throw new Error("only transfers wait");
      if (answer.length > 1232 || (answer[2] as number) < 0x80)
        throw new Error(`wrong answer to ${bytes}`);
    }
  });
});

it("RFC 1035 4.1.1: a zone of ours whose data is not here is a failure of the server, others are refused", () => {
  const server = new Authority({ wallMs: () => 0 });
  const zone = new Zone("z.", readZone("@ 5 SOA ns h 1 1 1 1 1\n", { origin: "z." }));
  const rcode = (name: string) => {
    const flags = { aa: false, tc: false, rd: false, ra: false, ad: false, cd: false };
    const questions = [{ name, type: TYPE.SOA, class: 1 }];
    const sections = { questions, answers: [], authority: [], additional: [] };
    const query = encode({ id: 1, qr: 0, opcode: 0, rcode: 0, ...flags, ...sections });
    const answer = server.answerNow(query, { addr: "192.0.2.1", port: 1, transport: "udp" });
    return decode(answer as Uint8Array).rcode;
  };
  const all = () => ["z.", "www.z.", "other.", "."].map(rcode);
  expect(all()).toEqual([5, 5, 5, 5]);
  server.expectZone("Z.");
  expect(all()).toEqual([2, 2, 5, 5]);
  server.setZone(zone);
  expect(all()).toEqual([0, 3, 5, 5]);
  server.expectZone("z.");
  expect(all()).toEqual([2, 2, 5, 5]);
});

it.each([65_000, 65_300, 65_494, 65_495, 65_600])(
  "RFC 1035 4.2.2: a TXT record with %i octets is answered over TCP where a message has room for it",
  (octets) => {
    const strings: string[] = [];
    for (let left = octets; left > 0; left -= 256)
      strings.push(`"${"x".repeat(Math.min(255, left - 1))}"`);
    const server = authority({}, `@ 5 SOA ns h 1 1 1 1 1\nbig 5 TXT ${strings.join(" ")}\n`);
    const asked = { name: "big.example.", type: TYPE.TXT, transport: "tcp" } as const;
    const { tc, answers } = ask(server, asked);
    const fits = 12 + 13 + 4 + 12 + octets <= 65_535;
    expect([tc, answers.length]).toEqual([!fits, fits ? 1 : 0]);
  },
);
