/** Nearest answers as dig sees them. RFC 7871. */
import { execFile, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readZone } from "../../src/codecs/dns/zonefile.ts";
import { Authority } from "../../src/engines/dns/authority.ts";
import { DnsListener } from "../../src/engines/dns/listener.ts";
import { Nearest } from "../../src/engines/dns/nearest/nearest.ts";
import { readPlan } from "../../src/engines/dns/nearest/plan.ts";
import { Zone } from "../../src/engines/dns/zone.ts";
import { LiveHost } from "../../src/net/live/host.ts";

const DIG = "dig";
const missing = spawnSync(DIG, ["-v"], { timeout: 5000 }).error !== undefined;
if (missing) console.log("dns-nearest: skipped, no dig");

const host = new LiveHost();
afterAll(() => host.stop());
let port = 0;

beforeAll(async () => {
  const authority = new Authority(host.clock);
  const text = "@ 300 SOA ns h 1 2 3 4 60\n@ 300 NS ns\nns 300 A 127.0.0.1\nwww 300 A 192.0.2.80\n";
  authority.setZone(new Zone("cdn.", readZone(text, { origin: "cdn." })));
  authority.setTailor(
    new Nearest(
      readPlan({
        clients: { "10.0.0.0/8": [50, 8], "10.1.0.0/16": [38, -77], "2001:db8::/32": [38, -77] },
        edges: {
          fra: { addresses: ["192.0.2.1", "2001:db8::1"], place: [50, 8] },
          iad: { addresses: ["192.0.2.2"], place: [38, -77] },
        },
        names: { "www.cdn": ["fra", "iad"] },
      }),
    ),
  );
  port = await new Promise<number>((done, fail) => {
    new DnsListener(authority, {
      listen: [{ addr: "127.0.0.1", port: 0 }],
      onListening: ([at]) => done(at?.port ?? 0),
      onListenError: fail,
    }).start(host);
  });
});

function dig(...args: string[]): Promise<string> {
  return new Promise((done) => {
    execFile(
      DIG,
      ["@127.0.0.1", "-p", String(port), "www.cdn", ...args],
      { timeout: 20_000 },
      (_error, stdout, stderr) => done(stdout + stderr),
    );
  });
}

describe.skipIf(missing)("dig +subnet", () => {
  it.each<[string, string, string, string]>([
    ["10.2.3.0/24", "A", "CLIENT-SUBNET: 10.2.3.0/24/15", "192.0.2.1"],
    ["10.1.3.0/24", "A", "CLIENT-SUBNET: 10.1.3.0/24/16", "192.0.2.2"],
    ["10.0.0.0/8", "A", "CLIENT-SUBNET: 10.0.0.0/8/16", "192.0.2.1"],
    ["2001:db8:7::/48", "A", "CLIENT-SUBNET: 2001:db8:7::/48/32", "192.0.2.2"],
    ["2001:db8:7::/48", "AAAA", "CLIENT-SUBNET: 2001:db8:7::/48/32", "2001:db8::1"],
    ["0.0.0.0/0", "A", "CLIENT-SUBNET: 0.0.0.0/0/0", "192.0.2.1"],
  ])("RFC 7871 7.2.1: %s %s has its address and scope", async (subnet, type, option, address) => {
    const text = await dig(type, `+subnet=${subnet}`);
    expect(text).toContain("status: NOERROR");
    expect(text).toContain(option);
    expect(text).toMatch(new RegExp(`^www\\.cdn\\.\\s+20\\s+IN\\s+${type}\\s+${address}$`, "m"));
  });

  it("RFC 7871 6: a malformed option is FORMERR", async () => {
    expect(await dig("A", "+ednsopt=8:00011800c00002ff")).toContain("status: FORMERR");
  });

  it("RFC 7871 7.2.2: without the option there is none in the answer, over TCP too", async () => {
    const text = await dig("A", "+tcp", "+nosubnet");
    expect(text).not.toContain("CLIENT-SUBNET");
    expect(text).toContain("192.0.2.1");
  });
});
