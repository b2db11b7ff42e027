/** Names of servers to addresses, by the DNS engine: given ones, the hosts file, then the system's servers or those named. */
import { isIP } from "node:net";
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { RCODE } from "../../codecs/dns/index.ts";
import { nameLabels } from "../../codecs/dns/name.ts";
import { serverOf } from "../../dns/resolve/arguments.ts";
import type { WalkMode } from "../../dns/resolve/modes.ts";
import { modalClient } from "../../dns/resolve/modes.ts";
import { addressOf, HOSTS, hostsFile, RESOLV_CONF, systemConf } from "../../dns/resolve/servers.ts";
import type { Addresses, AskFor } from "../../engines/dialing/families.ts";
import { inFamilies } from "../../engines/dialing/families.ts";
import { isV6 } from "../../engines/dialing/order.ts";
import type { StubResult } from "../../engines/dns/client/stub.ts";
import { Stub } from "../../engines/dns/client/stub.ts";
import type { Host, Nanos } from "../../engines/host.ts";
import { SECOND } from "../../engines/host.ts";
import type { FetcherOptions, Looked } from "../../engines/http/fetch/fetcher.ts";
import { CommandError } from "../../failure.ts";

const A = 1;
const AAAA = 28;
const CNAME = 5;
const DNAME = 39;
/** RFC 8767 4: longer ones are most likely a mistake. */
const MAX_TTL = 7 * 86_400;
const DNS_PORT = 53;

export interface LookupSettings {
  /** `@server` words; none: the system's. */
  readonly dns: readonly string[];
  /** `host:port:address` or `host:address`, as curl's --resolve. */
  readonly resolve: readonly string[];
  /** `stub`, or who walks from the root. */
  readonly mode?: string | undefined;
  readonly hints?: string | undefined;
  readonly port?: number | undefined;
  /** Seconds that an answer is kept for whatever its TTL: a run looks up each name once. */
  readonly atLeast?: number | undefined;
  /** Addresses of this family only. */
  readonly family?: 4 | 6 | undefined;
}

type Lookup = FetcherOptions["lookup"];

/** Of the hosts file, which may change under a server that runs for long. */
const HOSTS_TTL = 60;
/** Names that are remembered; who asks a forward proxy chooses them. */
const MAX_NAMES = 10_000;

interface Kept {
  readonly addresses: readonly string[];
  readonly until: Nanos;
}

/** Answers are kept for their TTL, and at least for `settings.atLeast`. */
export async function lookupFor(host: Host, settings: LookupSettings): Promise<Lookup> {
  const fixed = fixedAddresses(settings.resolve);
  const servers = settings.dns.map((word) => serverOf(word.replace(/^@/, "")));
  const system = systemConf(RESOLV_CONF);
  const named = await Promise.all(servers.map(addressOf));
  const ask =
    (settings.mode ?? "stub") === "stub" ? undefined : await modalAsk(host, settings, servers);
  const stub = new Stub(host, {
    conf: named.length === 0 ? system : { ...system, servers: named, search: [] },
    hosts: named.length === 0 ? hostsFile(HOSTS) : undefined,
    transport: servers.some((server) => server.transport === "tls") ? "tls" : "udp",
    query: { rd: true },
  });
  const { family } = settings;
  const types = family === undefined ? [AAAA, A] : [family === 4 ? A : AAAA];
  const found = inFamilies(host.clock, ask ?? askStub(stub), types);
  const kept = new Map<string, Kept>();
  return (name, done, port) => {
    const bare = name.replace(/^\[(.*)\]$/, "$1").toLowerCase();
    const given = isIP(bare) !== 0 ? [bare] : (fixed.get(`${bare}:${port}`) ?? fixed.get(bare));
    if (given !== undefined) {
      const fit = given.filter((one) => family === undefined || isV6(one) === (family === 6));
      if (fit.length > 0) done(null, { addresses: fit });
      else done(new Error(`${bare}: no IPv${family} address`));
      return;
    }
    const from = host.clock.now();
    const known = kept.get(bare);
    if (known !== undefined && from < known.until) {
      done(null, known);
      return;
    }
    const fault = nameFault(bare);
    if (fault !== undefined) {
      done(new Error(fault));
      return;
    }
    found(bare, (error, { addresses, ttl }) => {
      const to = host.clock.now();
      const until = to + Math.max(ttl, settings.atLeast ?? 0) * SECOND;
      kept.delete(bare);
      if (error === null && until > to) kept.set(bare, { addresses, until });
      const [oldest] = kept.keys();
      if (kept.size > MAX_NAMES && oldest !== undefined) kept.delete(oldest);
      const looked: Looked = { addresses, from, to, until };
      done(error, looked);
    });
  };
}

/** RFC 1035 2.3.4: what a URL may name and no question can hold, which who asks a proxy is free to write. */
function nameFault(name: string): string | undefined {
  try {
    nameLabels(name);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** One question for each family, at once. */
function askStub(stub: Stub): AskFor {
  return (name, type, done) =>
    stub.resolve(name, type, (result) => {
      const found = addressesOf(result, type);
      done(found.addresses.length > 0 ? null : whyNot(name, result), found);
    });
}

/** By a walk from the root, a server that walks, or servers that ask each other. */
async function modalAsk(
  host: Host,
  { mode, hints, port = DNS_PORT }: LookupSettings,
  servers: readonly ReturnType<typeof serverOf>[],
): Promise<AskFor> {
  const client = await modalClient(
    { servers, resolvConf: RESOLV_CONF, timeoutMs: undefined },
    { mode: mode ?? "stub", hints, port, validate: false },
    host,
  );
  const walk = mode as WalkMode;
  return (name, type, done) => {
    const full = name.endsWith(".") ? name : `${name}.`;
    client.resolve(walk, full, type, ({ response }) => {
      const found = foundIn(response, type);
      done(found.addresses.length > 0 ? null : why(name, response), found);
    });
  };
}

function whyNot(name: string, result: StubResult): string {
  return why(name, result.from === "server" ? result.response : undefined, result.from === "hosts");
}

function why(name: string, response: DnsMessage | undefined, known = false): string {
  if (response === undefined && !known) return `${name}: no DNS server answered`;
  if (response?.rcode === RCODE.NXDOMAIN) return `${name}: no such name`;
  if (response?.rcode === RCODE.SERVFAIL) return `${name}: the DNS server failed (SERVFAIL)`;
  return `${name}: no address`;
}

function addressesOf(result: StubResult, type: number): Addresses {
  if (result.from === "hosts") return { addresses: result.addresses, ttl: HOSTS_TTL };
  return foundIn(result.from === "server" ? result.response : undefined, type);
}

/** The TTL is the least of the chain that leads to them. */
function foundIn(response: DnsMessage | undefined, wanted: number): Addresses {
  const addresses: string[] = [];
  let least = MAX_TTL;
  for (const { type, ttl, rdata } of response?.answers ?? []) {
    if (type !== wanted && type !== CNAME && type !== DNAME) continue;
    least = Math.min(least, ttl);
    const { address } = rdata as { readonly address?: string };
    if (type === wanted && address !== undefined) addresses.push(address);
  }
  return { addresses, ttl: least };
}

/** `name:address`, `name:port:address`, and more addresses after commas. @throws CommandError */
function fixedAddresses(entries: readonly string[]): Map<string, string[]> {
  const fixed = new Map<string, string[]>();
  for (const entry of entries) {
    const match = /^([^:]+)(?::([0-9]{1,5}))?:([0-9a-fA-F.:,[\]]+)$/.exec(entry);
    const [, name, port, list] = match ?? [];
    const addresses = list?.split(",").map((one) => one.replace(/^\[(.*)\]$/, "$1")) ?? [""];
    if (name === undefined || addresses.some((one) => isIP(one) === 0)) {
      throw new CommandError(
        `--resolve ${entry}: write it as name:address or name:port:address, with commas between several`,
      );
    }
    const bare = name.toLowerCase();
    fixed.set(port === undefined ? bare : `${bare}:${Number(port)}`, addresses);
  }
  return fixed;
}
