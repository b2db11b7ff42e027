/** Whom to ask: the deepest zone whose servers are known. RFC 1034 5.3.3 step 2, RFC 8109. */
import type { RdataOf, ResourceRecord } from "../../../codecs/dns/index.ts";
import { TYPE } from "../../../codecs/dns/index.ts";
import { isWithin, keyOf, labelCount, parentOf } from "../dnssec/names.ts";
import type { Core } from "./core.ts";
import type { ServerAddress, ZoneServers } from "./options.ts";

export interface Delegation {
  /** Key of the zone. */
  readonly zone: string;
  readonly kind: "hints" | "stub" | "forward" | "learnt" | "own";
  /** Keys of its servers' names. */
  readonly names: readonly string[];
  /** Known beside what the cache has for the names. */
  readonly addresses: readonly ServerAddress[];
  readonly noCache: boolean;
}

/** Configured servers for the name: the deepest zone of them. */
export function configured(zones: readonly ZoneServers[], name: string): ZoneServers | undefined {
  let best: ZoneServers | undefined;
  for (const one of zones)
    if (
      isWithin(name, keyOf(one.zone)) &&
      (best === undefined || labelCount(one.zone) > labelCount(best.zone))
    )
      best = one;
  return best;
}

export function hints(core: Core): Delegation {
  const { options } = core;
  return {
    zone: ".",
    kind: "hints",
    names: [],
    addresses: options.hints.flatMap(({ addresses }) =>
      addresses.map((addr) => ({ addr, port: options.hintPort })),
    ),
    noCache: false,
  };
}

function fromConfig(zone: ZoneServers, kind: "stub" | "forward"): Delegation {
  return {
    zone: keyOf(zone.zone),
    kind,
    names: (zone.names ?? []).map(keyOf),
    addresses: zone.addresses,
    noCache: zone.noCache === true,
  };
}

/** Labels of the deepest zone above the name that is configured; -1: there is none. */
export function configuredDepth({ options }: Core, name: string): number {
  const one = configured(options.stubs, name) ?? configured(options.forwards, name);
  const own = options.ownZones?.upstream(name);
  return Math.max(
    one === undefined ? -1 : labelCount(keyOf(one.zone)),
    own === undefined ? -1 : labelCount(own.key),
  );
}

/** `skipConfigured`: a stub or forwarder that failed and may be gone around. */
export function findDelegation(
  core: Core,
  name: string,
  type: number,
  skipConfigured = false,
  leeway = 0,
): Delegation {
  // RFC 4035 3.1.4.1: the parent has the DS.
  const from = type === TYPE.DS && name !== "." ? parentOf(name) : name;
  const stub = skipConfigured ? undefined : configured(core.options.stubs, from);
  const forward = skipConfigured ? undefined : configured(core.options.forwards, from);
  const own = skipConfigured ? undefined : core.options.ownZones?.upstream(from);
  if (
    forward !== undefined &&
    (stub === undefined || labelCount(stub.zone) < labelCount(forward.zone)) &&
    (own === undefined || labelCount(own.key) < labelCount(forward.zone))
  )
    return fromConfig(forward, "forward");
  const floor = stub === undefined ? -1 : labelCount(stub.zone);
  for (let at = from; labelCount(at) > floor; at = parentOf(at)) {
    if (own?.key === at) return { zone: at, kind: "own", names: [], addresses: [], noCache: false };
    const known = learnt(core, at, leeway);
    if (known !== undefined) return known;
    if (at === ".") break;
  }
  if (stub !== undefined) {
    const primed = stub.prime === true ? learnt(core, keyOf(stub.zone)) : undefined;
    return primed ?? fromConfig(stub, "stub");
  }
  return hints(core);
}

/** The zone's servers by the cache; undefined when they could not be reached by what it has. */
export function learnt(core: Core, zone: string, leeway = 0): Delegation | undefined {
  const ns = core.cache.get(zone, TYPE.NS, core.seconds + leeway);
  if (ns === undefined || ns.security === "bogus") return undefined;
  const names = ns.set.rdatas
    .map((rdata) => keyOf((rdata as RdataOf<typeof TYPE.NS>).host ?? ""))
    .filter((name) => name !== "");
  // Its own names with no address known: only the parent can tell them.
  const usable = names.some(
    (name) => !isWithin(name, zone) || cachedAddresses(core, name).length > 0,
  );
  return usable ? { zone, kind: "learnt", names, addresses: [], noCache: false } : undefined;
}

/** Addresses that the cache has for a server's name, of the families in use. */
export function cachedAddresses(core: Core, name: string): string[] {
  const out: string[] = [];
  for (const type of families(core)) {
    const found = core.cache.get(name, type, core.seconds);
    if (found === undefined || found.security === "bogus") continue;
    for (const rdata of found.set.rdatas) {
      const { address } = rdata as { address?: string };
      if (address !== undefined) out.push(address);
    }
  }
  return out;
}

export function families({ options }: Core): number[] {
  return [...(options.ipv4 ? [TYPE.A] : []), ...(options.ipv6 ? [TYPE.AAAA] : [])];
}

/** Root hints of a file such as named.root. */
export function hintsOf(
  records: Iterable<ResourceRecord>,
): { name: string; addresses: string[] }[] {
  const addresses = new Map<string, string[]>();
  const names: string[] = [];
  for (const { name, type, rdata } of records) {
    if (type === TYPE.NS && name === ".")
      names.push(keyOf((rdata as RdataOf<typeof TYPE.NS>).host));
    const { address } = rdata as { address?: string };
    if (address === undefined) continue;
    const known = addresses.get(keyOf(name)) ?? [];
    known.push(address);
    addresses.set(keyOf(name), known);
  }
  return names.map((name) => ({ name, addresses: addresses.get(name) ?? [] }));
}
