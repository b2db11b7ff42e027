/** Names of servers to addresses, by the DNS engine: given ones, the hosts file, then the system's servers or those named. */
import { isIP } from "node:net";
import type { DnsMessage } from "../../codecs/dns/index.ts";
import { RCODE } from "../../codecs/dns/index.ts";
import { nameLabels } from "../../codecs/dns/name.ts";
import { serverOf } from "../../dns/resolve/arguments.ts";
import type { WalkMode } from "../../dns/resolve/modes.ts";
import { modalClient } from "../../dns/resolve/modes.ts";
import { addressOf, HOSTS, hostsFile, RESOLV_CONF, systemConf } from "../../dns/resolve/servers.ts";
import type { AskFor } from "../../engines/dialing/families.ts";
import { inFamilies } from "../../engines/dialing/families.ts";
import { isV6 } from "../../engines/dialing/order.ts";
import type { StubResult } from "../../engines/dns/client/stub.ts";
import { Stub } from "../../engines/dns/client/stub.ts";
import type { Host } from "../../engines/host.ts";
import type { FetcherOptions, Looked } from "../../engines/http/fetch/fetcher.ts";
import { CommandError } from "../../failure.ts";

const A = 1;
const AAAA = 28;
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
  /** Addresses of this family only. */
  readonly family?: 4 | 6 | undefined;
}

type Lookup = FetcherOptions["lookup"];

/** Answers are kept for the run, so that only the first look-up of a name costs time. */
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
  const kept = new Map<string, readonly string[]>();
  return (name, done, port) => {
    const bare = name.replace(/^\[(.*)\]$/, "$1");
    const known =
      isIP(bare) !== 0
        ? [bare]
        : (fixed.get(`${bare}:${port}`) ?? fixed.get(bare) ?? kept.get(bare));
    if (known !== undefined) {
      const fit = known.filter((one) => family === undefined || isV6(one) === (family === 6));
      if (fit.length > 0) done(null, { addresses: fit });
      else done(new Error(`${bare}: no IPv${family} address`));
      return;
    }
    const fault = nameFault(bare);
    if (fault !== undefined) {
      done(new Error(fault));
      return;
    }
    const from = host.clock.now();
    found(bare, (error, addresses) => {
      if (error === null) kept.set(bare, addresses);
      const looked: Looked = { addresses, from, to: host.clock.now() };
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
      done(found.length > 0 ? null : whyNot(name, result), found);
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
      done(found.length > 0 ? null : why(name, response), found);
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

function addressesOf(result: StubResult, type: number): readonly string[] {
  if (result.from === "hosts") return result.addresses;
  return result.from === "server" ? foundIn(result.response, type) : [];
}

function foundIn(response: DnsMessage | undefined, wanted: number): string[] {
  const found: string[] = [];
  for (const { type, rdata } of response?.answers ?? []) {
    if (type !== wanted) continue;
    const { address } = rdata as { readonly address?: string };
    if (address !== undefined) found.push(address);
  }
  return found;
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
