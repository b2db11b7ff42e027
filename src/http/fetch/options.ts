/** What the flags say to the engines. */
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { LEAST_ATTEMPT_DELAY, MOST_ATTEMPT_DELAY } from "../../engines/dialing/race.ts";
import type { Clock, Host, Nanos } from "../../engines/host.ts";
import { MILLISECOND } from "../../engines/host.ts";
import type { AgentOptions } from "../../engines/http/fetch/agent.ts";
import type { FetcherOptions } from "../../engines/http/fetch/fetcher.ts";
import { originKey } from "../../engines/http/fetch/origin.ts";
import { PacedSource } from "../../engines/http/fetch/paced.ts";
import { RateLimit } from "../../engines/http/fetch/rate.ts";
import { without } from "../../engines/http/fields.ts";
import { CommandError } from "../../failure.ts";
import { authorities, keyPair } from "../../pem.ts";
import { millisOf } from "../durations.ts";
import { PiecesSource } from "./body/pieces.ts";
import type { FetchFlags } from "./flags.ts";
import type { Ground } from "./ground.ts";
import { proxyChooser } from "./proxies.ts";
import { credentialsOf } from "./secrets.ts";
import type { Wanted } from "./set.ts";
import { bytesOf, secondsOf, wantedOf } from "./settings.ts";

/** @throws CommandError */
function interfaceAddress(name: string): string {
  if (isIP(name) !== 0) return name;
  const list = networkInterfaces()[name];
  const addr = (list?.find(({ family }) => family === "IPv4") ?? list?.[0])?.address;
  if (addr === undefined)
    throw new CommandError(`--interface ${name}: no interface of that name has an address`);
  return addr;
}

const NO_BODY = {
  request: undefined,
  head: false,
  data: undefined,
  "data-binary": undefined,
  "data-raw": undefined,
  "data-urlencode": undefined,
  "json-data": undefined,
  form: undefined,
  "upload-file": undefined,
  range: undefined,
};

/** A part of a page is asked for with GET, whatever the page was. */
export function partOf(url: string, flags: FetchFlags, named: readonly Wanted[]): Wanted {
  const wanted = wantedOf(url, { ...flags, ...NO_BODY });
  const { request } = wanted;
  if (named.some((one) => originKey(one.request.origin) === originKey(request.origin))) {
    return wanted;
  }
  // What the user says to one server is not for others that its page names.
  const fields = without(request.fields, "authorization", "cookie", "proxy-authorization");
  return { ...wanted, request: { ...request, fields } };
}

/** `--limit-rate` for what is sent. */
export function paced(wanted: readonly Wanted[], flags: FetchFlags, clock: Clock): Wanted[] {
  const text = flags["limit-rate"];
  if (text === undefined) return [...wanted];
  const rate = new RateLimit(bytesOf("limit-rate", text));
  return wanted.map((one) => {
    const { body } = one.request;
    if (body === undefined) return one;
    const source = body instanceof Uint8Array ? new PiecesSource([body]) : body;
    return { ...one, request: { ...one.request, body: new PacedSource(source, rate, clock) } };
  });
}

/**
 * What a user agent survives in responses: an obs-fold, which it must read as blanks (RFC 9112 5.2), a
 * code beyond 599, which counts as 5xx (RFC 9110 15), and a missing blank before no reason phrase,
 * which a client should not look at anyway (RFC 9112 4).
 */
const TOLERATED: ReadonlySet<string> = new Set([
  "http.field.obs-fold",
  "http.status.range",
  "http.status-line.no-space",
]);

export function fetcherOptions(
  ground: Ground,
  flags: FetchFlags,
): Omit<FetcherOptions, "strategy"> {
  const { lookup } = ground;
  const ca = authorities(flags.cacert);
  const own = flags.cert === undefined ? {} : keyPair(flags.cert, flags.key ?? flags.cert);
  return {
    lookup,
    tolerates: TOLERATED,
    proxyFor: flags.simulated === undefined ? proxyChooser(flags, process.env) : () => undefined,
    via:
      flags["unix-socket"] === undefined
        ? undefined
        : { addr: resolve(flags["unix-socket"]), port: 0 },
    local: flags.interface === undefined ? undefined : { addr: interfaceAddress(flags.interface) },
    tls: (origin) =>
      origin.scheme === "http"
        ? undefined
        : {
            name: origin.host.replace(/^\[(.*)\]$/, "$1"),
            ca,
            ...own,
            verify: !flags.insecure,
            alpn: ["http/1.1"],
          },
    connectTime: secondsOf("connect-timeout", flags["connect-timeout"]),
    reached: new Map(),
    attemptDelay: attemptDelayOf(flags["attempt-delay"]),
    responseTime: secondsOf("timeout", flags.timeout),
    rate:
      flags["limit-rate"] === undefined
        ? undefined
        : new RateLimit(bytesOf("limit-rate", flags["limit-rate"])),
    onFallback: (origin, depth, why) =>
      process.stderr.write(
        `netkit: ${origin.host}: the pipeline broke (${why.message}); ${depth} at a time from now on\n`,
      ),
  };
}

/** RFC 8305 5: no less than 10 ms, and no more than 2 s. */
function attemptDelayOf(text: string): Nanos {
  const millis = millisOf("attempt-delay", text);
  const least = LEAST_ATTEMPT_DELAY / MILLISECOND;
  const most = MOST_ATTEMPT_DELAY / MILLISECOND;
  if (millis < least || millis > most)
    throw new CommandError(`--attempt-delay ${text}: ${least}ms to ${most}ms (RFC 8305 5)`);
  return millis * MILLISECOND;
}

export function agentOptions(
  host: Host,
  flags: FetchFlags,
  wanted: readonly Wanted[],
): AgentOptions {
  return {
    follow: flags.location || flags["location-trusted"],
    maxRedirects: flags["max-redirs"],
    trusted: flags["location-trusted"],
    credentials: credentialsOf(flags, wanted, host.random),
    retry: {
      times: flags.retry,
      delay:
        flags["retry-delay"] === undefined
          ? undefined
          : secondsOf("retry-delay", flags["retry-delay"]),
    },
  };
}
