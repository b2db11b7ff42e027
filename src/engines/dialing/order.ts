/** In which order the addresses of a name are tried. RFC 8305 4, with what RFC 6724 6 says without routes. */

/** IPv6 first where this host has an address of it to come from, then the families in turn. */
export function ordered(addresses: readonly string[], own: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  // RFC 6724 6, rule 1: what cannot be reached comes last.
  const global = own.some((address) => isV6(address) && !isNear(address));
  const [first, second] = split(addresses, (one) => isV6(one) && (global || isNear(one)));
  const [v4, unreached] = split(second, (one) => !isV6(one));
  return [...inTurn(first, v4), ...unreached];
}

function split(all: readonly string[], wanted: (one: string) => boolean): [string[], string[]] {
  return [all.filter(wanted), all.filter((one) => !wanted(one))];
}

/** RFC 8305 4: a First Address Family Count of 1. */
function inTurn(first: readonly string[], second: readonly string[]): string[] {
  const both: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    both.push(...first.slice(i, i + 1), ...second.slice(i, i + 1));
  }
  return both;
}

export function isV6(address: string): boolean {
  return address.includes(":");
}

/** Loopback and link-local addresses, which say nothing about a way to the world. RFC 4291 2.5.3, 2.5.6 */
function isNear(address: string): boolean {
  return address === "::1" || /^fe[89ab]/i.test(address);
}
