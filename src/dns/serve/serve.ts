/** Behind `netkit dns serve`: zones from files, listeners, and the signals of the process. */

import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { resolve as absolute, join } from "node:path";
import { keyText, sameName } from "../../codecs/dns/canonical.ts";
import { Authority } from "../../engines/dns/authority.ts";
import type { ListenAddress } from "../../engines/dns/listener.ts";
import { notify } from "../../engines/dns/notifier.ts";
import type { ZoneKeys } from "../../engines/dns/online-signing.ts";
import { Secondary } from "../../engines/dns/secondary.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { UpdateJournal } from "../../engines/dns/update-journal.ts";
import { Updater } from "../../engines/dns/updater.ts";
import type { Zone } from "../../engines/dns/zone.ts";
import type { Endpoint } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import { makeFolderSync } from "../../net/live/folders.ts";
import { LiveHost } from "../../net/live/host.ts";
import { addressesOf, authorityOptions, tsigKeyOf } from "./access.ts";
import { announce, listen, orKeep, say, stopSignal } from "./listen.ts";
import { loadZone, zoneSource } from "./load.ts";
import { lockFile } from "./lock.ts";
import { NearestService } from "./nearest.ts";
import { peerOf, sayOfNotify } from "./peers.ts";
import { keysFor, readSignKey } from "./sign-keys.ts";

export interface ServeFlags {
  readonly zones: readonly string[];
  readonly plain: readonly ListenAddress[];
  readonly json: boolean;
  readonly nsid?: string | undefined;
  readonly udpSize: number;
  readonly allowTransfer: readonly string[];
  /** `ADDRESS[:PORT]` of secondaries. */
  readonly notify: readonly string[];
  /** `[ALGORITHM:]NAME:BASE64`. */
  readonly tsig: readonly string[];
  /** `ZONE@ADDRESS[:PORT]`. */
  readonly secondary: readonly string[];
  /** A file of edges; see `NearestService`. */
  readonly nearest?: string | undefined;
  readonly stateFolder?: string | undefined;
  /** `ADDRESS[/PREFIX]` that may change zones; with keys, they may from anywhere. */
  readonly allowUpdate: readonly string[];
  readonly updates: boolean;
  /** PEM files of keys that signed zones are signed with while they change. */
  readonly signKeys: readonly string[];
}

/** Runs until SIGTERM or SIGINT; what is in flight is finished first. */
export async function serve(flags: ServeFlags): Promise<void> {
  const sources = flags.zones.map(zoneSource);
  if (flags.stateFolder !== undefined) makeStateFolder(flags.stateFolder);
  const mayUpdate = addressesOf(flags.allowUpdate);
  const signKeys = flags.signKeys.map(readSignKey);
  const host = new LiveHost();
  const authority = new Authority(host.clock, {
    ...authorityOptions(flags, randomBytes(16)),
    onNotify: (zone, { addr }, key) => {
      // RFC 1996 3.10: only the primary is heard, or who has its key.
      const heard = ({ named, primary }: Served) =>
        named === undefined
          ? primary.addr === addr
          : key !== undefined && sameName(key, named.name);
      const told = secondaries.filter((one) => one.key === zone && heard(one));
      for (const one of told) one.engine.notify();
      return told.length > 0;
    },
    ...(flags.updates
      ? { onUpdate: (...asked: Parameters<Updater["request"]>) => updater.request(...asked) }
      : {}),
  });
  const updater = new Updater({
    mayUpdate: ({ addr }, _zone, key) => key !== undefined || mayUpdate(addr),
    zoneOf: (origin) => authority.zoneAt(origin),
    onZone: (zone, diffs) => {
      authority.setZone(zone, diffs);
      say(`${zone.name} serial ${zone.serial} (UPDATE)`);
      tell(zone);
    },
    onFailure: say,
    clock: host.clock,
  });
  const secondaries: Served[] = [];
  for (const text of flags.secondary) {
    const one = secondaryOf(text, authority, flags);
    if (secondaries.some(({ key }) => key === one.key))
      throw new CommandError(`${keyText(one.key)} is given twice, the second time as ${text}`);
    secondaries.push(one);
  }
  const loaded: Zone[] = [];
  for (const source of sources) {
    const { zone, warnings } = loadZone(source);
    for (const warning of warnings) say(`warning: ${warning}`);
    const { origin } = zone;
    if ([...loaded.map((one) => one.origin), ...secondaries.map(({ key }) => key)].includes(origin))
      throw new CommandError(`${zone.name} is given twice, the second time in ${source.file}`);
    if (flags.updates) keysFor(zone, source.file, signKeys);
    authority.setZone(zone);
    loaded.push(zone);
  }
  if (signKeys.length > 0 && !loaded.some(({ signed }) => signed))
    throw new CommandError("--sign-key: no zone is signed; netkit dns sign makes one so");
  const nearest =
    flags.nearest === undefined
      ? undefined
      : new NearestService({
          file: flags.nearest,
          authority,
          host,
          late: secondaries.length > 0,
          checks: true,
          say,
        });
  nearest?.load();
  const others = flags.notify.map((text) => peerOf(text, flags.tsig));
  const tell = (zone: Zone) => {
    for (const { at, key } of others) {
      notify(host, zone, at, (answer) => sayOfNotify(zone.name, at, answer), key);
    }
  };
  const reload = () => {
    for (const source of sources)
      orKeep("the old zone stays", () => {
        const { zone } = loadZone(source);
        if (flags.updates) {
          updater.reload(zone, keysFor(zone, source.file, signKeys));
          return;
        }
        authority.setZone(zone);
        tell(zone);
        say(`reloaded ${zone.name} serial ${zone.serial}`);
      });
    if (nearest === undefined) return;
    orKeep("the old edges stay", () => {
      nearest.load();
      say(`reloaded ${flags.nearest}`);
    });
  };
  const locks: (() => void)[] = [];
  process.on("SIGHUP", reload);
  try {
    if (flags.updates)
      for (const [i, zone] of loaded.entries()) {
        const file = sources[i]?.file ?? "";
        const keys = keysFor(zone, file, signKeys);
        locks.push(await opened(updater, zone, host, journalOf(flags, file, zone), keys));
      }
    const { listener, at } = await listen(host, authority, flags.plain);
    // Who reads where it listens may end it at once.
    const told = stopSignal();
    announce(at, flags.json);
    for (const { engine } of secondaries) engine.start(host);
    for (const zone of loaded) tell(authority.zone(zone.name) ?? zone);
    const signal = await told;
    for (const { engine } of secondaries) engine.stop(true, () => {});
    nearest?.close();
    await new Promise<void>((done) => listener.stop(true, done));
    updater.close();
    if (signal === "SIGINT") process.exitCode = EXIT.interrupted;
  } finally {
    process.off("SIGHUP", reload);
    for (const release of locks) release();
    host.stop();
  }
}

/** Before anything is served: what cannot be kept must not be fetched or changed. */
function makeStateFolder(path: string): void {
  try {
    makeFolderSync(path);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new CommandError(`--state-folder ${path}: ${(error as Error).message}`, EXIT.input);
  }
}

function journalOf(flags: ServeFlags, file: string, zone: Zone): string {
  return flags.stateFolder === undefined
    ? `${absolute(file)}.journal`
    : join(absolute(flags.stateFolder), `${zone.name}journal`);
}

/** Gives the journal back when the server ends. */
async function opened(
  updater: Updater,
  zone: Zone,
  host: LiveHost,
  path: string,
  keys: ZoneKeys | undefined,
): Promise<() => void> {
  const release = lockFile(path);
  await new Promise<void>((done) => updater.open(zone, new UpdateJournal(host, path), done, keys));
  return release;
}

interface Served {
  readonly key: string;
  readonly primary: Endpoint;
  /** The key that was named for it: then its NOTIFY must be signed. */
  readonly named: TsigKey | undefined;
  readonly engine: Secondary;
}

function secondaryOf(text: string, authority: Authority, flags: ServeFlags): Served {
  const at = text.lastIndexOf("@");
  if (at < 1) throw new CommandError(`--secondary ${text} is no ZONE@ADDRESS[:PORT][#KEY]`);
  const zone = text.slice(0, at).replace(/\.?$/, ".");
  const { at: primary, key: named } = peerOf(text.slice(at + 1), flags.tsig);
  // Where none is named the first signs what we ask for.
  const key = named ?? flags.tsig.slice(0, 1).map(tsigKeyOf)[0];
  authority.expectZone(zone);
  const engine = new Secondary({
    zone,
    primary,
    file:
      flags.stateFolder === undefined
        ? undefined
        : join(absolute(flags.stateFolder), `${zone}zone`),
    key,
    onZone: (fetched, diffs) => {
      authority.setZone(fetched, diffs);
      say(`${zone} serial ${fetched.serial}${diffs === undefined ? "" : " (IXFR)"}`);
    },
    onExpire: () => {
      authority.expectZone(zone);
      say(`${zone} has expired`);
    },
    onFailure: (why) => say(`${zone} from ${primary.addr}:${primary.port}: ${why}`),
  });
  return { key: engine.key, primary, named, engine };
}
