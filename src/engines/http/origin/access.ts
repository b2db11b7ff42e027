/** What an access log tells of one exchange: the combined format, and JSON. */
import type { Nanos } from "../../host.ts";
import { MILLISECOND } from "../../host.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestHandler } from "../server-connection.ts";

export interface Access {
  readonly client: string;
  readonly wallMs: number;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly host: string | undefined;
  readonly statusCode: number;
  readonly bytes: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  readonly took: Nanos;
  /** The client left before the response was whole. */
  readonly aborted: boolean;
}

/** Tells of each exchange once it is over. */
export function logged(handler: RequestHandler, tell: (access: Access) => void): RequestHandler {
  return (exchange) => {
    const started = exchange.host.clock.now();
    const wallMs = exchange.host.clock.wallMs();
    const over = (aborted: boolean) => tell(accessOf(exchange, started, wallMs, aborted));
    handler(exchange);
    const { onAbandoned } = exchange;
    if (exchange.over) over(false);
    else {
      exchange.onDone = () => over(false);
      exchange.onAbandoned = (why) => {
        over(true);
        onAbandoned?.(why);
      };
    }
  };
}

function accessOf(exchange: Exchange, started: Nanos, wallMs: number, aborted: boolean): Access {
  const { method, target, version } = exchange.request;
  return {
    client: exchange.connection.remote.addr,
    wallMs,
    method,
    target,
    version,
    host: exchange.field("host"),
    statusCode: exchange.statusCode,
    bytes: exchange.sent,
    referer: exchange.field("referer"),
    userAgent: exchange.field("user-agent"),
    took: exchange.host.clock.now() - started,
    aborted,
  };
}

/** The combined log format of Apache and nginx. Quotes and control characters are escaped. */
export function combined(access: Access): string {
  const { client, wallMs, method, target, version, statusCode, bytes, referer, userAgent } = access;
  return `${client} - - [${clf(wallMs)}] ${quoted(`${method} ${target} ${version}`)} ${statusCode} ${bytes} ${quoted(referer ?? "-")} ${quoted(userAgent ?? "-")}`;
}

export function accessJson(access: Access): string {
  const { wallMs, took, ...rest } = access;
  return JSON.stringify({ time: new Date(wallMs).toISOString(), ...rest, ms: took / MILLISECOND });
}

function quoted(text: string): string {
  const safe = text.replace(/["\\\x00-\x1f\x7f-\xff]/g, (c) =>
    c === '"' || c === "\\" ? `\\${c}` : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${safe}"`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function clf(wallMs: number): string {
  const date = new Date(wallMs);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
