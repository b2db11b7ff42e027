import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import {
  decode,
  encode,
  FrameDecoder,
  frame,
  nameLabels,
  RCODE,
  TYPE,
} from "../../../src/codecs/dns/index.ts";
import { DecodeError } from "../../../src/codecs/errors.ts";
import type { Checked } from "../../../src/engines/conformance/dns/check.ts";
import { DnsCheck } from "../../../src/engines/conformance/dns/check.ts";
import { RULES } from "../../../src/engines/conformance/dns/rules.ts";
import type { Engine, Host } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";

/** What a server does with the octets of a message: its answer, or nothing. */
type Serve = (bytes: Uint8Array, transport: "udp" | "tcp") => Uint8Array | undefined;

const SOA = {
  name: "example.",
  type: TYPE.SOA,
  class: 1,
  ttl: 300,
  rdata: {
    mname: "ns.example.",
    rname: "root.example.",
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: 60,
  },
};
const NS = { name: "example.", type: TYPE.NS, class: 1, ttl: 300, rdata: { host: "ns.example." } };
const NEGATIVE = { ...SOA, ttl: 60 };

/** A little authoritative server for `example.` that keeps all rules. */
function correct(bytes: Uint8Array, transport: "udp" | "tcp"): Uint8Array | undefined {
  if (bytes.length < 12 || (bytes[2] as number) >> 7 === 1) return undefined;
  let query: DnsMessage;
  try {
    query = decode(bytes);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const header = bytes.slice(0, 12);
    header[2] = 0x80 | ((header[2] as number) & 0x79);
    header[3] = RCODE.FORMERR;
    header.fill(0, 4);
    return header;
  }
  return encode(answerTo(query, transport));
}

function answerTo(query: DnsMessage, transport: "udp" | "tcp"): DnsMessage {
  const [question] = query.questions;
  const { z: _z, ...header } = query;
  const { edns } = query;
  const base: DnsMessage = {
    ...header,
    qr: 1,
    ra: false,
    ad: false,
    answers: [],
    authority: [],
    additional: [],
  };
  const cookie = edns?.options.find((option) => option.code === 10)?.data;
  const reply = (rcode: number, rest: Partial<DnsMessage> = {}): DnsMessage => {
    const { edns: _e, ...plain } = base;
    const options =
      cookie !== undefined && cookie.length >= 16
        ? [{ code: 10, data: `${cookie.slice(0, 16)}${"ab".repeat(16)}` }]
        : [];
    return {
      ...plain,
      rcode,
      ...(edns === undefined ? {} : { edns: { udpSize: 1232, version: 0, do: edns.do, options } }),
      ...rest,
    };
  };
  if ((edns?.version ?? 0) > 0) return reply(RCODE.BADVERS);
  if (query.opcode !== 0) return reply(query.opcode === 5 ? RCODE.REFUSED : RCODE.NOTIMP);
  if (query.additional.some((record) => record.type === TYPE.TSIG)) return reply(RCODE.NOTAUTH);
  if (question === undefined || query.questions.length > 1) return reply(RCODE.FORMERR);
  if (cookie !== undefined && cookie.length < 16) return reply(RCODE.FORMERR);
  const name = question.name.toLowerCase();
  if (question.class !== 1 || !(name === "example." || name.endsWith(".example.")))
    return reply(RCODE.REFUSED);
  if (question.type === TYPE.AXFR && transport === "udp") return reply(RCODE.NOTIMP);
  if (question.type === TYPE.AXFR)
    return reply(RCODE.NOERROR, { aa: true, answers: [SOA, NS, SOA] });
  if (name !== "example.") return reply(RCODE.NXDOMAIN, { aa: true, authority: [NEGATIVE] });
  const answers = [SOA, NS].filter((r) => r.type === question.type || question.type === TYPE.ANY);
  return answers.length === 0
    ? reply(RCODE.NOERROR, { aa: true, authority: [NEGATIVE] })
    : reply(RCODE.NOERROR, { aa: true, answers });
}

function server(serve: Serve): (host: Host) => Engine {
  return () => ({
    start: (host) => {
      host.udp(
        {
          onDatagram: (data, addr, port, socket) => {
            const reply = serve(data.slice(), "udp");
            if (reply !== undefined) socket.send(reply, addr, port);
          },
        },
        { local: { port: 53 } },
      );
      host.listen(
        () => {
          const frames = new FrameDecoder();
          return {
            onData: (data, c) => {
              frames.push(data);
              try {
                for (let query = frames.next(); query !== undefined; query = frames.next()) {
                  const reply = serve(query.slice(), "tcp");
                  if (reply !== undefined) c.write(frame(reply));
                }
              } catch (error) {
                if (!(error instanceof DecodeError)) throw error;
                c.reset();
              }
            },
            onEnd: (c) => c.end(),
            onClose() {},
          };
        },
        { local: { port: 53 } },
      );
    },
    stop: (_graceful, done) => done(),
  });
}

/** What the rules say of a server, in a simulated network. */
function check(serve: Serve, hasZone = true): Checked[] {
  const world = new World({ seed: 1 });
  const tester = world.node("tester", { addresses: ["192.0.2.1"] });
  world.node("server", { addresses: ["192.0.2.53"], boot: server(serve) });
  const results: Checked[] = [];
  const name = hasZone ? "example." : ".";
  const target = {
    name,
    wireLength: nameLabels(name).reduce((sum, label) => sum + label.length + 1, 1),
    hasZone,
    unixSeconds: 1_800_000_000,
  };
  let done = false;
  new DnsCheck(
    tester,
    { addr: "192.0.2.53", port: 53 },
    target,
    RULES,
    (checked) => results.push(checked),
    () => {
      done = true;
    },
  ).start();
  world.run();
  expect(done).toBe(true);
  return results;
}

const failures = (results: readonly Checked[]) =>
  results.filter((r) => r.outcome === "failed").map((r) => `${r.rule.id}: ${r.detail}`);

describe("rules of DNS conformance", () => {
  it("each has an identifier of its own, of its section, and a hint", () => {
    expect(new Set(RULES.map((rule) => rule.id)).size).toBe(RULES.length);
    expect(RULES.length).toBeGreaterThanOrEqual(30);
    for (const rule of RULES) {
      const section = rule.spec.replace("RFC ", "rfc").replace(" ", ".");
      expect(rule.id.replace(/-[0-9]+$/, "")).toBe(section);
      expect(rule.hint.length).toBeGreaterThan(10);
    }
  });

  it("a server that keeps them passes all; without a zone those that need one are skipped", () => {
    const results = check(correct);
    expect(failures(results)).toEqual([]);
    expect(results).toHaveLength(RULES.length);
    const without = check(correct, false);
    expect(failures(without)).toEqual([]);
    expect(without.filter((r) => r.outcome === "skipped").map((r) => r.rule.needs)).toEqual(
      RULES.filter((rule) => rule.needs === "zone").map((rule) => rule.needs),
    );
  });

  /** Changes the answer of the correct server. */
  const changing =
    (change: (response: DnsMessage, query: Uint8Array) => DnsMessage): Serve =>
    (bytes, transport) => {
      const reply = correct(bytes, transport);
      return reply === undefined ? undefined : encode(change(decode(reply), bytes));
    };
  /** Changes the octets of the answer. */
  const patching =
    (patch: (reply: Uint8Array, query: Uint8Array) => Uint8Array | undefined): Serve =>
    (bytes, transport) => {
      const reply = correct(bytes, transport);
      return reply === undefined ? undefined : patch(reply, bytes);
    };
  const opcodeOf = (bytes: Uint8Array) => ((bytes[2] as number) >> 3) & 15;

  it.each<[what: string, rule: string, Serve]>([
    ["draws an identifier of its own", "rfc1035.4.1.1-1", changing((r) => ({ ...r, id: 1 }))],
    ["answers with QR 0", "rfc1035.4.1.1-2", changing((r) => ({ ...r, qr: 0 }))],
    ["never copies RD", "rfc1035.4.1.1-4", changing((r) => ({ ...r, rd: false }))],
    [
      "copies the reserved bit",
      "rfc1035.4.1.1-5",
      patching((reply, query) => {
        reply[3] = (reply[3] as number) | ((query[3] as number) & 0x40);
        return reply;
      }),
    ],
    ["drops the question", "rfc1035.4.1.2-1", changing((r) => ({ ...r, questions: [] }))],
    [
      "folds the case of the question",
      "rfc4343.4.1-1",
      changing((r) => ({
        ...r,
        questions: r.questions.map((q) => ({ ...q, name: q.name.toLowerCase() })),
      })),
    ],
    [
      "answers responses",
      "rfc1035.4.1.1-7",
      (bytes, transport) => {
        const copy = bytes.slice();
        if (copy.length > 2) copy[2] = (copy[2] as number) & 0x7f;
        return correct(copy, transport);
      },
    ],
    [
      "answers the first of two questions",
      "rfc9619.4-1",
      (bytes, transport) => {
        if (bytes[5] === 2) {
          const both = decode(bytes);
          return correct(encode({ ...both, questions: both.questions.slice(0, 1) }), transport);
        }
        return correct(bytes, transport);
      },
    ],
    [
      "sends OPT to everybody",
      "rfc6891.6.1.1-2",
      changing((r) => ({
        ...r,
        edns: r.edns ?? { udpSize: 512, version: 0, do: false, options: [] },
      })),
    ],
    [
      "knows no EDNS version but takes all",
      "rfc6891.6.1.3-1",
      changing((r) => (r.rcode === RCODE.BADVERS ? { ...r, rcode: RCODE.NOERROR } : r)),
    ],
    [
      "copies unknown options",
      "rfc6891.6.1.2-2",
      changing((r, query) => {
        const asked = readEdns(query);
        return asked === undefined || r.edns === undefined
          ? r
          : { ...r, edns: { ...r.edns, options: asked } };
      }),
    ],
    [
      "forgets DO",
      "rfc3225.3-1",
      changing((r) => (r.edns === undefined ? r : { ...r, edns: { ...r.edns, do: false } })),
    ],
    [
      "takes types that it does not know for errors",
      "rfc3597.3-1",
      changing((r) =>
        r.questions[0]?.type === 65_280 ? { ...r, rcode: RCODE.NOTIMP, authority: [] } : r,
      ),
    ],
    ["answers no TCP", "rfc7766.5-1", (b, t) => (t === "tcp" ? undefined : correct(b, t))],
    ["leaves the SOA out of denials", "rfc2308.2.1-1", changing((r) => ({ ...r, authority: [] }))],
    [
      "gives denials the TTL of the SOA",
      "rfc2308.3-1",
      changing((r) => ({ ...r, authority: r.authority.map((a) => ({ ...a, ttl: 300 })) })),
    ],
    ["forgets AA", "rfc1034.6.2.1-1", changing((r) => ({ ...r, aa: false }))],
    [
      "takes updates from everybody",
      "rfc2136.3.3-1",
      changing((r, query) => (opcodeOf(query) === 5 ? { ...r, rcode: 0 } : r)),
    ],
    [
      "refers upwards",
      "rfc1034.4.3.2-1",
      changing((r) =>
        r.rcode === RCODE.REFUSED && opcodeOf(encode(r)) === 0
          ? { ...r, rcode: 0, authority: [{ ...NS, name: "." }] }
          : r,
      ),
    ],
    [
      "sends names with a broken pointer",
      "rfc1035.4.1.4-2",
      patching((reply) => {
        const at = reply.findIndex((b, i) => i > 12 && b === 0xc0);
        if (at > 0) reply[at + 1] = 0;
        return reply;
      }),
    ],
    [
      "dies of a short message",
      "rfc1035.4.1.1-8",
      (() => {
        let dead = false;
        return (bytes: Uint8Array, transport: "udp" | "tcp") => {
          dead ||= bytes.length < 12;
          return dead ? undefined : correct(bytes, transport);
        };
      })(),
    ],
  ])("a server that %s is caught by %s", (_what, rule, serve) => {
    const caught = check(serve).filter((r) => r.outcome === "failed");
    expect(caught.map((r) => r.rule.id)).toContain(rule);
  });

  it("RFC 4592 4.8: a wildcard at the apex makes no denial false, and denials that are none are still found", () => {
    const wild =
      (deep: number): Serve =>
      (bytes, transport) => {
        const reply = correct(bytes, transport);
        if (reply === undefined) return reply;
        const message = decode(reply);
        const denied = message.rcode === RCODE.NXDOMAIN && message.questions[0] !== undefined;
        const labels = nameLabels(message.questions[0]?.name ?? ".").length;
        return denied && labels <= deep ? encode({ ...message, rcode: RCODE.NOERROR }) : reply;
      };
    const broken = (results: readonly Checked[]) =>
      failures(results).filter((line) => line.startsWith("rfc2308.2.1-1"));
    expect(broken(check(wild(2)))).toEqual([]);
    expect(broken(check(wild(9)))).toEqual(["rfc2308.2.1-1: the rcode is 0"]);
  });
});

function readEdns(query: Uint8Array) {
  try {
    return decode(query).edns?.options;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return undefined;
  }
}
