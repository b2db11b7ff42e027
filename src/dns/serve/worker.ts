/** One of the processes of `--workers`: it answers, and does as the first process says. */
import { fromHex } from "../../codecs/writer.ts";
import { Authority } from "../../engines/dns/authority.ts";
import { CommandError } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { authorityOptions } from "./access.ts";
import { listen, orKeep } from "./listen.ts";
import { loadZone, zoneSource } from "./load.ts";
import { NearestService } from "./nearest.ts";
import type { ServeFlags } from "./serve.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** `process.send` of this process, whose parent may be gone. */
function tell(message: FromWorker): void {
  if (process.connected === true) process.send?.(message);
}

function nextMessage(): Promise<ToWorker> {
  return new Promise((done) => process.once("message", done as (message: unknown) => void));
}

/** The kernel spreads datagrams over sockets that each have the port (Node 22.12, 23.1 and later). */
export function hasReusePort(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** Runs until the first process says so, or is gone. */
export async function serveAsWorker(flags: ServeFlags): Promise<void> {
  // A terminal sends these to the whole group; the first process tells what they mean.
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const first = nextMessage();
  tell({ kind: "ready" });
  const start = await first;
  if (start.kind !== "start") return process.disconnect?.();
  const host = new LiveHost();
  const secret = fromHex(start.cookieSecret) as Uint8Array;
  const authority = new Authority(host.clock, authorityOptions(flags, secret));
  const sources = flags.zones.map(zoneSource);
  try {
    for (const source of sources) authority.setZone(loadZone(source).zone);
    authority.remember(start.pasts);
    const nearest =
      flags.nearest === undefined
        ? undefined
        : new NearestService({
            file: flags.nearest,
            authority,
            host,
            late: false,
            checks: false,
            say: () => {},
          });
    nearest?.load();
    nearest?.adopt(start.edges);
    // The first process has loaded these, and told what it could not: failing here is news.
    const reload = (files: readonly string[]) => {
      for (const source of sources.filter(({ file }) => files.includes(file)))
        orKeep("the old zone stays", () => authority.setZone(loadZone(source).zone));
      if (flags.nearest !== undefined && files.includes(flags.nearest))
        orKeep("the old edges stay", () => nearest?.load());
    };
    const addresses = flags.plain.map((at, i) => ({
      ...at,
      port: start.ports[i] as number,
      reusePort: hasReusePort(),
    }));
    const { listener } = await listen(host, authority, addresses);
    tell({ kind: "listening" });
    await new Promise<void>((stop) => {
      process.on("message", (message: ToWorker) => {
        if (message.kind === "stop") stop();
        if (message.kind === "reload") reload(message.files);
        if (message.kind === "reload" || message.kind === "edges") nearest?.adopt(message.edges);
      });
      process.once("disconnect", stop);
      process.once("SIGTERM", () => stop());
    });
    await new Promise<void>((done) => listener.stop(true, done));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    tell({ kind: "failed", message: error.message, exitCode: error.exitCode });
  } finally {
    host.stop();
    if (process.connected === true) process.disconnect?.();
  }
}
