/** The hosts file: addresses and their names, before DNS is asked. hosts(5), RFC 952. */
import { reverseName } from "./address-name.ts";

export interface HostsFile {
  /** Addresses of a name, in the order of the file. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  /** The first name of each address, by the address as a name (in-addr.arpa, ip6.arpa). */
  readonly reversed: ReadonlyMap<string, string>;
}

/** Lines that are none are passed over, as every reader of this file does. */
export function parseHosts(text: string): HostsFile {
  const addresses = new Map<string, string[]>();
  const reversed = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [address, ...hosts] = line.replace(/#.*/, "").trim().split(/\s+/);
    const reverse = reverseName(address ?? "");
    if (address === undefined || reverse === undefined) continue;
    const [first] = hosts;
    const key = hostKey(reverse);
    if (first !== undefined && !reversed.has(key)) reversed.set(key, first);
    for (const host of hosts) {
      const key = hostKey(host);
      const there = addresses.get(key);
      if (there === undefined) addresses.set(key, [address]);
      else if (!there.includes(address)) there.push(address);
    }
  }
  return { addresses, reversed };
}

/** Without the last dot, and without case. */
export function hostKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
