/** Who may do what at the server, from flags to the options of the authority. */
import { BlockList, isIPv6 } from "node:net";
import type { AuthorityOptions } from "../../engines/dns/authority.ts";
import type { TsigKey } from "../../engines/dns/tsig.ts";
import { parseTsigKey } from "../../engines/dns/tsig.ts";
import { CommandError } from "../../failure.ts";

/** `ADDRESS[/PREFIX]`. @throws CommandError */
export function addressesOf(texts: readonly string[]): (addr: string) => boolean {
  const list = new BlockList();
  for (const text of texts) {
    const [addr = "", prefix] = text.split("/");
    const family = isIPv6(addr) ? "ipv6" : "ipv4";
    try {
      list.addSubnet(
        addr,
        prefix === undefined ? (family === "ipv6" ? 128 : 32) : Number(prefix),
        family,
      );
    } catch {
      // BlockList says by throwing that these are no address and prefix.
      throw new CommandError(`${text} is no ADDRESS[/PREFIX]`);
    }
  }
  return (addr) => list.check(addr, isIPv6(addr) ? "ipv6" : "ipv4");
}

/** `[ALGORITHM:]NAME:BASE64`. @throws CommandError */
export function tsigKeyOf(text: string): TsigKey {
  const key = parseTsigKey(text);
  if (key === undefined) throw new CommandError("--tsig is no [ALGORITHM:]NAME:BASE64");
  return key;
}

export interface AccessFlags {
  readonly nsid?: string | undefined;
  readonly udpSize: number;
  readonly allowTransfer: readonly string[];
  readonly tsig: readonly string[];
}

/** What all processes of a server have alike. @throws CommandError */
export function authorityOptions(flags: AccessFlags, cookieSecret: Uint8Array): AuthorityOptions {
  const mayTransfer = addressesOf(flags.allowTransfer);
  return {
    cookieSecret,
    udpLimit: flags.udpSize,
    ...(flags.nsid === undefined ? {} : { nsid: flags.nsid }),
    tsigKeys: flags.tsig.map(tsigKeyOf),
    // With keys an address alone is not enough.
    mayTransfer: ({ addr }, _zone, key) =>
      flags.tsig.length === 0 ? mayTransfer(addr) : key !== undefined,
  };
}
