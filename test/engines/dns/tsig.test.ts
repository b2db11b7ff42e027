import { describe, expect, it } from "vitest";
import { TYPE } from "../../../src/codecs/dns/constants.ts";
import { decode } from "../../../src/codecs/dns/decode.ts";
import { encode } from "../../../src/codecs/dns/encode.ts";
import { readZone } from "../../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import type { SignedMessage, TsigKey } from "../../../src/engines/dns/tsig.ts";
import { checkTsig, parseTsigKey, signTsig, splitTsig } from "../../../src/engines/dns/tsig.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";

const NOW = 1_700_000_000;
const key = parseTsigKey("hmac-sha256:K1:c2VjcmV0") as TsigKey;
const tcp = { addr: "192.0.2.1", port: 1, transport: "tcp" } as const;
const many = Array.from({ length: 900 }, (_, i) => `h${i} 5 A 192.0.2.1\n`).join("");
const authority = new Authority(
  { wallMs: () => NOW * 1000 },
  { tsigKeys: [key], mayTransfer: (_client, _zone, name) => name === "K1." },
);
authority.setZone(new Zone("z.", readZone(`@ 5 SOA a b 1 1 1 1 1\n${many}`, { origin: "z." })));

function question(type: number): Uint8Array {
  const base = decode(Uint8Array.of(0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  return encode({ ...base, questions: [{ name: "z.", type, class: 1 }] });
}

function ask(request: Uint8Array): Uint8Array[] {
  const now = authority.answerNow(request, tcp);
  if (now !== undefined) return [now];
  const all: Uint8Array[] = [];
  authority.query(request, tcp, (first, rest) => {
    all.push(first);
    for (let m = rest?.next(); m?.done === false; m = rest?.next()) all.push(m.value);
  });
  return all;
}

const split = (bytes: Uint8Array | undefined) => splitTsig(bytes as Uint8Array) as SignedMessage;

describe("TSIG", () => {
  it.each([
    ["hmac-sha1:k:AAAA", true],
    ["k.:AAAA", true],
    ["hmac-md5:k:AAAA", false],
    ["k", false],
    ["k:", false],
    [":AAAA", false],
  ])("a key from text: %s", (text, good) => {
    expect(parseTsigKey(text) !== undefined).toBe(good);
  });

  it("RFC 8945 4.3.1: an answer is signed over the request's MAC", () => {
    const { bytes, mac } = signTsig(question(TYPE.SOA), key, NOW);
    const [answer] = ask(bytes);
    expect(checkTsig(split(answer), key, NOW, { prior: mac })).toBe(0);
    expect(checkTsig(split(answer), key, NOW)).toBe(16);
    expect(decode(split(answer).message).answers.length).toBe(1);
  });

  it("RFC 8945 5.3.1: each message of a transfer is signed over the one before", () => {
    const { bytes, mac } = signTsig(question(TYPE.AXFR), key, NOW);
    const messages = ask(bytes);
    expect(messages.length).toBeGreaterThan(3);
    let prior = mac;
    messages.forEach((message, i) => {
      const signed = split(message);
      expect(checkTsig(signed, key, NOW, { prior, timersOnly: i > 0 })).toBe(0);
      prior = signed.mac;
    });
  });

  it.each<[string, TsigKey, number, number]>([
    ["RFC 8945 5.2.1: BADKEY for a name that is not known", { ...key, name: "k2." }, NOW, 17],
    ["RFC 8945 5.2.1: BADKEY for another algorithm", { ...key, algorithm: "hmac-sha1." }, NOW, 17],
    ["RFC 8945 5.2.2: BADSIG for another secret", { ...key, secret: Uint8Array.of(1) }, NOW, 16],
    ["RFC 8945 5.2.3: BADTIME before the window", key, NOW - 301, 18],
    ["RFC 8945 5.2.3: BADTIME after the window", key, NOW + 301, 18],
    ["RFC 8945 5.2.3: the edge of the window is inside", key, NOW - 300, 0],
  ])("%s", (_rule, with_, time, error) => {
    const [answer] = ask(signTsig(question(TYPE.SOA), with_, time).bytes);
    expect(split(answer).error).toBe(error);
    expect(decode(split(answer).message).rcode).toBe(error === 0 ? 0 : 9);
  });

  it("RFC 8945 5.2.2: one changed octet is seen", () => {
    const { bytes } = signTsig(question(TYPE.SOA), key, NOW);
    const changed = bytes.slice();
    changed[13] = 0x79;
    expect(split(ask(changed)[0]).error).toBe(16);
  });

  it("RFC 5936 5: no key, no zone", () => {
    expect(decode(Uint8Array.from(ask(question(TYPE.AXFR))[0] as Uint8Array)).rcode).toBe(5);
  });

  it("20,000 mutated signed questions are answered", () => {
    const { bytes } = signTsig(question(TYPE.SOA), key, NOW);
    let state = 7;
    const random = (n: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    for (let n = 0; n < 20_000; n++) {
      const mutated = bytes.slice();
      for (let m = random(3); m >= 0; m--) mutated[random(mutated.length)] = random(256);
      mutated[2] = (mutated[2] as number) & 0x7f;
      if (ask(mutated).length === 0) throw new Error("no answer");
    }
  });
});
