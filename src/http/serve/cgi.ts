/** CGI/1.1: programs of a folder answer. RFC 3875. Processes are this machine's, so this is no engine. */
import { spawn } from "node:child_process";
import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Exchange } from "../../engines/http/exchange.ts";
import type { CgiHead } from "../../engines/http/origin/cgi-response.ts";
import { cgiHead } from "../../engines/http/origin/cgi-response.ts";
import { segmentsOf } from "../../engines/http/origin/path.ts";
import { requestedHost } from "../../engines/http/origin/vhosts.ts";
import type { RequestHandler } from "../../engines/http/server-connection.ts";

export interface CgiOptions {
  /** Where its URLs begin, e.g. `/cgi-bin`. */
  readonly prefix: string;
  readonly folder: string;
  /** A script that takes longer is ended. */
  readonly timeMs: number;
  readonly onFault: (line: string) => void;
}

/** Scripts at once: the next ones are refused. */
const MAX_RUNNING = 64;
/** RFC 3875 9.2: what Authorization says is not the script's business, and Proxy would set HTTP_PROXY. */
const HIDDEN: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "proxy",
  "content-length",
  "content-type",
  "connection",
]);

export function cgi(options: CgiOptions, fallback: RequestHandler): RequestHandler {
  const root = realpathSync(options.folder);
  let running = 0;
  const handler: RequestHandler = (exchange) => {
    const { target } = exchange.request;
    const path = target.split("?", 1)[0] as string;
    if (path !== options.prefix && !path.startsWith(`${options.prefix}/`)) {
      fallback(exchange);
      return;
    }
    const script = scriptAt(root, options.prefix, path);
    if (script === undefined) {
      exchange.respondError(404, "no such script");
      return;
    }
    if (running >= MAX_RUNNING) {
      exchange.respondError(503, "too many scripts at work");
      return;
    }
    running++;
    runScript(exchange, script, options, fallback, () => {
      running--;
    });
  };
  return handler;
}

interface Script {
  readonly file: string;
  readonly name: string;
  /** What follows the script in the path. */
  readonly info: string;
}

/** The first file on the way down the path that may be executed, inside the folder. */
function scriptAt(root: string, prefix: string, path: string): Script | undefined {
  const place = segmentsOf(path.slice(prefix.length) || "/");
  if (typeof place === "number") return undefined;
  let at = root;
  for (let i = 0; i < place.segments.length; i++) {
    at = join(at, place.segments[i] as string);
    try {
      const real = realpathSync(at);
      if (!real.startsWith(`${root}/`)) return undefined;
      const stat = statSync(real);
      if (stat.isFile()) {
        if ((stat.mode & 0o111) === 0) return undefined;
        const rest = place.segments.slice(i + 1);
        const info = rest.length > 0 || place.folder ? `/${rest.join("/")}` : "";
        return { file: real, name: `${prefix}/${place.segments.slice(0, i + 1).join("/")}`, info };
      }
    } catch {
      return undefined; // Nothing there, or not for us: the same to the client.
    }
  }
  return undefined;
}

function environment(exchange: Exchange, script: Script): Record<string, string> {
  const { method, target, version, fields } = exchange.request;
  const { local, remote } = exchange.connection;
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    GATEWAY_INTERFACE: "CGI/1.1",
    SERVER_PROTOCOL: version,
    SERVER_SOFTWARE: "netkit",
    SERVER_NAME: requestedHost(exchange) || local.addr,
    SERVER_PORT: String(local.port),
    REMOTE_ADDR: remote.addr,
    REMOTE_PORT: String(remote.port),
    REQUEST_METHOD: method,
    REQUEST_URI: target,
    SCRIPT_NAME: script.name,
    SCRIPT_FILENAME: script.file,
    PATH_INFO: script.info,
    QUERY_STRING: target.split("?").slice(1).join("?"),
  };
  if (exchange.length !== undefined) env["CONTENT_LENGTH"] = String(exchange.length);
  const type = exchange.field("content-type");
  if (type !== undefined) env["CONTENT_TYPE"] = type;
  for (const { name, value } of fields) {
    // A name with an underscore would pass for one with a hyphen.
    if (HIDDEN.has(name.toLowerCase()) || name.includes("_")) continue;
    const key = `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
    env[key] = env[key] === undefined ? value : `${env[key]}, ${value}`;
  }
  return env;
}

function runScript(
  exchange: Exchange,
  script: Script,
  options: CgiOptions,
  fallback: RequestHandler,
  done: () => void,
): void {
  const child = spawn(script.file, [], {
    cwd: dirname(script.file),
    env: environment(exchange, script),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeMs);
  let kept: Buffer | undefined = Buffer.alloc(0);
  let redirected = false;
  let refused = false;
  const refuse = (statusCode: number, why: string) => {
    if (refused) return;
    refused = true;
    child.kill("SIGKILL");
    options.onFault(`${script.name}: ${why}`);
    if (exchange.gone) return;
    if (exchange.responded) exchange.abort();
    else exchange.respondError(statusCode, "the script failed");
  };
  const head = (found: Exclude<CgiHead, string>, bytes: Buffer) => {
    if ("local" in found) {
      redirected = true;
      exchange.retarget(found.local, "GET");
      fallback(exchange);
      return;
    }
    exchange.start(found.head);
    if (bytes.length > found.bodyAt) take(bytes.subarray(found.bodyAt));
  };
  const take = (bytes: Buffer) => {
    if (exchange.write(new Uint8Array(bytes))) return;
    child.stdout.pause();
    exchange.onDrain = () => child.stdout.resume();
  };
  exchange.onAbandoned = () => child.kill("SIGKILL");
  child.stdout.on("data", (bytes: Buffer) => {
    if (exchange.gone || redirected || refused) return;
    if (kept === undefined) {
      take(bytes);
      return;
    }
    kept = Buffer.concat([kept, bytes]);
    const found = cgiHead(kept);
    if (found === "more") return;
    const all = kept;
    kept = undefined;
    if (found === "malformed") refuse(502, "not a CGI response");
    else head(found, all);
  });
  child.stderr.on("data", (bytes: Buffer) => {
    for (const line of bytes.toString("latin1").trimEnd().split("\n"))
      options.onFault(`${script.name}: ${line}`);
  });
  // A script that does not read its input is none the worse for it.
  child.stdin.on("error", () => {});
  exchange.readBody({
    data: (bytes) => {
      if (child.stdin.write(new Uint8Array(bytes))) return;
      exchange.pauseBody(true);
      child.stdin.once("drain", () => exchange.pauseBody(false));
    },
    end: () => child.stdin.end(),
    cut: () => child.kill("SIGKILL"),
  });
  child.on("error", (error) => refuse(500, error.message));
  child.on("close", (code, signal) => {
    clearTimeout(timer);
    done();
    if (redirected || exchange.gone || exchange.over) return;
    if (signal !== null) refuse(504, `ended by ${signal}`);
    else if (kept !== undefined) refuse(502, `wrote no response (exit code ${code})`);
    else exchange.end();
  });
}
