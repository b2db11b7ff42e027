/** The run behind `netkit dns resolve`: each question answered, a few at a time, printed in their order. */
import { decode, encode, typeName } from "../../codecs/dns/index.ts";
import { DecodeError } from "../../codecs/errors.ts";
import type { Transport } from "../../engines/dns/client/exchange.ts";
import type { QueryOptions } from "../../engines/dns/client/query.ts";
import { clientQuery } from "../../engines/dns/client/query.ts";
import { candidates } from "../../engines/dns/client/resolv-conf.ts";
import type { StubEvent, StubOptions } from "../../engines/dns/client/stub.ts";
import { Stub } from "../../engines/dns/client/stub.ts";
import type { TraceEvent } from "../../engines/dns/resolver/trace.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { MILLISECOND } from "../../engines/host.ts";
import { askOverHttps } from "../../net/live/doh.ts";
import { LiveHost } from "../../net/live/host.ts";
import { rcodeName } from "../../render/dns-names.ts";
import type { Asked, RefusedLine, ServerWord } from "./arguments.ts";
import type { ModeFlags } from "./modes.ts";
import { modalAsker, walks } from "./modes.ts";
import type { Outcome } from "./outcome.ts";
import { outcomeOf } from "./outcome.ts";
import { addressOf, hostsFile, systemConf } from "./servers.ts";
import type { TlsSettings } from "./tls-client.ts";
import { tlsClient } from "./tls-client.ts";

export interface ResolveSettings {
  readonly questions: readonly Asked[];
  readonly servers: readonly ServerWord[];
  /** Lines of the file of names that are passed over. */
  readonly refused: readonly RefusedLine[];
  readonly query: QueryOptions;
  readonly tcp: boolean;
  readonly timeoutMs: number | undefined;
  readonly tries: number | undefined;
  readonly sameId: boolean;
  readonly ignoreTruncation: boolean;
  readonly hosts: string | undefined;
  readonly resolvConf: string;
  readonly tls: TlsSettings;
  /** RFC 8945. */
  readonly key: TsigKey | undefined;
  readonly concurrency: number;
}

/** Told of each outcome in the order of the questions; of steps as they happen. */
export interface Listener {
  outcome(outcome: Outcome): void;
  step?(event: StubEvent): void;
  walk?(event: TraceEvent): void;
}

export async function resolveAll(
  settings: ResolveSettings,
  modes: ModeFlags,
  listener: Listener,
): Promise<Outcome[]> {
  const host = new LiveHost();
  try {
    const ask = walks(modes)
      ? await modalAsker(settings, modes, host, listener)
      : await asker(settings, host, listener);
    return await inOrder(settings.questions, settings.concurrency, ask, listener.outcome);
  } finally {
    host.stop();
  }
}

export type Ask = (asked: Asked) => Promise<Outcome>;

async function asker(settings: ResolveSettings, host: LiveHost, listener: Listener): Promise<Ask> {
  const [first] = settings.servers;
  if (first?.transport === "https") return (asked) => overHttps(first.host, asked, settings, host);
  const options = await stubOptions(settings);
  const stub = new Stub(host, options);
  return (asked) =>
    new Promise((resolve) => {
      const done = (result: Parameters<typeof outcomeOf>[1]) => resolve(outcomeOf(asked, result));
      stub.resolve(asked.name, asked.type, done, listener.step);
    });
}

async function stubOptions(settings: ResolveSettings): Promise<StubOptions> {
  const { servers, tls } = settings;
  const system = systemConf(settings.resolvConf);
  const named = await Promise.all(servers.map(addressOf));
  const conf = {
    ...system,
    // A server that was named is asked for the name as it was typed.
    ...(named.length === 0 ? {} : { servers: named, search: [] }),
    ...(settings.timeoutMs === undefined ? {} : { timeoutMs: settings.timeoutMs }),
    ...(settings.tries === undefined ? {} : { attempts: settings.tries }),
  };
  const secure = servers.some((server) => server.transport === "tls");
  const transport: Transport = secure ? "tls" : settings.tcp ? "tcp" : "udp";
  return {
    conf,
    // A server that was named is asked, whatever the hosts file says.
    hosts:
      servers.length > 0 && settings.hosts === undefined
        ? undefined
        : hostsFile(settings.hosts ?? "/etc/hosts"),
    transport,
    query: settings.query,
    sameId: settings.sameId,
    ignoreTruncation: settings.ignoreTruncation,
    key: settings.key,
    ...(secure ? { tls: tlsClient(tls, servers) } : {}),
  };
}

async function overHttps(
  url: string,
  asked: Asked,
  settings: ResolveSettings,
  host: LiveHost,
): Promise<Outcome> {
  const conf = systemConf(settings.resolvConf);
  const [name] = candidates(asked.name, { ...conf, search: [] }) as [string];
  // RFC 8484 4.1: an identifier of 0, so that caches of HTTP are of use.
  const query = { ...clientQuery(name, asked.type, settings.query, host.random), id: 0 };
  const started = host.clock.now();
  const { tls } = settings;
  try {
    const bytes = await askOverHttps(url, encode(query), {
      timeoutMs: settings.timeoutMs ?? conf.timeoutMs,
      ca: tls.ca,
      verify: !tls.insecure,
    });
    const response = decode(bytes, { tolerate: () => {} });
    const rtt = host.clock.now() - started;
    return {
      from: "server",
      asked: { ...asked, name },
      response,
      server: url,
      transport: "https",
      rtt,
      bytes: bytes.length,
      sent: 1,
      failures: [],
    };
  } catch (error) {
    const { message } = error as Error;
    const detail = error instanceof DecodeError ? `malformed answer: ${message}` : message;
    return { from: "nobody", asked, failures: [`${url}: ${detail}`] };
  }
}

/** Runs at most `limit` at once, and tells results in the order of the questions. */
async function inOrder(
  questions: readonly Asked[],
  limit: number,
  ask: Ask,
  tell: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const outcomes: (Outcome | undefined)[] = questions.map(() => undefined);
  let next = 0;
  let told = 0;
  const worker = async () => {
    for (let i = next++; i < questions.length; i = next++) {
      outcomes[i] = await ask(questions[i] as Asked);
      for (let ready = outcomes[told]; ready !== undefined; ready = outcomes[++told]) tell(ready);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, questions.length) }, worker));
  return outcomes.filter((outcome) => outcome !== undefined);
}

/** A step of `--trace`, as one line. */
export function stepLine(event: StubEvent): string {
  const where = `${event.server.addr}#${event.server.port}`;
  const { name, type } = event;
  switch (event.kind) {
    case "sent":
      return `; ${name} ${typeName(type)} to ${where} over ${event.transport}, ${event.bytes} octets`;
    case "timeout":
      return `;   ${where}: nothing within ${event.afterMs} ms`;
    case "ignored":
      return `;   ${where}: ignored (${event.why}): ${event.detail}`;
    case "answered":
      return `;   ${where}: ${rcodeName(event.rcode)}, ${event.bytes} octets, ${(event.rtt / MILLISECOND).toFixed(1)} ms`;
    case "failed":
      return `;   ${where}: ${event.cause}: ${event.detail}`;
    case "truncated":
      return `;   ${where}: cut short (TC), again over TCP`;
    case "no-edns":
      return `;   ${where}: knows no EDNS, again without`;
    case "bad-cookie":
      return `;   ${where}: BADCOOKIE, again with the server's cookie`;
  }
}
