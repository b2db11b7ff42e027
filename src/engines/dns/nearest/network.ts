/** Networks of clients: an address and how many bits of it count. RFC 7871 6 (Client Subnet). */
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";

/** 4 or 16 octets, of which the first `bits` bits count; the others are not looked at. */
export interface Network {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** IANA DNS EDNS0 Option Codes. */
export const CLIENT_SUBNET = 8;
/** IANA Address Family Numbers. */
const FAMILY_BITS: readonly (number | undefined)[] = [undefined, 32, 128];
const MAPPED_OCTETS = 12;

/** One address. An IPv4-mapped one is IPv4: that is how a socket for both families tells of it. */
export function networkOf(addr: string): Network | undefined {
  const v4 = parseIpv4(addr);
  if (v4 !== undefined) return { bytes: v4, bits: 32 };
  const zone = addr.indexOf("%");
  const v6 = parseIpv6(zone < 0 ? addr : addr.slice(0, zone));
  if (v6 === undefined) return undefined;
  const mapped = v6[10] === 0xff && v6[11] === 0xff && v6.subarray(0, 10).every((b) => b === 0);
  return mapped ? { bytes: v6.slice(MAPPED_OCTETS), bits: 32 } : { bytes: v6, bits: 128 };
}

/** `ADDRESS[/BITS]`; bits behind the prefix must be zero, unless `loose`. */
export function parseNetwork(text: string, loose = false): Network | undefined {
  const slash = text.indexOf("/");
  const addr = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseIpv4(addr) ?? parseIpv6(addr);
  if (bytes === undefined) return undefined;
  const most = bytes.length * 8;
  if (slash < 0) return { bytes, bits: most };
  const digits = text.slice(slash + 1);
  const bits = Number(digits);
  if (!/^[0-9]{1,3}$/.test(digits) || bits > most) return undefined;
  for (let i = bits; i < most; i++) if (!loose && bitOf(bytes, i) === 1) return undefined;
  return { bytes, bits };
}

export function bitOf(bytes: Uint8Array, index: number): 0 | 1 {
  return (((bytes[index >> 3] as number) >> (7 - (index & 7))) & 1) as 0 | 1;
}

/**
 * The network in the data of a Client Subnet option. Undefined when it is malformed, which is
 * FORMERR: an unknown family, too few or too many octets, bits behind the prefix, a scope in a query
 * (RFC 7871 6, 7.1.2).
 */
export function readSubnet(bytes: Uint8Array, at: number, length: number): Network | undefined {
  if (length < 4 || bytes[at] !== 0 || bytes[at + 3] !== 0) return undefined;
  const most = FAMILY_BITS[bytes[at + 1] as number];
  const bits = bytes[at + 2] as number;
  if (most === undefined || bits > most || length !== 4 + Math.ceil(bits / 8)) return undefined;
  const address = new Uint8Array(most / 8);
  address.set(bytes.subarray(at + 4, at + length));
  for (let i = bits; i < (length - 4) * 8; i++) if (bitOf(address, i) === 1) return undefined;
  return { bytes: address, bits };
}
