/** The lab on the loopback: each server a listener on an address of its own, until the process is stopped. */
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readZone, writeZone } from "../../codecs/dns/index.ts";
import { buildLab } from "../../engines/dns/lab/build.ts";
import { fetchedBy, labPlan } from "../../engines/dns/lab/plan.ts";
import { LabServer } from "../../engines/dns/lab/server.ts";
import { DnsListener } from "../../engines/dns/listener.ts";
import { Recursor } from "../../engines/dns/recursor.ts";
import { hintsOf } from "../../engines/dns/resolver/delegation.ts";
import type { Engine, NetError } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { makeFolderSync } from "../../net/live/folders.ts";
import { LiveHost } from "../../net/live/host.ts";

export interface LiveLabOptions {
  readonly port: number;
  /** Where the hints, the trust anchor and the zones are written. */
  readonly folder: string;
}

export interface RunningLab {
  readonly recursor: string;
  readonly servers: readonly {
    readonly name: string;
    readonly addr: string;
    readonly zones: readonly string[];
  }[];
  readonly hints: string;
  readonly anchor: string;
  stop(): Promise<void>;
}

/** Starts all; nothing runs when one of them cannot. @throws CommandError */
export async function startLab({ port, folder }: LiveLabOptions): Promise<RunningLab> {
  const plan = labPlan();
  const keyFor = () => generateKeyPairSync("ed25519").privateKey;
  const { zones, anchors } = buildLab(plan, keyFor, Math.floor(Date.now() / 1000));
  const host = new LiveHost("lab");
  const engines: Engine[] = [];
  const stop = async () => {
    await Promise.all(
      engines.map((engine) => new Promise<void>((done) => engine.stop(true, done))),
    );
    host.stop();
  };
  const listening = (begin: (ok: () => void, fail: (error: NetError) => void) => Engine) =>
    new Promise<void>((resolve, reject) => {
      const engine = begin(resolve, reject);
      engines.push(engine);
      engine.start(host);
    });
  try {
    const transfers: Promise<void>[] = [];
    for (const server of [...plan.servers].sort(primariesFirst)) {
      const { addr, zones: served, primary } = server;
      // The others have their data from the primary, as in the world.
      const own = primary ? served.flatMap((zone) => zones.get(zone) ?? []) : [];
      const fetched = fetchedBy(plan, server);
      await listening((onListening, onListenError) => {
        let onFetched = () => {};
        if (!primary) transfers.push(new Promise((done) => (onFetched = done)));
        const at = { addr, port, zones: own, fetched, relays: true };
        return new LabServer({ ...at, onListening, onListenError, onFetched });
      });
    }
    await Promise.all(transfers);
    const hints = hintsOf([...readZone(plan.hints, { origin: "." })]);
    const recursor = new Recursor({ resolver: { hints, hintPort: port, anchors, ipv6: false } });
    recursor.start(host);
    await listening(
      (onListening, onListenError) =>
        new DnsListener(recursor, {
          listen: [{ addr: plan.recursor, port }],
          onListening: () => onListening(),
          onListenError,
        }),
    );
  } catch (error) {
    await stop();
    const { code, remote } = error as NetError;
    const where = remote === undefined ? `port ${port}` : `${remote.addr}:${remote.port}`;
    throw new CommandError(`the lab cannot listen on ${where}: ${code}`, EXIT.network);
  }
  try {
    // Not before all listens: a lab that runs already keeps its trust anchor.
    const paths = writeFiles(folder, plan.hints, writeZone(anchors), zones);
    return { recursor: plan.recursor, servers: plan.servers, ...paths, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function primariesFirst(a: { primary: boolean }, b: { primary: boolean }): number {
  return Number(b.primary) - Number(a.primary);
}

function writeFiles(
  folder: string,
  hints: string,
  anchor: string,
  zones: ReadonlyMap<
    string,
    { records(): Iterable<Parameters<typeof writeZone>[0] extends Iterable<infer R> ? R : never> }
  >,
): { hints: string; anchor: string } {
  const paths = { hints: join(folder, "root.hints"), anchor: join(folder, "root.ds") };
  try {
    makeFolderSync(join(folder, "zones"));
    writeFileSync(paths.hints, hints);
    writeFileSync(paths.anchor, anchor);
    for (const [name, zone] of zones)
      writeFileSync(
        join(folder, "zones", `${name === "." ? "root" : name.slice(0, -1)}.zone`),
        writeZone(zone.records()),
      );
  } catch (error) {
    throw new CommandError(`${folder}: ${(error as Error).message}`, EXIT.input);
  }
  return paths;
}
