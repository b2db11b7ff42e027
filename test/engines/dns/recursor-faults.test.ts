/** The recursor while servers crash, links fail and an attacker answers too. */
import { describe, expect, it } from "vitest";
import type { DnsMessage } from "../../../src/codecs/dns/index.ts";
import { decode, encode, RCODE, readZone } from "../../../src/codecs/dns/index.ts";
import { WORK_LIMITS } from "../../../src/engines/dns/resolver/options.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { Packet } from "../../../src/net/simulated/packet.ts";
import { addresses, apex, Lab, zone } from "../../support/dns/lab.ts";
import { seeds } from "../../support/seeds.ts";

const NAMES = 12;
const ROOT = zone(
  ".",
  `${apex("a.root.")}. NS b.root.\na.root. A 10.0.0.1\nb.root. A 10.0.0.7\nzone1. NS n1.zone1.\nzone1. NS n2.zone1.\nn1.zone1. A 10.0.0.2\nn2.zone1. A 10.0.0.3\n`,
);
const HOSTS = Array.from({ length: NAMES }, (_, i) => `h${i} 5 A 192.0.2.${i}\n`).join("");
const ZONE = zone(
  "zone1.",
  `${apex("n1.zone1.")}@ NS n2.zone1.\nn1 A 10.0.0.2\nn2 A 10.0.0.3\n${HOSTS}`,
);
const SERVERS = { "10.0.0.1": ROOT, "10.0.0.7": ROOT, "10.0.0.2": ZONE, "10.0.0.3": ZONE };
const NODES = Object.keys(SERVERS).map((addr) => `server ${addr}`);

/** Each question that leaves the recursor is answered by an attacker too, who does not see its id. */
function spoof(lab: Lab, from: string): void {
  lab.world.faults.rule((packet, sender) => {
    if (sender !== "recursor" || packet.dport !== 53 || packet.flags !== 0) return "pass";
    const query = decode(new Uint8Array(packet.data), { tolerate: () => {} });
    const forged: DnsMessage = {
      ...query,
      id: (query.id + 1 + lab.world.random.below(65_000)) & 0xffff,
      qr: 1,
      aa: true,
      answers: [...readZone(`${query.questions[0]?.name} 3600 A 192.0.2.66\n`, { origin: "." })],
      additional: [],
    };
    const vertex = lab.world.topology.get(from);
    lab.world.transmit(
      vertex,
      new Packet(
        packet.protocol,
        packet.dst,
        packet.dport,
        packet.src,
        packet.sport,
        encode(forged),
      ),
    );
    return "pass";
  });
}

describe("the recursor under faults", () => {
  it.each(seeds())(
    "seed %i: each question ends in time, nothing wrong is told, and at last all resolves",
    (seed) => {
      const lab = new Lab(seed, SERVERS, {
        hints: [{ name: "a.root.", addresses: ["10.0.0.1", "10.0.0.7"] }],
      });
      spoof(lab, NODES[0] as string);
      for (const node of NODES)
        lab.world.faults.link(node, "core", {
          loss: 0.3,
          duplicate: 0.1,
          reorder: 0.2,
          jitter: 20 * MILLISECOND,
        });
      lab.world.faults.chaos({
        nodes: NODES,
        kinds: ["partition", "one-way", "clog", "crash", "pause"],
        every: 2 * SECOND,
        longest: 4 * SECOND,
      });
      const right = (i: number, answer: DnsMessage | undefined) => {
        expect(answer, `no answer to h${i}.zone1. in time`).toBeDefined();
        expect(answer?.questions[0]?.name).toBe(`h${i}.zone1.`);
        if (answer?.rcode === RCODE.NOERROR) expect(addresses(answer)).toEqual([`192.0.2.${i}`]);
        else expect(answer?.rcode).toBe(RCODE.SERVFAIL);
      };
      for (let i = 0; i < NAMES; i++)
        right(i, lab.ask(`h${i}.zone1.`, 1, (WORK_LIMITS.milliseconds + 1000) * MILLISECOND));
      expect(lab.recursor.statistics().mostQueries).toBeLessThanOrEqual(WORK_LIMITS.queries);
      lab.world.faults.quiet();
      lab.world.run(lab.world.now + 20 * SECOND);
      for (let i = 0; i < NAMES; i++) {
        const answer = lab.ask(`h${i}.zone1.`);
        expect(addresses(answer)).toEqual([`192.0.2.${i}`]);
      }
      expect(lab.recursor.statistics()).toMatchObject({ pending: 0 });
    },
  );

  it("a run is the same for the same seed, to the last question", () => {
    const runOnce = () => {
      const lab = new Lab(99, SERVERS, {});
      for (let i = 0; i < NAMES; i++) lab.ask(`h${i}.zone1.`);
      return lab.world.digest.text;
    };
    expect(runOnce()).toBe(runOnce());
  });
});
