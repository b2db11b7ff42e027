/** UPDATE of signed zones, with power failures, a full disk and time that passes. */
import type { KeyObject } from "node:crypto";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { decode, encode, RCODE, readZone, TYPE } from "../../../src/codecs/dns/index.ts";
import type { ResourceRecord } from "../../../src/codecs/dns/message.ts";
import { writeZone } from "../../../src/codecs/dns/zonefile.ts";
import { readScript } from "../../../src/dns/update/script.ts";
import { Authority } from "../../../src/engines/dns/authority.ts";
import { checkSigned } from "../../../src/engines/dns/check-signed.ts";
import type { ZoneKeys } from "../../../src/engines/dns/online-signing.ts";
import { zoneKeys } from "../../../src/engines/dns/online-signing.ts";
import type { Nsec3Options, SigningKey } from "../../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../../src/engines/dns/sign.ts";
import { UpdateJournal } from "../../../src/engines/dns/update-journal.ts";
import { Updater } from "../../../src/engines/dns/updater.ts";
import { Zone } from "../../../src/engines/dns/zone.ts";
import type { ZoneDiff } from "../../../src/engines/dns/zone-diff.ts";
import { applyDiffs } from "../../../src/engines/dns/zone-diff.ts";
import type { Engine, Host, Random } from "../../../src/engines/host.ts";
import { MILLISECOND, SECOND } from "../../../src/engines/host.ts";
import { World } from "../../../src/net/simulated/world.ts";
import { seeds } from "../../support/seeds.ts";

const FILE = `$TTL 300
@ SOA ns h 4294967280 3600 600 1000000 60
@ NS ns
@ MX 10 mail
ns A 192.0.2.1
mail A 192.0.2.2
*.wild TXT "any"
deep.ent TXT "a name below an empty one"
sub NS ns.sub
ns.sub A 192.0.2.3
`;
const DAY = 86_400;
const CLIENT = { addr: "10.0.0.9", port: 4000, transport: "tcp" } as const;
const DENIALS: readonly (Nsec3Options | undefined)[] = [
  undefined,
  { salt: "", iterations: 0, optOut: false },
  { salt: "abcd", iterations: 3, optOut: true },
];
/** Ed25519 signs the same bytes the same way, so that runs can be repeated. */
const pem = (last: string) =>
  createPrivateKey({
    key: Buffer.from(`302e020100300506032b657004220420${"00".repeat(31)}${last}`, "hex"),
    format: "der",
    type: "pkcs8",
  });
const KEYS: readonly KeyObject[] = [pem("01"), pem("02")];

function signedZone(seed: number, now: number): { zone: Zone; keys: ZoneKeys } {
  const ksk = signingKey(KEYS[0] as KeyObject, true) as SigningKey;
  const zsk = seed % 2 === 0 ? signingKey(KEYS[1] as KeyObject, false) : undefined;
  const plain = new Zone("z.", readZone(FILE, { origin: "z." }));
  const times = { inception: now - 3600, expiration: now + 30 * DAY };
  const zone = new Zone(
    "z.",
    signZone(plain, { ksk, zsk, ...times, nsec3: DENIALS[seed % DENIALS.length] }),
  );
  const keys = zoneKeys(zone, KEYS);
  if (typeof keys === "string") throw new Error(keys);
  return { zone, keys };
}

function message(lines: readonly string[]) {
  const [batch] = readScript([...lines], "z.");
  const base = decode(Uint8Array.of(0, 9, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  const questions = [{ name: "z.", type: TYPE.SOA, class: 1 }];
  const { prerequisites = [], updates = [] } = batch ?? {};
  return decode(encode({ ...base, questions, answers: prerequisites, authority: updates }));
}

/** What moves the chain: names that come and go, above, below and at cuts. */
function lines(random: Random): string[] {
  const name = ["a", "b.ent", "x.y.ent", "*.wild", "*.a", "sub", "c.sub", "own", "al", "ns"][
    random.below(10)
  ] as string;
  const n = random.below(4);
  const one = [
    `add ${name}.z. 300 A 192.0.2.${n}`,
    `add ${name}.z. 60 TXT t${n}`,
    `delete ${name}.z.`,
    `delete ${name}.z. A`,
    `delete ${name}.z. A 192.0.2.${n}`,
    `add own.z. 300 NS ns.own.z.`,
    `add own.z. 300 DS 1 15 2 ${"ab".repeat(32)}`,
    `add ns.own.z. 300 A 192.0.2.${n}`,
    `delete own.z. NS`,
    `add al.z. 300 CNAME a.z.`,
    `add tree.z. 300 DNAME other.`,
    `add z. ${60 * (1 + n)} MX 10 mail.z.`,
    `delete z.`,
  ];
  return Array.from({ length: 1 + random.below(3) }, () => one[random.below(one.length)] as string);
}

const texts = (records: Iterable<ResourceRecord>) =>
  [...records].map((record) => writeZone([record])).sort();

class Server {
  readonly world: World;
  private readonly keys: ZoneKeys;
  private readonly file: Zone;
  private authority: Authority | undefined;
  private updater: Updater | undefined;
  private replica: Zone;
  readonly counts = { done: 0, refused: 0, versions: 0 };

  constructor(seed: number) {
    this.world = new World({ seed });
    const node = this.world.node("server", { addresses: ["10.0.0.1"], boot: () => this.boot() });
    const { zone, keys } = signedZone(seed, Math.floor(node.clock.wallMs() / 1000));
    this.file = zone;
    this.replica = zone;
    this.keys = keys;
    this.pass(SECOND);
  }

  get zone(): Zone {
    return this.authority?.zone("z.") as Zone;
  }

  private boot(): Engine {
    return {
      start: (host: Host) => {
        const authority = new Authority(host.clock);
        authority.setZone(this.file);
        this.updater = undefined;
        this.authority = authority;
        const updater = new Updater({
          mayUpdate: () => true,
          zoneOf: (origin) => authority.zoneAt(origin),
          onZone: (next, diffs) => {
            authority.setZone(next, diffs);
            if (this.updater !== undefined) this.follow(next, diffs ?? []);
          },
          clock: host.clock,
        });
        const journal = new UpdateJournal(host, "z.journal");
        updater.open(
          this.file,
          journal,
          () => {
            this.updater = updater;
            this.check();
            // What was on the disk and not answered is served now: a secondary would catch up.
            this.replica = this.zone;
          },
          this.keys,
        );
      },
      stop: (_graceful, done) => done(),
    };
  }

  /** A secondary that has each difference. */
  private follow(next: Zone, diffs: readonly ZoneDiff[]): void {
    const records = applyDiffs(this.replica, diffs);
    expect(texts(records ?? []), "RFC 1995 4").toEqual(texts(next.records()));
    this.replica = next;
    this.counts.versions++;
    this.check();
  }

  pass(time: number): void {
    this.world.run(this.world.now + time);
  }

  send(script: readonly string[]): void {
    const { updater } = this;
    if (updater === undefined) return;
    updater.request(this.zone, message(script), CLIENT, undefined, (rcode) => {
      if (rcode === RCODE.NOERROR) this.counts.done++;
      else this.counts.refused++;
    });
  }

  crash(): void {
    const restart = this.world.faults.crash("server");
    this.updater = undefined;
    this.pass(SECOND);
    restart();
    this.pass(SECOND);
    expect(this.updater, "it serves again").toBeDefined();
  }

  check(): void {
    const { clock } = this.world.get("server");
    const now = Math.floor(clock.wallMs() / 1000);
    const { problems } = checkSigned(this.zone, now);
    expect(problems, `serial ${this.zone.serial}`).toEqual([]);
  }
}

describe("UPDATE of a signed zone under faults", () => {
  it.each(seeds(10))(
    "RFC 4035 2, RFC 5155 7.1, seed %i: each version that is served holds, and each difference leads to it",
    (seed) => {
      const server = new Server(seed);
      const { random } = server.world;
      const { disk } = server.world.get("server");
      for (let round = 0; round < 25; round++) {
        disk.capacity = random.below(4) === 0 ? random.below(60_000) : Number.POSITIVE_INFINITY;
        for (let burst = 1 + random.below(3); burst > 0; burst--) server.send(lines(random));
        server.pass(random.below(3 * MILLISECOND));
        if (random.below(4) === 0) server.crash();
      }
      disk.capacity = Number.POSITIVE_INFINITY;
      server.crash();
      server.send(["add end.z. 300 A 192.0.2.9"]);
      server.pass(SECOND);
      expect(server.counts.done).toBeGreaterThan(5);
      expect(server.counts.versions).toBeGreaterThan(5);
      expect(texts(server.zone.records()).join("")).toContain("end.z.");
      // RFC 6781 4.4.2: signatures are made again, with no UPDATE, before they end.
      const { serial } = server.zone;
      for (let day = 0; day < 70; day++) {
        server.pass(DAY * SECOND);
        server.check();
      }
      expect((server.zone.serial - serial) >>> 0).toBeGreaterThanOrEqual(3);
    },
  );
});

describe("what a signed zone takes", () => {
  const at = (script: string[]) => {
    const server = new Server(1);
    const before = server.zone;
    server.send(script);
    server.pass(SECOND);
    return { server, before, after: server.zone };
  };

  it("RFC 3007 4.3: signatures, denials and keys come from the server alone", () => {
    for (const line of [
      "delete z. NSEC",
      "delete ns.z. RRSIG",
      "delete z. DNSKEY",
      "add z. 60 NSEC3PARAM 1 0 0 -",
    ]) {
      const { server, before, after } = at([line, "add a.z. 60 A 192.0.2.1"]);
      expect([line, server.counts.refused, after.serial]).toEqual([line, 1, before.serial]);
    }
  });

  it("RFC 1995: one address changes its own signature, the SOA's and no other", () => {
    const { before, after } = at(["add ns.z. 300 A 192.0.2.77"]);
    const old = new Set(texts(before.records()));
    const added = texts(after.records()).filter((text) => !old.has(text));
    // The address and the SOA, each with its RRSIG.
    expect(added, added.join("")).toHaveLength(4);
  });

  it("RFC 4035 2.2: with keys that are not the zone's it is not signed", () => {
    const { zone } = signedZone(2, 1_700_000_000);
    const { privateKey } = generateKeyPairSync("ed25519");
    expect(zoneKeys(zone, [privateKey])).toMatch(/no --sign-key is one of its DNSKEY/);
    expect(zoneKeys(zone, [KEYS[1] as KeyObject])).toMatch(/a key that no --sign-key is: tag/);
    expect(zoneKeys(zone, [KEYS[0] as KeyObject])).toMatch(/a key that no --sign-key is: tag/);
  });
});
