/** Resolving by walking from the root, by a server that walks, by servers that ask each other, or with validation of one's own. */

import type { DnsMessage } from "../../codecs/dns/index.ts";
import { RCODE } from "../../codecs/dns/index.ts";
import { isAbsolute } from "../../codecs/dns/name.ts";
import { OPTION } from "../../engines/dns/client/query.ts";
import type { ModeAnswer } from "../../engines/dns/lab/resolve-modes.ts";
import { ModalClient } from "../../engines/dns/lab/resolve-modes.ts";
import type { ResolverOptions, ServerAddress } from "../../engines/dns/resolver/options.ts";
import { WORK_LIMITS } from "../../engines/dns/resolver/options.ts";
import { EDE } from "../../engines/dns/resolver/store.ts";
import type { Endpoint, Host } from "../../engines/host.ts";
import { CommandError } from "../../failure.ts";
import { askOverHttps } from "../../net/live/doh.ts";
import { resolverOptions } from "../recursor/options.ts";
import type { Asked, ServerWord } from "./arguments.ts";
import type { Outcome } from "./outcome.ts";
import { failureText } from "./outcome.ts";
import type { Ask, Listener, ResolveSettings } from "./run.ts";
import { addressOf, systemConf } from "./servers.ts";
import type { TlsSettings } from "./tls-client.ts";
import { tlsClient } from "./tls-client.ts";

export interface ModeFlags {
  readonly mode: string;
  readonly hints?: string | undefined;
  readonly port: number;
  readonly validate: boolean;
  readonly "trust-anchor"?: string | undefined;
}

export type WalkMode = "iterative" | "hybrid" | "recursive";

type ModeSettings = Pick<ResolveSettings, "servers" | "resolvConf" | "timeoutMs"> & {
  /** Without it nothing is asked over TLS. */
  readonly tls?: TlsSettings;
};

/** Whether the stub alone does not do. */
export function walks(flags: ModeFlags): boolean {
  return flags.mode !== "stub" || flags.validate;
}

/** Whether what a server says is validated; a walk of our own validates what all say. */
function validatesServer(flags: ModeFlags): boolean {
  return flags.validate && flags.mode !== "iterative";
}

/** Told why HTTPS gave no answer, which the walk does not know. */
type Failed = (why: string) => void;

/** The server that is asked: the one that was named, or the first of the configuration. */
async function serverOf(
  settings: ModeSettings,
  flags: ModeFlags,
  failed: Failed = () => {},
): Promise<ServerAddress> {
  const [named] = settings.servers;
  if (named?.transport === "https") {
    if (!flags.validate || settings.tls === undefined)
      throw new CommandError(
        "a mode asks over UDP, TCP and TLS; over HTTPS the stub does, also with --validate",
      );
    return overHttps(named, settings.tls, failed);
  }
  if (named?.transport === "tls") {
    if (settings.tls === undefined) throw new CommandError("--compare asks over UDP and TCP only");
    return { ...(await addressOf(named)), tls: tlsClient(settings.tls, settings.servers) };
  }
  if (named !== undefined) return addressOf(named);
  return systemConf(settings.resolvConf).servers[0] as Endpoint;
}

async function overHttps(
  named: ServerWord,
  tls: TlsSettings,
  failed: Failed,
): Promise<ServerAddress> {
  const { hostname } = new URL(named.host);
  const at = await addressOf({ ...named, host: hostname.replace(/^\[|\]$/g, "") });
  const verify = !tls.insecure;
  return {
    ...at,
    https: async (query, timeoutMs) => {
      try {
        return await askOverHttps(named.host, query, { timeoutMs, ca: tls.ca, verify });
      } catch (error) {
        failed(`${named.host}: ${(error as Error).message}`);
        throw error;
      }
    },
  };
}

/** These ask in the clear: who names a server over TLS is not left to believe otherwise. */
function checkServers({ servers }: ModeSettings, flags: ModeFlags): void {
  const secure = servers.some(({ transport }) => transport !== "udp");
  if (secure && (flags.mode === "iterative" || flags.mode === "recursive"))
    throw new CommandError(`--mode ${flags.mode} asks no @tls:// or @https:// server`);
}

function walkerOptions(
  { timeoutMs }: ModeSettings,
  flags: ModeFlags,
  forward: ServerAddress | undefined,
): Partial<ResolverOptions> {
  const options = resolverOptions({
    listen: [],
    "listen-tls": [],
    "listen-https": [],
    hints: flags.hints,
    "upstream-port": flags.port,
    forward: [],
    "stub-zone": [],
    "trust-anchor": flags["trust-anchor"],
    dnssec: true,
    "negative-cache": true,
    "aggressive-nsec": true,
    qmin: "relaxed",
    "random-case": true,
    "serve-stale": false,
    prefetch: false,
    ipv6: forward?.addr.includes(":") === true,
    "max-ttl": 86_400,
    "cache-entries": 200_000,
    "forward-ecs": [],
    lie: [],
  });
  if (options.anchors?.length === 0 && flags.validate)
    throw new CommandError("--validate needs --trust-anchor where --hints are given");
  const forwards = forward === undefined ? {} : { forwards: [{ zone: ".", addresses: [forward] }] };
  const limits =
    timeoutMs === undefined ? {} : { limits: { ...WORK_LIMITS, milliseconds: timeoutMs } };
  return { ...options, ...forwards, ...limits };
}

/** A client of the three modes. */
export async function modalClient(
  settings: ModeSettings,
  flags: ModeFlags,
  host: Host,
  failed?: Failed,
): Promise<ModalClient> {
  checkServers(settings, flags);
  const validates = validatesServer(flags);
  const needsServer = validates || flags.mode === "hybrid" || flags.mode === "compare";
  const server = needsServer ? await serverOf(settings, flags, failed) : undefined;
  const resolver = walkerOptions(settings, flags, validates ? server : undefined);
  const [named] = settings.servers;
  return new ModalClient(host, {
    resolver,
    recursor: server,
    first:
      flags.mode === "recursive" && named !== undefined
        ? await addressOf(named)
        : rootOf(resolver, flags.port),
    timeoutMs: settings.timeoutMs ?? 2000,
  });
}

function rootOf({ hints }: Partial<ResolverOptions>, port: number): Endpoint {
  const addr = hints?.find(({ addresses }) => addresses.length > 0)?.addresses[0];
  if (addr === undefined) throw new CommandError("the hints name no server of the root");
  return { addr, port };
}

/** RFC 8914: what a walk of our own says of its failures. */
const BOGUS_CODES: ReadonlySet<number> = new Set([
  EDE.BOGUS,
  EDE.EXPIRED,
  EDE.NOT_YET_VALID,
  EDE.DNSKEY_MISSING,
  EDE.RRSIGS_MISSING,
  EDE.NO_ZONE_KEY,
  EDE.NSEC_MISSING,
]);

interface Walked {
  readonly mode: WalkMode;
  /** There is something to validate from: hints of one's own are another tree than that of the root's keys. */
  readonly anchored: boolean;
  /** The server that is asked, whose answers are validated. */
  readonly server?: string;
}

export async function modalAsker(
  settings: ResolveSettings,
  flags: ModeFlags,
  host: Host,
  listener: Pick<Listener, "step" | "walk">,
): Promise<Ask> {
  const failures = new Set<string>();
  const client = await modalClient(settings, flags, host, (why) => failures.add(why));
  const mode: WalkMode =
    flags.validate || flags.mode === "iterative" ? "iterative" : (flags.mode as WalkMode);
  const asked = validatesServer(flags) ? await serverOf(settings, flags) : undefined;
  const of: Walked = {
    mode,
    anchored: flags["trust-anchor"] !== undefined || flags.hints === undefined,
    ...(asked === undefined ? {} : { server: `${asked.addr}#${asked.port}` }),
  };
  return (question) =>
    new Promise((resolve) => {
      const name = isAbsolute(question.name) ? question.name : `${question.name}.`;
      const done = (answer: ModeAnswer) => {
        const found = outcome({ ...question, name }, of, answer);
        const told = found.from === "nobody" && failures.size > 0;
        resolve(told ? { ...found, failures: [...failures] } : found);
      };
      client.resolve(mode, name, question.type, done, {
        ...(listener.walk === undefined ? {} : { walk: listener.walk }),
        step: (event, server) => listener.step?.({ ...event, server, name, type: question.type }),
      });
    });
}

function explanationOf({ edns }: DnsMessage): { code: number; text: string } | undefined {
  const data = edns?.options.find(({ code }) => code === OPTION.EDE)?.data;
  if (data === undefined) return undefined;
  const octets = Buffer.from(data, "hex");
  return { code: octets.readUInt16BE(0), text: octets.toString("utf8", 2) };
}

function outcome(asked: Asked, of: Walked, answer: ModeAnswer): Outcome {
  const { response, took, sent, exchange } = answer;
  if (response === undefined) {
    const why = exchange === undefined ? `${of.mode}: no answer` : failureText(exchange);
    return { from: "nobody", asked, failures: [why] };
  }
  const base = { from: "server", asked, response, mode: of.mode, rtt: took, sent } as const;
  if (exchange?.ok === true) {
    const { server, transport, bytes } = exchange;
    const where = `${server.addr}#${server.port}`;
    return { ...base, server: where, transport, bytes: bytes.length, failures: [] };
  }
  const explained = response.rcode === RCODE.SERVFAIL ? explanationOf(response) : undefined;
  if (explained?.code === EDE.NO_REACHABLE)
    return { from: "nobody", asked, failures: [explained.text] };
  return {
    ...base,
    server: of.server,
    transport: undefined,
    bytes: 0,
    failures: [],
    security: securityOf(response, of, explained?.code),
    ...(explained === undefined ? {} : { why: explained.text }),
  };
}

function securityOf({ ad, rcode }: DnsMessage, of: Walked, code: number | undefined): string {
  if (ad) return "secure";
  if (rcode === RCODE.SERVFAIL)
    return code !== undefined && BOGUS_CODES.has(code) ? "bogus" : "failed";
  return of.anchored ? "insecure" : "not validated";
}
