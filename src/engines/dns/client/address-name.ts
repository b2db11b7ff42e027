/** Addresses as names: in-addr.arpa (RFC 1035 3.5) and ip6.arpa (RFC 3596 2.5). */
import { parseIpv4, parseIpv6 } from "../../../codecs/ip-text.ts";
import { hex } from "../../../codecs/reader.ts";

export function isIpText(text: string): boolean {
  return parseIpv4(text) !== undefined || parseIpv6(text) !== undefined;
}

/** Undefined when `text` is no address. */
export function reverseName(text: string): string | undefined {
  const v4 = parseIpv4(text);
  if (v4 !== undefined) return `${[...v4].reverse().join(".")}.in-addr.arpa.`;
  const v6 = parseIpv6(text);
  if (v6 === undefined) return undefined;
  return `${[...hex(v6, 0, 16)].reverse().join(".")}.ip6.arpa.`;
}
