/** Addresses that no public name may have, against rebinding: in A and AAAA, and as hints of SVCB. */
import type { Rdata } from "../../../codecs/dns/index.ts";
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import { fromHex } from "../../../codecs/writer.ts";

/** RFC 9460 7.3. */
const IPV4_HINT = 4;
const IPV6_HINT = 6;

export function octetsOf(address: string): Uint8Array | undefined {
  return parseIpv4(address) ?? parseIpv6(address);
}

/** Whether an address lies in a prefix such as `10.0.0.0/8`. */
export function inPrefix(address: Uint8Array, prefix: string): boolean {
  const [text, length] = prefix.split("/") as [string, string | undefined];
  const base = octetsOf(text);
  if (base === undefined || base.length !== address.length) return false;
  const bits = length === undefined ? base.length * 8 : Number(length);
  for (let i = 0; i < bits; i += 8) {
    const mask = bits - i >= 8 ? 0xff : (0xff << (8 - (bits - i))) & 0xff;
    if ((((base[i >> 3] as number) ^ (address[i >> 3] as number)) & mask) !== 0) return false;
  }
  return true;
}

function addressesOf(rdata: Rdata): Uint8Array[] {
  const { address, params } = rdata as { address?: unknown; params?: unknown };
  if (typeof address === "string") {
    const octets = octetsOf(address);
    return octets === undefined ? [] : [octets];
  }
  if (!Array.isArray(params)) return [];
  const out: Uint8Array[] = [];
  for (const { key, value } of params as { key: number; value: string }[]) {
    const size = key === IPV4_HINT ? 4 : key === IPV6_HINT ? 16 : 0;
    const octets = fromHex(value) ?? new Uint8Array(0);
    for (let at = 0; size > 0 && at + size <= octets.length; at += size)
      out.push(octets.slice(at, at + size));
  }
  return out;
}

export function isPrivate(rdata: Rdata, prefixes: readonly string[]): boolean {
  return addressesOf(rdata).some((address) => prefixes.some((prefix) => inPrefix(address, prefix)));
}
