/** `netkit http serve`: folders as sites. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { MILLISECOND } from "../../engines/host.ts";
import type { Access } from "../../engines/http/origin/access.ts";
import { accessJson, combined, logged } from "../../engines/http/origin/access.ts";
import { Files } from "../../engines/http/origin/files.ts";
import { delayed, limited } from "../../engines/http/origin/shape.ts";
import { byHost } from "../../engines/http/origin/vhosts.ts";
import { HttpServer } from "../../engines/http/server.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { millisOf } from "../durations.ts";
import type { ListenFlags } from "../listen.ts";
import { announce, listenAddresses, say, started, stopped, stopSignal } from "../listen.ts";
import { cgi } from "./cgi.ts";
import { loadModule, moduleHandler } from "./module.ts";
import { rateOf } from "./rate.ts";
import { recordedHandler } from "./recorded.ts";

export interface ServeFlags extends ListenFlags {
  readonly vhost: readonly string[];
  readonly list: boolean;
  readonly cgi: readonly string[];
  readonly module?: string | undefined;
  readonly capture?: string | undefined;
  readonly latency?: string | undefined;
  readonly rate?: string | undefined;
  readonly log?: string | undefined;
  readonly json: boolean;
}

/** Runs until SIGTERM or SIGINT; what is in flight is finished first. */
export async function serve(folder: string | undefined, flags: ServeFlags): Promise<number> {
  const host = new LiveHost();
  const handler = await handlerOf(host, folder, flags);
  const listen = listenAddresses(flags, "127.0.0.1:8080");
  try {
    const { engine, at } = await started(
      host,
      (listens) => new HttpServer(handler, { listen, ...listens }),
    );
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(`serving ${folder ?? flags.capture ?? "sites"}`, at, flags.json);
    await told;
    await stopped(engine);
    return EXIT.done;
  } finally {
    host.stop();
  }
}

const CGI_TIME_MS = 60_000;

async function handlerOf(
  host: LiveHost,
  folder: string | undefined,
  flags: ServeFlags,
): Promise<RequestHandler> {
  const filesOf = (path: string): RequestHandler => {
    const files = new Files(host, { root: folderAt(path), list: flags.list });
    return (exchange) => files.handle(exchange);
  };
  const sites = flags.vhost.map((entry) => {
    const at = entry.indexOf("=");
    if (at <= 0)
      throw new CommandError(`--vhost ${entry}: write it as NAME=DIR or ADDRESS:PORT=DIR`);
    return { name: entry.slice(0, at).toLowerCase(), handler: filesOf(entry.slice(at + 1)) };
  });
  if (
    folder === undefined &&
    sites.length + flags.cgi.length === 0 &&
    flags.module === undefined &&
    flags.capture === undefined
  ) {
    throw new CommandError("http serve: name a folder, or sites with --vhost; see --help");
  }
  const unknown: RequestHandler = (exchange) => exchange.respondError(404, "no such site");
  if (folder !== undefined && flags.capture !== undefined)
    throw new CommandError(`http serve: ${folder} or --capture, not both`);
  let handler = folder === undefined ? unknown : filesOf(folder);
  if (flags.capture !== undefined) handler = await recordedHandler(flags.capture);
  if (sites.length > 0) handler = byHost(sites, handler);
  for (const entry of flags.cgi) {
    const [prefix, path] = /^(\/[^=]*[^=/])=(.+)$/.exec(entry)?.slice(1) ?? [];
    if (prefix === undefined || path === undefined) {
      throw new CommandError(`--cgi ${entry}: write it as /PATH=DIR, e.g. /cgi-bin=scripts`);
    }
    handler = cgi({ prefix, folder: folderAt(path), timeMs: CGI_TIME_MS, onFault: say }, handler);
  }
  if (flags.module !== undefined) {
    const program = await loadModule(flags.module);
    handler = moduleHandler(program, handler, (error) => say(`${flags.module}: ${error.message}`));
  }
  const latency =
    flags.latency === undefined ? 0 : millisOf("latency", flags.latency) * MILLISECOND;
  handler = delayed(handler, latency);
  if (flags.rate !== undefined) handler = limited(handler, rateOf("rate", flags.rate) / 8);
  const { log } = flags;
  if (log === undefined) return handler;
  const line = log === "json" ? accessJson : combined;
  return logged(handler, (access: Access) => {
    (flags.json ? process.stderr : process.stdout).write(`${line(access)}\n`);
  });
}

function folderAt(path: string): string {
  try {
    if (statSync(path).isDirectory()) return resolve(path);
  } catch (error) {
    throw new CommandError(
      `${path}: ${(error as NodeJS.ErrnoException).code ?? "cannot be read"}`,
      EXIT.input,
    );
  }
  throw new CommandError(`${path}: not a folder`, EXIT.input);
}
