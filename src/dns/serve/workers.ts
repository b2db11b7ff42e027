/**
 * `--workers`: the first process reads the files, checks edges and tells others of changes; the
 * workers have the sockets and answer. A worker that ends is replaced, unless they do so again and
 * again. Zones that change by themselves (UPDATE, secondaries) are not served so: one process must
 * own what changes.
 */

import type { Worker } from "node:cluster";
import cluster from "node:cluster";
import { randomBytes } from "node:crypto";
import { Authority } from "../../engines/dns/authority.ts";
import type { Listening } from "../../engines/dns/listener.ts";
import { notify } from "../../engines/dns/notifier.ts";
import type { Zone } from "../../engines/dns/zone.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { LiveHost } from "../../net/live/host.ts";
import { authorityOptions } from "./access.ts";
import { announce, listen, orKeep, say, stopSignal } from "./listen.ts";
import { loadZone, zoneSource } from "./load.ts";
import { NearestService } from "./nearest.ts";
import { peerOf, sayOfNotify } from "./peers.ts";
import type { ServeFlags } from "./serve.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

/** So many ends of workers within so long, and the server gives up. */
const MAX_ENDS = 5;
const ENDS_WITHIN_MS = 60_000;
/** Longer than a worker waits for what is in flight. */
const STOP_WITHIN_MS = 8000;

type Outcome =
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "failed"; readonly error: CommandError };

/** The workers, as many as there shall be. */
class Pool {
  private readonly workers = new Set<Worker>();
  private readonly count: number;
  private readonly start: () => ToWorker;
  private readonly onAllListening: () => void;
  private readonly onFailure: (error: CommandError) => void;
  private listening = 0;
  private ends: number[] = [];
  private stopping: (() => void) | undefined;

  constructor(
    count: number,
    start: () => ToWorker,
    onAllListening: () => void,
    onFailure: (error: CommandError) => void,
  ) {
    this.count = count;
    this.start = start;
    this.onAllListening = onAllListening;
    this.onFailure = onFailure;
    for (let i = 0; i < count; i++) this.fork();
  }

  private fork(): void {
    const worker = cluster.fork();
    this.workers.add(worker);
    worker.on("message", (message: FromWorker) => this.heard(worker, message));
    worker.on("exit", (code, signal) => this.ended(worker, signal ?? `exit code ${code}`));
    // It may end while it is being told something: its end is what counts.
    worker.on("error", () => {});
  }

  private heard(worker: Worker, message: FromWorker): void {
    if (message.kind === "ready") worker.send(this.start());
    else if (message.kind === "failed")
      this.onFailure(new CommandError(message.message, message.exitCode));
    else if (++this.listening === this.count) this.onAllListening();
  }

  private ended(worker: Worker, how: string): void {
    this.workers.delete(worker);
    if (this.stopping !== undefined) {
      if (this.workers.size === 0) this.stopping();
      return;
    }
    const now = performance.now();
    this.ends = [...this.ends.filter((at) => now - at < ENDS_WITHIN_MS), now];
    const who = `worker ${worker.process.pid}`;
    if (this.ends.length > MAX_ENDS) {
      const often = `${this.ends.length} workers ended within ${ENDS_WITHIN_MS / 1000} s`;
      this.onFailure(new CommandError(`${often}, the last by ${how}: giving up`, EXIT.bug));
      return;
    }
    say(`${who} has ended (${how}); another takes its place`);
    this.fork();
  }

  tell(message: ToWorker): void {
    for (const worker of this.workers) if (worker.isConnected()) worker.send(message);
  }

  /** Each finishes what is in flight; one that does not end is killed. */
  stop(): Promise<void> {
    return new Promise((done) => {
      if (this.workers.size === 0) return done();
      const late = setTimeout(() => {
        for (const worker of this.workers) worker.process.kill("SIGKILL");
      }, STOP_WITHIN_MS);
      this.stopping = () => {
        clearTimeout(late);
        done();
      };
      this.tell({ kind: "stop" });
    });
  }
}

/** Takes the addresses for a moment: errors are told once, and port 0 becomes the same port for all. */
async function reserve(host: LiveHost, flags: ServeFlags): Promise<readonly Listening[]> {
  const { listener, at } = await listen(host, { query() {} }, flags.plain);
  await new Promise<void>((done) => listener.stop(false, done));
  return at;
}

/** Runs until SIGTERM or SIGINT. */
export async function serveWithWorkers(flags: ServeFlags, count: number): Promise<void> {
  const host = new LiveHost();
  const cookieSecret = randomBytes(16);
  const authority = new Authority(host.clock, authorityOptions(flags, cookieSecret));
  const sources = flags.zones.map(zoneSource);
  const zones: Zone[] = [];
  for (const source of sources) {
    const { zone, warnings } = loadZone(source);
    for (const warning of warnings) say(`warning: ${warning}`);
    authority.setZone(zone);
    zones.push(zone);
  }
  const others = flags.notify.map((text) => peerOf(text, flags.tsig));
  const changed = (zone: Zone) => {
    for (const { at, key } of others) {
      notify(host, zone, at, (answer) => sayOfNotify(zone.name, at, answer), key);
    }
  };
  let pool: Pool | undefined;
  const edges = () => nearest?.snapshot() ?? [];
  const nearest =
    flags.nearest === undefined
      ? undefined
      : new NearestService({
          file: flags.nearest,
          authority,
          host,
          late: false,
          checks: true,
          say,
          onReport: () => pool?.tell({ kind: "edges", edges: edges() }),
        });
  const reload = () => {
    const files: string[] = [];
    for (const source of sources)
      orKeep("the old zone stays", () => {
        const { zone } = loadZone(source);
        authority.setZone(zone);
        changed(zone);
        files.push(source.file);
        say(`reloaded ${zone.name} serial ${zone.serial}`);
      });
    if (nearest !== undefined)
      orKeep("the old edges stay", () => {
        nearest.load();
        files.push(flags.nearest as string);
        say(`reloaded ${flags.nearest}`);
      });
    pool?.tell({ kind: "reload", files, edges: edges() });
  };
  try {
    nearest?.load();
    const at = await reserve(host, flags);
    process.on("SIGHUP", reload);
    // Workers take connections themselves: none goes through this process.
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    const outcome = await new Promise<Outcome>((done) => {
      stopSignal().then(
        (signal) => done({ kind: "signal", signal }),
        (error: Error) => done({ kind: "failed", error: new CommandError(error.message) }),
      );
      pool = new Pool(
        count,
        () => ({
          kind: "start",
          ports: at.map(({ port }) => port),
          cookieSecret: cookieSecret.toString("hex"),
          pasts: authority.histories(),
          edges: edges(),
        }),
        () => {
          announce(at, flags.json);
          for (const zone of zones) changed(zone);
        },
        (error) => done({ kind: "failed", error }),
      );
    });
    await pool?.stop();
    if (outcome.kind === "failed") throw outcome.error;
    if (outcome.signal === "SIGINT") process.exitCode = EXIT.interrupted;
  } finally {
    process.off("SIGHUP", reload);
    nearest?.close();
    host.stop();
  }
}
