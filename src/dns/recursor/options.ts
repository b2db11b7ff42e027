/** Flags of `netkit dns recursor` as options of the engine. */
import type { ResourceRecord } from "../../codecs/dns/index.ts";
import { readZone, TYPE } from "../../codecs/dns/index.ts";
import { DecodeError, EncodeError } from "../../codecs/errors.ts";
import { parseIpv4, parseIpv6 } from "../../codecs/ip-text.ts";
import type { ListenAddress } from "../../engines/dns/listener.ts";
import { hintsOf } from "../../engines/dns/resolver/delegation.ts";
import type {
  ResolverOptions,
  ServerAddress,
  ZoneServers,
} from "../../engines/dns/resolver/options.ts";
import { ROOT_ANCHORS, ROOT_HINTS } from "../../engines/dns/resolver/root-hints.ts";
import type { TlsServer } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { eachAddress } from "../../net/live/addresses.ts";
import { authorities, keyPair } from "../../pem.ts";
import { readText } from "./read-text.ts";

/** RFC 7858 3.1. */
const DOT_PORT = 853;

export interface RecursorFlags {
  readonly listen: readonly string[];
  readonly "listen-tls": readonly string[];
  readonly "listen-https": readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly hints?: string | undefined;
  readonly "upstream-port": number;
  readonly forward: readonly string[];
  readonly "forward-ca"?: string | undefined;
  readonly "stub-zone": readonly string[];
  readonly "trust-anchor"?: string | undefined;
  readonly dnssec: boolean;
  readonly "negative-cache": boolean;
  readonly "aggressive-nsec": boolean;
  readonly qmin: string;
  readonly "random-case": boolean;
  readonly "serve-stale": boolean;
  readonly prefetch: boolean;
  readonly ipv6: boolean;
  readonly "max-ttl": number;
  readonly "cache-entries": number;
  readonly "forward-ecs": readonly string[];
  readonly lie: readonly string[];
}

export type ListenFlags = Pick<
  RecursorFlags,
  "listen" | "listen-tls" | "listen-https" | "cert" | "key"
>;

function records(path: string, what: string): ResourceRecord[] {
  try {
    return [...readZone(readText(path, what), { origin: ".", ttl: 3600 })];
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof EncodeError)) throw error;
    throw new CommandError(`${what} ${path}: ${error.message}`, EXIT.input);
  }
}

/** `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1`, `[2001:db8::1]:5300`; `least`: 0 to listen at any port. @throws CommandError */
export function serverAddress(text: string, port: number, least: 0 | 1 = 1): ServerAddress {
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = /^([0-9.]+)(?::(\d{1,5}))?$/.exec(text);
  const [addr, given] =
    bracketed !== null
      ? [bracketed[1], bracketed[2]]
      : plain !== null
        ? [plain[1], plain[2]]
        : [text, undefined];
  const chosen = given === undefined ? port : Number(given);
  const isAddress = addr !== undefined && (parseIpv4(addr) ?? parseIpv6(addr)) !== undefined;
  if (!isAddress || chosen < least || chosen > 65_535)
    throw new CommandError(`${text} is no ADDRESS[:PORT]`);
  return { addr, port: chosen };
}

const absolute = (name: string) => (name.endsWith(".") ? name : `${name}.`);

function stubZone(text: string, port: number): ZoneServers {
  const [zone, list] = text.split("=") as [string, string | undefined];
  if (list === undefined || zone === "")
    throw new CommandError(`--stub-zone ${text} is no ZONE=ADDRESS[,ADDRESS...]`);
  return {
    zone: absolute(zone),
    addresses: list.split(",").map((one) => serverAddress(one, port)),
  };
}

/** `ADDRESS`, or `ZONE=ADDRESS`; `tls://ADDRESS#NAME` over TLS. */
function forwarders(flags: RecursorFlags): ZoneServers[] {
  const ca = authorities(flags["forward-ca"]);
  const zones = new Map<string, ServerAddress[]>();
  for (const text of flags.forward) {
    const at = text.indexOf("=");
    const zone = at < 0 ? "." : absolute(text.slice(0, at));
    const list = text
      .slice(at + 1)
      .split(",")
      .map((one) => forwarder(one, flags["upstream-port"], ca));
    zones.set(zone, [...(zones.get(zone) ?? []), ...list]);
  }
  return [...zones].map(([zone, addresses]) => ({ zone, addresses }));
}

/** RFC 8310 8.1: the name that was given, or the address, is what the certificate must be for. */
function forwarder(text: string, port: number, ca: string | undefined): ServerAddress {
  if (!text.startsWith("tls://")) return serverAddress(text, port);
  const [address = "", name] = text.slice("tls://".length).split("#");
  const server = serverAddress(address, DOT_PORT);
  return { ...server, tls: { name: name ?? server.addr, ca, alpn: ["dot"] } };
}

function lie(text: string): { name: string; address: string } {
  const [name, address] = text.split("=") as [string, string | undefined];
  if (
    name === "" ||
    address === undefined ||
    (parseIpv4(address) ?? parseIpv6(address)) === undefined
  )
    throw new CommandError(`--lie ${text} is no NAME=ADDRESS`);
  return { name: absolute(name), address };
}

export function resolverOptions(flags: RecursorFlags): Partial<ResolverOptions> {
  const port = flags["upstream-port"];
  const anchors =
    flags["trust-anchor"] === undefined
      ? flags.hints === undefined
        ? ROOT_ANCHORS
        : []
      : records(flags["trust-anchor"], "trust anchors").filter(
          ({ type }) => type === TYPE.DS || type === TYPE.DNSKEY,
        );
  if (flags["trust-anchor"] !== undefined && anchors.length === 0)
    throw new CommandError(
      `trust anchors ${flags["trust-anchor"]}: there is no DS and no DNSKEY record`,
      EXIT.input,
    );
  const hints = flags.hints === undefined ? ROOT_HINTS : hintsOf(records(flags.hints, "hints"));
  if (hints.every(({ addresses }) => addresses.length === 0))
    throw new CommandError(
      `hints ${flags.hints}: there is no NS of the root with an address`,
      EXIT.input,
    );
  return {
    hints,
    hintPort: port,
    forwards: forwarders(flags),
    stubs: flags["stub-zone"].map((text) => stubZone(text, port)),
    anchors,
    validate: flags.dnssec,
    negativeCache: flags["negative-cache"],
    aggressiveNsec: flags["aggressive-nsec"],
    minimise: flags.qmin as "off" | "relaxed" | "strict",
    caseRandomisation: flags["random-case"],
    serveStale: flags["serve-stale"]
      ? { maxSeconds: 86_400, answerTtl: 30, clientTimeoutMs: 1800, ede: true }
      : undefined,
    prefetch: flags.prefetch,
    ipv6: flags.ipv6,
    maxTtl: flags["max-ttl"],
    cacheEntries: flags["cache-entries"],
    subnet:
      flags["forward-ecs"].length === 0
        ? undefined
        : {
            servers: [],
            zones: flags["forward-ecs"].map(absolute),
            maxIpv4: 24,
            maxIpv6: 56,
            always: false,
          },
    lies: flags.lie.map(lie),
  };
}

function certificate(flags: ListenFlags): TlsServer {
  if (flags.cert === undefined || flags.key === undefined)
    throw new CommandError("--listen-tls and --listen-https need --cert and --key");
  return keyPair(flags.cert, flags.key);
}

/** With port 0 the ports of the addresses would differ. */
function eachOf({ addr, port }: ServerAddress): ListenAddress[] {
  return port === 0 ? [{ addr, port }] : eachAddress(addr).map((one) => ({ addr: one, port }));
}

export function listenAddresses(flags: ListenFlags): {
  plain: ListenAddress[];
  https: (ListenAddress & { tls: TlsServer })[];
} {
  const secure = (texts: readonly string[], port: number) =>
    texts.map((text) => ({ ...serverAddress(text, port, 0), tls: certificate(flags) }));
  return {
    plain: [
      ...flags.listen.flatMap((text) => eachOf(serverAddress(text, 53, 0))),
      ...secure(flags["listen-tls"], 853),
    ],
    https: secure(flags["listen-https"], 443),
  };
}
