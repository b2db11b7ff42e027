/** Where questions go: servers that were named, or those of the system's configuration. */
import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { HostsFile } from "../../engines/dns/client/hosts-file.ts";
import { parseHosts } from "../../engines/dns/client/hosts-file.ts";
import type { ResolvConf } from "../../engines/dns/client/resolv-conf.ts";
import { DEFAULT_CONF, parseResolvConf } from "../../engines/dns/client/resolv-conf.ts";
import type { Endpoint } from "../../engines/host.ts";
import { CommandError, EXIT } from "../../failure.ts";
import type { ServerWord } from "./arguments.ts";

export const RESOLV_CONF = "/etc/resolv.conf";
export const HOSTS = "/etc/hosts";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new CommandError(`${path}: cannot be read (${code})`, EXIT.input);
  }
}

/** The system's file may be missing (then the defaults hold), one that was named may not. */
export function systemConf(path: string): ResolvConf {
  const text = read(path);
  if (text === undefined && path !== RESOLV_CONF)
    throw new CommandError(`${path}: no such file`, EXIT.input);
  return text === undefined ? DEFAULT_CONF : parseResolvConf(text);
}

export function hostsFile(path: string): HostsFile {
  const text = read(path);
  if (text === undefined && path !== HOSTS)
    throw new CommandError(`${path}: no such file`, EXIT.input);
  return parseHosts(text ?? "");
}

/** A server's own name is looked up as any program would. */
export async function addressOf(word: ServerWord): Promise<Endpoint> {
  if (isIP(word.host) !== 0) return { addr: word.host, port: word.port };
  try {
    const { address } = await lookup(word.host);
    return { addr: address, port: word.port };
  } catch {
    throw new CommandError(`@${word.host}: the server's name has no address`, EXIT.network);
  }
}
