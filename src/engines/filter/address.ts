/** Addresses and prefixes as filters compare them. */
import { parseIpv4, parseIpv6 } from "../../codecs/ip-text.ts";

export interface Prefix {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** `10.0.0.0/8`, `2001:db8::/32` or a single address; undefined when it is none. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address, length, more] = text.split("/");
  if (address === undefined || more !== undefined) return undefined;
  const bytes = parseIpv4(address) ?? parseIpv6(address);
  if (bytes === undefined) return undefined;
  if (length === undefined) return { bytes, length: bytes.length * 8 };
  if (!/^[0-9]{1,3}$/.test(length) || Number(length) > bytes.length * 8) return undefined;
  return { bytes, length: Number(length) };
}

export function inPrefix(address: string, prefix: Prefix): boolean {
  const bytes = address.includes(":") ? parseIpv6(address) : parseIpv4(address);
  if (bytes === undefined || bytes.length !== prefix.bytes.length) return false;
  const whole = prefix.length >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== prefix.bytes[i]) return false;
  const rest = prefix.length & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bytes[whole] as number) & mask) === ((prefix.bytes[whole] as number) & mask);
}

/** -1, 0 or 1; addresses of different families have no order (undefined). */
export function compareAddresses(a: string, b: Prefix): number | undefined {
  const bytes = a.includes(":") ? parseIpv6(a) : parseIpv4(a);
  if (bytes === undefined || bytes.length !== b.bytes.length) return undefined;
  for (let i = 0; i < bytes.length; i++) {
    const difference = (bytes[i] as number) - (b.bytes[i] as number);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
