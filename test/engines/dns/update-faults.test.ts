/** UPDATE while the power fails and the disk fills up, at any write. */
import { describe, expect, it } from "vitest";
import { decode, encode, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import { readScript } from "../../../src/dns/update/script.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { UpdateJournal } from "../../../src/engines/dns/update-journal.ts";
import { Updater } from "../../../src/engines/dns/updater.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import type { Engine, Host } from "../../../src/engines/host.ts";
import { MICROSECOND, MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { seeds } from "../../support/seeds.ts";

const FILE = "@ 5 SOA ns h 4294967290 4 2 1000 5\n@ 5 NS ns\nns 5 A 10.0.0.1\nlast 5 TXT none\n";
const ROUNDS = 40;
const CLIENT = { addr: "10.0.0.9", port: 4000, transport: "tcp" } as const;

const baseZone = () => new Zone("z.", readZone(FILE, { origin: "z." }));

/** Adds `uN`, and makes N the last. */
function update(n: number) {
  const [batch] = readScript(
    [`add u${n}.z. 5 A 192.0.2.1`, "delete last.z. TXT", `add last.z. 5 TXT ${n}`],
    "z.",
  );
  const base = decode(Uint8Array.of(0, 9, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const question = { name: "z.", type: TYPE.SOA, class: 1 };
  const updates = batch?.updates ?? [];
  return decode(encode({ ...base, questions: [question], authority: updates }));
}

class Server {
  readonly world: World;
  private authority: Authority | undefined;
  private updater: Updater | undefined;
  private sent = 0;
  private readonly acknowledged = new Set<number>();
  private readonly refused = new Set<number>();
  private ready = false;
  private seen: readonly number[] = [];

  constructor(seed: number) {
    this.world = new World({ seed });
    this.world.node("server", { addresses: ["10.0.0.1"], boot: () => this.boot() });
    this.pass(SECOND);
  }

  private boot(): Engine {
    return {
      start: (host: Host) => {
        const authority = new Authority(host.clock);
        const zone = baseZone();
        authority.setZone(zone);
        const updater = new Updater({
          mayUpdate: () => true,
          zoneOf: (origin) => authority.zoneAt(origin),
          onZone: (next, diffs) => authority.setZone(next, diffs),
          compactAbove: this.world.random.below(2) * 4000,
        });
        this.ready = false;
        this.authority = authority;
        updater.open(zone, new UpdateJournal(host, "z.journal"), () => {
          this.updater = updater;
          this.ready = true;
          this.check();
        });
      },
      stop: (_graceful, done) => done(),
    };
  }

  pass(time: number): void {
    this.world.run(this.world.now + time);
  }

  send(): void {
    const { authority, updater } = this;
    const zone = authority?.zone("z.");
    if (!this.ready || zone === undefined || updater === undefined) return;
    const n = this.sent++;
    updater.request(zone, update(n), CLIENT, undefined, (rcode) => {
      if (rcode === RCODE.NOERROR) this.acknowledged.add(n);
      else this.refused.add(n);
      this.check();
    });
  }

  crash(): void {
    const restart = this.world.faults.crash("server");
    this.ready = false;
    this.pass(SECOND);
    restart();
    this.pass(SECOND);
    expect(this.ready, "it serves again").toBe(true);
  }

  /** What is served: all that was acknowledged, nothing that was refused, nothing twice or by half. */
  check(): void {
    const zone = this.authority?.zone("z.");
    if (zone === undefined || !this.ready) return;
    const records = [...zone.records()];
    const numbers = records
      .flatMap(({ name }) => (/^u(\d+)\./.exec(name)?.[1] ?? []) as string | [])
      .map(Number)
      .sort((a, b) => a - b);
    for (const n of this.acknowledged) expect(numbers, `update ${n} is lost`).toContain(n);
    for (const n of this.refused) expect(numbers, `update ${n} was refused`).not.toContain(n);
    expect(numbers.slice(0, this.seen.length), "what was served stays").toEqual(this.seen);
    expect(zone.serial).toBe(serialAfter(numbers.length));
    const last = records.find(({ name }) => name === "last.z.");
    const wanted = numbers.length === 0 ? "none" : String(numbers.at(-1));
    expect(last?.rdata).toEqual({ strings: [wanted] });
    this.seen = numbers;
  }

  get counts() {
    return { acknowledged: this.acknowledged.size, refused: this.refused.size, sent: this.sent };
  }
}

/** RFC 1982 with no serial 0. */
function serialAfter(updates: number): number {
  const serial = 4294967290 + updates;
  return serial > 0xffff_ffff ? serial - 0xffff_ffff : serial;
}

describe("UPDATE under faults of the disk", () => {
  it.each(seeds(10))(
    "RFC 2136 3.5, seed %i: after each restart the zone has every update that was acknowledged, and of the last ones the first",
    (seed) => {
      const server = new Server(seed);
      const { random } = server.world;
      const { disk } = server.world.get("server");
      for (let round = 0; round < ROUNDS; round++) {
        disk.capacity = random.below(3) === 0 ? random.below(6000) : Number.POSITIVE_INFINITY;
        for (let burst = 1 + random.below(4); burst > 0; burst--) {
          server.send();
          server.pass(random.below(2) * random.below(3 * MILLISECOND));
        }
        server.pass(50 * MICROSECOND * random.below(200));
        if (random.below(2) === 0) server.crash();
      }
      disk.capacity = Number.POSITIVE_INFINITY;
      server.crash();
      const before = server.counts.acknowledged;
      server.send();
      server.pass(SECOND);
      const { acknowledged, refused, sent } = server.counts;
      expect(acknowledged).toBe(before + 1);
      expect(refused, "the disk was full at times").toBeGreaterThan(0);
      expect(sent, "the power failed amid updates").toBeGreaterThan(acknowledged + refused);
    },
  );
});
