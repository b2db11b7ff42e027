/** What a resolver may be told, with defaults and where they come from. */
import type { ResourceRecord } from "../../../codecs/dns/index.ts";
import type { TlsClient } from "../../host.ts";
import type { OwnZones } from "./own-zones.ts";

export interface ServerAddress {
  readonly addr: string;
  readonly port: number;
  /** It is asked over TLS only (RFC 7858): one that was configured so. */
  readonly tls?: TlsClient;
  /** It is asked over HTTPS only (RFC 8484), by whoever owns HTTP: a message out, its answer back. */
  readonly https?: (query: Uint8Array, timeoutMs: number) => Promise<Uint8Array>;
}

/** Servers of a zone that were configured, by address or by name. */
export interface ZoneServers {
  readonly zone: string;
  readonly addresses: readonly ServerAddress[];
  readonly names?: readonly string[];
  /** Ask them for the zone's own NS set first (stub), as root hints are (RFC 8109). */
  readonly prime?: boolean;
  /** When they fail, resolve as if they were not configured. */
  readonly first?: boolean;
  /** Nothing of it is kept. */
  readonly noCache?: boolean;
}

export interface RootHint {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Limits of the work that one client question may cause. */
export interface WorkLimits {
  /** Queries to servers. CAMP (USENIX Security 2024) composes all that multiplies them. */
  readonly queries: number;
  /** Names of servers whose addresses are looked up, per question (NXNS: unbound has 64). */
  readonly targets: number;
  /** Names looked up per delegation (unbound: MAX_TARGET_COUNT 16 of NXNS). */
  readonly targetsPerZone: number;
  /** Of those, ones that do not exist: then the rest is not tried (unbound: 5). */
  readonly deadTargets: number;
  /** Questions inside questions. */
  readonly depth: number;
  /** CNAME and DNAME (kresd has 13, unbound 11). */
  readonly aliases: number;
  readonly referrals: number;
  /** Public-key operations (kresd: 32 a zone; KeyTrap needs hundreds). */
  readonly signatures: number;
  /** NSEC3 hashes. */
  readonly hashes: number;
  readonly milliseconds: number;
}

export const WORK_LIMITS: WorkLimits = {
  queries: 120,
  targets: 64,
  targetsPerZone: 16,
  deadTargets: 5,
  depth: 8,
  aliases: 13,
  referrals: 130,
  signatures: 128,
  hashes: 256,
  milliseconds: 30_000,
};

export interface ServeStale {
  /** Seconds after expiry; RFC 8767 5 suggests 1 to 3 days. */
  readonly maxSeconds: number;
  /** TTL of what is served so (RFC 8767 5: 30). */
  readonly answerTtl: number;
  /** The client waits so long for a fresh answer (RFC 8767 5: 1800); 0: not at all. */
  readonly clientTimeoutMs: number;
  /** A failure starts the time anew (unbound: serve-expired-ttl-reset). */
  readonly resetOnFailure?: boolean;
  /** Told by EDE 3. */
  readonly ede: boolean;
}

export interface SubnetOptions {
  /** Servers (addresses or prefixes are equal texts here) and zones to which it is sent. */
  readonly servers: readonly string[];
  readonly zones: readonly string[];
  /** Longest prefixes told (RFC 7871 11.1). */
  readonly maxIpv4: number;
  readonly maxIpv6: number;
  /** Sent to everybody. */
  readonly always: boolean;
}

export interface ResolverOptions {
  readonly hints: readonly RootHint[];
  readonly hintPort: number;
  /** Ask a root server for the root's NS set first. RFC 8109. */
  readonly priming: boolean;
  readonly stubs: readonly ZoneServers[];
  readonly forwards: readonly ZoneServers[];
  /** Zones that are here, and need no servers. */
  readonly ownZones: OwnZones | undefined;
  /** Prefixes of servers that are never asked, whatever a zone says (unbound: do-not-query-address). */
  readonly neverAsk: readonly string[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** RFC 9156; `strict`: no falling back to the whole name. */
  readonly minimise: "off" | "relaxed" | "strict";
  /** RFC 9156 2.1 says A; NS is what RFC 7816 had. */
  readonly minimiseType: number;
  /** The type is hidden until the whole name was asked with `minimiseType`. */
  readonly hideType: boolean;
  /** Random case in names (draft-vixie-dnsext-dns0x20), checked in answers. */
  readonly caseRandomisation: boolean;
  readonly validate: boolean;
  /** DS or DNSKEY records. */
  readonly anchors: readonly ResourceRecord[];
  readonly insecureZones: readonly string[];
  /** DSA and SHA-1 signatures count: for recorded zones in tests only. */
  readonly oldAlgorithms: boolean;
  /** Seconds since 1970 for which signatures are judged; else the host's clock. */
  readonly validationTime: number | undefined;
  /** All algorithms of the DS set must sign (RFC 6840 5.11 says that any will do). */
  readonly allAlgorithms: boolean;
  readonly negativeCache: boolean;
  /** RFC 8198. */
  readonly aggressiveNsec: boolean;
  /** RFC 8020. */
  readonly nxdomainCut: boolean;
  readonly cacheEntries: number;
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly minNegativeTtl: number;
  /** RFC 2308 5: one to three hours; what most resolvers have. */
  readonly maxNegativeTtl: number;
  /** RFC 9520 3.2: at least 1 second, at most 5 minutes. */
  readonly failureTtl: number;
  readonly serveStale: ServeStale | undefined;
  readonly prefetch: boolean;
  readonly prefetchKeys: boolean;
  readonly subnet: SubnetOptions | undefined;
  /** NS sets beside answers are dropped, as nobody asked for them. */
  readonly scrubAuthority: boolean;
  /** NS records of one set that count. */
  readonly maxNsRecords: number;
  /** Addresses that no public name may have (rebinding), as prefixes. */
  readonly privateAddresses: readonly string[];
  readonly privateZones: readonly string[];
  /** Glue from outside the delegated zone is looked up again before use. */
  readonly verifyGlue: boolean;
  /** Tell authority and additional sections only where they are needed. */
  readonly minimalResponses: boolean;
  /** Errors are explained by EDE. RFC 8914. */
  readonly ede: boolean;
  /** Questions without RD get more than what is known: the servers that are (unbound: allow_snoop). */
  readonly snoop: boolean;
  readonly nsid: string | undefined;
  /** RFC 8509. */
  readonly rootKeySentinel: boolean;
  /** Answers for names that are nobody's: RFC 6303, 6761. */
  readonly localZones: boolean;
  /** False answers on purpose, to show what a client is exposed to. */
  readonly lies: readonly { readonly name: string; readonly address: string }[];
  readonly udpSize: number;
  readonly limits: WorkLimits;
}

export const RESOLVER_DEFAULTS: ResolverOptions = {
  hints: [],
  hintPort: 53,
  priming: true,
  stubs: [],
  forwards: [],
  ownZones: undefined,
  neverAsk: [],
  ipv4: true,
  ipv6: true,
  minimise: "relaxed",
  minimiseType: 1,
  hideType: false,
  caseRandomisation: true,
  validate: true,
  anchors: [],
  insecureZones: [],
  oldAlgorithms: false,
  validationTime: undefined,
  allAlgorithms: false,
  negativeCache: true,
  aggressiveNsec: true,
  nxdomainCut: true,
  cacheEntries: 200_000,
  minTtl: 0,
  maxTtl: 86_400,
  minNegativeTtl: 0,
  maxNegativeTtl: 3600,
  failureTtl: 5,
  serveStale: undefined,
  prefetch: false,
  prefetchKeys: false,
  subnet: undefined,
  scrubAuthority: true,
  maxNsRecords: 20,
  privateAddresses: [],
  privateZones: [],
  verifyGlue: false,
  minimalResponses: true,
  ede: true,
  snoop: false,
  nsid: undefined,
  rootKeySentinel: true,
  localZones: true,
  lies: [],
  udpSize: 1232,
  limits: WORK_LIMITS,
};
