/** The cache that the flags `--cache` and `--cache-size` ask for. */
import type { Host } from "../../engines/host.ts";
import { Cache } from "../../engines/http/cache/cache.ts";
import { DiskStore } from "../../engines/http/cache/disk-store.ts";
import { MemoryStore } from "../../engines/http/cache/memory-store.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { say } from "../listen.ts";

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `256M`, `2G`, in octets. @throws CommandError */
export function sizeOf(flag: string, text: string): number {
  const match = /^([0-9]+)([kmg]?)(?:i?b)?$/i.exec(text);
  const size = Number(match?.[1]) * (UNITS[(match?.[2] ?? "").toLowerCase()] ?? 1);
  if (match === null || !(size > 0) || !Number.isSafeInteger(size)) {
    throw new CommandError(`--${flag} ${text}: write it as a size, e.g. 256M`);
  }
  return size;
}

/** Another process has the folder. */
export class CacheInUse extends CommandError {
  constructor(where: string, who: string) {
    super(`--cache ${where}: ${who}`, EXIT.input);
  }
}

/** Resolves once what an earlier run left is known. @throws CommandError */
export async function cacheFor(
  host: Host,
  where: string,
  size: string,
  targets: readonly string[],
  shared = true,
): Promise<Cache> {
  const limit = sizeOf("cache-size", size);
  if (where === "memory")
    return new Cache(host, { store: new MemoryStore(limit), targets, shared });
  const store = new DiskStore({
    disk: host.disk,
    folder: where,
    limit,
    prefix: host.clock.wallMs().toString(36),
    onTrouble: (error) => say(`the cache in ${where}: ${error.message}`),
  });
  await new Promise<void>((resolve, reject) => {
    store.start((error) => {
      if (error === null) resolve();
      else if (error.code === "EBUSY") reject(new CacheInUse(where, error.message));
      else reject(new CommandError(`--cache ${where}: cannot be used (${error.code})`, EXIT.input));
    });
  });
  return new Cache(host, { store, targets, shared });
}
