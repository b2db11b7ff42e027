/** Whom a connection leads to, and what was tried for it. RFC 8305 */
import { placeOf } from "../../engines/dialing/place.ts";
import type { Nanos } from "../../engines/host.ts";
import type { Connecting } from "../../engines/http/fetch/timing.ts";

/** Less than this is not worth a line of a report. */
const WORTH_TELLING: Nanos = 5_000_000;

/** `connected to 192.0.2.1:80 in 100 ms, after [2001:db8::1]:80 (250 ms: another was faster)` */
export function connectingText({ remote, from, tls, to, attempts = [] }: Connecting): string {
  if (remote === undefined) return "connected";
  const others = attempts.flatMap((one) =>
    one.why === undefined
      ? []
      : [`${placeOf(one.remote)} (${took(one.from, one.to ?? to)}: ${one.why})`],
  );
  const after = others.length === 0 ? "" : `, after ${others.join(", ")}`;
  const secured = tls === undefined ? "" : `, TLS in ${took(tls, to)}`;
  return `connected to ${placeOf(remote)} in ${took(from, tls ?? to)}${secured}${after}`;
}

/** Other addresses cost the connection time. */
export function detour({ from, attempts = [] }: Connecting): boolean {
  const won = attempts.find(({ why }) => why === undefined);
  return won !== undefined && won.from - from >= WORTH_TELLING;
}

function took(from: Nanos, to: Nanos): string {
  const value = (to - from) / 1e6;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ms`;
}
