/** The lab: a whole hierarchy of names, its servers and their addresses. RFC 1034 4, RFC 7719 7. */
import type { ResourceRecord } from "../../../codecs/dns/index.ts";
import { readZone } from "../../../codecs/dns/index.ts";

export interface LabServer {
  readonly name: string;
  readonly addr: string;
  /** Names of the zones that it serves. */
  readonly zones: readonly string[];
  /** The others of the same zones have their data from this one. */
  readonly primary: boolean;
  /** Instances of one address at several places (RFC 4786); simulated only. */
  readonly instances: number;
}

/** A zone and the address of the server that it is fetched from (RFC 5936). */
export interface FetchedZone {
  readonly zone: string;
  readonly primary: string;
}

export interface LabZone {
  readonly name: string;
  readonly records: readonly ResourceRecord[];
  /** Signed, with a DS in the zone above. */
  readonly signed: boolean;
}

export interface LabPlan {
  readonly servers: readonly LabServer[];
  readonly zones: readonly LabZone[];
  readonly recursor: string;
  /** The root's servers, as a hints file (RFC 8109). */
  readonly hints: string;
}

const LETTERS = [..."abcdefghijklm"];
/** Root letters with two places, as most of the real ones have many. */
const ANYCAST = new Set(["f", "j"]);
export const LAB_RECURSOR = "127.0.0.53";

const rootAddress = (letter: string) => `127.0.1.${LETTERS.indexOf(letter) + 1}`;

interface Delegation {
  readonly zone: string;
  readonly parent: string;
  readonly servers: readonly (readonly [name: string, addr: string])[];
  readonly signed: boolean;
  readonly body: string;
}

const DELEGATIONS: readonly Delegation[] = [
  {
    zone: "com.",
    parent: ".",
    servers: [
      ["a.gtld.com.", "127.0.2.1"],
      ["b.gtld.com.", "127.0.2.2"],
    ],
    signed: true,
    body: "",
  },
  {
    zone: "edu.",
    parent: ".",
    servers: [
      ["a.tld.edu.", "127.0.2.11"],
      ["b.tld.edu.", "127.0.2.12"],
    ],
    signed: true,
    body: "",
  },
  {
    zone: "example.com.",
    parent: "com.",
    servers: [
      ["ns1.example.com.", "127.0.3.1"],
      ["ns2.example.com.", "127.0.3.2"],
    ],
    signed: true,
    body: `
www 300 A 198.51.100.10
www 300 A 198.51.100.11
www 300 AAAA 2001:db8:10::10
alias 300 CNAME www.shop.com.
@ 3600 MX 10 mail
mail 3600 A 198.51.100.25
@ 3600 TXT "the lab of netkit"
_sip._udp 3600 SRV 0 5 5060 sip
sip 3600 A 198.51.100.60
*.apps 300 A 198.51.100.12
old 3600 DNAME shop.com.
a.b.deep 300 A 198.51.100.13
@ 300 HTTPS 1 . alpn=h2`,
  },
  {
    zone: "shop.com.",
    parent: "com.",
    servers: [
      ["ns1.shop.com.", "127.0.3.11"],
      ["ns2.shop.com.", "127.0.3.12"],
    ],
    // The one that is not signed: what an insecure delegation looks like.
    signed: false,
    body: `
www 60 A 203.0.113.80
@ 60 A 203.0.113.80`,
  },
  {
    zone: "uni.edu.",
    parent: "edu.",
    servers: [
      ["ns1.uni.edu.", "127.0.4.1"],
      ["ns2.uni.edu.", "127.0.4.2"],
    ],
    signed: true,
    body: `
www 3600 A 192.0.2.80
@ 3600 MX 10 www`,
  },
  {
    zone: "cs.uni.edu.",
    parent: "uni.edu.",
    servers: [
      ["ns1.cs.uni.edu.", "127.0.4.11"],
      ["ns2.cs.uni.edu.", "127.0.4.12"],
    ],
    signed: true,
    body: `
www 3600 A 192.0.2.90
gaia 3600 A 192.0.2.91`,
  },
];

const soa = (server: string) => `@ 3600 SOA ${server} hostmaster 1 7200 900 1209600 300\n`;

/** NS records and the addresses of their names. */
function serverLines(owner: string, servers: Delegation["servers"]): string {
  return servers
    .map(([name, addr]) => `${owner} 86400 NS ${name}\n${name} 86400 A ${addr}\n`)
    .join("");
}

function children(zone: string): string {
  return DELEGATIONS.filter(({ parent }) => parent === zone)
    .map((child) => serverLines(child.zone, child.servers))
    .join("");
}

function zoneOf(name: string, signed: boolean, text: string): LabZone {
  return { name, signed, records: [...readZone(text, { origin: name, ttl: 3600 })] };
}

export function labPlan(): LabPlan {
  const roots = LETTERS.map(
    (letter) => [`${letter}.root-servers.net.`, rootAddress(letter)] as const,
  );
  const rootText = soa("a.root-servers.net.") + serverLines(".", roots) + children(".");
  const hints = roots
    .map(([name, addr]) => `.\t3600000\tNS\t${name}\n${name}\t3600000\tA\t${addr}\n`)
    .join("");
  return {
    recursor: LAB_RECURSOR,
    hints,
    zones: [
      zoneOf(".", true, rootText),
      ...DELEGATIONS.map(({ zone, servers, signed, body }) =>
        zoneOf(
          zone,
          signed,
          `${soa((servers[0] as readonly [string, string])[0])}${serverLines("@", servers)}${children(zone)}${body}\n`,
        ),
      ),
    ],
    servers: [
      ...LETTERS.map((letter) => ({
        name: `${letter}.root`,
        addr: rootAddress(letter),
        zones: ["."],
        primary: letter === "a",
        instances: ANYCAST.has(letter) ? 2 : 1,
      })),
      ...DELEGATIONS.flatMap(({ zone, servers }) =>
        servers.map(([name, addr], i) => ({
          name: name.slice(0, -1),
          addr,
          zones: [zone],
          primary: i === 0,
          instances: 1,
        })),
      ),
    ],
  };
}

/** Address of the server from which the others have the zone. */
function primaryOf({ servers }: LabPlan, zone: string): string {
  const found = servers.find(({ primary, zones }) => primary && zones.includes(zone));
  if (found === undefined) throw new RangeError(`${zone} has no primary`);
  return found.addr;
}

/** What a server has from its primary; a primary has nothing so. */
export function fetchedBy(plan: LabPlan, server: LabServer): FetchedZone[] {
  if (server.primary) return [];
  return server.zones.map((zone) => ({ zone, primary: primaryOf(plan, zone) }));
}
