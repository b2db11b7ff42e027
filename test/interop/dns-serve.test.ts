/** Our authoritative server and signer, judged by delv and dig. */
import { execFile, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ResourceRecord } from "../../src/codecs/dns/message.ts";
import { readZone } from "../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../src/engines/dns/authority.ts";
import type { Dnskey } from "../../src/engines/dns/dnssec/keys.ts";
import { dsOf } from "../../src/engines/dns/dnssec/keys.ts";
import { DnsListener } from "../../src/engines/dns/listener.ts";
import type { Nsec3Options, SigningKey } from "../../src/engines/dns/sign.ts";
import { signingKey, signZone } from "../../src/engines/dns/sign.ts";
import { Zone } from "../../src/engines/dns/zone.ts";
import { LiveHost } from "../../src/net/live/host.ts";

const have = (tool: string) => spawnSync(tool, ["-v"], { timeout: 5000 }).error === undefined;
const missing = ["delv", "dig"].filter((tool) => !have(tool));
if (missing.length > 0) console.log(`dns-serve: skipped, no ${missing.join(" and no ")}`);

const TEXT = `$ORIGIN example.
$TTL 300
@ SOA ns1 host 1 7200 900 1209600 300
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.2
alias CNAME www
a.b.ent TXT deep
*.wild A 192.0.2.9
*.cw CNAME www
sub NS ns.sub
ns.sub A 192.0.2.20
dn DNAME target
a.target A 192.0.2.30
`;

const host = new LiveHost();
afterAll(() => host.stop());

function run(tool: string, args: readonly string[]): Promise<string> {
  return new Promise((done) => {
    execFile(tool, args, { timeout: 20_000 }, (_error, stdout, stderr) => done(stdout + stderr));
  });
}

function newKey(kind: "ed25519" | "p256", entry: boolean): SigningKey {
  const { privateKey } =
    kind === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: "P-256" });
  return signingKey(privateKey, entry) as SigningKey;
}

interface Served {
  readonly port: number;
  readonly anchors: string;
}

async function serve(
  kind: "ed25519" | "p256",
  nsec3: Nsec3Options | undefined,
  split: boolean,
  late: number,
): Promise<Served> {
  const ksk = newKey(kind, true);
  const now = Math.floor(Date.now() / 1000) - late;
  const records: ResourceRecord[] = signZone(new Zone("example.", readZone(TEXT)), {
    ksk,
    zsk: split ? newKey(kind, false) : undefined,
    inception: now - 3600,
    expiration: now + 3600,
    nsec3,
  });
  const authority = new Authority(host.clock, { mayTransfer: () => true });
  authority.setZone(new Zone("example.", records));
  const port = await new Promise<number>((done, fail) => {
    new DnsListener(authority, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
      onListenError: fail,
    }).start(host);
  });
  const ds = dsOf("example.", ksk.dnskey as unknown as Dnskey, 2);
  const anchors = join(mkdtempSync(join(tmpdir(), "netkit-")), "anchors");
  const digest = `${ds?.keyTag} ${ds?.algorithm} 2 "${ds?.digest}"`;
  writeFileSync(anchors, `trust-anchors { example. static-ds ${digest}; };\n`);
  return { port, anchors };
}

function delv({ port, anchors }: Served, name: string, type: string): Promise<string> {
  return run("delv", [
    "@127.0.0.1",
    "-p",
    String(port),
    "-a",
    anchors,
    "+root=example",
    name,
    type,
  ]);
}

const ROWS: readonly [name: string, type: string, says: RegExp][] = [
  ["www.example", "A", /^; fully validated/m],
  ["alias.example", "A", /^; fully validated/m],
  ["x.y.wild.example", "A", /^; fully validated/m],
  ["q.cw.example", "A", /^; fully validated/m],
  ["a.dn.example", "A", /^; fully validated/m],
  ["example", "DNSKEY", /^; fully validated/m],
  ["www.example", "TXT", /^; negative response, fully validated[\s\S]*ncache nxrrset/m],
  ["b.ent.example", "A", /^; negative response, fully validated[\s\S]*ncache nxrrset/m],
  ["q.wild.example", "TXT", /^; negative response, fully validated[\s\S]*ncache nxrrset/m],
  ["nope.example", "A", /^; negative response, fully validated[\s\S]*ncache nxdomain/m],
  ["a.b.nope.example", "A", /^; negative response, fully validated[\s\S]*ncache nxdomain/m],
  ["zzz.www.example", "A", /^; negative response, fully validated[\s\S]*ncache nxdomain/m],
  ["sub.example", "DS", /^; negative response, fully validated[\s\S]*ncache nxrrset/m],
];

describe.skipIf(missing.length > 0)("a zone that we signed and serve", () => {
  it.each<[string, "ed25519" | "p256", Nsec3Options | undefined, boolean]>([
    ["Ed25519, NSEC, one key", "ed25519", undefined, false],
    ["P-256, NSEC, KSK and ZSK", "p256", undefined, true],
    ["Ed25519, NSEC3", "ed25519", { salt: "", iterations: 0, optOut: false }, true],
    [
      "P-256, NSEC3 with salt, iterations and opt-out",
      "p256",
      { salt: "ab01", iterations: 3, optOut: true },
      false,
    ],
  ])("RFC 4035 5: delv validates what is and what is not: %s", async (_how, kind, nsec3, split) => {
    const served = await serve(kind, nsec3, split, 0);
    const wrong: string[] = [];
    for (const [name, type, says] of ROWS) {
      const text = await delv(served, name, type);
      // RFC 5155 9.2: with opt-out, what a wildcard made is not proved to be secure.
      const unproved = nsec3?.optOut === true && name.endsWith("y.wild.example");
      if (!(unproved ? /^; (unsigned answer|fully validated)/m : says).test(text))
        wrong.push(`${name} ${type}: ${text}`);
    }
    expect(wrong).toEqual([]);
  });

  it("RFC 4034 3.1.5: signatures that have expired are refused", async () => {
    const served = await serve("ed25519", undefined, false, 86_400);
    expect(await delv(served, "www.example", "A")).toMatch(/expired|broken trust chain/);
  });

  it("RFC 5936 2.2: dig has the zone whole", async () => {
    const { port } = await serve("ed25519", undefined, false, 0);
    const text = await run("dig", ["@127.0.0.1", "-p", String(port), "example", "AXFR"]);
    expect(text).toMatch(/XFR size: 4[0-9] records/);
  });
});
