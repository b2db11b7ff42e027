/** Where a fetch runs: on this machine's network, or in a simulated one with a server of a folder. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Host } from "../../engines/host.ts";
import { MILLISECOND } from "../../engines/host.ts";
import type { FetcherOptions } from "../../engines/http/fetch/fetcher.ts";
import { Files } from "../../engines/http/origin/files.ts";
import { HttpServer } from "../../engines/http/server.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import type { SimDisk } from "../../net/simulated/disk.ts";
import { World } from "../../net/simulated/world.ts";
import { millisOf } from "../durations.ts";
import type { FetchFlags } from "./flags.ts";
import { lookupFor } from "./lookup.ts";

export interface Ground {
  readonly host: Host;
  readonly lookup: FetcherOptions["lookup"];
  /** Lets time pass until what was begun is done. */
  settled<T>(work: Promise<T>): Promise<T>;
  stop(): void;
}

export async function live(flags: FetchFlags): Promise<Ground> {
  const host = new LiveHost();
  try {
    const lookup = await lookupFor(host, {
      dns: flags.dns ?? [],
      resolve: flags.resolve ?? [],
      mode: flags["dns-mode"],
      hints: flags["dns-hints"],
      port: flags["dns-port"],
      atLeast: 86_400,
      family: flags.ipv4 ? 4 : flags.ipv6 ? 6 : undefined,
    });
    return { host, lookup, settled: (work) => work, stop: () => host.stop() };
  } catch (error) {
    host.stop();
    throw error;
  }
}

const SERVER = "192.0.2.80";
/** Octets of a folder that are taken into memory. */
const MAX_FOLDER_BYTES = 256 * 1024 * 1024;

export function simulated(flags: FetchFlags): Ground {
  const rtt = millisOf("rtt", flags.rtt ?? "100ms") * MILLISECOND;
  // A round trip crosses the links of both nodes twice.
  const world = new World({ seed: 1, delay: Math.round(rtt / 4), startedMs: Date.now() });
  const server = world.node("server", {
    addresses: [SERVER],
    boot: (host) => {
      const files = new Files(host, { root: "site" });
      const listen = [80, 8080].map((port) => ({ addr: SERVER, port }));
      return new HttpServer((exchange) => files.handle(exchange), { listen });
    },
  });
  loadFolder(server.disk, flags.simulated as string, "site", { left: MAX_FOLDER_BYTES });
  const host = world.node("client", { addresses: ["198.51.100.1"] });
  return {
    host,
    lookup: (_name, done) => done(null, { addresses: [SERVER] }),
    settled: (work) => {
      let done = false;
      const over = work.finally(() => {
        done = true;
      });
      return pass(world, () => done).then(() => over);
    },
    stop: () => {},
  };
}

/** Virtual time runs in steps, since what was promised is only told between them. */
async function pass(world: World, done: () => boolean): Promise<void> {
  while (!done()) {
    const before = world.now;
    world.run(before + 100 * MILLISECOND);
    await Promise.resolve();
    await Promise.resolve();
    if (world.queue.next() === undefined && world.now === before) return;
  }
}

function loadFolder(disk: SimDisk, folder: string, to: string, budget: { left: number }): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new CommandError(
      `${folder}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      EXIT.input,
    );
  }
  for (const name of names.sort()) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) loadFolder(disk, path, `${to}/${name}`, budget);
    if (stat?.isFile() !== true) continue;
    budget.left -= stat.size;
    if (budget.left < 0)
      throw new CommandError(`${folder}: more than 256 MB to simulate`, EXIT.input);
    disk.load(`${to}/${name}`, new Uint8Array(readFileSync(path)), stat.mtimeMs);
  }
}
