/** Behind `netkit dns recursor`: the engine, its listeners, and the signals of the process. */
import type { Listening } from "../../engines/dns/listener.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Recursor } from "../../engines/dns/recursor.ts";
import { readCacheDump } from "../../engines/dns/resolver/dump-check.ts";
import type { TraceEvent } from "../../engines/dns/resolver/trace.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { DohServer } from "../../net/live/doh-server.ts";
import { listenDoh } from "../../net/live/doh-server.ts";
import { LiveHost } from "../../net/live/host.ts";
import { checkOutput, writeOutput } from "../../output-file.ts";
import { authZoneOf } from "./auth-zones.ts";
import type { RecursorFlags } from "./options.ts";
import { listenAddresses, resolverOptions } from "./options.ts";
import { readText } from "./read-text.ts";

export interface ServeFlags extends RecursorFlags {
  readonly json: boolean;
  readonly "auth-zone": readonly string[];
  readonly stats: boolean;
  readonly trace: boolean;
  readonly "cache-dump"?: string | undefined;
  readonly "cache-load"?: string | undefined;
}

/** Runs until SIGTERM or SIGINT; what is in flight is finished first. */
export async function serve(flags: ServeFlags): Promise<void> {
  const { plain, https } = listenAddresses(flags);
  if (plain.length + https.length === 0) throw new CommandError("nothing to listen on");
  const dumpTo = flags["cache-dump"];
  if (dumpTo !== undefined) checkOutput(dumpTo);
  const host = new LiveHost();
  const tracer = flags.trace ? (event: TraceEvent) => traceLine(event, flags.json) : undefined;
  const authZones = flags["auth-zone"].map(authZoneOf);
  const recursor = new Recursor({ resolver: resolverOptions(flags), authZones, say, tracer });
  recursor.start(host);
  if (flags["cache-load"] !== undefined) load(recursor, flags["cache-load"]);
  let listener: DnsListener | undefined;
  const doh: DohServer[] = [];
  try {
    const at: Listening[] = [];
    if (plain.length > 0) {
      const listening = deferred<readonly Listening[]>();
      listener = new DnsListener(recursor, {
        listen: plain,
        onListening: listening.resolve,
        onListenError: listening.reject,
      });
      listener.start(host);
      at.push(...(await listening.promise));
    }
    for (const one of https) doh.push(await listenDoh(recursor, one));
    process.on("SIGHUP", () => {
      reload(recursor, flags);
    });
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(
      at,
      https.map(({ addr }, i) => ({ addr, port: doh[i]?.port ?? 0 })),
      flags.json,
    );
    const signal = await told;
    for (const one of doh) one.close();
    const stopping = listener;
    if (stopping !== undefined) await new Promise<void>((done) => stopping.stop(true, done));
    if (signal === "SIGINT") process.exitCode = EXIT.interrupted;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof CommandError) throw error;
    const places = [...flags.listen, ...flags["listen-tls"], ...flags["listen-https"]].join(", ");
    throw new CommandError(`cannot listen on ${places}: ${WHY[code] ?? message}`, EXIT.network);
  } finally {
    if (dumpTo !== undefined) writeOutput(dumpTo, `${JSON.stringify(recursor.dump())}\n`);
    if (flags.stats) report(recursor, flags.json);
    await new Promise<void>((done) => recursor.stop(false, done));
    host.stop();
  }
}

function say(what: string): void {
  process.stderr.write(`netkit: ${what}\n`);
}

/** What cannot be read leaves all as it is. */
function reload(recursor: Recursor, flags: ServeFlags): void {
  try {
    const zones = flags["auth-zone"].map(authZoneOf).flatMap(({ content }) => content ?? []);
    recursor.reload(resolverOptions(flags), zones);
    process.stderr.write("netkit: SIGHUP: files were read again, the cache is empty\n");
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`netkit: SIGHUP: nothing changed: ${error.message}\n`);
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "the address is not one of this machine",
  EACCES: "ports below 1024 need privileges",
};

function deferred<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
}

function announce(
  at: readonly Listening[],
  https: readonly { addr: string; port: number }[],
  json: boolean,
): void {
  const listening = [...at, ...https.map((one) => ({ ...one, transports: ["https"] }))];
  const places = listening.map(
    ({ addr, port, transports }) =>
      `${addr.includes(":") ? `[${addr}]` : addr}:${port} (${transports.join(", ")})`,
  );
  process.stderr.write(`netkit: listening on ${places.join(", ")}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ listening })}\n`);
}

function traceLine(event: TraceEvent, json: boolean): void {
  const line = `${JSON.stringify({ trace: event })}\n`;
  if (json) process.stdout.write(line);
  else process.stderr.write(line);
}

function report(recursor: Recursor, json: boolean): void {
  const statistics = recursor.statistics();
  if (json) {
    process.stdout.write(`${JSON.stringify({ statistics })}\n`);
    return;
  }
  const {
    questions,
    fromCache,
    hitRatio,
    queriesSent,
    failures,
    staleHits,
    prefetches,
    limited,
    sets,
    replies,
  } = statistics;
  process.stdout.write(
    `questions ${questions}, from the cache ${fromCache} (${(hitRatio * 100).toFixed(1)} %), asked of servers ${queriesSent}, ` +
      `failed ${failures}, stale ${staleHits}, prefetched ${prefetches}, limited ${limited}; kept: ${sets} sets, ${replies} answers\n`,
  );
}

function load(recursor: Recursor, path: string): void {
  let value: unknown;
  try {
    value = JSON.parse(readText(path, "cache"));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cache ${path}: ${(error as Error).message}`, EXIT.input);
  }
  const dump = readCacheDump(value);
  if (typeof dump === "string") throw new CommandError(`cache ${path}: ${dump}`, EXIT.input);
  recursor.load(dump);
}
