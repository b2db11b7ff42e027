/** `netkit http proxy`: forward or reverse, with a shared cache. */

import { parseUri } from "../../codecs/http/uri.ts";
import type { Cache } from "../../engines/http/cache/cache.ts";
import type { Origin } from "../../engines/http/fetch/origin.ts";
import { hostField, originOf } from "../../engines/http/fetch/origin.ts";
import type { Access } from "../../engines/http/origin/access.ts";
import { accessJson, combined, logged } from "../../engines/http/origin/access.ts";
import type { Proxied } from "../../engines/http/proxy/proxy.ts";
import { HttpProxy } from "../../engines/http/proxy/proxy.ts";
import { HttpServer } from "../../engines/http/server.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { authorities } from "../../pem.ts";
import { palette } from "../../render/color.ts";
import { renderExplained } from "../../render/http/explained.ts";
import { lookupFor } from "../fetch/lookup.ts";
import { secondsOf } from "../fetch/settings.ts";
import type { ListenFlags } from "../listen.ts";
import { announce, listenAddresses, started, stopped, stopSignal } from "../listen.ts";
import { cacheFor } from "./cache.ts";
import { originTls } from "./origin-tls.ts";

export interface ProxyFlags extends ListenFlags {
  readonly forward: boolean;
  readonly reverse?: string | undefined;
  readonly cache: string;
  readonly "cache-size": string;
  readonly "no-cache": boolean;
  readonly "tunnel-port": readonly string[];
  readonly explain: boolean;
  readonly log?: string | undefined;
  readonly json: boolean;
  readonly dns: readonly string[];
  readonly resolve: readonly string[];
  readonly timeout: string;
  readonly "connect-timeout": string;
  readonly cacert?: string | undefined;
  readonly insecure: boolean;
}

/** Runs until SIGTERM or SIGINT; what is in flight is finished first. */
export async function proxy(flags: ProxyFlags): Promise<number> {
  if (flags.forward === (flags.reverse !== undefined)) {
    throw new CommandError("http proxy: say either --forward or --reverse ORIGIN");
  }
  const origin = flags.reverse === undefined ? undefined : reverseOrigin(flags.reverse);
  const listen = listenAddresses(flags, "127.0.0.1:8081");
  const ca = authorities(flags.cacert);
  const tunnelPorts = portsOf(flags["tunnel-port"]);
  const times = {
    connectTime: secondsOf("connect-timeout", flags["connect-timeout"]),
    responseTime: secondsOf("timeout", flags.timeout),
  };
  const host = new LiveHost();
  try {
    const lookup = await lookupFor(host, { dns: flags.dns, resolve: flags.resolve });
    // RFC 9213: a reverse proxy is a CDN's cache, and obeys what is said to those.
    const targets = origin === undefined ? [] : ["CDN-Cache-Control"];
    const cache = flags["no-cache"]
      ? undefined
      : await cacheFor(host, flags.cache, flags["cache-size"], targets);
    const engine = new HttpProxy(host, {
      origin,
      cache,
      lookup,
      ...(tunnelPorts === undefined ? {} : { tunnelPorts }),
      tls: originTls(ca, flags.insecure),
      ...times,
      ...(flags.explain ? { onProxied: (one: Proxied) => tell(one, flags) } : {}),
    });
    const handler = withLog((exchange) => engine.handle(exchange), flags);
    const { engine: server, at } = await started(
      host,
      (listens) => new HttpServer(handler, { listen, ...listens }),
    );
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(what(origin, cache), at, flags.json);
    await told;
    await stopped(server);
    engine.close();
    return EXIT.done;
  } finally {
    host.stop();
  }
}

function what(origin: Origin | undefined, cache: Cache | undefined): string {
  const way = origin === undefined ? "forward proxy" : `reverse proxy of ${hostField(origin)}`;
  return cache === undefined ? `${way} without cache` : way;
}

function reverseOrigin(text: string): Origin {
  const full = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text) ? text : `http://${text}`;
  const uri = parseUri(full);
  const origin = uri === undefined ? undefined : originOf(uri);
  const bare = uri !== undefined && ["", "/"].includes(uri.path) && uri.query === undefined;
  if (origin === undefined || !bare || uri?.userinfo !== undefined) {
    throw new CommandError(`--reverse ${text}: write it as http://HOST:PORT`);
  }
  return origin;
}

function portsOf(words: readonly string[]): ReadonlySet<number> | "any" | undefined {
  if (words.length === 0) return undefined;
  if (words.includes("any")) return "any";
  return new Set(
    words.map((word) => {
      const port = Number(word);
      if (!Number.isInteger(port) || port < 1 || port > 65_535) {
        throw new CommandError(`--tunnel-port ${word}: a port, or any`);
      }
      return port;
    }),
  );
}

function withLog(handler: RequestHandler, { log, json }: ProxyFlags): RequestHandler {
  if (log === undefined) return handler;
  const line = log === "json" ? accessJson : combined;
  return logged(handler, (access: Access) => {
    (json ? process.stderr : process.stdout).write(`${line(access)}\n`);
  });
}

function tell({ exchange, uri, outcome, statusCode }: Proxied, flags: ProxyFlags): void {
  const { method } = exchange.request;
  const { verdict, reasons } = outcome;
  const stored = outcome.stored?.fields;
  if (flags.json) {
    process.stdout.write(
      `${JSON.stringify({ method, uri, statusCode, verdict, reasons, cacheStatus: outcome.status, stored })}\n`,
    );
    return;
  }
  const one = { method, uri, verdict, statusCode, reasons, stored };
  process.stdout.write(renderExplained(one, palette()));
}
