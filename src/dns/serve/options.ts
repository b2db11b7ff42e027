/** Flags of `netkit dns serve` as options of the server. */
import cluster from "node:cluster";
import { CommandError } from "../../failure.ts";
import { listenAddresses } from "../recursor/options.ts";
import type { ServeFlags } from "./serve.ts";
import { serve } from "./serve.ts";
import { serveAsWorker } from "./worker.ts";
import { serveWithWorkers } from "./workers.ts";

export interface ZoneServerFlags {
  readonly listen?: readonly string[] | undefined;
  readonly "listen-tls": readonly string[];
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly "allow-transfer": readonly string[];
  readonly "allow-update": readonly string[];
  readonly updates: boolean;
  readonly "sign-key": readonly string[];
  readonly notify: readonly string[];
  readonly tsig: readonly string[];
  readonly secondary: readonly string[];
  readonly nearest?: string | undefined;
  readonly "state-folder"?: string | undefined;
  readonly nsid?: string | undefined;
  readonly "udp-size": number;
  readonly workers: number;
  readonly json: boolean;
}

/** It is in every answer to who asks, whatever room UDP has for it. */
const MAX_NSID_OCTETS = 128;

export function serveZones(zones: readonly string[], flags: ZoneServerFlags): Promise<void> {
  if (zones.length + flags.secondary.length === 0)
    throw new CommandError("no zone file and no --secondary is given; see --help");
  if (flags.nsid !== undefined && Buffer.byteLength(flags.nsid) > MAX_NSID_OCTETS)
    throw new CommandError(`--nsid is longer than ${MAX_NSID_OCTETS} octets`);
  const listen = flags.listen ?? (flags["listen-tls"].length > 0 ? [] : ["127.0.0.1:5300"]);
  const { plain } = listenAddresses({ ...flags, listen, "listen-https": [] });
  const options: ServeFlags = {
    zones,
    plain,
    json: flags.json,
    nsid: flags.nsid,
    notify: flags.notify,
    tsig: flags.tsig,
    secondary: flags.secondary,
    nearest: flags.nearest,
    stateFolder: flags["state-folder"],
    udpSize: flags["udp-size"],
    allowUpdate: flags["allow-update"],
    updates: flags.updates || flags["allow-update"].length > 0,
    allowTransfer: flags["allow-transfer"],
    signKeys: flags["sign-key"],
  };
  if (options.signKeys.length > 0 && !options.updates)
    throw new CommandError("--sign-key is for zones that change: give --updates too");
  if (flags.workers === 1) {
    const mayChange = flags["allow-update"].length + flags.tsig.length > 0;
    if (flags.updates && !mayChange)
      throw new CommandError(
        "--updates needs a --tsig key, or --allow-update: else nobody may change",
      );
    return serve(options);
  }
  const owned = options.updates ? "--updates" : flags.secondary.length > 0 ? "--secondary" : "";
  if (owned !== "")
    throw new CommandError(
      `--workers does not go with ${owned}: one process must own a zone that changes`,
    );
  return cluster.isWorker ? serveAsWorker(options) : serveWithWorkers(options, flags.workers);
}
