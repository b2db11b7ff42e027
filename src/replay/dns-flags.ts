/** Caches of names on the command line: `max-ttl=60,size=1000,prefetch,serve-stale=3600`. */
import type { DnsCachingOptions } from "../engines/replay/dns-caching.ts";
import { DNS_CACHING } from "../engines/replay/dns-caching.ts";
import { CommandError } from "../failure.ts";

const MOST = 1e9;

/** @throws CommandError naming what is wrong */
export function dnsOptions(text: string | undefined): DnsCachingOptions {
  let options = DNS_CACHING;
  for (const part of text?.split(",") ?? []) {
    const [key = "", value] = part.split("=");
    if (key === "prefetch" && value === undefined) options = { ...options, prefetch: true };
    else if (key === "max-ttl") options = { ...options, maxTtl: count(part, value) };
    else if (key === "min-ttl") options = { ...options, minTtl: count(part, value) };
    else if (key === "size") options = { ...options, entries: Math.max(1, count(part, value)) };
    else if (key === "serve-stale") options = { ...options, serveStale: count(part, value) };
    else {
      throw new CommandError(
        `--dns ${text}: "${part}" is not one of max-ttl=, min-ttl=, size=, prefetch, serve-stale=`,
      );
    }
  }
  return options;
}

function count(part: string, value: string | undefined): number {
  const number = Number(value);
  if (value === undefined || !/^[0-9]+$/.test(value) || number > MOST)
    throw new CommandError(`--dns ${part}: a whole number of seconds or answers`);
  return number;
}
