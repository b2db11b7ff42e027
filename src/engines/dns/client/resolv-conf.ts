/** The stub's configuration: resolv.conf(5) of the C library. */
import { isAbsolute, nameLabels } from "../../../codecs/dns/name.ts";
import type { Endpoint } from "../../host.ts";
import { isIpText } from "./address-name.ts";

export interface ResolvConf {
  readonly servers: readonly Endpoint[];
  readonly search: readonly string[];
  /** Dots from which on a name is tried as it is first. */
  readonly ndots: number;
  /** Milliseconds for the first try. */
  readonly timeoutMs: number;
  /** Rounds over all servers. */
  readonly attempts: number;
  readonly rotate: boolean;
}

/** MAXNS, MAXDNSRCH and the caps of glibc's resolv.h. */
const MAX_SERVERS = 3;
const MAX_SEARCH = 256;
const MAX_NDOTS = 15;
const MAX_TIMEOUT_SECONDS = 30;
const MAX_ATTEMPTS = 5;
const DNS_PORT = 53;

export const DEFAULT_CONF: ResolvConf = {
  servers: [{ addr: "127.0.0.1", port: DNS_PORT }],
  search: [],
  ndots: 1,
  timeoutMs: 5000,
  attempts: 2,
  rotate: false,
};

/** What is not understood is passed over, as the C library does. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: Endpoint[] = [];
  let search: readonly string[] = [];
  const options = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (/^[;#]/.test(line)) continue;
    const [keyword, ...words] = line.trim().split(/\s+/);
    if (keyword === "nameserver") {
      const addr = (words[0] ?? "").replace(/%.*/, "");
      if (isIpText(addr) && servers.length < MAX_SERVERS) servers.push({ addr, port: DNS_PORT });
    } else if (keyword === "search") search = words.slice(0, MAX_SEARCH);
    else if (keyword === "domain") search = words.slice(0, 1);
    else if (keyword === "options") {
      for (const word of words) {
        const [name = "", value = ""] = word.split(":");
        options.set(name, value);
      }
    }
  }
  const number = (name: string, least: number, most: number, otherwise: number) => {
    const text_ = options.get(name);
    if (text_ === undefined || !/^[0-9]+$/.test(text_)) return otherwise;
    return Math.min(Math.max(Number(text_), least), most);
  };
  return {
    servers: servers.length === 0 ? DEFAULT_CONF.servers : servers,
    search,
    ndots: number("ndots", 0, MAX_NDOTS, DEFAULT_CONF.ndots),
    timeoutMs: number("timeout", 1, MAX_TIMEOUT_SECONDS, DEFAULT_CONF.timeoutMs / 1000) * 1000,
    attempts: number("attempts", 1, MAX_ATTEMPTS, DEFAULT_CONF.attempts),
    rotate: options.has("rotate"),
  };
}

/** The names that are tried for `name`, in their order. */
export function candidates(name: string, conf: ResolvConf): string[] {
  if (isAbsolute(name)) return [name];
  const asIs = `${name}.`;
  const searched = conf.search.map((domain) =>
    `${name}.${domain.replace(/\.$/, "")}.`.replace(/\.\.$/, "."),
  );
  // What the suffix makes longer than a name may be is no name to ask for.
  const fit = searched.filter(isName);
  const dots = name.split(".").length - 1;
  return dots >= conf.ndots ? [asIs, ...fit] : [...fit, asIs];
}

/** RFC 1035 2.3.4 */
function isName(text: string): boolean {
  try {
    nameLabels(text);
    return true;
  } catch {
    return false;
  }
}
