/** Whatever comes in, nothing is thrown, each question ends, and no socket is left. */
import { describe, expect, it } from "vitest";
import { encode, TYPE } from "../../../src/codecs/dns/index.ts";
import { questionFor } from "../../../src/engines/dns/resolver/resolver.ts";
import type { Random } from "../../../src/engines/host.ts";
import { SECOND } from "../../../src/engines/host.ts";
import { Xoshiro } from "../../../src/net/random.ts";
import { Packet } from "../../../src/net/simulated/packet.ts";
import type { Lab } from "../../support/dns/lab.ts";
import { signedLab } from "../../support/dns/signed.ts";
import { seeds } from "../../support/seeds.ts";

/** Some octets behind the id are changed, or the end is cut off. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let n = 1 + random.below(4); n > 0; n--)
    out[2 + random.below(out.length - 2)] = random.below(256);
  return random.below(8) === 0 ? out.slice(0, 12 + random.below(out.length - 12)) : out;
}

const NAMES = [
  "www.signed1.",
  "alias.signed1.",
  "no.signed1.",
  "x.wild.signed1.",
  "x.dn.signed1.",
  "www.sub.signed1.",
  "www.plain1.",
];

describe("the recursor and malformed messages", () => {
  it.each(seeds(10))("seed %i: servers' answers are changed at random", (seed) => {
    const lab: Lab = signedLab(undefined, "ed25519");
    const random = new Xoshiro(seed);
    lab.world.faults.rule((packet, from) => {
      if (from === "recursor" || packet.flags !== 0 || random.below(3) > 0) return "pass";
      const { protocol, src, sport, dst, dport, data } = packet;
      return { replace: new Packet(protocol, src, sport, dst, dport, mutate(data, random)) };
    });
    for (let i = 0; i < 40; i++) {
      const name = `${random.below(2) === 0 ? `${i}.` : ""}${NAMES[random.below(NAMES.length)]}`;
      const type = [TYPE.A, TYPE.TXT, TYPE.DS, TYPE.ANY, TYPE.NS][random.below(5)] as number;
      expect(lab.ask(name, type), `${name} ${type}`).toBeDefined();
    }
    expect(lab.recursor.statistics().pending).toBe(0);
  });

  it.each(seeds(5))("seed %i: clients' questions are changed at random", (seed) => {
    const lab = signedLab(undefined, "ed25519");
    const random = new Xoshiro(seed);
    let answers = 0;
    for (let i = 0; i < 400; i++) {
      const request = mutate(
        encode({ ...questionFor(NAMES[i % NAMES.length] as string), id: i }),
        random,
      );
      if (request.length < 12 || ((request[2] as number) & 0x80) !== 0) continue;
      const client = { addr: "10.1.1.1", port: 1024 + i, transport: "udp" as const };
      lab.recursor.query(request, client, (bytes) => {
        answers++;
        expect(((bytes[0] as number) << 8) | (bytes[1] as number)).toBe(i);
        expect(bytes.length).toBeLessThanOrEqual(1232);
      });
    }
    lab.world.run(lab.world.now + 120 * SECOND);
    expect(lab.recursor.statistics().pending).toBe(0);
    expect(answers).toBeGreaterThan(150);
  });
});
