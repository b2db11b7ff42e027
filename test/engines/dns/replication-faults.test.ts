/** A primary and a secondary while both crash, links fail, and the serial wraps. */
import { describe, expect, it } from "vitest";
import type { ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { readZone } from "../../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { DnsListener } from "../../../src/engines/dns/listener.ts";
import { notify } from "../../../src/engines/dns/notifier.ts";
import { Secondary } from "../../../src/engines/dns/secondary.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import { recordKey } from "../../../src/engines/dns/zone-diff.ts";
import type { Engine, Host } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { seeds } from "../../support/seeds.ts";

const PRIMARY = { addr: "10.0.0.1", port: 53 };
const SECONDARY = { addr: "10.0.0.2", port: 53 };
/** RFC 1982: the fifth version has serial 0. */
const FIRST_SERIAL = 0x1_0000_0000 - 4;
const HOSTS = 450;

const serialOf = (version: number) => (FIRST_SERIAL + version) >>> 0;
const versionOf = (serial: number) => (serial - FIRST_SERIAL) >>> 0;

/** Of each version every record tells which one it is of, by its address or by being there at all. */
function recordsOf(version: number, expire: number): readonly ResourceRecord[] {
  const lines = [
    `@ 5 SOA ns h ${serialOf(version)} 4 2 ${expire} 5`,
    "@ 5 NS ns",
    "ns 5 A 10.0.0.1",
  ];
  for (let i = 0; i < HOSTS; i++) {
    if ((i + version) % 7 === 0) continue;
    lines.push(`h${i} 5 A 10.1.${i % 5 === 0 ? version : 0}.${i % 200}`);
  }
  return [...readZone(`${lines.join("\n")}\n`, { origin: "z." })];
}

const text = (records: Iterable<ResourceRecord>) => [...records].map(recordKey).sort().join("\n");

const call = (f: () => void) => f();

class Replicas {
  readonly world: World;
  current = 0;
  failing = false;
  served: Authority | undefined;
  private readonly expire: number;
  private readonly versions: (readonly ResourceRecord[])[] = [];
  private tell: (() => void) | undefined;
  private readonly checked = new WeakSet<Zone>();
  private latest = -1;

  constructor(seed: number) {
    this.world = new World({ seed });
    this.expire = seed % 3 === 0 ? 12 : 1000;
    this.world.node("primary", { addresses: [PRIMARY.addr], boot: () => this.primary() });
    this.world.node("secondary", { addresses: [SECONDARY.addr], boot: () => this.secondary() });
  }

  private records(version: number): readonly ResourceRecord[] {
    this.versions[version] ??= recordsOf(version, this.expire);
    return this.versions[version];
  }

  private primary(): Engine {
    return {
      start: (host: Host) => {
        const authority = new Authority(host.clock, { mayTransfer: () => true });
        const serve = () => authority.setZone(new Zone("z.", this.records(this.current)));
        serve();
        new DnsListener(authority, { listen: [PRIMARY] }).start(host);
        this.tell = () => {
          serve();
          notify(host, { name: "z." }, SECONDARY, () => {});
        };
      },
      stop: (_graceful, done) => done(),
    };
  }

  private secondary(): Engine {
    return {
      start: (host: Host) => {
        const secondary = new Secondary({
          zone: "z.",
          primary: PRIMARY,
          file: "z.zone",
          onZone: (zone, diffs) => {
            authority.setZone(zone, diffs);
            this.mayFail();
          },
          onExpire: () => authority.removeZone("z."),
        });
        const authority: Authority = new Authority(host.clock, {
          onNotify: () => {
            secondary.notify();
            return true;
          },
        });
        this.served = authority;
        new DnsListener(authority, { listen: [SECONDARY] }).start(host);
        secondary.start(host);
      },
      stop: (_graceful, done) => done(),
    };
  }

  /** The power of the secondary fails as soon as it serves what is new. */
  private mayFail(): void {
    const { faults, queue, random } = this.world;
    if (!this.failing || random.below(6) > 0) return;
    const fail = () => {
      this.check();
      queue.at(this.world.now + SECOND, call, faults.crash("secondary"), undefined);
    };
    queue.at(this.world.now + random.below(MILLISECOND), call, fail, undefined);
  }

  change(): void {
    this.current++;
    this.tell?.();
  }

  /** The version that is served, which is whole, and not older than any before. */
  check(): number | undefined {
    const zone = this.served?.zone("z.");
    if (zone === undefined) return undefined;
    const version = versionOf(zone.serial);
    if (!this.checked.has(zone)) {
      this.checked.add(zone);
      expect(version).toBeLessThanOrEqual(this.current);
      expect(text(zone.records()), `version ${version} is whole`).toBe(text(this.records(version)));
    }
    expect(version, "the serial goes back").toBeGreaterThanOrEqual(this.latest);
    this.latest = version;
    return version;
  }

  run(seconds: number, each: () => void = () => {}): void {
    const until = this.world.now + seconds * SECOND;
    while (this.world.now < until) {
      this.world.run(this.world.now + 50 * MILLISECOND);
      each();
      this.check();
    }
  }
}

describe("replication under faults", () => {
  it.each(seeds(8))(
    "RFC 5936 6, RFC 1995 5, RFC 1982 3.2, seed %i: the zone is whole at all times, never older, and the newest at last",
    (seed) => {
      const replicas = new Replicas(seed);
      const { world } = replicas;
      const { random } = world;
      replicas.run(1);
      for (const node of ["primary", "secondary"])
        world.faults.link(node, "core", {
          loss: 0.1,
          duplicate: 0.2,
          reorder: 0.2,
          jitter: 20 * MILLISECOND,
        });
      world.faults.chaos({
        nodes: ["primary", "secondary"],
        kinds: ["loss", "corrupt", "partition", "one-way", "clog", "crash", "pause", "rst"],
        every: SECOND,
        longest: 3 * SECOND,
      });
      replicas.failing = true;
      replicas.run(45, () => {
        if (random.below(40) === 0) replicas.change();
      });
      replicas.failing = false;
      world.faults.quiet();
      replicas.run(60);
      expect(replicas.check(), "after the faults").toBe(replicas.current);
      expect(replicas.current, "the serial wrapped").toBeGreaterThan(4);
      replicas.change();
      replicas.run(2);
      expect(replicas.check(), "after a NOTIFY").toBe(replicas.current);
    },
  );
});
