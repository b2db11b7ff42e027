/** The private cache of `http fetch --cache`: what is fetched does not depend on it. */
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Host } from "../../engines/host.ts";
import type { Cache } from "../../engines/http/cache/cache.ts";
import { say } from "../listen.ts";
import { CacheInUse, cacheFor } from "../proxy/cache.ts";

/** Another fetch with the same folder is mostly over by then. */
const PATIENCE_MS = 2000;
const AGAIN_MS = 50;

/** Undefined: none is wanted, or another process keeps it. @throws CommandError */
export async function privateCache(
  host: Host,
  flags: { readonly cache?: string | undefined; readonly "cache-size": string },
): Promise<Cache | undefined> {
  if (flags.cache === undefined) return undefined;
  const folder = resolve(flags.cache);
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await cacheFor(host, folder, flags["cache-size"], [], false);
    } catch (error) {
      if (!(error instanceof CacheInUse)) throw error;
      if (performance.now() > until) {
        say(`${error.message}; going on without it`);
        return undefined;
      }
    }
    await wait(AGAIN_MS);
  }
}
