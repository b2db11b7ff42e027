import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { decode, encode, TYPE } from "../../../src/codecs/dns/index.ts";
import type { CapturedMessage } from "../../../src/engines/dns/replay.ts";
import { Counterpart, capturedResolver, sameAnswer } from "../../../src/engines/dns/replay.ts";

const message = (name: string, type: number, change: Partial<DnsMessage> = {}): DnsMessage => ({
  id: 7,
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
  ...change,
});
const A = {
  name: "www.example.",
  type: TYPE.A,
  class: 1,
  ttl: 9,
  rdata: { address: "192.0.2.80" },
};
let clock = 0;
const sent = (src: string, dst: string, m: DnsMessage): CapturedMessage => ({
  at: ++clock,
  src,
  sport: m.qr === 1 ? 53 : 4000,
  dst,
  dport: m.qr === 1 ? 4000 : 53,
  transport: "udp",
  bytes: encode(m),
});

const CAPTURE = [
  sent("client", "resolver", message("www.example.", TYPE.A, { rd: true })),
  sent("out", "root", message("www.example.", TYPE.A)),
  sent("root", "out", message("www.example.", TYPE.A, { qr: 1 })),
  sent("out", "auth", message("www.example.", TYPE.A)),
  sent("auth", "out", message("www.example.", TYPE.A, { qr: 1, aa: true, answers: [A] })),
  sent(
    "resolver",
    "client",
    message("www.example.", TYPE.A, { qr: 1, rd: true, ra: true, answers: [A] }),
  ),
  // A client may ask servers by itself.
  sent("client", "auth", message("www.example.", TYPE.A)),
];

describe("a resolver of a capture", () => {
  const captured = capturedResolver(CAPTURE);

  it("is found by its RA, its questions by who asks that is no client", () => {
    expect(captured?.addresses).toEqual(["resolver", "out"]);
    expect(captured?.clients.map((one) => one.answer?.answers.length)).toEqual([1]);
    expect(captured?.upstream.map((one) => [one.server, one.rtt])).toEqual([
      ["root", 1],
      ["auth", 1],
    ]);
    expect(capturedResolver(CAPTURE.slice(0, 5))).toBeUndefined();
  });

  it("another one gets the captured answers, in its own spelling, and its differences have reasons", () => {
    const counterpart = new Counterpart(captured as NonNullable<typeof captured>);
    const ask = (server: string, name: string, type: number) =>
      counterpart.answer(0, server, "udp", encode(message(name, type, { id: 99 })));
    const answer = ask("auth", "wWw.Example.", TYPE.A);
    expect(decode(answer?.bytes as Uint8Array)).toMatchObject({
      id: 99,
      questions: [{ name: "wWw.Example." }],
      answers: [{ type: TYPE.A }],
    });
    expect(ask("auth", "www.example.", TYPE.A)).toBeDefined();
    expect(ask("other", "www.example.", TYPE.A)).toBeDefined();
    expect(ask("auth", "example.", TYPE.DNSKEY)).toBeUndefined();
    expect(ask("root", ".", TYPE.NS)).toBeUndefined();
    expect(ask("root", "example.", TYPE.A)).toBeUndefined();
    expect(counterpart.differences.map((d) => d.reason)).toEqual([
      "asked again",
      "other server of the same question",
      "validation (RFC 4035)",
      "priming (RFC 8109)",
      "a name that the captured resolver did not ask for",
    ]);
    expect([counterpart.asked, counterpart.same]).toEqual([6, 1]);
  });

  it("answers are the same whatever their order and TTL", () => {
    const one = message("x.", TYPE.A, { answers: [A, { ...A, rdata: { address: "192.0.2.81" } }] });
    const other = message("x.", TYPE.A, {
      answers: [{ ...A, ttl: 1, rdata: { address: "192.0.2.81" } }, A],
    });
    expect(sameAnswer(one, other)).toBe(true);
    expect(sameAnswer(one, { ...other, rcode: 3 })).toBe(false);
    expect(sameAnswer(one, { ...other, answers: [A] })).toBe(false);
  });
});
