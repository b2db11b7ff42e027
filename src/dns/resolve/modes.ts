/** Resolving by walking from the root, by a server that walks, by servers that ask each other, or with validation of one's own. */

import { RCODE } from "../../codecs/dns/index.ts";
import type { ModeAnswer } from "../../engines/dns/lab/resolve-modes.ts";
import { ModalClient } from "../../engines/dns/lab/resolve-modes.ts";
import type { ResolverOptions } from "../../engines/dns/resolver/options.ts";
import type { TraceEvent } from "../../engines/dns/resolver/trace.ts";
import type { Endpoint, Host } from "../../engines/host.ts";
import { CommandError } from "../../failure.ts";
import { resolverOptions } from "../recursor/options.ts";
import type { Asked } from "./arguments.ts";
import type { Outcome } from "./outcome.ts";
import type { Ask, ResolveSettings } from "./run.ts";
import { addressOf, systemConf } from "./servers.ts";

export interface ModeFlags {
  readonly mode: string;
  readonly hints?: string | undefined;
  readonly port: number;
  readonly validate: boolean;
  readonly "trust-anchor"?: string | undefined;
}

export type WalkMode = "iterative" | "hybrid" | "recursive";

type ModeSettings = Pick<ResolveSettings, "servers" | "resolvConf" | "timeoutMs">;

/** Whether the stub alone does not do. */
export function walks(flags: ModeFlags): boolean {
  return flags.mode !== "stub" || flags.validate;
}

/** The server that is asked: the one that was named, or the first of the configuration. */
async function serverOf(settings: ModeSettings): Promise<Endpoint> {
  const [named] = settings.servers;
  if (named?.transport === "https" || named?.transport === "tls")
    throw new CommandError("--mode and --validate ask over UDP and TCP only");
  if (named !== undefined) return addressOf(named);
  return systemConf(settings.resolvConf).servers[0] as Endpoint;
}

function walkerOptions(flags: ModeFlags, forward: Endpoint | undefined): Partial<ResolverOptions> {
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
    ipv6: false,
    "max-ttl": 86_400,
    "cache-entries": 200_000,
    "forward-ecs": [],
    lie: [],
  });
  if (options.anchors?.length === 0 && flags.validate)
    throw new CommandError("--validate needs --trust-anchor where --hints are given");
  return forward === undefined
    ? options
    : { ...options, forwards: [{ zone: ".", addresses: [forward] }] };
}

/** A client of the three modes. */
export async function modalClient(
  settings: ModeSettings,
  flags: ModeFlags,
  host: Host,
): Promise<ModalClient> {
  const needsServer = flags.validate || flags.mode === "hybrid" || flags.mode === "compare";
  const server = needsServer ? await serverOf(settings) : undefined;
  const resolver = walkerOptions(flags, flags.validate ? server : undefined);
  const addr = resolver.hints?.find((hint) => hint.addresses.length > 0)?.addresses[0];
  if (addr === undefined) throw new CommandError("the hints name no server of the root");
  return new ModalClient(host, {
    resolver,
    recursor: server,
    root: { addr, port: flags.port },
    timeoutMs: settings.timeoutMs ?? 2000,
  });
}

export async function modalAsker(
  settings: ResolveSettings,
  flags: ModeFlags,
  host: Host,
  walk: ((event: TraceEvent) => void) | undefined,
): Promise<Ask> {
  const client = await modalClient(settings, flags, host);
  const mode: WalkMode =
    flags.validate || flags.mode === "iterative" ? "iterative" : (flags.mode as WalkMode);
  return (asked) =>
    new Promise((resolve) => {
      const name = asked.name.endsWith(".") ? asked.name : `${asked.name}.`;
      const done = (answer: ModeAnswer) => resolve(outcome({ ...asked, name }, mode, answer));
      client.resolve(mode, name, asked.type, done, walk);
    });
}

function outcome(asked: Asked, mode: WalkMode, answer: ModeAnswer): Outcome {
  const { response, took, sent } = answer;
  if (response === undefined) return { from: "nobody", asked, failures: [`${mode}: no answer`] };
  const judged = mode === "iterative";
  const state = response.ad
    ? "secure"
    : response.rcode === RCODE.SERVFAIL
      ? "bogus or failed"
      : "insecure";
  return {
    from: "server",
    asked,
    response,
    server:
      mode === "recursive"
        ? "the root, which asks on"
        : mode === "hybrid"
          ? "a server that walks"
          : "a walk of our own",
    transport: `${sent} ${sent === 1 ? "question" : "questions"}`,
    rtt: took,
    bytes: 0,
    sent,
    failures: [],
    ...(judged ? { security: state } : {}),
  };
}
